"""Small markets written by hand: quotes, prints and funding as plain tuples, and the same as a tape."""

from collections.abc import Sequence

import polars as pl

from grinder_resources.contracts.simulation import FUNDING
from grinder_resources.simulation.tape import Tape, tape_of

MS = 1_000_000
SECOND = 1000 * MS

Row = tuple[int, ...]

_QUOTE = ("ts_ns", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
_PRINT = ("ts_ns", "price_ticks", "size_lots", "aggressor")
_FUNDING = ("ts_ns", "rate_ppm")


def bronze(rows: Sequence[Row], columns: tuple[str, ...], symbol: str = "AAA") -> pl.DataFrame:
    """Return rows as a source would deliver them, numbered in their order."""
    frame = pl.DataFrame(list(rows), schema=dict.fromkeys(columns, pl.Int64), orient="row")
    return frame.with_columns(pl.lit("demo").alias("venue"), pl.lit(symbol).alias("symbol")).with_row_index("seq")


def quotes_frame(rows: Sequence[Row], symbol: str = "AAA") -> pl.DataFrame:
    """(ts, bid, bid lots, ask, ask lots)."""
    return bronze(rows, _QUOTE, symbol)


def prints_frame(rows: Sequence[Row], symbol: str = "AAA") -> pl.DataFrame:
    """(ts, price, size, aggressor)."""
    return bronze(rows, _PRINT, symbol)


def tape(quotes: Sequence[Row], prints: Sequence[Row] = (), funding: Sequence[Row] = ()) -> Tape:
    """Return the tape of a market; funding is (ts, rate in ppm)."""
    rates = FUNDING.conform(pl.DataFrame(list(funding), schema=dict.fromkeys(_FUNDING, pl.Int64), orient="row"))
    return tape_of(quotes_frame(quotes), prints_frame(prints), rates)
