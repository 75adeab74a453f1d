"""Real orders as rows of the fill dataset: what was known when each was placed, and what became of it."""

import polars as pl

from grinder_resources.contracts.gold_fills import ORDER, WATCH_S
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.gold.orders import assemble_orders

SNAPSHOT_AGE_NS = NS_PER_SECOND
"""Oldest snapshot that an order is described by: they come once a second."""


def real_orders(events: pl.DataFrame, snapshots: pl.DataFrame, in_force: pl.DataFrame, end_ns: int) -> pl.DataFrame:
    """Return the limit orders of one instrument that came to rest, with the columns that probes have.

    events
        Rows of `bronze/orders` of a day, any order. Orders whose events cannot all be true are left out.
    snapshots
        `silver/snapshots`, by time. The newest one at or before the placement says what was known; an order without
        one of the last second, or with one behind a gap, is left out.
    in_force
        Quotes by time: ts_ns, bid_ticks, bid_lots, ask_ticks, ask_lots, step_ticks, in_force_ns.
    end_ns
        End of the session.

    A price that crosses the quote in force takes instead of resting and is left out. Orders can be watched until the
    day's quotes or the session end, filled or not, and one that its owner took away until then. How long the owner of
    a filled one would have waited, nobody knows. Part fills are no fills. Nothing is known of what giving up would have
    cost.
    """
    lives = assemble_orders(events).filter(pl.col("fault").is_null()).rename({"placed_ns": "ts_ns"})
    known = (
        lives.with_columns(pl.col("side").cast(pl.Int64()))
        .sort("ts_ns", "order_id")
        .join_asof(snapshots.drop("date", "venue", "symbol"), on="ts_ns", tolerance=SNAPSHOT_AGE_NS - 1)
        .join_asof(in_force, on="ts_ns")
        .filter(~pl.col("gap"), _rests())
    )
    last_ns = min(int(in_force["ts_ns"].max() or 0), end_ns)  # type: ignore[arg-type]
    whole = pl.col("outcome") == "filled"
    ended = pl.when(whole).then(last_ns).otherwise(pl.min_horizontal(pl.col("finished_ns").fill_null(last_ns), last_ns))
    watched = (ended - pl.col("ts_ns")).clip(0, WATCH_S * NS_PER_SECOND)
    return known.with_columns(
        pl.lit(ORDER).alias("source"),
        pl.from_epoch("ts_ns", time_unit="ns").dt.date().alias("date"),
        pl.lit(None, pl.Int64()).alias("asked_bps"),
        front_lots=_front(),
        filled_after_ns=pl.when(whole, pl.col("time_to_fill_ns") <= watched).then("time_to_fill_ns"),
        watched_ns=watched,
        bid_then=pl.lit(None, pl.Int64()),
        ask_then=pl.lit(None, pl.Int64()),
    ).drop(set(lives.columns) - {"venue", "symbol", "ts_ns", "order_id", "side", "price_ticks", "size_lots"})


def _rests() -> pl.Expr:
    bought = pl.col("side") > 0
    return (
        pl.when(bought)
        .then(pl.col("price_ticks") < pl.col("ask_ticks"))
        .otherwise(pl.col("price_ticks") > pl.col("bid_ticks"))
    )


def _front() -> pl.Expr:
    """Return the lots shown at the order's price: 0 at a price of its own, null deeper than the best."""
    bought = pl.col("side") > 0
    best = pl.when(bought).then(pl.col("bid_ticks")).otherwise(pl.col("ask_ticks"))
    shown = pl.when(bought).then(pl.col("bid_lots")).otherwise(pl.col("ask_lots"))
    better = pl.col("side") * (pl.col("price_ticks") - best)
    return pl.when(better > 0).then(0).when(better == 0).then(shown)
