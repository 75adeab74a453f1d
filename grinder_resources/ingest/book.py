"""An order book rebuilt from one full snapshot and the updates that continue it.

`Book` holds the levels; `BookChain` decides which updates may be applied. An update says which update it follows; one
that follows another than the last applied leaves the book unknown until the next full snapshot. Updates that arrive
before the snapshot wait for it, and those it already contains are repeats (Binance documentation, "How to manage a
local order book correctly").
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from grinder_resources.ingest.quarantine import REPEAT

Levels = list[tuple[int, int]]
"""(price in ticks, size in lots), size 0 meaning that the level is gone."""

_MOST_PENDING = 10_000


class Update(NamedTuple):
    """One book update.

    previous, last
        Ids of the update it follows and of the last change it contains.
    """

    line: int
    text: bytes
    ts_ns: int
    recv_ns: int
    previous: int
    last: int
    bids: Levels
    asks: Levels


class Top(NamedTuple):
    """The best levels a side, best first; `is_snapshot` is true for the first one after a full snapshot."""

    bid_ticks: list[int]
    bid_lots: list[int]
    ask_ticks: list[int]
    ask_lots: list[int]
    is_snapshot: bool


class Outcome(NamedTuple):
    """What became of an update: the book after it, or the reason there is none."""

    update: Update
    top: Top | None
    reason: str | None = None


class _Side:
    """Levels of one side: sizes by key and the keys sorted, best first; a bid's key is its negated price."""

    __slots__ = ("_keys", "_sign", "_sizes")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._keys: list[int] = []
        self._sizes: dict[int, int] = {}

    def replace(self, levels: Iterable[tuple[int, int]]) -> None:
        self._sizes = {self._sign * price: size for price, size in levels if size}
        self._keys = sorted(self._sizes)

    def update(self, levels: Levels) -> None:
        keys, sizes, sign = self._keys, self._sizes, self._sign
        for price, size in levels:
            key = sign * price
            if size:
                if key not in sizes:
                    insort(keys, key)
                sizes[key] = size
            elif key in sizes:
                del sizes[key]
                del keys[bisect_left(keys, key)]

    def best(self, depth: int) -> tuple[list[int], list[int]]:
        keys, sizes = self._keys[:depth], self._sizes
        return [self._sign * key for key in keys] if self._sign < 0 else keys, [sizes[key] for key in keys]

    def levels(self) -> Levels:
        return [(self._sign * key, self._sizes[key]) for key in self._keys]


class Book:
    """Both sides of a book, in ticks and lots."""

    def __init__(self) -> None:
        self._bids, self._asks = _Side(-1), _Side(1)

    def replace(self, bids: Levels, asks: Levels) -> None:
        """Forget everything and hold these levels."""
        self._bids.replace(bids)
        self._asks.replace(asks)

    def update(self, bids: Levels, asks: Levels) -> None:
        """Set the sizes of these levels; 0 removes a level."""
        self._bids.update(bids)
        self._asks.update(asks)

    def top(self, depth: int, whole: bool = False) -> Top:
        """Return the best `depth` levels a side."""
        return Top(*self._bids.best(depth), *self._asks.best(depth), whole)

    def levels(self) -> tuple[Levels, Levels]:
        """Return all bids and asks, best first."""
        return self._bids.levels(), self._asks.levels()


class BookChain:
    """Applies updates in sequence and says what became of each; every update comes out exactly once.

    depth
        Levels a side in the outcomes.
    state
        What `state()` returned at the end of the file before, or {}.
    """

    def __init__(self, depth: int, state: dict[str, Any]) -> None:
        self._depth = depth
        self._book = Book()
        self._book.replace(state.get("bids", []), state.get("asks", []))
        self._last: int = state.get("last", -1)
        self._known: bool = state.get("known", False)
        self._fresh: bool = state.get("fresh", False)
        self._broken: bool = state.get("broken", False)
        self._pending: deque[Update] = deque()

    def snapshot(self, last: int, bids: Levels, asks: Levels) -> Iterator[Outcome]:
        """Take a full snapshot that contains every update up to `last`, then the updates that waited for it."""
        if self._known and last < self._last:
            return
        self._book.replace(bids, asks)
        self._last, self._known, self._fresh = last, True, True
        waiting, self._pending = self._pending, deque()
        missed, self._broken = self._broken, False
        for update in waiting:
            if missed and update.last <= last:
                yield Outcome(update, None, "sequence_gap")
            else:
                yield from self.update(update)

    def update(self, update: Update) -> Iterator[Outcome]:
        """Take the next update."""
        if self._known and update.last <= self._last:
            yield Outcome(update, None, REPEAT)
        elif self._known and (update.previous == self._last or (self._fresh and update.previous < self._last)):
            self._book.update(update.bids, update.asks)
            yield Outcome(update, self._book.top(self._depth, self._fresh))
            self._last, self._fresh = update.last, False
        else:
            self._broken = self._broken or self._known
            self._known = False
            self._pending.append(update)
            if len(self._pending) > _MOST_PENDING:
                yield Outcome(self._pending.popleft(), None, "sequence_gap")

    def finish(self) -> Iterator[Outcome]:
        """End the file: what still waits has no book."""
        self._broken = self._broken or bool(self._pending)
        while self._pending:
            yield Outcome(self._pending.popleft(), None, "sequence_gap")

    def state(self) -> dict[str, Any]:
        """Return the book and its place in the sequence as JSON-ready facts."""
        bids, asks = self._book.levels()
        flags = {"known": self._known, "fresh": self._fresh, "broken": self._broken}
        return {"bids": bids, "asks": asks, "last": self._last, **flags}
