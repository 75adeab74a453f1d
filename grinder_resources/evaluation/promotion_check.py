"""The promotion check: gather what the walk-forward and the ledger say of a model, and hold it against the gates."""

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from grinder_resources.contracts.promotion import promotion_table
from grinder_resources.contracts.reports import POOLED, predictions_table, walk_forward_table
from grinder_resources.errors import LedgerBroken
from grinder_resources.evaluation.calibrated import PART
from grinder_resources.evaluation.overfitting import (
    SharpeRatio,
    backtest_overfitting,
    deflated_sharpe_ratio,
    effective_trials,
    expected_maximum_sharpe,
    sharpe_ratio,
)
from grinder_resources.evaluation.promotion import Answer, Promotion
from grinder_resources.evaluation.promotion_gates import CODES, Gates
from grinder_resources.evaluation.returns import block_returns
from grinder_resources.evaluation.scores import Estimate
from grinder_resources.evaluation.trials import Trials, floats, trials_on
from grinder_resources.hashing import sha256_facts, sha256_rows
from grinder_resources.lake import Lake, fingerprint
from grinder_resources.learning.adopted import in_force
from grinder_resources.learning.folds import judged_facts
from grinder_resources.learning.ledger import LEDGER_FILE, Ledger, Trial
from grinder_resources.learning.metrics import Floats
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.splits import Mode

_PPM = 1_000_000
_Question = tuple[str, str]


def promotion(
    spec: ModelSpec, lake: Lake, models_dir: Path, *, mode: Mode = "expanding", gates: Gates | None = None
) -> Promotion:
    """Return whether the walk-forward in the lake and the ledger in `models_dir` carry the model.

    mode
        Walk-forward mode whose answers are judged; trials of every mode count.
    gates
        Thresholds, None = the defaults. Others are a try like any other: they are written to the ledger first, so that
        whoever looks for a threshold that passes raises the bar with every look.

    A broken ledger is a finding, not an error. Raises PartitionMissing if there is no walk-forward in the lake.
    """
    spec, asked = in_force(spec, models_dir), gates or Gates()
    predictions = lake.read(predictions_table(spec.name)).filter(pl.col("mode") == mode)
    scores = lake.read(walk_forward_table(spec.name)).filter(pl.col("mode") == mode, pl.col("fold") == POOLED)
    trials, fault = _trials(Ledger(models_dir / LEDGER_FILE), spec, mode, asked)
    evidence = _Evidence(spec, mode, predictions, scores, trials)
    return Promotion(
        model=spec.name,
        mode=mode,
        gates=asked,
        answers=evidence.answers,
        trials=trials.count if trials else 0,
        effective=effective_trials(evidence.matrix),
        sharpe_by_luck=expected_maximum_sharpe(trials.count, trials.sharpe_variance) if trials else None,
        overfitting=backtest_overfitting(evidence.matrix),
        ledger_fault=fault,
    )


def commit_promotion(lake: Lake, found: Promotion, code_version: str) -> pl.DataFrame:
    """Replace `reports/promotion/<model>` by the check, unless it says the same; return its rows."""
    table, rows = promotion_table(found.model), promotion_rows(found)
    upstream = {"evidence": sha256_rows(rows)}
    if lake.current(table, None, fingerprint(code_version, upstream)) is None:
        lake.commit(table, rows, day=None, code_version=code_version, upstream=upstream)
    return rows


def promotion_rows(found: Promotion) -> pl.DataFrame:
    """Return the check as rows of `reports/promotion/<model>`."""
    table = promotion_table(found.model)
    records = [_record(found, answer) for answer in found.answers]
    return table.conform(pl.DataFrame(records, schema=table.schema, orient="row"))


def _trials(ledger: Ledger, spec: ModelSpec, mode: Mode, gates: Gates) -> tuple[Trials | None, str]:
    """Return the trials on the spec's dataset and '', or None and what is wrong with the ledger."""
    try:
        records = ledger.read()
        if gates != Gates():
            ledger.append([_threshold_trial(spec, mode, gates)])
            records = ledger.read()
        return trials_on(records, spec.dataset), ""
    except LedgerBroken as error:
        return None, error.line()


def _threshold_trial(spec: ModelSpec, mode: Mode, gates: Gates) -> Trial:
    thresholds = {f"{name}_ppm": round(value * _PPM) for name, value in asdict(gates).items()}
    return Trial("threshold", spec.name, "", {"dataset": spec.dataset, "mode": mode, **thresholds})


@dataclass(frozen=True)
class _Evidence:
    """Out-of-fold answers and pooled scores of one mode, and the dataset's trials, None where the ledger is broken."""

    spec: ModelSpec
    mode: Mode
    predictions: pl.DataFrame
    scores: pl.DataFrame
    trials: Trials | None

    @cached_property
    def answers(self) -> tuple[Answer, ...]:
        """Evidence of every class of every head."""
        return tuple(self._answer(head.name, output) for head in self.spec.heads for output in head.outputs)

    @cached_property
    def returns(self) -> dict[_Question, dict[int, int]]:
        """What the answers of every class of every head saved, by block."""
        questions = [(head.name, output) for head in self.spec.heads for output in head.outputs]
        return {asked: block_returns(self.predictions.filter(_is(asked))) for asked in questions}

    @cached_property
    def matrix(self) -> Floats:
        """Returns of the trials over the same rows, float64 [blocks, trials]."""
        behind = [trial for asked in self.returns if (trial := self._behind(asked))]
        return self.trials.matrix(str(behind[0].facts["data"])) if self.trials and behind else np.zeros((0, 0))

    def _answer(self, head: str, output: str) -> Answer:
        asked = (head, output)
        raw, calibrated = (self._metrics(asked, part) for part in ("test", PART))
        sharpe = sharpe_ratio(floats(self.returns[asked].values()))
        return Answer(
            head=head,
            output=output,
            rows=self.predictions.filter(_is(asked), ~pl.col("settled")).height,
            blocks=len(self.returns[asked]),
            recorded=self.trials is not None and (not self.returns[asked] or self._behind(asked) is not None),
            auc=(calibrated if output else raw).get("auc"),
            auc_beyond=raw.get("auc_beyond"),
            skill=raw.get("skill"),
            skill_over_base=raw.get("skill_over_base"),
            ece=calibrated.get("ece"),
            sharpe=sharpe.value if sharpe else None,
            dsr=self._deflated(sharpe),
            ceiling=self.spec.alarm_auc,
        )

    def _deflated(self, sharpe: SharpeRatio | None) -> float | None:
        if sharpe is None or self.trials is None:
            return None
        return deflated_sharpe_ratio(sharpe, self.trials.count, self.trials.sharpe_variance)

    def _behind(self, asked: _Question) -> Trial | None:
        """Return the trial of this very spec in the ledger that earned exactly what the answers in the lake did."""
        returns = self.returns[asked]
        if not self.trials or not returns:
            return None
        question = "/".join(asked) if asked[1] else asked[0]
        found = self.trials.behind(self.spec.name, question, self.mode, returns)
        return found if found and found.facts["spec"] == sha256_facts(judged_facts(self.spec)) else None

    def _metrics(self, asked: _Question, part: str) -> dict[str, Estimate]:
        rows = self.scores.filter(_is(asked), pl.col("part") == part)
        return {metric: Estimate(*bounds) for metric, *bounds in rows.select("metric", "value", "low", "high").rows()}


def _is(asked: _Question) -> pl.Expr:
    return (pl.col("head") == asked[0]) & (pl.col("class") == asked[1])


def _record(found: Promotion, answer: Answer) -> tuple[object, ...]:
    codes = found.codes_of(answer)
    return (
        found.mode,
        answer.head,
        answer.output,
        answer.rows,
        *_bounds(answer.auc),
        *_bounds(answer.auc_beyond),
        *_bounds(answer.skill),
        answer.ece and answer.ece.high,
        answer.blocks,
        answer.sharpe,
        found.trials,
        found.sharpe_by_luck,
        answer.dsr,
        found.pbo,
        " ".join(codes),
        "; ".join(CODES[code] for code in codes) or "carries",
    )


def _bounds(estimate: Estimate | None) -> tuple[float | None, float | None, float | None]:
    return (estimate.value, estimate.low, estimate.high) if estimate else (None, None, None)
