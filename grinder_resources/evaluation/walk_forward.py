"""Walk-forward: fit on the past, answer the next day, move on; then say plainly what the answers were worth.

The answers of all folds together (`learning.folds`) are the only ones this project judges a model by, and among them
only those that were still open at decision time: a row that was settled by then counts as answered, never as right.
In-sample scores, and scores with the settled rows, are kept beside them for comparison; they are never evidence.

Every fold also fits the reference of each head (`learning.reference`), and skill is over its answers, row by row. What
a fold answers is calibrated by what earlier folds got right (`evaluation.calibrated`). Each answer that is judged is a
trial: its returns go to the ledger, once for the same rows, spec and code, however often the report is made.

What the scores allow to be said is in `evaluation.verdicts`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

from grinder_resources.code_version import code_version as code_version_of
from grinder_resources.contracts.reports import POOLED, predictions_table, walk_forward_table
from grinder_resources.evaluation.calibrated import calibrated_scores, with_calibrated_bps
from grinder_resources.evaluation.curves import calibration
from grinder_resources.evaluation.ranking import ranking_beyond
from grinder_resources.evaluation.returns import block_returns
from grinder_resources.evaluation.scores import RESAMPLES, Estimate, Scores, score, time_blocks
from grinder_resources.evaluation.verdicts import verdicts
from grinder_resources.hashing import sha256_facts
from grinder_resources.learning.fold_store import FoldResult, FoldStore
from grinder_resources.learning.folds import data_sha256, judged_facts, run_folds
from grinder_resources.learning.ledger import Ledger, Trial
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.splits import MODES, Mode, Split, walk_forward

TARGET = ("mode", "head", "class")

SKILLS = MappingProxyType({"skill": "baseline", "skill_over_base": "base_rate"})
"""Skills, and the column of the predictions that each is over: what open rows taught, so of open rows alone."""

_Folds = Mapping[Mode, Sequence[FoldResult]]


@dataclass(frozen=True)
class WalkForwardResult:
    """Rows of the four report tables of a model, the splits of every mode, and how many folds were fitted for it."""

    model: str
    splits: Mapping[Mode, tuple[Split, ...]]
    predictions: pl.DataFrame
    scores: pl.DataFrame
    verdicts: pl.DataFrame
    calibration: pl.DataFrame
    fitted: int


def run_walk_forward(
    spec: ModelSpec,
    frame: pl.DataFrame,
    *,
    store: FoldStore,
    ledger: Ledger,
    code_version: str,
    modes: Sequence[Mode] = MODES,
    min_train_days: int = 1,
    train_days: int | None = None,
    workers: int = 2,
) -> WalkForwardResult:
    """Return the walk-forward report of a spec over rows of its dataset.

    store, code_version, workers
        As in `learning.folds.run_folds`. Folds that no split of this run asks for are swept from the store.
    ledger
        Takes a trial a fit, and a trial a mode, head and class that it does not hold yet.
    min_train_days, train_days
        As in `learning.splits.walk_forward`. Splits that both modes share are fitted once.

    Raises TooFewDays if there is no day to test, SchemaMismatch if `frame` lacks an input or a column of the reference.
    A head that no fold could fit is in the verdicts with its reason.
    """
    days = frame["date"].unique().to_list()
    splits = {mode: walk_forward(days, mode, min_train_days, train_days) for mode in modes}
    every = [split for mode in modes for split in splits[mode]]
    made = run_folds(spec, frame, every, store=store, ledger=ledger, code_version=code_version, workers=workers)
    folds: _Folds = {mode: [made[split] for split in splits[mode]] for mode in modes}
    predictions = _predictions(spec, folds)
    scores = _scores(spec.name, folds, predictions)
    tried = _tried(spec, frame) | {"code_version": code_version, "window": [min_train_days, train_days or 0]}
    _record(ledger, spec, predictions, tried | {"data": data_sha256(spec, frame)})
    store.sweep(spec.name, made.values())
    return WalkForwardResult(
        model=spec.name,
        splits=splits,
        predictions=predictions,
        scores=scores,
        verdicts=verdicts(spec, {mode: len(splits[mode]) for mode in modes}, _reasons(folds), scores),
        calibration=calibration(spec.name, predictions),
        fitted=sum(fold.trained for fold in made.values()),
    )


def _tried(spec: ModelSpec, frame: pl.DataFrame) -> dict[str, Any]:
    """Return what makes one try another one than the next, besides its window: inputs, settings and all code."""
    import xgboost

    inputs = spec.select(frame.schema)
    return {
        "spec": sha256_facts(judged_facts(spec)),
        "inputs": sha256_facts([*inputs.numeric, *inputs.categorical]),
        "made_by": code_version_of("contracts", "evaluation", "features", "gates", "learning", "market"),
        "versions": [xgboost.__version__, np.__version__],
    }


def _reasons(folds: _Folds) -> dict[Mode, dict[str, str]]:
    """Return why a head could not be fitted, by mode and head; the last such fold speaks."""
    return {
        mode: {head: why for fold in of_mode for head, why in fold.reasons.items()} for mode, of_mode in folds.items()
    }


def _predictions(spec: ModelSpec, folds: _Folds) -> pl.DataFrame:
    """Return the labelled answers of every fold, calibrated; one mode knows nothing of the other."""
    table = predictions_table(spec.name)
    numbered = [
        answers.filter(pl.col("label").is_not_null()).with_columns(
            pl.lit(mode).alias("mode"), pl.lit(number, pl.Int32).alias("fold")
        )
        for mode, of_mode in folds.items()
        for number, answers in enumerate(with_calibrated_bps(spec, [fold.answers for fold in of_mode]), start=1)
        if answers.height
    ]
    return table.conform(pl.concat(numbered).select(table.schema.names())) if numbered else table.empty()


def _scores(model: str, folds: _Folds, predictions: pl.DataFrame) -> pl.DataFrame:
    """Return in-sample scores of every fold, and scores of the open answers by fold and pooled; pooled, of all."""
    table = walk_forward_table(model)
    records = [*_in_sample(folds), *calibrated_scores(predictions)]
    for answered in predictions.partition_by(*TARGET, maintain_order=True):
        target, judged = answered.select(TARGET).row(0), answered.filter(~pl.col("settled"))
        pooled = _score(judged)
        records += _score(answered, skills={}, resamples=0).records(*target, POOLED, "all")
        records += replace(pooled, metrics=pooled.metrics | ranking_beyond(judged)).records(*target, POOLED, "test")
        for single in judged.partition_by("fold", maintain_order=True):
            records += _score(single).records(*target, single["fold"][0], "test")
    return table.conform(pl.DataFrame(records, schema=table.schema, orient="row"))


def _in_sample(folds: _Folds) -> Iterator[tuple[Any, ...]]:
    """Yield rows of scores on the rows a booster was fitted on: no block of time was resampled for them."""
    for mode, of_mode in folds.items():
        for number, fold in enumerate(of_mode, start=1):
            for head, part in fold.in_sample:
                metrics = {name: Estimate(value) for name, value in part.scores.items()}
                yield from Scores(part.rows, part.positives, 0, metrics).records(
                    mode, head, part.output, number, part.part
                )


def _score(predictions: pl.DataFrame, skills: Mapping[str, str] = SKILLS, resamples: int = RESAMPLES) -> Scores:
    """Return the scores of rows of one class; none where there are no rows."""
    label, answer = predictions["label"].to_numpy(), predictions["prediction"].to_numpy()
    baselines = {name: predictions[column].to_numpy() for name, column in skills.items()}
    blocks, regression = time_blocks(predictions["ts_ns"].to_numpy()), set(predictions["class"]) == {""}
    return score(label, answer, baselines, blocks, regression=regression, resamples=resamples)


def _record(ledger: Ledger, spec: ModelSpec, predictions: pl.DataFrame, facts: Mapping[str, Any]) -> None:
    """Append the trial of every answer that the ledger does not hold yet, or not with these returns."""
    known = {(record.trial.key, record.trial.blocks, record.trial.returns) for record in ledger.read()}
    trials = []
    for answered in predictions.partition_by(*TARGET, maintain_order=True):
        mode, head, output = answered.select(TARGET).row(0)
        returns = block_returns(answered)
        trial = Trial(
            kind="walk_forward",
            subject=spec.name,
            question=f"{head}/{output}" if output else head,
            facts={**facts, "dataset": spec.dataset, "mode": mode, "folds": answered["fold"].n_unique()},
            blocks=tuple(returns),
            returns=tuple(returns.values()),
        )
        trials += [trial] if (trial.key, trial.blocks, trial.returns) not in known else []
    ledger.append(trials)
