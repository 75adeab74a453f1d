"""Questions to one instrument's market: known series, prints and books, each asked up to a time.

Every answer notes in a `Watermark` the time of the newest row that it was taken from, whatever time was asked for. So
a feature that looks too far ahead is caught by what it saw, and not believed by what it says.

Prices are mids in half ticks, sizes lots, times ns.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

Ints = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass
class Watermark:
    """Event time of the newest row that answered a question since `restart`, ns; all series of a market share one."""

    latest_ns: int = 0

    def restart(self, ts_ns: int) -> None:
        """Forget what was seen but a row of `ts_ns`."""
        self.latest_ns = ts_ns

    def saw(self, ts_ns: int) -> None:
        """Note a row that an answer was taken from."""
        self.latest_ns = max(self.latest_ns, ts_ns)


@dataclass(frozen=True)
class Known:
    """A known series: `values[i]` holds from `known_ns[i]` until the next one; times count from `origin_ns`."""

    known_ns: Ints
    values: Ints
    seen: Watermark
    origin_ns: int = 0

    def at(self, time_ns: int, back: int = 0) -> int | None:
        """Return the value in force at a time, or the one `back` entries before it; None where there is none."""
        index = int(np.searchsorted(self.known_ns, time_ns, side="right")) - 1 - back
        if index < 0:
            return None
        self.seen.saw(self.origin_ns + int(self.known_ns[index]))
        return int(self.values[index])

    def between(self, after_ns: int, until_ns: int) -> list[int]:
        """Return the values that became known in (after, until], oldest first."""
        first, last = np.searchsorted(self.known_ns, (after_ns, until_ns), side="right")
        if last > first:
            self.seen.saw(self.origin_ns + int(self.known_ns[last - 1]))
        return [int(value) for value in self.values[first:last]]

    @staticmethod
    def of(series: pl.DataFrame, seen: Watermark, origin_ns: int = 0) -> "Known":
        """Return the series of a frame with `known_ns` and `value`."""
        return Known(series["known_ns"].to_numpy(), series["value"].to_numpy(), seen, origin_ns)


@dataclass(frozen=True)
class Rows:
    """Rows of numbers: `numbers[i]` has one number a name and became known at `known_ns[i]`; `null` stands for none."""

    known_ns: Ints
    names: tuple[str, ...]
    numbers: Ints
    null: int
    seen: Watermark

    def last(self, after_ns: int, until_ns: int) -> dict[str, int | None]:
        """Return the last row that became known in (after, until]; all None without one."""
        index = int(np.searchsorted(self.known_ns, until_ns, side="right")) - 1
        if index < 0 or self.known_ns[index] <= after_ns:
            return dict.fromkeys(self.names)
        self.seen.saw(int(self.known_ns[index]))
        values = self.numbers[index].tolist()
        return {name: None if value == self.null else value for name, value in zip(self.names, values, strict=True)}


@dataclass(frozen=True)
class Tape:
    """Prints: price in half ticks, size in lots, side +1 buyer, -1 seller, 0 unknown."""

    ts_ns: Ints
    price: Ints
    lots: Ints
    side: Ints
    seen: Watermark

    def between(self, start_ns: int, end_ns: int, level: int, band: int) -> "Tape":
        """Return the prints of [start, end] no further than `band` from `level`; it looks at all of [start, end]."""
        first = np.searchsorted(self.ts_ns, start_ns, side="left")
        last = np.searchsorted(self.ts_ns, end_ns, side="right")
        if last > first:
            self.seen.saw(int(self.ts_ns[last - 1]))
        near = np.flatnonzero(np.abs(self.price[first:last] - level) <= band) + first
        return Tape(self.ts_ns[near], self.price[near], self.lots[near], self.side[near], self.seen)


@dataclass(frozen=True)
class BookSide:
    """One side of consecutive books, laid end to end: book i holds the levels ends[i]:ends[i + 1], best first."""

    ends: Ints
    ticks: Ints
    lots: Ints

    def part(self, first: int, last: int) -> "BookSide":
        """Return the books first:last."""
        start, stop = self.ends[first], self.ends[last]
        return BookSide(self.ends[first : last + 1] - start, self.ticks[start:stop], self.lots[start:stop])

    @staticmethod
    def of(ticks: pl.Series, lots: pl.Series) -> "BookSide":
        """Return the side of two list columns of `bronze/depth`."""
        ends = np.concatenate((np.zeros(1, np.int64), ticks.list.len().cast(pl.Int64).cum_sum().to_numpy()))
        return BookSide(ends, *(column.explode(empty_as_null=False).to_numpy() for column in (ticks, lots)))


@dataclass(frozen=True)
class Books:
    """Books in order of time; `bids` defend a level against a price from above (sign -1), `asks` from below (+1)."""

    ts_ns: Ints
    bids: BookSide
    asks: BookSide
    seen: Watermark

    def between(self, start_ns: int, end_ns: int, max_age_ns: int, sign: int) -> BookSide | None:
        """Return the side in force at start and after each change until end; None if a border has no fresh book."""
        first, last = (int(index) for index in np.searchsorted(self.ts_ns, (start_ns, end_ns), side="right"))
        if last > 0:
            self.seen.saw(int(self.ts_ns[last - 1]))
        if first == 0 or start_ns - self.ts_ns[first - 1] > max_age_ns or end_ns - self.ts_ns[last - 1] > max_age_ns:
            return None
        return (self.asks if sign > 0 else self.bids).part(first - 1, last)

    @staticmethod
    def of(depth: pl.DataFrame, seen: Watermark) -> "Books":
        """Return one instrument's `bronze/depth`."""
        rows = depth.sort("ts_ns", "seq")
        bids, asks = (BookSide.of(rows[f"{side}_ticks"], rows[f"{side}_lots"]) for side in ("bid", "ask"))
        return Books(rows["ts_ns"].to_numpy(), bids, asks, seen)
