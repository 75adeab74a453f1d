"""Rows of the fill dataset: orders by replay and real ones, what was known of them, and when they were filled."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from grinder_resources.contracts.exact import BPS_X1000, half_even
from grinder_resources.contracts.gold_fills import (
    CROSS_LABEL,
    CROSS_S,
    EVERY_S,
    FILL_DATASET,
    FILL_HORIZONS_S,
    PROBE,
    TIME_TO_FILL,
    WATCH_S,
    filled_label,
)
from grinder_resources.contracts.instruments import NS_PER_SECOND, Instrument
from grinder_resources.gold.fill_orders import distance_x1000, orders_at
from grinder_resources.gold.natr import natr_14_5m
from grinder_resources.gold.price_steps import with_price_steps
from grinder_resources.gold.real_orders import real_orders
from grinder_resources.market.minutes import is_of
from grinder_resources.market.settings import SnapshotConfig
from grinder_resources.simulation.probes import probe

_NS_PER_MS = 1_000_000
_QUOTE = ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
_TIME, _SEQUENCE = ["ts_ns"], ["ts_ns", "seq"]
_SIGNED = (
    "ofi_zscore_x1000",
    "imbalance_l1_bps",
    "microprice_dev_x1000",
    "ret_10s_x1000",
    "ret_60s_x1000",
    "trade_imbalance_60s_bps",
)
"""Snapshot columns above 0 where the market is being bought."""

_MID, _SIDE = pl.col("bid_ticks") + pl.col("ask_ticks"), pl.col("side")


@dataclass(frozen=True)
class MarketDay:
    """What a day's orders are placed on and judged by.

    snapshots, quotes, trades
        That day of `silver/snapshots`, `bronze/quotes` and `bronze/trades`.
    orders
        That day of `bronze/orders`, or none.
    bars
        `silver/bars` of that day and the day before, as far as there are any; a bar counts once it is over.
    instruments
        Units and sessions by (venue, symbol).
    """

    day: date
    snapshots: pl.DataFrame
    bars: pl.DataFrame
    quotes: pl.DataFrame
    trades: pl.DataFrame
    orders: pl.DataFrame
    instruments: Mapping[tuple[str, str], Instrument]

    def of(self, instrument: Instrument) -> "MarketDay":
        """Return the rows of one instrument, in order of time."""
        orders = {"snapshots": _TIME, "bars": _TIME} | dict.fromkeys(("quotes", "trades", "orders"), _SEQUENCE)
        mine = is_of(instrument)
        return replace(
            self,
            **{name: getattr(self, name).filter(mine).sort(by, maintain_order=True) for name, by in orders.items()},
        )


def fill_rows(market: MarketDay, least_watched_s: int = min(FILL_HORIZONS_S)) -> pl.DataFrame:
    """Return rows of `gold/training/fill_probability` for one day: probes, and real orders where there are any.

    A probe is placed at every snapshot on a whole minute with no gap behind it. An order has a row if one could watch
    it for `least_watched_s` at least: nothing is known of the others. An instrument without quotes has no rows.
    """
    least_ns = least_watched_s * NS_PER_SECOND
    instruments = [instrument for _, instrument in sorted(market.instruments.items())]
    made = [_instrument_rows(market.of(instrument), instrument) for instrument in instruments]
    made = [rows.filter(pl.col("label_watched_ms") * _NS_PER_MS >= least_ns) for rows in made]
    return FILL_DATASET.conform(pl.concat([FILL_DATASET.empty(), *made]))


def _instrument_rows(market: MarketDay, instrument: Instrument) -> pl.DataFrame:
    in_force = with_price_steps(market.quotes).select(
        "ts_ns", *_QUOTE, "step_ticks", pl.col("ts_ns").alias("in_force_ns")
    )
    natr, end_ns = natr_14_5m(market.bars), instrument.session_ns(market.day)[1]
    real = real_orders(market.orders, market.snapshots, in_force, end_ns)
    placed = [_probes(market, in_force, instrument, end_ns), *([real] if real.height else [])]
    orders = pl.concat(placed, how="diagonal").sort("ts_ns", maintain_order=True)
    known = orders.join_asof(natr, left_on="ts_ns", right_on="known_ns")
    rows = known.with_columns(*_inputs(), *_labels())
    return rows.with_columns(_SIDE.cast(pl.Int8)).select(FILL_DATASET.schema.names())


def _probes(market: MarketDay, in_force: pl.DataFrame, instrument: Instrument, end_ns: int) -> pl.DataFrame:
    """Return the orders placed by replay, and what became of them."""
    later = in_force.select(
        pl.col("ts_ns") - CROSS_S * NS_PER_SECOND,
        pl.col("bid_ticks").alias("bid_then"),
        pl.col("ask_ticks").alias("ask_then"),
    )
    minutes = market.snapshots.filter(pl.col("ts_ns") % (EVERY_S * NS_PER_SECOND) == 0, ~pl.col("gap"))
    quoted = minutes.join_asof(in_force, on="ts_ns").drop_nulls("in_force_ns").join_asof(later, on="ts_ns")
    orders = orders_at(quoted, instrument)
    probed = probe(
        market.quotes,
        market.trades,
        orders,
        horizon_ns=WATCH_S * NS_PER_SECOND,
        end_ns=end_ns,
        max_gap_ns=SnapshotConfig().max_gap_s * NS_PER_SECOND,
    )
    name = pl.concat_str(pl.when(_SIDE > 0).then(pl.lit("B")).otherwise(pl.lit("S")), "asked_bps")
    return orders.hstack(probed).with_columns(pl.lit(PROBE).alias("source"), name.alias("order_id"))


def _inputs() -> list[pl.Expr]:
    return [
        pl.max_horizontal("quote_ts_ns", "trade_ts_ns", "book_ts_ns", "in_force_ns").alias("watermark_ns"),
        distance_x1000(_SIDE, pl.col("price_ticks"), _MID).alias("distance_bps_x1000"),
        half_even(2 * BPS_X1000 * (pl.col("ask_ticks") - pl.col("bid_ticks")), _MID).alias("spread_bps_x1000"),
        half_even(1_000 * pl.col("front_lots"), pl.col("size_lots")).alias("queue_in_front_x1000"),
        half_even(1_000 * pl.col("volume_60s_lots"), pl.col("size_lots")).alias("volume_60s_x1000"),
        *((-_SIDE * pl.col(name)).alias(name) for name in _SIGNED),
        (-_SIDE * pl.col("depth_imbalance_topN_bps")).alias("depth_imbalance_bps"),
    ]


def _labels() -> list[pl.Expr]:
    filled, watched = pl.col("filled_after_ns"), pl.col("watched_ns")

    def watched_for(seconds: int) -> pl.Expr:
        return watched >= seconds * NS_PER_SECOND

    def filled_within(seconds: int) -> pl.Expr:
        answer = (filled <= seconds * NS_PER_SECOND).fill_null(value=False).cast(pl.Int8)
        return pl.when(watched_for(seconds)).then(answer).alias(filled_label(seconds))

    crossing = 2 * pl.when(_SIDE > 0).then(pl.col("ask_then")).otherwise(pl.col("bid_then")) - _MID
    cost = half_even(_SIDE * crossing * BPS_X1000, _MID)
    return [
        *(filled_within(seconds) for seconds in FILL_HORIZONS_S),
        (-(-filled // _NS_PER_MS)).alias(TIME_TO_FILL),
        (watched // _NS_PER_MS).alias("label_watched_ms"),
        pl.when(watched_for(CROSS_S)).then(cost).alias(CROSS_LABEL),
        (pl.col("ts_ns") + WATCH_S * NS_PER_SECOND).alias("label_end_ns"),
    ]
