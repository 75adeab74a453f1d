"""From Bronze rows of one instrument to the arrays the snapshot kernel reads, within the range it is exact in."""

import numpy as np
import numpy.typing as npt
import polars as pl

from grinder_resources.contracts.bronze import DEPTH, DEPTH_LEVELS, QUOTES, TRADES
from grinder_resources.errors import OutOfRange
from grinder_resources.market.l1 import MAX_LOTS, MAX_SPREAD_TICKS, MAX_TICKS
from grinder_resources.market.slices import frozen, int64
from grinder_resources.market.state import Books, Events, Quotes, Trades

Ints = npt.NDArray[np.int64]

_MAX_DAY_LOTS = 1 << 59


def events(quotes: pl.DataFrame | None, trades: pl.DataFrame | None, depth: pl.DataFrame | None) -> Events:
    """Return one instrument's bronze/quotes, bronze/trades and bronze/depth as kernel input, in the rows' order.

    None stands for no rows. Lists of levels are read in place, without copying them.

    Raises OutOfRange for a quote, print or day's volume beyond the exact range, for a best size of 0 or less, and for a
    book of more than 20 levels. Levels of books are left to the kernel, which looks at few of them.
    """
    return Events(
        _NOTHING.quotes if quotes is None else _quotes(quotes),
        _NOTHING.trades if trades is None else _trades(trades),
        _NOTHING.books if depth is None else _books(depth),
    )


def quotes_from_depth(depth: pl.DataFrame) -> pl.DataFrame:
    """Return the best level of each book as bronze/quotes rows; books with an empty side have none.

    For instruments whose source sends books but no quotes. A book that leaves the best level as it was still gives a
    row: it tells that the quote holds.
    """
    sides = ["bid_ticks", "bid_lots", "ask_ticks", "ask_lots"]
    both = (pl.col("bid_ticks").list.len() > 0) & (pl.col("ask_ticks").list.len() > 0)
    best = depth.filter(both).with_columns(pl.col(side).list.first() for side in sides)
    return best.select(QUOTES.schema.names())


def _quotes(rows: pl.DataFrame) -> Quotes:
    quotes = Quotes(*(int64(rows[name]) for name in ("ts_ns", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots")))
    _check_range(quotes.bid_ticks, 0, MAX_TICKS, "bid_ticks")
    _check_range(quotes.ask_ticks, 1, MAX_TICKS, "ask_ticks")
    _check_range(quotes.bid_lots, 1, MAX_LOTS, "bid_lots")
    _check_range(quotes.ask_lots, 1, MAX_LOTS, "ask_lots")
    _check_range(quotes.ask_ticks - quotes.bid_ticks, 0, MAX_SPREAD_TICKS, "ask_ticks - bid_ticks")
    return quotes


def _trades(rows: pl.DataFrame) -> Trades:
    trades = Trades(*(int64(rows[name]) for name in ("ts_ns", "size_lots", "aggressor")))
    _check_range(trades.size_lots, 0, MAX_LOTS, "size_lots")
    total = rows["size_lots"].cast(pl.Int128).sum()
    if total >= _MAX_DAY_LOTS:
        raise OutOfRange("a day's volume leaves the exact range", got=f"{total} lots", expected=f"< {_MAX_DAY_LOTS}")
    return trades


def _books(rows: pl.DataFrame) -> Books:
    bid_offsets, bid_ticks = _levels(rows["bid_ticks"])
    _, bid_lots = _levels(rows["bid_lots"])
    ask_offsets, ask_ticks = _levels(rows["ask_ticks"])
    _, ask_lots = _levels(rows["ask_lots"])
    return Books(int64(rows["ts_ns"]), bid_offsets, bid_ticks, bid_lots, ask_offsets, ask_ticks, ask_lots)


def _levels(lists: pl.Series) -> tuple[Ints, Ints]:
    """Return offsets (length rows + 1) and values of a list column."""
    lengths = int64(lists.list.len())
    _check_range(lengths, 0, DEPTH_LEVELS + 1, f"levels of {lists.name}")
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    values = lists.rechunk().to_arrow().flatten()
    return frozen(offsets), frozen(values.to_numpy(zero_copy_only=False))


def _check_range(values: Ints, low: int, limit: int, name: str) -> None:
    """Raise OutOfRange unless low <= values < limit."""
    if values.size and not (low <= values.min() and values.max() < limit):
        worst = values.min() if values.min() < low else values.max()
        raise OutOfRange(f"{name} leaves the exact range", got=str(worst), expected=f"{low} to {limit - 1}")


_NOTHING = Events(_quotes(QUOTES.empty()), _trades(TRADES.empty()), _books(DEPTH.empty()))
