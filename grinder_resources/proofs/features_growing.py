"""Numbers that grow at the end: what the online market keeps its series in, shown to features without a copy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from grinder_resources.features.known import Books, BookSide, Ints, Known, Tape, Watermark
from grinder_resources.market.minutes import NS_PER_MINUTE

Side = tuple[Sequence[int], Sequence[int]]
"""Prices in ticks and sizes in lots of one side of a book, best first."""


class Growing:
    """A column of integers."""

    def __init__(self) -> None:
        self._values = np.empty(64, np.int64)
        self._size = 0

    def append(self, value: int) -> None:
        """Add one number."""
        if self._size == self._values.size:
            self._values = np.concatenate((self._values, np.empty_like(self._values)))
        self._values[self._size] = value
        self._size += 1

    def extend(self, values: Sequence[int]) -> None:
        """Add several numbers."""
        for value in values:
            self.append(value)

    @property
    def so_far(self) -> Ints:
        """The numbers added so far."""
        return self._values[: self._size]


class GrowingSeries:
    """A known series; times count from `origin_ns`."""

    def __init__(self, seen: Watermark, origin_ns: int = 0) -> None:
        self._known_ns, self._values = Growing(), Growing()
        self._seen, self._origin_ns = seen, origin_ns

    def append(self, known_ns: int, value: int) -> None:
        """Add a value that holds from `known_ns` on."""
        self._known_ns.append(known_ns - self._origin_ns)
        self._values.append(value)

    @property
    def known(self) -> Known:
        """The series so far."""
        return Known(self._known_ns.so_far, self._values.so_far, self._seen, self._origin_ns)


class GrowingTape:
    """Prints, one at a time."""

    def __init__(self, seen: Watermark) -> None:
        self._columns = tuple(Growing() for _ in range(4))
        self._seen = seen

    def append(self, ts_ns: int, price: int, lots: int, side: int) -> None:
        """Add a print: price in half ticks, size in lots, side +1, -1 or 0."""
        for column, value in zip(self._columns, (ts_ns, price, lots, side), strict=True):
            column.append(value)

    @property
    def tape(self) -> Tape:
        """The prints so far."""
        ts_ns, price, lots, side = (column.so_far for column in self._columns)
        return Tape(ts_ns, price, lots, side, self._seen)


class GrowingBooks:
    """Books, one at a time."""

    def __init__(self, seen: Watermark) -> None:
        self._ts_ns = Growing()
        self._sides = tuple((Growing(), Growing(), Growing()) for _ in range(2))
        for ends, _, _ in self._sides:
            ends.append(0)
        self._seen = seen

    def append(self, ts_ns: int, bids: Side, asks: Side) -> None:
        """Add a book."""
        self._ts_ns.append(ts_ns)
        for (ends, *columns), side in zip(self._sides, (bids, asks), strict=True):
            for column, values in zip(columns, side, strict=True):
                column.extend(values)
            ends.append(columns[0].so_far.size)

    @property
    def books(self) -> Books:
        """The books so far."""
        bids, asks = (BookSide(*(column.so_far for column in side)) for side in self._sides)
        return Books(self._ts_ns.so_far, bids, asks, self._seen)


class Mids(NamedTuple):
    """Extremes and last of a minute's mids, half ticks."""

    high: int
    low: int
    close: int


@dataclass
class Bar:
    """One minute's bar; `mids` is None without a quote, volume is in lots, notional in tick lots."""

    start_ns: int
    mids: Mids | None = None
    volume: int = 0
    notional: int = 0

    @property
    def end_ns(self) -> int:
        """When the bar is complete."""
        return self.start_ns + NS_PER_MINUTE

    def quote(self, mid: int) -> None:
        """Fold a mid in."""
        high, low, _ = self.mids or Mids(mid, mid, mid)
        self.mids = Mids(max(high, mid), min(low, mid), mid)

    def trade(self, price_ticks: int, lots: int) -> None:
        """Fold a print in."""
        self.volume += lots
        self.notional += price_ticks * lots

    @staticmethod
    def of(row: Mapping[str, Any]) -> "Bar":
        """Return the bar of a row of `silver/bars`."""
        mids = Mids(*(row[f"{name}_half_ticks"] for name in Mids._fields))
        return Bar(row["ts_ns"], None if mids.close is None else mids, row["volume_lots"], row["notional_tick_lots"])
