"""A tape: what one instrument's market did, quotes, prints and funding merged into one sequence of events.

A *print* is a trade that the market reports. Events of one instant come in this order: funding, prints, quotes, each
as their source has them. A print consumes what the older quote showed, so it comes before the quote that shows what it
left.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from grinder_resources.contracts.simulation import FUNDING, MICROS
from grinder_resources.errors import OutOfRange
from grinder_resources.market.slices import int64

Ints = npt.NDArray[np.int64]

IS_FUNDING, IS_PRINT, IS_QUOTE = range(3)
"""Kinds of events, in the order of one instant."""


class Tape(NamedTuple):
    """Events in order, one read-only int64 array a column.

    ts_ns, kind
        Time, and one of the kinds.
    bid_ticks, bid_lots, ask_ticks, ask_lots
        The quote in force once the event has happened; 0 before the first quote.
    price_ticks, size_lots, aggressor
        The print: +1 a buyer took the ask, -1 a seller hit the bid, 0 unknown; 0 for other events.
    rate_ppm
        The funding rate; 0 for other events.
    """

    ts_ns: Ints
    kind: Ints
    bid_ticks: Ints
    bid_lots: Ints
    ask_ticks: Ints
    ask_lots: Ints
    price_ticks: Ints
    size_lots: Ints
    aggressor: Ints
    rate_ppm: Ints


_QUOTE = ["bid_ticks", "bid_lots", "ask_ticks", "ask_lots"]
_PRINT = ["price_ticks", "size_lots", "aggressor"]


def tape_of(quotes: pl.DataFrame, trades: pl.DataFrame, funding: pl.DataFrame | None = None) -> Tape:
    """Return one instrument's bronze/quotes and bronze/trades rows, and funding (contracts.simulation.FUNDING), merged.

    Raises OutOfRange for rows of two instruments, rows out of the order of (ts_ns, seq), crossed quotes, and prices
    or sizes below 1, and funding rates beyond 100 %.
    """
    _check_instrument(quotes, trades)
    _check_order(quotes, "quotes")
    _check_order(trades, "trades")
    _check_numbers(quotes, trades)
    rates = FUNDING.empty() if funding is None else FUNDING.conform(funding)
    _check_rates(rates)
    parts = [
        _part(rates, IS_FUNDING, ["rate_ppm"]),
        _part(trades, IS_PRINT, _PRINT),
        _part(quotes, IS_QUOTE, _QUOTE),
    ]
    rows = pl.concat(parts, how="diagonal").sort("ts_ns", "kind", maintain_order=True)
    rows = rows.with_columns(pl.col(_QUOTE).forward_fill()).fill_null(0)
    return Tape(*(int64(rows[name]) for name in Tape._fields))


def _part(rows: pl.DataFrame, kind: int, columns: list[str]) -> pl.DataFrame:
    integers = pl.col("ts_ns", *columns).cast(pl.Int64)
    return rows.select(integers, pl.lit(kind, pl.Int64).alias("kind"))


def _check_instrument(quotes: pl.DataFrame, trades: pl.DataFrame) -> None:
    keys = pl.concat([rows.select("venue", "symbol") for rows in (quotes, trades)]).unique().sort("venue", "symbol")
    if keys.height > 1:
        got = ", ".join("/".join(key) for key in keys.head(3).rows())
        raise OutOfRange("a tape is of one instrument", got=got, expected="one", hint="Filter before.")


def _check_order(rows: pl.DataFrame, where: str) -> None:
    ts, seq = pl.col("ts_ns"), pl.col("seq")
    steps = rows.select((ts.diff() < 0) | ((ts.diff() == 0) & (seq.diff() < 0)).fill_null(value=False))
    back = steps.to_series().sum()
    if back:
        raise OutOfRange("a tape runs forward in time", where=where, got=f"{back} rows before their predecessors")


def _check_numbers(quotes: pl.DataFrame, trades: pl.DataFrame) -> None:
    crossed = quotes.filter(pl.col("bid_ticks") > pl.col("ask_ticks")).height
    if crossed:
        raise OutOfRange("a quote on a tape is not crossed", got=f"{crossed} with bid > ask", expected="bid <= ask")
    small = pl.any_horizontal(pl.col(_QUOTE) < 1), pl.any_horizontal(pl.col(_PRINT[:2]) < 1)
    for rows, is_small, where in ((quotes, small[0], "quotes"), (trades, small[1], "trades")):
        count = rows.filter(is_small).height
        if count:
            raise OutOfRange("prices and sizes on a tape", where=where, got=f"{count} rows below 1", expected=">= 1")


def _check_rates(rates: pl.DataFrame) -> None:
    beyond = rates.filter(pl.col("rate_ppm").abs() > MICROS).height
    if beyond:
        raise OutOfRange("funding rates on a tape", got=f"{beyond} beyond 100 %", expected="rate_ppm within a million")
