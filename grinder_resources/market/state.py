"""What the snapshot kernel of one instrument remembers and what it is told: int64 numbers and arrays.

Everything the next row depends on is in `Memory` and `Rings`, so a day may be fed at once, in pieces or event by
event with the same result. `Memory` is one NumPy record: compiled code reads and writes its fields in place, without
reference counting.
"""

from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

from grinder_resources.contracts.bronze import DEPTH_LEVELS
from grinder_resources.contracts.silver import LONGEST_WINDOW_S
from grinder_resources.market.bars import BAR_FIELDS

Ints = npt.NDArray[np.int64]

NEVER = (1 << 63) - 1
"""A time that has not come."""

HISTORY_UPDATES = 300
"""Values of order flow imbalance that its z-score looks back on."""

SAMPLED = 7
"""Numbers a sample holds, see `market.windows`."""


class Memory:
    """Fields of the record, in order; times in ns, prices in ticks or half ticks, sizes in lots.

    next_quote, next_trade, next_book, next_bar, next_row
        How far the piece of events at hand is folded, and its bars and rows written.
    next_grid, samples_taken
        The next grid time, and how many have passed.
    first_quote, segment_start, first_trade, trade_ts
        First times seen, and the last print; a segment is a run of quotes without a gap.
    quote_ts, bid_ticks, bid_lots, ask_ticks, ask_lots
        The quote in force.
    highest, lowest
        Extremes of the mid since the last grid time.
    volume, bought, sold, trades
        Totals since the start.
    bars_closed, bar
        How many bars are closed, and the open one (`market.bars`).
    event_head, event_count, event_sum
        The ring of order flow events of the last 10 s, and their sum.
    history_next, history_count, history_sum, squares_high, squares_low, latest_ofi, history
        The last values of that sum, their sum, and the sum of their squares as a `Wide`.
    inexact
        1 once a number left the range that is computed exactly.
    book_ts, bid_levels, ask_levels, book
        The book in force: rows of bid ticks, bid lots, ask ticks, ask lots; NEVER before the first book.
    """

    next_quote: int
    next_trade: int
    next_book: int
    next_bar: int
    next_row: int
    next_grid: int
    samples_taken: int
    first_quote: int
    segment_start: int
    first_trade: int
    trade_ts: int
    quote_ts: int
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int
    highest: int
    lowest: int
    volume: int
    bought: int
    sold: int
    trades: int
    bars_closed: int
    event_head: int
    event_count: int
    event_sum: int
    history_next: int
    history_count: int
    history_sum: int
    squares_high: int
    squares_low: int
    latest_ofi: int
    inexact: int
    book_ts: int
    bid_levels: int
    ask_levels: int
    bar: Ints
    history: Ints
    book: Ints


_SHAPES = {"bar": (BAR_FIELDS,), "history": (HISTORY_UPDATES,), "book": (4, DEPTH_LEVELS)}
_RECORD = np.dtype((np.record, [(name, np.int64, _SHAPES.get(name, ())) for name in Memory.__annotations__]))


class Rings(NamedTuple):
    """Memory whose length depends on the grid and on how busy the market is.

    samples
        (SAMPLED, 2 x length) ring of samples at grid times, written twice (`market.windows`).
    event_ts, events
        Ring of order flow events, ns and lots.
    """

    samples: Ints
    event_ts: Ints
    events: Ints


class Settings(NamedTuple):
    """One instrument's constants: times in ns, `qty_ref_lots` in lots, 1e-8 base units as a fraction of lots."""

    grid_ns: int
    bar_ns: int
    max_gap_ns: int
    open_ns: int
    close_ns: int
    qty_ref_lots: int
    epsilon_numerator: int
    epsilon_denominator: int


class Quotes(NamedTuple):
    """Best quotes in time order, one array a column, read-only int64."""

    ts: Ints
    bid_ticks: Ints
    bid_lots: Ints
    ask_ticks: Ints
    ask_lots: Ints


class Trades(NamedTuple):
    """Prints in time order, read-only int64."""

    ts: Ints
    size_lots: Ints
    aggressor: Ints


class Books(NamedTuple):
    """Books in time order, read-only int64; book i has the levels from `*_offsets[i]` to `*_offsets[i + 1]`."""

    ts: Ints
    bid_offsets: Ints
    bid_ticks: Ints
    bid_lots: Ints
    ask_offsets: Ints
    ask_ticks: Ints
    ask_lots: Ints


class Events(NamedTuple):
    """One piece of an instrument's stream."""

    quotes: Quotes
    trades: Trades
    books: Books


def new_memory(first_grid_ns: int) -> Memory:
    """Return the memory before the first event; the first row can be at `first_grid_ns`."""
    memory = cast("Memory", np.zeros(1, _RECORD)[0])
    memory.next_grid = first_grid_ns
    memory.first_quote = memory.segment_start = memory.first_trade = memory.trade_ts = memory.book_ts = NEVER
    return memory


def new_rings(samples_per_second: int, events: int) -> Rings:
    """Return empty rings: samples over the longest window, both ends included, and room for `events` in 10 s."""
    samples = np.zeros((SAMPLED, 2 * (LONGEST_WINDOW_S * samples_per_second + 1)), np.int64)
    return Rings(samples, np.zeros(events, np.int64), np.zeros(events, np.int64))
