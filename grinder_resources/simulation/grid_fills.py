# ruff: noqa: PLR0917 - compiled functions pass their arguments by position
"""Fills of a grid: what a quote or a print does to the orders in the book, what is closed at the market, the money."""

from collections.abc import Sequence

from grinder_resources.contracts.simulation import MICROS
from grinder_resources.market.compiled import compiled
from grinder_resources.simulation.grid_orders import join_queue, send_held
from grinder_resources.simulation.grid_state import ENDLESS, LARGEST, Ints, Rules, Slot, State

AT_MARKET = 0
"""Line of a fill at the market."""


@compiled
def meet_quote(state: State, slots: Sequence[Slot], rules: Rules, ts: int, fills: Ints) -> None:
    """Fill the orders that the opposite side of the quote in force reaches; the others move in their queues."""
    before = state.maker_fills
    for i in range(state.slots):
        slot = slots[i]
        if slot.live == 0:
            continue
        if state.ask_ticks <= slot.price if slot.side > 0 else state.bid_ticks >= slot.price:
            _fill(state, slot, slot.left, rules, ts, fills)
        else:
            join_queue(state, slot)
    if state.maker_fills > before:
        send_held(state, slots, ts, ts + rules.reaction)


@compiled
def meet_print(
    state: State, slots: Sequence[Slot], rules: Rules, ts: int, price: int, size: int, aggressor: int, fills: Ints
) -> None:
    """Fill the orders that a print went beyond, and from the queues at its price what it reaches."""
    bought = sold = 0
    before = state.maker_fills
    for i in range(state.slots):
        slot = slots[i]
        beyond = (slot.price - price) * slot.side
        if slot.live == 0 or beyond < 0:
            continue
        if beyond > 0:
            _fill(state, slot, slot.left, rules, ts, fills)
        elif aggressor * slot.side <= 0 and slot.ahead < ENDLESS:
            given = bought if slot.side > 0 else sold
            lots = min(slot.left, max(0, size - slot.ahead - given))
            slot.ahead = max(0, slot.ahead - size)
            bought += lots if slot.side > 0 else 0
            sold += lots if slot.side < 0 else 0
            if lots > 0:
                _fill(state, slot, lots, rules, ts, fills)
    if state.maker_fills > before:
        send_held(state, slots, ts, ts + rules.reaction)


@compiled
def _fill(state: State, slot: Slot, lots: int, rules: Rules, ts: int, fills: Ints) -> None:
    """Fill lots of an order in the book; one that is filled whole turns into the other order of its line."""
    slot.left -= lots
    if slot.side > 0:
        state.open_buys -= lots
    else:
        state.open_sells -= lots
    state.maker_lots += lots
    _book(state, slot.line, slot.side, slot.price, lots, rules.maker_fee, ts, fills)
    state.maker_fills += 1
    if slot.left == 0:
        _turn(state, slot, rules, ts)
    state.wake = ts + 1


@compiled
def _turn(state: State, slot: Slot, rules: Rules, ts: int) -> None:
    """Count an order filled whole, and a round trip if it was the second one; its successor is due a reaction later."""
    state.orders_filled += 1
    if slot.side * slot.line > 0:
        amounts = (slot.opening + slot.closing) * state.size_lots
        state.round_trips += 1
        state.round_trip += abs(slot.closing - slot.opening) * state.size_lots * MICROS - amounts * rules.maker_fee
        state.round_trip_amount += slot.opening * state.size_lots
        if max(abs(state.round_trip), state.round_trip_amount) > LARGEST:
            state.inexact, state.round_trip, state.round_trip_amount = 1, 0, 0
        slot.price = slot.opening
    else:
        slot.price = slot.closing
    slot.side = -slot.side
    slot.left = state.size_lots
    slot.live, slot.due = 0, ts + rules.reaction


@compiled
def close_position(state: State, rules: Rules, ts: int, fills: Ints) -> None:
    """Close the position at the market: what is shown at the best price, the rest one spread worse."""
    spread = state.ask_ticks - state.bid_ticks
    lots = abs(state.position)
    if state.position > 0:
        shown = min(lots, state.bid_lots)
        _take(state, -1, state.bid_ticks, shown, rules, ts, fills)
        _take(state, -1, max(1, state.bid_ticks - spread), lots - shown, rules, ts, fills)
    else:
        shown = min(lots, state.ask_lots)
        _take(state, 1, state.ask_ticks, shown, rules, ts, fills)
        _take(state, 1, state.ask_ticks + spread, lots - shown, rules, ts, fills)


@compiled
def _take(state: State, side: int, price: int, lots: int, rules: Rules, ts: int, fills: Ints) -> None:
    if lots == 0:
        return
    _book(state, AT_MARKET, side, price, lots, rules.taker_fee, ts, fills)
    state.taker_lots += lots
    state.taker_fills += 1


@compiled
def _book(state: State, line: int, side: int, price: int, lots: int, fee_ppm: int, ts: int, fills: Ints) -> None:
    """Book one fill into money and position, and write it where there is room for fills."""
    fee = price * lots * fee_ppm
    state.position += side * lots
    state.cash -= side * price * lots * MICROS
    state.fees += fee
    state.max_position = max(state.max_position, abs(state.position))
    if max(abs(state.cash), abs(state.fees)) > LARGEST:
        state.inexact = 1
        state.cash = state.fees = 0
    if fills.shape[0] > 0:
        row = fills[state.maker_fills + state.taker_fills]
        row[1] = state.maker_fills + state.taker_fills
        row[2], row[3], row[4], row[5], row[6] = ts, line, side, price, lots
        row[7], row[8], row[9] = line != AT_MARKET, fee, state.position
