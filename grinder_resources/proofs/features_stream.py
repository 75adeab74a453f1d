"""Computing the points of one instrument's day again from records that come one by one, or a few at a time.

A point is answered as soon as the next record to come lies after it: one by one, nothing later was ever handed over;
in larger pieces, the rest of a piece was. The snapshot engine takes the records of one instant together, as its
contract says, so its pieces end where an instant does.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from operator import itemgetter

import numpy as np
import polars as pl

from grinder_resources.features.build import DEFAULT_LEVELS
from grinder_resources.features.known import Known
from grinder_resources.features.moment import Market
from grinder_resources.features.version import FeatureManifest
from grinder_resources.market.engine import SnapshotEngine
from grinder_resources.market.events import events
from grinder_resources.market.slices import frozen
from grinder_resources.market.state import Books, Events, Quotes, Trades
from grinder_resources.proofs.features_modes import (
    Answers,
    Question,
    Rebuild,
    answers_at,
    asked,
    times_of,
    with_snapshots,
)
from grinder_resources.proofs.features_online import OnlineMarket
from grinder_resources.proofs.features_points import Points
from grinder_resources.proofs.rebuild import MarketDay

Record = tuple[int, Callable[..., None], tuple[object, ...]]
"""When a record was made, who takes it, and what it says."""

_TIME = itemgetter(0)
_SIDES = ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")


def in_pieces(size: int) -> Rebuild:
    """Return the mode that hands over `size` records at a time."""

    def rebuild(manifest: FeatureManifest, day: MarketDay, points: Points) -> Answers:
        snapshots = _snapshots(day, times_of(manifest, points), size)
        return Answers(_moments(manifest, day, points.moments, snapshots, size), asked(snapshots, points))

    return rebuild


def _moments(
    manifest: FeatureManifest, day: MarketDay, moments: pl.DataFrame, snapshots: pl.DataFrame, size: int
) -> pl.DataFrame:
    online = OnlineMarket(day.look_back, DEFAULT_LEVELS)
    coming = deque(_records(day, online) if moments.height else ())

    def view(question: Question) -> tuple[Market, Known]:
        t1_ns = question["confirm_ts_ns"]
        while coming and coming[0][0] <= t1_ns:
            for _ in range(min(size, len(coming))):
                _, take, said = coming.popleft()
                take(*said)
        market, atr = online.at(t1_ns)
        return with_snapshots(manifest, market, snapshots, t1_ns), atr

    return answers_at(manifest, moments.sort("confirm_ts_ns"), view)


def _records(day: MarketDay, online: OnlineMarket) -> list[Record]:
    """Return the day's records in order of time; of one instant prints first, then quotes, then books."""
    trades = day.trades.select("ts_ns", "price_ticks", "size_lots", "aggressor").iter_rows()
    quotes = day.quotes.select("ts_ns", pl.col("bid_ticks") + pl.col("ask_ticks")).iter_rows()
    books = day.depth.select("ts_ns", *_SIDES).iter_rows()
    every: Iterable[Record] = chain(
        ((row[0], online.trade, row) for row in trades),
        ((row[0], online.quote, row) for row in quotes),
        ((ts_ns, online.book, (ts_ns, side[:2], side[2:])) for ts_ns, *side in books),
    )
    return sorted(every, key=_TIME)


def _snapshots(day: MarketDay, times: Sequence[int], size: int) -> pl.DataFrame:
    """Return the snapshots up to the last of the times."""
    engine = SnapshotEngine(day.instrument, day.day)
    if times:
        for piece, until_ns in _pieces(events(day.best_quotes, day.trades, day.depth), times[-1], size):
            engine.fold(piece, until_ns=until_ns)
    return engine.rows()


def _pieces(day: Events, last_ns: int, size: int) -> Iterator[tuple[Events, int]]:
    """Yield the records until `last_ns` in pieces, each with the last ns before the next record.

    A piece has at least `size` records and ends with an instant.
    """
    streams = (day.quotes.ts, day.trades.ts, day.books.ts)
    times = np.sort(np.concatenate(streams))
    times = times[: np.searchsorted(times, last_ns, side="right")]
    ends_ns = np.unique(np.append(times[size - 1 :: size], times[-1:]))
    reached = [np.searchsorted(stream, ends_ns, side="right").tolist() for stream in streams]
    following = times[np.searchsorted(times, ends_ns[:-1], side="right")]
    untils = [*(following - 1).tolist(), last_ns]
    before = (0, 0, 0)
    for quotes, trades, books, until_ns in zip(*reached, untils, strict=True):
        yield _part(day, before, (quotes, trades, books)), until_ns
        before = quotes, trades, books


def _part(day: Events, first: tuple[int, int, int], last: tuple[int, int, int]) -> Events:
    quotes, trades, books = (slice(*ends) for ends in zip(first, last, strict=True))
    return Events(
        Quotes(*(column[quotes] for column in day.quotes)),
        Trades(*(column[trades] for column in day.trades)),
        _books(day.books, books.start, books.stop),
    )


def _books(day: Books, first: int, last: int) -> Books:
    bids = slice(day.bid_offsets[first], day.bid_offsets[last])
    asks = slice(day.ask_offsets[first], day.ask_offsets[last])
    return Books(
        day.ts[first:last],
        frozen(day.bid_offsets[first : last + 1] - bids.start),
        day.bid_ticks[bids],
        day.bid_lots[bids],
        frozen(day.ask_offsets[first : last + 1] - asks.start),
        day.ask_ticks[asks],
        day.ask_lots[asks],
    )
