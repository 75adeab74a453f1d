"""The parts of the reference simulator: a quote, an order, the lines of a grid, an account. See `reference_grid`."""

import math
from dataclasses import dataclass, field
from fractions import Fraction

from grinder_resources.contracts.simulation import FILLS, SUMMARY, GridParameters

MILLION = 1_000_000
UNKNOWN = math.inf


@dataclass(frozen=True)
class Quote:
    """Best prices and sizes."""

    bid: int
    bid_lots: int
    ask: int
    ask_lots: int

    @property
    def mid(self) -> Fraction:
        """Return the middle of the two prices."""
        return Fraction(self.bid + self.ask, 2)


@dataclass
class Order:
    """One order of a line; `ahead` are the lots before it in the queue; a refused one waits to be sent again."""

    line: int
    side: str
    price: int
    left: int
    due: int
    in_book: bool = False
    refused: bool = False
    ahead: float = UNKNOWN

    def best_of(self, quote: Quote) -> tuple[int, int]:
        """Return price and size of the best on the order's side."""
        return (quote.bid, quote.bid_lots) if self.side == "buy" else (quote.ask, quote.ask_lots)

    def is_beyond(self, price: int) -> bool:
        """Whether the order is better than a price on its side, so that a print there must have met it first."""
        return self.price > price if self.side == "buy" else self.price < price

    def crosses(self, quote: Quote) -> bool:
        """Return whether the other side's best is at or beyond the order."""
        return self.price >= quote.ask if self.side == "buy" else self.price <= quote.bid

    def look_at(self, quote: Quote) -> None:
        """Learn from a quote how many can be ahead at most."""
        best, shown = self.best_of(quote)
        if self.price == best:
            self.ahead = min(self.ahead, shown)
        elif self.is_beyond(best):
            self.ahead = 0


@dataclass(frozen=True)
class Lines:
    """Prices of a grid around a centre, in ticks."""

    centre: Fraction
    grid: GridParameters

    def price(self, line: int) -> int:
        """Return the price of a line, rounded to a price step away from the centre."""
        step = self.grid.price_step_ticks
        exact = self.centre * (1 + line * Fraction(self.grid.spacing_x1000, 10_000_000)) / step
        return step * (math.floor(exact) if line < 0 else math.ceil(exact))

    def opening(self, line: int) -> int:
        """Return the price of a line's first order."""
        return self.price(line)

    def closing(self, line: int) -> int:
        """Return the price of its second order: that of the next line inwards, at least a step away."""
        step = self.grid.price_step_ticks
        if line < 0:
            inner = step * math.ceil(self.centre / step) if line == -1 else self.price(line + 1)
            return max(inner, self.price(line) + step)
        inner = step * math.floor(self.centre / step) if line == 1 else self.price(line - 1)
        return min(inner, self.price(line) - step)

    def left_by(self, mid: Fraction) -> bool:
        """Return whether a mid is too far from the centre."""
        return abs(mid - self.centre) / self.centre * 10_000_000 > self.grid.recentre_x1000

    def orders(self, now: int) -> list[Order]:
        """Return the first orders of all lines, those next to the centre first."""
        lines = sorted((k for n in range(1, self.grid.levels + 1) for k in (-n, n)), key=lambda k: (abs(k), k))
        return [Order(k, "buy" if k < 0 else "sell", self.opening(k), self.grid.size_lots, now) for k in lines]


@dataclass
class Account:
    """Money in ticks x lots, and what is counted."""

    position: int = 0
    cash: Fraction = Fraction(0)
    fees: Fraction = Fraction(0)
    funding: Fraction = Fraction(0)
    fills: list[dict[str, object]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SUMMARY.schema.names(), 0))

    def trade(self, ts: int, line: int | None, side: str, *, price: int, lots: int, fee_ppm: int) -> None:
        """Book one fill."""
        bought = lots if side == "buy" else -lots
        fee = Fraction(price * lots * fee_ppm, MILLION)
        self.position += bought
        self.cash -= bought * price
        self.fees += fee
        kind = "taker" if line is None else "maker"
        self.counts[f"{kind}_fills"] += 1
        self.counts[f"{kind}_lots"] += lots
        self.counts["max_position_lots"] = max(self.counts["max_position_lots"], abs(self.position))
        row = (ts, line, 1 if side == "buy" else -1, price, lots, line is not None, micros(fee), self.position)
        self.fills.append(dict(zip(FILLS.schema.names()[1:], (len(self.fills), *row), strict=True)))

    def worth(self, mid: Fraction) -> Fraction:
        """Return what everything is worth."""
        return self.cash + self.position * mid - self.fees - self.funding


def micros(amount: Fraction) -> int:
    scaled = amount * MILLION
    assert scaled.denominator == 1
    return scaled.numerator
