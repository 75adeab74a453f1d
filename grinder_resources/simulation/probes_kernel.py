# ruff: noqa: PLR0917 - compiled functions pass their arguments by position
"""The kernel of single orders: when a resting limit order would have been filled, had it stood there.

The queue and the fills are those of the grid simulator. An order joins the back of what is shown at its price; what
others cancel is only seen as the shown size falling below what stood in front.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grinder_resources.market.compiled import compiled
from grinder_resources.market.state import NEVER, Quotes

Ints = npt.NDArray[np.int64]

UNKNOWN = 1 << 60
"""What stands in front of an order at a price the quote has not shown yet: nobody knows, so no print gets through."""


class Prints(NamedTuple):
    """Prints in time order, read-only int64: ns, ticks, lots, and +1, -1 or 0 for the side that took."""

    ts: Ints
    price_ticks: Ints
    size_lots: Ints
    aggressor: Ints


class Orders(NamedTuple):
    """Limit orders, one array a fact: time they stand from, +1 buy or -1 sell, ticks, lots, last ns watched."""

    ts: Ints
    side: Ints
    price_ticks: Ints
    size_lots: Ints
    until: Ints


@compiled
def queue_in_front(quotes: Quotes, quote: int, side: int, price: int) -> int:
    """Return the lots in front of a new order: 0 at a price of its own, what is shown at the best, UNKNOWN deeper."""
    best = quotes.bid_ticks[quote] if side > 0 else quotes.ask_ticks[quote]
    better = side * (price - best)
    if better > 0:
        return 0
    if better < 0:
        return UNKNOWN
    return int(quotes.bid_lots[quote] if side > 0 else quotes.ask_lots[quote])


@compiled
def fill_time(
    quotes: Quotes, prints: Prints, quote: int, print_: int, side: int, price: int, size: int, until: int
) -> int:
    """Return when the order is filled whole, ns, by `until` at the latest; NEVER where it is not.

    quote, print_
        First quote and first print after the order; the quote before is in force. Of equal times, prints come first.
    """
    front, left = queue_in_front(quotes, quote - 1, side, price), size
    while True:
        quote_ts = quotes.ts[quote] if quote < quotes.ts.size else NEVER
        print_ts = prints.ts[print_] if print_ < prints.ts.size else NEVER
        now = min(quote_ts, print_ts)
        if now > until or now == NEVER:
            return NEVER
        if print_ts <= quote_ts:
            beyond = side * (price - prints.price_ticks[print_])
            if beyond > 0:
                return now
            if beyond == 0 and prints.aggressor[print_] != side:
                taken = min(front, prints.size_lots[print_])
                front -= taken
                left -= prints.size_lots[print_] - taken
                if left <= 0:
                    return now
            print_ += 1
        else:
            opposite = quotes.ask_ticks[quote] if side > 0 else quotes.bid_ticks[quote]
            if side * (price - opposite) >= 0:
                return now
            front = min(front, queue_in_front(quotes, quote, side, price))
            quote += 1


@compiled
def watch(quotes: Quotes, prints: Prints, orders: Orders, front: Ints, filled: Ints) -> None:
    """Write what stands in front of every order when it is placed, and when it is filled or NEVER.

    Each order's own `ts` is at or after the first quote.
    """
    for i in range(orders.ts.size):
        quote = np.searchsorted(quotes.ts, orders.ts[i], side="right")
        print_ = np.searchsorted(prints.ts, orders.ts[i], side="right")
        side, price = orders.side[i], orders.price_ticks[i]
        front[i] = queue_in_front(quotes, quote - 1, side, price)
        filled[i] = fill_time(quotes, prints, quote, print_, side, price, orders.size_lots[i], orders.until[i])
