"""Returns of a forecaster: what its answers saved against the reference, hour by hour, as exact integers.

A trial's return in an hour is the squared error of the reference minus its own, summed over the open rows, both before
calibration: to be calibrated where the reference is not is no knowledge. It is the
profit and loss of a forecaster that is paid by the quadratic score (Brier 1950) and charged what the reference would
have been paid: positive where it knew more, zero for a copy of the reference, and in expectation largest for the true
probabilities, so that bolder answers cannot game it. That makes it the analogue of a strategy's return over its
benchmark, and `evaluation.overfitting` asks the same of both: is the best of many more than the luckiest of many?
Returns of a backtest's net asset value go through the same functions.

Sums are integers, so the same rows give the same returns in any order, and returns of disjoint rows add up.
"""

import polars as pl

from grinder_resources.errors import OutOfRange
from grinder_resources.evaluation.scores import BLOCK_NS

BPS = 10_000
"""A probability of 1, in bps."""

_LARGEST_SUM = (1 << 63) - 1


def block_returns(predictions: pl.DataFrame) -> dict[int, int]:
    """Return block -> return of one answer (one mode, head and class), blocks in time order.

    predictions
        Rows of `reports/predictions/<model>`: ts_ns, settled, label, baseline, prediction, class ('' for a regression).
        Settled rows and rows without label have no part in it.

    A block is ts_ns // 3600e9, the hour since 1970. Units: bps squared, all three rounded to bps half-even;
    squared label units for a regression, rounded half-even. Hours without open rows have no entry.

    Raises OutOfRange where the sum could leave 64 bits.
    """
    judged = predictions.filter(~pl.col("settled"), pl.col("label").is_not_null())
    if judged.is_empty():
        return {}
    answers = _integers(judged, regression=judged["class"][0] == "")
    _fits(answers)
    saved = (pl.col("baseline") - pl.col("label")) ** 2 - (pl.col("answer") - pl.col("label")) ** 2
    blocks = answers.group_by(block=pl.col("ts_ns") // BLOCK_NS).agg(saved.sum().alias("return")).sort("block")
    return dict(blocks.select("block", "return").iter_rows())


def _integers(judged: pl.DataFrame, *, regression: bool) -> pl.DataFrame:
    """Return ts_ns and whole-number label, baseline and answer, Int64 each."""
    scale = 1 if regression else BPS
    answer = _rounded("prediction", scale).alias("answer")
    return judged.select("ts_ns", _rounded("label", scale), _rounded("baseline", scale), answer)


def _rounded(column: str, scale: int) -> pl.Expr:
    return (pl.col(column) * scale).round(mode="half_to_even").cast(pl.Int64)


def _fits(answers: pl.DataFrame) -> None:
    """Refuse numbers whose squared differences, all rows in one block, could overflow."""
    largest = int(answers.select(pl.max_horizontal(pl.exclude("ts_ns").abs()).max()).item())
    if (2 * largest) ** 2 * answers.height > _LARGEST_SUM:
        raise OutOfRange("an answer is too large for exact returns", where="block_returns", got=str(largest))
