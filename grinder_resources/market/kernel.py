# ruff: noqa: PLR0917 - compiled functions pass their arguments by position
"""The snapshot kernel: fold events up to each grid time, then write one row of integers.

`advance` is the only implementation. The Silver build feeds it a day, the live engine one event at a time; the rows
are the same because everything it remembers is in `Memory` and `Rings`. Quotes, trades and books touch different
memory, so between two grid times their mutual order does not matter.
"""

import numpy as np
import numpy.typing as npt

from grinder_resources.contracts.silver import FLOW_WINDOWS_S, LONGEST_WINDOW_S, RANGE_WINDOWS_S, RETURN_WINDOWS_S
from grinder_resources.market.bars import closes_bar, fold_mid, store_bar
from grinder_resources.market.compiled import compiled
from grinder_resources.market.flow import OFI_WINDOW_NS, fold_flow, forget_events, side_event, zscore_x1000
from grinder_resources.market.l1 import MAX_LOTS, MAX_TICKS, imbalance_bps, microprice_dev_x1000, spread_bps
from grinder_resources.market.l2 import BOOK_FEATURES, book_features
from grinder_resources.market.state import NEVER, Books, Events, Memory, Quotes, Rings, Settings, Trades
from grinder_resources.market.windows import (
    NULL,
    TRADES,
    VOLUME,
    difference,
    latest,
    range_x1000,
    return_x1000,
    take_sample,
    trade_imbalance_bps,
)

Ints = npt.NDArray[np.int64]

ROW_COLUMNS = (
    "ts_ns",
    "quote_ts_ns",
    "trade_ts_ns",
    "mid_half_ticks",
    "spread_bps",
    "imbalance_l1_bps",
    "thin_l1_lots",
    "microprice_dev_x1000",
    "quote_age_ms",
    "gap",
    "bars_closed",
    "ofi_10s_lots",
    "ofi_zscore_x1000",
    *(f"ret_{seconds}s_x1000" for seconds in RETURN_WINDOWS_S),
    *(f"volume_{seconds}s_lots" for seconds in FLOW_WINDOWS_S),
    *(f"trades_{seconds}s" for seconds in FLOW_WINDOWS_S),
    *(f"trade_imbalance_{seconds}s_bps" for seconds in FLOW_WINDOWS_S),
    *(f"range_{seconds}s_x1000" for seconds in RANGE_WINDOWS_S),
    "book_ts_ns",
    *BOOK_FEATURES,
)
"""What `advance` writes, one array row a column; `bars_closed` counts the bars closed so far."""

_SECOND_NS = 1_000_000_000
_MS_NS = 1_000_000
_OFI = ROW_COLUMNS.index("ofi_10s_lots")
_RETURNS = _OFI + 2
_VOLUMES = _RETURNS + len(RETURN_WINDOWS_S)
_COUNTS = _VOLUMES + len(FLOW_WINDOWS_S)
_TILTS = _COUNTS + len(FLOW_WINDOWS_S)
_RANGES = _TILTS + len(FLOW_WINDOWS_S)
_BOOK = _RANGES + len(RANGE_WINDOWS_S)
_BOOK_COLUMNS = 1 + len(BOOK_FEATURES)


@compiled
def advance(
    memory: Memory, rings: Rings, settings: Settings, events: Events, until: int, rows: Ints, bars: Ints
) -> tuple[int, int]:
    """Fold every event, all of them with ts <= `until`, and write the rows of all grid times <= `until`.

    rows
        (len(ROW_COLUMNS), capacity) array that receives the rows, NULL for null.
    bars
        (BAR_FIELDS, capacity) array that receives the bars closed on the way.

    Returns how many rows and bars were written. A grid time has a row if it lies inside the session and the last
    quote is at most `max_gap_ns` old.
    """
    memory.next_quote = memory.next_trade = memory.next_book = memory.next_bar = memory.next_row = 0
    while memory.next_grid <= until:
        grid = memory.next_grid
        _fold(memory, rings, settings, events, grid, bars)
        take_sample(memory, rings.samples)
        memory.next_grid += settings.grid_ns
        if memory.first_quote == NEVER or grid - memory.quote_ts > settings.max_gap_ns:
            _skip_gap(memory, settings, events.quotes.ts, until)
        elif settings.open_ns <= grid < settings.close_ns:
            forget_events(memory, rings.event_ts, rings.events, grid)
            _write_row(memory, rings.samples, settings, grid, rows[:, memory.next_row])
            memory.next_row += 1
    _fold(memory, rings, settings, events, until, bars)
    return memory.next_row, memory.next_bar


@compiled
def _skip_gap(memory: Memory, settings: Settings, quote_ts: Ints, until: int) -> None:
    """Move on to the next grid time that can have a row; its windows never reach back to the times skipped."""
    has_next = memory.next_quote < quote_ts.size
    ahead = quote_ts[memory.next_quote] if has_next else until + 1
    memory.next_grid = max(memory.next_grid, -(-ahead // settings.grid_ns) * settings.grid_ns)


@compiled
def _fold(memory: Memory, rings: Rings, settings: Settings, events: Events, until: int, bars: Ints) -> None:
    """Fold the events with ts <= `until` that are not folded yet."""
    _fold_quotes(memory, rings, settings, events.quotes, until, bars)
    _fold_trades(memory, events.trades, until)
    _fold_books(memory, events.books, until)


@compiled
def _fold_quotes(memory: Memory, rings: Rings, settings: Settings, quotes: Quotes, until: int, bars: Ints) -> None:
    """Fold quotes into order flow, bar and extremes; a bar that one closes goes to `bars`."""
    ts, bid_ticks, bid_lots, ask_ticks, ask_lots = quotes
    _, event_ts, events = rings
    while memory.next_quote < ts.size and ts[memory.next_quote] <= until:
        i = memory.next_quote
        mid = bid_ticks[i] + ask_ticks[i]
        event = 0
        if memory.first_quote == NEVER or ts[i] - memory.quote_ts > settings.max_gap_ns:
            memory.first_quote = min(memory.first_quote, ts[i])
            memory.segment_start = ts[i]
            memory.highest = memory.lowest = mid
        else:
            event += side_event(bid_ticks[i] - memory.bid_ticks, bid_lots[i], memory.bid_lots)
            event -= side_event(memory.ask_ticks - ask_ticks[i], ask_lots[i], memory.ask_lots)
        fold_flow(memory, event_ts, events, ts[i], event)
        if closes_bar(memory.bar, ts[i], settings.bar_ns):
            memory.next_bar = store_bar(memory.bar, bars, memory.next_bar)
            memory.bars_closed += 1
        fold_mid(memory.bar, ts[i], mid, settings.bar_ns)
        memory.highest = max(memory.highest, mid)
        memory.lowest = min(memory.lowest, mid)
        memory.quote_ts = ts[i]
        memory.bid_ticks, memory.bid_lots = bid_ticks[i], bid_lots[i]
        memory.ask_ticks, memory.ask_lots = ask_ticks[i], ask_lots[i]
        memory.next_quote += 1


@compiled
def _fold_trades(memory: Memory, trades: Trades, until: int) -> None:
    """Add prints to the totals."""
    ts, size_lots, aggressor = trades
    while memory.next_trade < ts.size and ts[memory.next_trade] <= until:
        size, side = size_lots[memory.next_trade], aggressor[memory.next_trade]
        memory.first_trade = min(memory.first_trade, ts[memory.next_trade])
        memory.volume += size
        memory.bought += size if side > 0 else 0
        memory.sold += size if side < 0 else 0
        memory.trades += 1
        memory.trade_ts = ts[memory.next_trade]
        memory.next_trade += 1


@compiled
def _fold_books(memory: Memory, books: Books, until: int) -> None:
    """Put the last book in force; those before it are never looked at."""
    first = memory.next_book
    while memory.next_book < books.ts.size and books.ts[memory.next_book] <= until:
        memory.next_book += 1
    if memory.next_book == first:
        return
    book = memory.next_book - 1
    bid, ask = books.bid_offsets[book], books.ask_offsets[book]
    memory.book_ts = books.ts[book]
    memory.bid_levels = books.bid_offsets[book + 1] - bid
    memory.ask_levels = books.ask_offsets[book + 1] - ask
    for level in range(memory.bid_levels):
        _hold_level(memory, 0, level, books.bid_ticks[bid + level], books.bid_lots[bid + level])
    for level in range(memory.ask_levels):
        _hold_level(memory, 2, level, books.ask_ticks[ask + level], books.ask_lots[ask + level])


@compiled
def _hold_level(memory: Memory, side: int, level: int, ticks: int, lots: int) -> None:
    """Put one level in force; one beyond the exact range takes the book out of force and is refused later."""
    if not (0 < ticks < MAX_TICKS and 0 < lots < MAX_LOTS):
        memory.inexact = 1
        memory.book_ts = NEVER
    memory.book[side, level] = ticks
    memory.book[side + 1, level] = lots


@compiled
def _write_row(memory: Memory, samples: Ints, settings: Settings, grid: int, row: Ints) -> None:
    """Write the row of `grid`, one number a column of ROW_COLUMNS."""
    bid, bid_lots, ask, ask_lots = memory.bid_ticks, memory.bid_lots, memory.ask_ticks, memory.ask_lots
    start = memory.segment_start
    row[0] = grid
    row[1] = memory.quote_ts
    row[2] = NULL if memory.trade_ts == NEVER else memory.trade_ts
    row[3] = bid + ask
    row[4] = spread_bps(bid, ask)
    row[5] = imbalance_bps(bid_lots, ask_lots, settings.epsilon_numerator, settings.epsilon_denominator)
    row[6] = min(bid_lots, ask_lots)
    row[7] = microprice_dev_x1000(bid, bid_lots, ask, ask_lots)
    row[8] = (grid - memory.quote_ts) // _MS_NS
    row[9] = int(start > memory.first_quote and start > grid - LONGEST_WINDOW_S * _SECOND_NS)
    row[10] = memory.bars_closed
    row[_OFI] = memory.event_sum if grid - OFI_WINDOW_NS >= start else NULL
    row[_OFI + 1] = zscore_x1000(memory)
    _write_windows(memory, samples, settings, grid, row)
    _write_book(memory, settings, grid, row)


@compiled
def _write_windows(memory: Memory, samples: Ints, settings: Settings, grid: int, row: Ints) -> None:
    """Write the backward windows; one that starts before its stream, or before the end of a gap, is NULL."""
    last = latest(samples, memory.samples_taken)
    quoted_s = (grid - memory.segment_start) // _SECOND_NS
    traded_s = min(quoted_s, (grid - memory.first_trade) // _SECOND_NS)
    per_second = _SECOND_NS // settings.grid_ns
    for i, seconds in enumerate(RETURN_WINDOWS_S):
        row[_RETURNS + i] = return_x1000(samples, last, seconds * per_second) if seconds <= quoted_s else NULL
    for i, seconds in enumerate(RANGE_WINDOWS_S):
        row[_RANGES + i] = range_x1000(samples, last, seconds * per_second) if seconds <= quoted_s else NULL
    for i, seconds in enumerate(FLOW_WINDOWS_S):
        steps, known = seconds * per_second, seconds <= traded_s
        row[_VOLUMES + i] = difference(samples, VOLUME, last, steps) if known else NULL
        row[_COUNTS + i] = difference(samples, TRADES, last, steps) if known else NULL
        row[_TILTS + i] = trade_imbalance_bps(samples, last, steps) if known else NULL


@compiled
def _write_book(memory: Memory, settings: Settings, grid: int, row: Ints) -> None:
    """Write the numbers of the book in force; NULL where there is none or it is older than `max_gap_ns`."""
    if memory.book_ts == NEVER or grid - memory.book_ts > settings.max_gap_ns:
        for column in range(_BOOK, _BOOK + _BOOK_COLUMNS):
            row[column] = NULL
        return
    features = book_features(
        memory.book[0, : memory.bid_levels],
        memory.book[1, : memory.bid_levels],
        memory.book[2, : memory.ask_levels],
        memory.book[3, : memory.ask_levels],
        settings.qty_ref_lots,
        settings.epsilon_numerator,
        settings.epsilon_denominator,
    )
    row[_BOOK] = memory.book_ts
    for i, feature in enumerate(features):
        row[_BOOK + 1 + i] = feature
