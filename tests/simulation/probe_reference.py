"""One order at a time through the events of a market, the slow way: what the compiled kernel has to agree with."""

from dataclasses import dataclass

import polars as pl


@dataclass
class Resting:
    """A limit order in the book. `front` is None where nobody knows what stands there."""

    side: int
    price: int
    left: int
    front: int | None

    def quote(self, bid: int, bid_lots: int, ask: int, ask_lots: int) -> bool:
        """See a quote; return whether it fills the order."""
        best, lots, other = (bid, bid_lots, ask) if self.side == 1 else (ask, ask_lots, bid)
        if (self.side == 1 and other <= self.price) or (self.side == -1 and other >= self.price):
            return True
        if best == self.price:
            self.front = lots if self.front is None else min(self.front, lots)
        elif (self.side == 1 and best < self.price) or (self.side == -1 and best > self.price):
            self.front = 0
        return False

    def print(self, price: int, lots: int, aggressor: int) -> bool:
        """See a print; return whether it fills the order."""
        if price == self.price and aggressor in (0, -self.side):
            if self.front is None:
                return False
            through = max(0, lots - self.front)
            self.front = max(0, self.front - lots)
            self.left -= through
            return self.left <= 0
        return price < self.price if self.side == 1 else price > self.price


def events_of(quotes: pl.DataFrame, trades: pl.DataFrame) -> list[tuple[int, int, str, tuple[int, ...]]]:
    """Return (ts_ns, number, kind, numbers) in order: of one time, prints before quotes."""
    prints = trades.select("ts_ns", "price_ticks", "size_lots", "aggressor").rows()
    quoted = quotes.select("ts_ns", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots").rows()
    merged = [(ts, 0, "print", numbers) for ts, *numbers in prints] + [(ts, 1, "quote", n) for ts, *n in quoted]
    return [(ts, rank, kind, tuple(numbers)) for ts, rank, kind, numbers in sorted(merged, key=lambda event: event[:2])]


def watched(
    quotes: pl.DataFrame, trades: pl.DataFrame, order: tuple[int, int, int, int], until: int
) -> tuple[int | None, int | None]:
    """Return what stands in front of (ts, side, price, size) and when it is filled; None = unknown, not by `until`."""
    ts, side, price, size = order
    resting, begun = Resting(side, price, size, None), None
    for now, _, kind, numbers in events_of(quotes, trades):
        if now <= ts:
            if kind == "quote":
                resting.front = None
                resting.quote(*numbers)
            continue
        if begun is None:
            begun = (resting.front,)
        if now > until:
            break
        if resting.quote(*numbers) if kind == "quote" else resting.print(*numbers):
            return begun[0], now
    return (resting.front if begun is None else begun[0]), None
