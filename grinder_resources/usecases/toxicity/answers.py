"""The out-of-fold answers of the toxicity head, one row a minute, with the regime that was in force at each of them."""

from collections.abc import Sequence

import polars as pl

from grinder_resources.contracts.gold_toxicity import ADVERSE, SCORE, SCORE_INPUTS, VOLATILITY
from grinder_resources.contracts.reports import predictions_table
from grinder_resources.contracts.signals import REGIMES
from grinder_resources.contracts.toxicity_report import CUTS
from grinder_resources.errors import NoData, ProofFailed
from grinder_resources.learning.specs import TOXICITY
from grinder_resources.learning.splits import MODES, split_rows, walk_forward
from grinder_resources.learning.targets import quantile_cuts, raw_target
from grinder_resources.learning.training import in_time_order

MODE = MODES[0]
"""The walk-forward mode that reports lead with."""

PREDICTIONS = predictions_table(TOXICITY.name)
SCORES = (VOLATILITY, ADVERSE, SCORE, *(column.name for column in SCORE_INPUTS))
"""Columns that may rank minutes without a model."""

_HEAD, _DEAR = TOXICITY.heads
_ROW = ["venue", "symbol", "ts_ns"]


def fold_cuts(dataset: pl.DataFrame) -> pl.DataFrame:
    """Return rows of `reports/toxicity/cuts` from rows of `gold/training/toxicity`.

    They are made as the walk-forward makes them, from the training rows of each fold after purging.
    """
    frame = in_time_order(TOXICITY, dataset)
    raw = raw_target(frame, _HEAD)
    splits = walk_forward(frame["date"].unique().to_list(), MODE)
    records = [
        (number, split.test[0], *map(int, quantile_cuts(_HEAD, raw, split_rows(frame, split).train)))
        for number, split in enumerate(splits, start=1)
    ]
    return CUTS.conform(pl.DataFrame(records, schema=CUTS.schema, orient="row"))


def answered_minutes(predictions: pl.DataFrame, dataset: pl.DataFrame, cuts: pl.DataFrame) -> pl.DataFrame:
    """Return one row an out-of-fold minute whose current regime is known.

    Columns: date, venue, symbol, ts_ns, fold; `current` and `next`, regimes of the minute before and after; `LOW`,
    `MID`, `HIGH`, calibrated bps, `said`, the most likely of them, and `reference_said`; `model_low`, `model_high`,
    `reference_low`, `reference_high`, uncalibrated probabilities; `dear`, whether adverse selection came in its upper
    tercile, with `model_dear` and `reference_dear`, null in minutes without prints; and SCORES.

    Raises NoData where there is no answer, and ProofFailed where the cuts do not give the regimes that the walk-forward
    compared its answers with.
    """
    answers = predictions.filter(pl.col("mode") == MODE)
    of_head = answers.filter(pl.col("head") == _HEAD.name)
    if of_head.is_empty():
        raise NoData("there is no out-of-fold answer", where=PREDICTIONS.name, hint="Materialise more days first")
    known = (
        of_head.select(*_ROW, "date", "fold")
        .unique()
        .join(_by_class(of_head), on=_ROW)
        .join(_dear(answers), on=_ROW, how="left")
        .join(dataset.select(*_ROW, _HEAD.label, *SCORES), on=_ROW)
        .join(cuts.select("fold", "low_x1000", "mid_x1000"), on="fold")
    )
    regimes = known.with_columns(_regime(VOLATILITY).alias("current"), _regime(_HEAD.label).alias("next"))
    wrong = regimes.filter(pl.col("next") != pl.col("observed")).height
    if wrong:
        raise ProofFailed("cuts do not give the labels", where=CUTS.name, got=f"{wrong} minutes differ", expected="0")
    return regimes.filter(pl.col("current").is_not_null()).drop("observed", "low_x1000", "mid_x1000").sort(_ROW)


def _by_class(answers: pl.DataFrame) -> pl.DataFrame:
    """Return the answers of a minute side by side: the class that came, and what model and reference said."""
    columns: list[pl.Expr] = [pl.col("class").filter(pl.col("label") == 1.0).first().alias("observed")]
    for name in REGIMES:
        mine = pl.col("class") == name
        columns += [
            pl.col("calibrated_bps").filter(mine).first().cast(pl.Int64).alias(name),
            pl.col("prediction").filter(mine).first().alias(f"model_{name.lower()}"),
            pl.col("baseline").filter(mine).first().alias(f"reference_{name.lower()}"),
        ]
    wide = answers.group_by(_ROW).agg(columns)
    references = [f"reference_{name.lower()}" for name in REGIMES]
    return wide.with_columns(_largest(REGIMES).alias("said"), _largest(references).alias("reference_said"))


def _dear(answers: pl.DataFrame) -> pl.DataFrame:
    """Return what was said of adverse selection in its upper tercile, and whether it came."""
    mine = answers.filter(pl.col("head") == _DEAR.name, pl.col("class") == REGIMES[-1])
    came = (pl.col("label") == 1.0).alias("dear")
    return mine.select(
        *_ROW, came, pl.col("prediction").alias("model_dear"), pl.col("baseline").alias("reference_dear")
    )


def _regime(column: str) -> pl.Expr:
    """Return the regime of a volatility by the cuts beside it: one equal to a cut is below it; null without one."""
    above = (pl.col(column) > pl.col("low_x1000")).cast(pl.Int8) + (pl.col(column) > pl.col("mid_x1000"))
    return above.replace_strict(dict(enumerate(REGIMES)), return_dtype=pl.String())


def _largest(columns: Sequence[str]) -> pl.Expr:
    """Return the regime whose column, in their order, is the largest, of equals the lowest."""
    return pl.concat_list(columns).list.arg_max().replace_strict(dict(enumerate(REGIMES)), return_dtype=pl.String())
