"""NATR of 5-minute bars: the bot's `natr_14_5m`, exact, from one-minute bars."""

import polars as pl

from grinder_resources.contracts.exact import BPS_X1000, half_even
from grinder_resources.contracts.gold_fills import NATR_BAR_MIN, NATR_BARS
from grinder_resources.contracts.instruments import NS_PER_SECOND

_BAR_NS = NATR_BAR_MIN * 60 * NS_PER_SECOND


def natr_14_5m(bars: pl.DataFrame) -> pl.DataFrame:
    """Return `known_ns` and `natr_14_5m_x1000` of one instrument, in order of time.

    bars
        Its rows of `silver/bars`, any order.

    True range is max(high - low, |high - previous close|, |low - previous close|), the previous bar being the one
    before in time, across gaps as well (the bot's NATR contract). NATR is the plain mean of the last 14 over the last
    close, bps x 1000, half-even. A bar is known once it is over, five minutes after its start; minutes without a quote
    are not looked at, and five of them make no bar.
    """
    quoted = bars.filter(pl.col("close_half_ticks").is_not_null()).sort("ts_ns")
    five = quoted.group_by((pl.col("ts_ns") // _BAR_NS).alias("bar"), maintain_order=True).agg(
        high=pl.col("high_half_ticks").max(),
        low=pl.col("low_half_ticks").min(),
        close=pl.col("close_half_ticks").last(),
    )
    previous = pl.col("close").shift()
    true_range = pl.max_horizontal("high", previous) - pl.min_horizontal("low", previous)
    first_has_none = pl.when(previous.is_not_null()).then(true_range)
    total = first_has_none.rolling_sum(NATR_BARS)
    return five.select(
        known_ns=(pl.col("bar") + 1) * _BAR_NS,
        natr_14_5m_x1000=half_even(total * BPS_X1000, NATR_BARS * pl.col("close")),
    ).drop_nulls()
