"""Fills from where this project has them, in the bot's own units: real orders, and simulated grids."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import polars as pl

from grinder_resources.contracts.instruments import Instrument
from grinder_resources.contracts.simulation import MICROS, NS_PER_MS
from grinder_resources.gold.orders import assemble_orders
from grinder_resources.usecases.bot_fill_model.roundtrips import Fill

_ORDER = ("venue", "symbol", "order_id")


def order_fills(events: pl.DataFrame, instruments: Mapping[tuple[str, str], Instrument]) -> Iterator[Fill]:
    """Yield the fills among rows of `bronze/orders`, any order, in order of time; their fees are not known and 0.

    `filled_lots` counts from an order's beginning, so a fill is what it has grown by since the event before. An order
    whose events cannot all be true (`gold.orders`) is left out.
    """
    sound = assemble_orders(events).filter(pl.col("fault").is_null()).select(_ORDER)
    ordered = events.join(sound, on=_ORDER).sort(*_ORDER, "ts_ns", "filled_lots")
    grown = pl.col("filled_lots") - pl.col("filled_lots").shift(1, fill_value=0).over(_ORDER)
    fills = ordered.with_columns(grown.alias("lots")).filter(pl.col("fill_ticks").is_not_null(), pl.col("lots") > 0)
    for row in fills.sort("ts_ns", *_ORDER, "filled_lots").iter_rows(named=True):
        instrument = instruments[row["venue"], row["symbol"]]
        yield _fill(instrument, row["ts_ns"], row["side"], row["fill_ticks"], row["lots"])


def simulated_fills(fills: pl.DataFrame, instrument: Instrument) -> Iterator[Fill]:
    """Yield the fills of one episode (contracts.simulation.FILLS) of a grid on one instrument."""
    for row in fills.iter_rows(named=True):
        made = _fill(instrument, row["ts_ns"], row["side"], row["price_ticks"], row["size_lots"])
        fee = Decimal(row["fee_micros"]) / MICROS * instrument.tick_size * instrument.lot_size
        yield Fill(made.ts, made.symbol, made.side, made.price, made.quantity, fee)


def _fill(instrument: Instrument, ts_ns: int, side: int, ticks: int, lots: int) -> Fill:
    price, quantity = ticks * instrument.tick_size, lots * instrument.lot_size
    return Fill(ts_ns // NS_PER_MS, instrument.symbol, "BUY" if side > 0 else "SELL", price, quantity)
