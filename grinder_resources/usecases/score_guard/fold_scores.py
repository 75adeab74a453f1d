"""Scores that the lake holds already: out-of-fold answers of a walk-forward, each by a booster of earlier days only.

They judge a model over many days, where an artifact is out of sample on the days after its training alone.
"""

import polars as pl

from grinder_resources.contracts.calibration import CERTAIN_BPS
from grinder_resources.contracts.reports import predictions_table
from grinder_resources.contracts.score_guard import SCORES
from grinder_resources.errors import NoData
from grinder_resources.hashing import sha256_facts, sha256_rows
from grinder_resources.lake import Lake
from grinder_resources.usecases.score_guard.model_scores import NOT, Outputs
from grinder_resources.usecases.score_guard.scores import Scores

MODE = "expanding"
_ROW = ["venue", "symbol", "ts_ns"]


def fold_scores(lake: Lake, model: str, outputs: Outputs | None) -> Scores:
    """Return the calibrated answers of a model's walk-forward, in its expanding mode.

    outputs
        None = P(not HIGH) as score and P(HIGH) as hazard of the first head with such a class.

    Raises PartitionMissing without a walk-forward, NoData where it never gave such an answer.
    """
    answers = lake.read(predictions_table(model)).filter(pl.col("mode") == MODE)
    used = outputs or _default(answers, model)
    rows = _answer(answers, used.score, "score_bps")
    hazards = _answer(answers, used.hazard, "hazard_bps") if used.hazard else None
    if rows.is_empty():
        raise NoData("the walk-forward holds no such answer", where=predictions_table(model).name, got=used.score)
    if hazards is None:
        scored = rows.with_columns(hazard_bps=pl.lit(None, dtype=pl.Int64))
    else:
        scored = rows.join(hazards, on=_ROW, how="left")
    facts = {"rows": sha256_rows(SCORES.conform(scored)), "outputs": str(used)}
    return Scores(f"walk-forward of {model}: {used}", sha256_facts(facts), SCORES.conform(scored), out_of_fold=True)


def _default(answers: pl.DataFrame, model: str) -> Outputs:
    heads = answers.filter(pl.col("class") == "HIGH")["head"].unique(maintain_order=True).to_list()
    if not heads:
        raise NoData("no head of the walk-forward has a class HIGH", where=model, hint="Give --score-output")
    return Outputs(f"{heads[0]}/{NOT}HIGH", f"{heads[0]}/HIGH")


def _answer(answers: pl.DataFrame, output: str, name: str) -> pl.DataFrame:
    """Return venue, symbol, ts_ns and the output's bps; the answer of the later fold where two have one."""
    head, _, label = output.partition("/")
    label, other = label.removeprefix(NOT), label.startswith(NOT)
    own = answers.filter(pl.col("head") == head, pl.col("class") == label, pl.col("calibrated_bps").is_not_null()).sort(
        "fold"
    )
    bps = pl.col("calibrated_bps").cast(pl.Int64)
    return own.select(*_ROW, (CERTAIN_BPS - bps if other else bps).alias(name)).unique(_ROW, keep="last")
