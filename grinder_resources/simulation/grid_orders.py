# ruff: noqa: PLR0917 - compiled functions pass their arguments by position
"""The orders of a grid: where its lines lie, when an order comes to stand in the book, and what to watch for."""

from collections.abc import Sequence

from grinder_resources.contracts.simulation import WHOLE_X1000
from grinder_resources.market.compiled import compiled
from grinder_resources.market.state import NEVER
from grinder_resources.simulation.grid_state import ENDLESS, Slot, State, Steps


@compiled
def line_ticks(centre: int, line: int, spacing_x1000: int, price_step: int) -> int:
    """Return the price of a line, rounded to price steps away from the centre; line 0 is the centre, rounded down."""
    level, unit = centre * (WHOLE_X1000 + line * spacing_x1000), 2 * WHOLE_X1000 * price_step
    return price_step * (-(-level // unit) if line > 0 else level // unit)


@compiled
def build(state: State, slots: Sequence[Slot], steps: Steps, step: int, centre: int, now: int) -> None:
    """Put the grid of a step around a centre; its orders may stand in the book from now on."""
    spacing, levels, unit = steps.spacing[step], steps.levels[step], steps.price_step[step]
    reach = centre * steps.recentre[step] // WHOLE_X1000
    state.slots, state.centre = 2 * levels, centre
    state.size_lots, state.max_lots = steps.size[step], steps.max_position[step]
    state.low, state.high = centre - reach, centre + reach
    for i in range(state.slots):
        slot = slots[i]
        level = i // 2 + 1
        if i % 2 == 0:
            slot.line, slot.side = -level, 1
            inner = -(-centre // (2 * unit)) * unit if level == 1 else line_ticks(centre, 1 - level, spacing, unit)
            slot.opening = line_ticks(centre, -level, spacing, unit)
            slot.closing = max(inner, slot.opening + unit)
        else:
            slot.line, slot.side = level, -1
            inner = centre // (2 * unit) * unit if level == 1 else line_ticks(centre, level - 1, spacing, unit)
            slot.opening = line_ticks(centre, level, spacing, unit)
            slot.closing = min(inner, slot.opening - unit)
        slot.price, slot.left, slot.live, slot.due = slot.opening, state.size_lots, 0, now


@compiled
def take_down(state: State) -> None:
    """Cancel every order; without a grid no mid asks for a new centre."""
    state.slots = state.open_buys = state.open_sells = 0
    state.low, state.high = 0, NEVER
    state.recentre_at = NEVER


@compiled
def place(state: State, slots: Sequence[Slot], now: int) -> None:
    """Put into the book what is due and could not make the position too large; what of it would cross is refused."""
    for i in range(state.slots):
        slot = slots[i]
        if slot.live == 1 or slot.due > now:
            continue
        exposed = state.position + state.open_buys if slot.side > 0 else state.open_sells - state.position
        if exposed + slot.left > state.max_lots:
            continue
        if _crosses(state, slot):
            slot.due = NEVER
            continue
        slot.live = 1
        slot.ahead = _ahead(state, slot, ENDLESS)
        state.orders += 1
        if slot.side > 0:
            state.open_buys += slot.left
        else:
            state.open_sells += slot.left


@compiled
def send_again(state: State, slots: Sequence[Slot], due: int) -> None:
    """Send the refused orders that the quote in force would not refuse."""
    for i in range(state.slots):
        slot = slots[i]
        if slot.live == 0 and slot.due == NEVER and not _crosses(state, slot):
            slot.due = due


@compiled
def send_held(state: State, slots: Sequence[Slot], now: int, due: int) -> None:
    """Send the orders that had no room under the largest position by now: a fill may have made some."""
    for i in range(state.slots):
        slot = slots[i]
        if slot.live == 0 and slot.due <= now:
            slot.due = due


@compiled
def _crosses(state: State, slot: Slot) -> bool:
    return slot.price >= state.ask_ticks if slot.side > 0 else slot.price <= state.bid_ticks


@compiled
def _ahead(state: State, slot: Slot, before: int) -> int:
    """Return the lots ahead of an order under the quote in force, given those ahead of it before."""
    best, shown = (state.bid_ticks, state.bid_lots) if slot.side > 0 else (state.ask_ticks, state.ask_lots)
    if slot.price == best:
        return min(before, shown)
    is_better = slot.price > best if slot.side > 0 else slot.price < best
    return 0 if is_better else before


@compiled
def join_queue(state: State, slot: Slot) -> None:
    """Move an order forward in its queue as far as the quote in force proves."""
    slot.ahead = _ahead(state, slot, slot.ahead)


@compiled
def watch(state: State, slots: Sequence[Slot], now: int) -> int:
    """Note the prices at which something can happen; return when the next order is due."""
    state.top_buy, state.low_sell = 0, NEVER
    state.refused_buy, state.refused_sell = NEVER, 0
    due = NEVER
    for i in range(state.slots):
        slot = slots[i]
        if slot.live == 1:
            if slot.side > 0:
                state.top_buy = max(state.top_buy, slot.price)
            else:
                state.low_sell = min(state.low_sell, slot.price)
        elif slot.due == NEVER:
            if slot.side > 0:
                state.refused_buy = min(state.refused_buy, slot.price)
            else:
                state.refused_sell = max(state.refused_sell, slot.price)
        elif slot.due > now:
            due = min(due, slot.due)
    return due
