"""Writes rows as Tardis-format CSV files: the same names, columns and units that the `tardis` reader expects.

Decimal text comes from integers divided once by a power of ten, so each number reads back as exactly the tick or lot
it was. A file appears under its final name only when it is complete.
"""

import gzip
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from grinder_resources.simulation.demo_config import DemoInstrument
from grinder_resources.simulation.records import Quotes

VENUE = "demo"
"""Value of the `exchange` column and first part of every file name."""

Ints = npt.NDArray[np.int64]


def trades_frame(
    instrument: DemoInstrument, times: tuple[Ints, Ints], *, ids: Ints, side: Ints, price: Ints, lots: Ints
) -> pl.DataFrame:
    """Return rows of a Tardis `trades` file; `times` are event and receive time in us, `side` is +1 buy, -1 sell."""
    return _rows(
        instrument,
        times,
        {
            "id": pl.Series(ids),
            "side": pl.Series(np.where(side > 0, "buy", "sell")),
            "price": _price(instrument, price),
            "amount": _amount(instrument, lots),
        },
    )


def quotes_frame(instrument: DemoInstrument, times: tuple[Ints, Ints], quotes: Quotes) -> pl.DataFrame:
    """Return rows of a Tardis `quotes` file."""
    return _rows(
        instrument,
        times,
        {
            "ask_amount": _amount(instrument, quotes.ask_lots),
            "ask_price": _price(instrument, quotes.ask),
            "bid_price": _price(instrument, quotes.bid),
            "bid_amount": _amount(instrument, quotes.bid_lots),
        },
    )


def books_frame(instrument: DemoInstrument, times: tuple[Ints, Ints], book: Quotes) -> pl.DataFrame:
    """Return rows of a Tardis `book_snapshot_25` file from (rows, levels) arrays, best level first."""
    columns: dict[str, pl.Series] = {}
    for level in range(book.bid.shape[1]):
        columns[f"asks[{level}].price"] = _price(instrument, book.ask[:, level])
        columns[f"asks[{level}].amount"] = _amount(instrument, book.ask_lots[:, level])
        columns[f"bids[{level}].price"] = _price(instrument, book.bid[:, level])
        columns[f"bids[{level}].amount"] = _amount(instrument, book.bid_lots[:, level])
    return _rows(instrument, times, columns)


def file_name(kind: str, day: date, symbol: str) -> str:
    """Return `demo_{kind}_{YYYY-MM-DD}_{SYMBOL}.csv.gz`."""
    return f"{VENUE}_{kind}_{day:%Y-%m-%d}_{symbol}.csv.gz"


def write_csv_gz(frame: pl.DataFrame, path: Path) -> Path:
    """Write `frame` as gzip CSV with no timestamp in the header: equal rows give equal bytes. Returns `path`."""
    packed = gzip.compress(frame.write_csv().encode(), compresslevel=1, mtime=0)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(packed)
    return partial.replace(path)


def _rows(instrument: DemoInstrument, times: tuple[Ints, Ints], columns: dict[str, pl.Series]) -> pl.DataFrame:
    event_us, receive_us = (pl.Series(time) for time in times)
    stamps = pl.DataFrame({"timestamp": event_us, "local_timestamp": receive_us})
    named = stamps.select(pl.lit(VENUE).alias("exchange"), pl.lit(instrument.symbol).alias("symbol"), pl.all())
    return named.with_columns(**columns)


def _price(instrument: DemoInstrument, ticks: Ints) -> pl.Series:
    return pl.Series(ticks / 10**instrument.price_decimals)


def _amount(instrument: DemoInstrument, lots: Ints) -> pl.Series:
    return pl.Series(lots / 10**instrument.lot_decimals)
