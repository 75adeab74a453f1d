"""Bronze quotes, prints and books as the events that hftbacktest replays, with prices in ticks and sizes in lots.

hftbacktest keeps a book of price levels and asks it how much stands ahead of a new order. Quotes tell the best level
only, so what the book holds elsewhere is a choice, and much of what two simulators disagree on is that choice:

hidden     as ours sees it: a level behind the best is endless until a quote shows it
plain      only the best level exists: an order placed behind it finds nobody ahead
deep       hidden, but levels that `bronze/depth` shows hold what it shows

At equal times prints come before quotes, and quotes before books. Prints of an unknown aggressor are left out, for
hftbacktest has no such thing.
"""

from enum import Enum
from typing import NamedTuple

import numba
import numpy as np
import polars as pl
from hftbacktest import BUY_EVENT, DEPTH_EVENT, EXCH_EVENT, LOCAL_EVENT, SELL_EVENT, TRADE_EVENT
from hftbacktest.types import event_dtype
from numpy.typing import NDArray

Ints, Floats, Events = NDArray[np.int64], NDArray[np.float64], NDArray[np.void]

ENDLESS = 1e12
"""Lots at a level nobody can see."""
AFTER_NS = 60 * 1_000_000_000
"""One last event comes this long after the others, so that answers to orders filled at the very end still arrive."""
_PRINT, _QUOTE, _BOOK = 0, 1, 2


class Behind(Enum):
    """What the book holds where quotes do not look."""

    HIDDEN = "hidden"
    PLAIN = "plain"
    DEEP = "deep"


class _Replay(NamedTuple):
    """A book and the events written so far; sides are 0 for bids and 1 for asks.

    lots: (side, price - low); best: price by side, 0 before the first quote; behind: lots of a level just passed;
    keeps_old: whether the level that was best keeps its own; written: how many events there are, also beyond `out`.
    """

    lots: Floats
    low: int
    best: Ints
    behind: float
    keeps_old: bool
    out: Events
    written: Ints


def events_of(
    quotes: pl.DataFrame, trades: pl.DataFrame, depth: pl.DataFrame, behind: Behind, *, reach: int, feed_ns: int | None
) -> Events:
    """Return one instrument's rows as events.

    reach
        Ticks beyond the lowest and the highest price in which orders may stand.
    feed_ns
        Latency to the strategy; None = the strategy is shown nothing but answers to its orders, which is quicker.
    """
    bids, asks = quotes["bid_ticks"].to_numpy(), quotes["ask_ticks"].to_numpy()
    low, size = int(bids.min()) - reach, int(asks.max() - bids.min()) + 2 * reach + 1
    rows, levels = _merged(quotes, trades, depth if behind is Behind.DEEP else depth.clear())
    out = np.zeros(0, event_dtype)
    # The first pass only counts.
    for _ in range(2):
        lots = np.full((2, size), 0.0 if behind is Behind.PLAIN else ENDLESS)
        written = np.zeros(1, np.int64)
        _write(_Replay(lots, low, np.zeros(2, np.int64), lots[0, 0], behind is Behind.DEEP, out, written), rows, levels)
        out = out if out.size else np.zeros(written[0], event_dtype)
    out["ev"] |= EXCH_EVENT | (0 if feed_ns is None else LOCAL_EVENT)
    out["local_ts"] = out["exch_ts"] + (feed_ns or 0)
    return out


def _merged(quotes: pl.DataFrame, trades: pl.DataFrame, depth: pl.DataFrame) -> tuple[Ints, Ints]:
    """Return rows of (ts_ns, kind, four numbers) in time order, and the levels that rows of books point into."""
    sides = [depth.select(f"{side}_ticks", f"{side}_lots") for side in ("bid", "ask")]
    counts = [side.to_series(0).list.len().cast(pl.Int64) for side in sides]
    levels = pl.concat([side.explode(pl.all()).rename(lambda name: name[4:]) for side in sides])
    ends = [counts[0].cum_sum(), counts[0].sum() + counts[1].cum_sum()]
    places = [pl.lit(place) for end, count in zip(ends, counts, strict=True) for place in (end - count, end)]
    parts = (
        (_PRINT, trades, [pl.col("price_ticks"), pl.col("size_lots"), pl.col("aggressor"), pl.lit(0)]),
        (_QUOTE, quotes, [pl.col(f"{side}_{what}") for side in ("bid", "ask") for what in ("ticks", "lots")]),
        (_BOOK, depth, places),
    )
    rows = pl.concat(
        frame.select("ts_ns", pl.lit(kind).cast(pl.Int64).alias("kind"), "seq", *_numbered(numbers))
        for kind, frame, numbers in parts
    ).sort("ts_ns", "kind", "seq")
    return np.ascontiguousarray(rows.drop("seq").to_numpy()), np.ascontiguousarray(levels.to_numpy())


def _numbered(numbers: list[pl.Expr]) -> list[pl.Expr]:
    return [expr.cast(pl.Int64).alias(f"number_{place}") for place, expr in enumerate(numbers)]


@numba.njit
def _put(replay: _Replay, flags: int, ts: int, price: float, lots: float) -> None:
    count = replay.written[0]
    if count < replay.out.size:
        event = replay.out[count]
        event.ev, event.exch_ts, event.px, event.qty = flags, ts, price, lots
    replay.written[0] = count + 1


@numba.njit
def _set(replay: _Replay, ts: int, side: int, price: int, lots: float) -> None:
    """Make a level hold `lots`, with an event if that is news."""
    if replay.lots[side, price - replay.low] != lots:
        replay.lots[side, price - replay.low] = lots
        _put(replay, DEPTH_EVENT | (SELL_EVENT if side else BUY_EVENT), ts, price, lots)


@numba.njit
def _move(replay: _Replay, ts: int, side: int, best: int, lots: int) -> None:
    """Move the best of a side: what is better than it is empty, what it passed is behind it."""
    away = 1 if side else -1
    old = replay.best[side]
    replay.best[side] = best
    _set(replay, ts, side, best, lots)
    if (best - old) * away > 0:
        for price in range(old, best, away):
            _set(replay, ts, side, price, 0.0)
    else:
        for price in range(old - away * replay.keeps_old, best, -away):
            _set(replay, ts, side, price, replay.behind)


@numba.njit
def _show(replay: _Replay, ts: int, side: int, levels: Ints) -> None:
    """Show the levels of a book that are behind the best quote and in reach; between these there are none."""
    away = 1 if side else -1
    price = replay.best[side] + away
    for row in range(levels.shape[0]):
        if (levels[row, 0] - price) * away < 0:
            continue
        if not 0 <= levels[row, 0] - replay.low < replay.lots.shape[1]:
            break
        while price != levels[row, 0]:
            _set(replay, ts, side, price, 0.0)
            price += away
        _set(replay, ts, side, price, levels[row, 1])
        price += away


@numba.njit
def _open(replay: _Replay, ts: int, bid: int, ask: int) -> None:
    """Empty what is better than the first best of either side, and tell of what is behind it."""
    replay.lots[0, bid - replay.low :] = 0.0
    replay.lots[1, : ask - replay.low + 1] = 0.0
    replay.best[0], replay.best[1] = bid, ask
    for side, place in np.argwhere(replay.lots):
        flags = DEPTH_EVENT | (SELL_EVENT if side else BUY_EVENT)
        _put(replay, flags, ts, place + replay.low, replay.lots[side, place])


@numba.njit
def _write(replay: _Replay, rows: Ints, levels: Ints) -> None:
    """Write the events of all rows, as far as `out` goes, and count them."""
    for row in range(rows.shape[0]):
        ts, kind, a, b, c, d = rows[row, 0], rows[row, 1], rows[row, 2], rows[row, 3], rows[row, 4], rows[row, 5]
        if kind == _PRINT:
            if c != 0:
                _put(replay, TRADE_EVENT | (BUY_EVENT if c > 0 else SELL_EVENT), ts, a, b)
        elif kind == _QUOTE:
            if replay.best[0] == 0:
                _open(replay, ts, a, c)
            # The side that makes room moves first, so that the two never cross on the way.
            asks_first = c >= replay.best[1]
            if asks_first:
                _move(replay, ts, 1, c, d)
            _move(replay, ts, 0, a, b)
            if not asks_first:
                _move(replay, ts, 1, c, d)
        elif replay.best[0] != 0:
            _show(replay, ts, 0, levels[a:b])
            _show(replay, ts, 1, levels[c:d])
    _put(replay, DEPTH_EVENT | BUY_EVENT, rows[-1, 0] + AFTER_NS, replay.low, 1.0)
