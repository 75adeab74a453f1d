# ruff: noqa: PLR0917 - compiled functions pass their arguments by position
"""Order-book numbers of one book: depth, impact of a reference size, walls; in integers.

The formulas are those of the L2 snapshot contract (ML spec 12.2.1). Limits as in `market.l1`.
"""

import numpy as np
import numpy.typing as npt

from grinder_resources.market.compiled import compiled
from grinder_resources.market.l1 import imbalance_bps
from grinder_resources.market.rounding import divide_half_even, ratio_half_even, wide, wide_add, wide_mul, wide_scale

Ints = npt.NDArray[np.int64]

INSUFFICIENT_DEPTH_BPS = 500
"""Impact of a size that the book cannot fill."""

BOOK_FEATURES = (
    "depth",
    "depth_bid_lots",
    "depth_ask_lots",
    "depth_imbalance_topN_bps",
    "impact_buy_topN_bps",
    "impact_sell_topN_bps",
    "impact_buy_topN_insufficient_depth",
    "impact_sell_topN_insufficient_depth",
    "wall_bid_score_topN_x1000",
    "wall_ask_score_topN_x1000",
)
"""What `book_features` returns, in order."""


@compiled
def impact_bps(ticks: Ints, lots: Ints, qty_ref_lots: int) -> int:
    """Return the distance of the average fill price of `qty_ref_lots` from the best price, bps, half-even.

    `ticks` and `lots` are one side of the book, best level first. 500 where the side holds less than `qty_ref_lots`.
    """
    remaining = qty_ref_lots
    slipped = wide(0)
    for level in range(ticks.size):
        filled = min(remaining, lots[level])
        slipped = wide_add(slipped, wide_mul(abs(ticks[level] - ticks[0]), filled))
        remaining -= filled
        if remaining == 0:
            return divide_half_even(wide_scale(slipped, 10_000), wide_mul(ticks[0], qty_ref_lots))
    return INSUFFICIENT_DEPTH_BPS


@compiled
def wall_score_x1000(lots: Ints) -> int:
    """Return largest / median size x 1000, half-even; 1000 below three levels; even counts average the middle two."""
    if lots.size < 3:
        return 1000
    ordered = _sorted(lots)
    twice_median = ordered[(lots.size - 1) // 2] + ordered[lots.size // 2]
    return ratio_half_even(ordered[lots.size - 1], 2000, twice_median)


@compiled
def _sorted(values: Ints) -> Ints:
    """Return the values in ascending order; by insertion, the fastest for a handful and quick to compile."""
    ordered = values.copy()
    for i in range(1, ordered.size):
        value, place = ordered[i], i
        while place > 0 and ordered[place - 1] > value:
            ordered[place] = ordered[place - 1]
            place -= 1
        ordered[place] = value
    return ordered


@compiled
def _total(values: Ints) -> int:
    total = 0
    for value in values:
        total += value
    return total


@compiled
def book_features(
    bid_ticks: Ints,
    bid_lots: Ints,
    ask_ticks: Ints,
    ask_lots: Ints,
    qty_ref_lots: int,
    epsilon_numerator: int,
    epsilon_denominator: int,
) -> tuple[int, int, int, int, int, int, int, int, int, int]:
    """Return the numbers named by BOOK_FEATURES; `depth` counts the levels that both sides hold."""
    bid_total = _total(bid_lots)
    ask_total = _total(ask_lots)
    buy = impact_bps(ask_ticks, ask_lots, qty_ref_lots)
    sell = impact_bps(bid_ticks, bid_lots, qty_ref_lots)
    return (
        min(bid_ticks.size, ask_ticks.size),
        bid_total,
        ask_total,
        imbalance_bps(bid_total, ask_total, epsilon_numerator, epsilon_denominator),
        buy,
        sell,
        int(buy == INSUFFICIENT_DEPTH_BPS),
        int(sell == INSUFFICIENT_DEPTH_BPS),
        wall_score_x1000(bid_lots),
        wall_score_x1000(ask_lots),
    )
