"""What the grid simulator remembers of one episode, what it is told, and where it writes: int64 records and arrays.

`State` and `Slot` are NumPy records: compiled code reads and writes their fields in place.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

ENDLESS = 1 << 62
"""Lots ahead of an order whose price was never shown: nobody knows how many."""

LARGEST = 1 << 60
"""Amounts of one fill, and sums of them, stay below this many micros."""


class State:
    """Fields of the record of one episode; times in ns, prices in ticks or half ticks, amounts in micros.

    wake
        The event loop stops before the first event at or after this time, to do what is due; never at an instant it
        has begun, so that nothing is placed between two events of one instant.
    next_sample, samples, next_step, end_step
        The next NAV sample and how many are taken; the next step and the one behind the last.
    bid_ticks, bid_lots, ask_ticks, ask_lots, mid
        The quote in force, 0 before the first; mid in half ticks.
    slots, size_lots, max_lots, centre, low, high
        The grid in force: slots in use (0 = none), size of an order, largest position, centre in half ticks, and the
        lowest and highest mid that need no new centre.
    recentre_at, recentre_to
        When a decided re-centre is in force, and its centre; NEVER without one.
    top_buy, low_sell
        Highest buy and lowest sell in the book; 0 and NEVER without one.
    refused_buy, refused_sell
        Lowest buy and highest sell that were refused because they would have crossed; NEVER and 0 without one.
    position, open_buys, open_sells
        Lots held, and lots in the book.
    cash, fees, funding, round_trip, round_trip_amount, peak, drawdown
        Money so far; `peak` is the largest NAV.
    maker_fills .. max_position
        Counts for the summary.
    inexact
        1 once a sum left the range that is computed exactly.
    """

    wake: int
    next_sample: int
    samples: int
    next_step: int
    end_step: int
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int
    mid: int
    slots: int
    size_lots: int
    max_lots: int
    centre: int
    low: int
    high: int
    recentre_at: int
    recentre_to: int
    top_buy: int
    low_sell: int
    refused_buy: int
    refused_sell: int
    position: int
    open_buys: int
    open_sells: int
    cash: int
    fees: int
    funding: int
    round_trip: int
    round_trip_amount: int
    peak: int
    drawdown: int
    maker_fills: int
    taker_fills: int
    maker_lots: int
    taker_lots: int
    orders: int
    orders_filled: int
    round_trips: int
    recentres: int
    max_position: int
    inexact: int


class Slot:
    """One line of the grid and the order it has; slots are ordered from the centre outwards, below before above.

    line
        Number of the line, below 0 under the centre.
    opening, closing
        Prices of the first and the second order of a round trip, ticks.
    side, price, left
        The order: +1 buy, -1 sell; its price; lots not filled yet.
    live, due
        Whether it stands in the book; if not, from when on it could, NEVER once it was refused.
    ahead
        Lots ahead of it in the queue, ENDLESS if unknown.
    """

    line: int
    opening: int
    closing: int
    side: int
    price: int
    left: int
    live: int
    due: int
    ahead: int


class Episodes(NamedTuple):
    """One row an episode: its time, its events, its steps and its place among the samples and fills."""

    start: Ints
    end: Ints
    first_event: Ints
    end_event: Ints
    first_step: Ints
    end_step: Ints
    first_sample: Ints
    first_fill: Ints


class Steps(NamedTuple):
    """Changes of the grid: when each is in force, around which centre (half ticks), and the grid; levels 0 = flat."""

    due: Ints
    centre: Ints
    spacing: Ints
    levels: Ints
    size: Ints
    recentre: Ints
    max_position: Ints
    price_step: Ints


class Rules(NamedTuple):
    """Constants: fees in ppm, times in ns; `reaction` from an event to the order that answers it."""

    maker_fee: int
    taker_fee: int
    reaction: int
    nav_every: int


class Room(NamedTuple):
    """What is written: one row an episode, a sample, a fill. Without rows for fills, none is written."""

    summary: Ints
    nav: Ints
    fills: Ints


def _record(fields: type) -> np.dtype[np.void]:
    return np.dtype((np.record, [(name, np.int64) for name in fields.__annotations__]))


def new_state() -> State:
    """Return room for the state of an episode."""
    return cast("State", np.zeros(1, _record(State))[0])


def new_slots(levels: int) -> Sequence[Slot]:
    """Return room for a grid of so many lines a side."""
    return cast("Sequence[Slot]", np.zeros(2 * levels, _record(Slot)))
