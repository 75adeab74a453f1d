"""Which orders are placed: prices at set distances from the mid, on steps the venue has, never marketable."""

import polars as pl

from grinder_resources.contracts.exact import BPS_X1000, half_even
from grinder_resources.contracts.gold_fills import EVERY_S, PROBE_DISTANCES_BPS
from grinder_resources.contracts.instruments import NS_PER_SECOND, Instrument
from grinder_resources.gold.lattice import unit_lots


def orders_at(moments: pl.DataFrame, instrument: Instrument) -> pl.DataFrame:
    """Return the orders of every moment, by time and distance asked for: buys in even minutes, sales in odd ones.

    moments
        One instrument's ts_ns, bid_ticks, ask_ticks and step_ticks, and whatever else the orders shall carry.

    Added are side, asked_bps, price_ticks and size_lots. A price is rounded to steps away from the mid, and stays one
    short of the other side. Of orders of one moment at one price, the nearest asked for is kept.
    """
    step, mid = pl.col("step_ticks"), pl.col("bid_ticks") + pl.col("ask_ticks")
    asked, scale = 1_000 * pl.col("asked_bps"), 2 * BPS_X1000 * step
    below, above = mid * (BPS_X1000 - asked) // scale, -(-mid * (BPS_X1000 + asked) // scale)
    bought = pl.min_horizontal(below, pl.col("ask_ticks") // step - 1)
    sold = pl.max_horizontal(above, -(-pl.col("bid_ticks") // step) + 1)
    in_turn = 1 - 2 * (pl.col("ts_ns") // (EVERY_S * NS_PER_SECOND) % 2)
    distances = pl.DataFrame({"asked_bps": PROBE_DISTANCES_BPS}, schema={"asked_bps": pl.Int64()})
    placed = (
        moments.with_columns(_sizes(moments, instrument), in_turn.alias("side"))
        .join(distances, how="cross")
        .with_columns(price_ticks=step * pl.when(pl.col("side") > 0).then(bought).otherwise(sold))
        .filter(pl.col("price_ticks") > 0)
    )
    return placed.unique(["ts_ns", "price_ticks"], keep="first", maintain_order=True)


def distance_x1000(side: pl.Expr, price_ticks: pl.Expr, mid_half_ticks: pl.Expr) -> pl.Expr:
    """Return how far a price lies from the mid on its side, bps x 1000, half-even; 0 where it lies beyond the mid."""
    distance: pl.Expr = half_even((side * (mid_half_ticks - 2 * price_ticks)).clip(0) * BPS_X1000, mid_half_ticks)
    return distance


def _sizes(moments: pl.DataFrame, instrument: Instrument) -> pl.Series:
    """Return one unit of size at each moment, lots."""
    mids = (moments["bid_ticks"] + moments["ask_ticks"]).to_list()
    return pl.Series("size_lots", [unit_lots(mid, instrument) for mid in mids], dtype=pl.Int64())
