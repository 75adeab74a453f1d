# ruff: noqa: PLR0917 - compiled functions pass their arguments by position
"""The grid simulator's event loop: many episodes over one tape in one compiled call, exact in int64.

An event costs a few comparisons with prices that `watch` noted; orders are looked at only when it can touch one.
Everything else waits for `wake`: samples, steps, re-centres and orders that are due.
"""

from collections.abc import Sequence

from grinder_resources.contracts.simulation import MICROS
from grinder_resources.market.compiled import compiled
from grinder_resources.market.state import NEVER
from grinder_resources.simulation.grid_fills import close_position, meet_print, meet_quote
from grinder_resources.simulation.grid_orders import build, place, send_again, take_down, watch
from grinder_resources.simulation.grid_state import LARGEST, Episodes, Ints, Room, Rules, Slot, State, Steps
from grinder_resources.simulation.tape import IS_PRINT, IS_QUOTE, Tape

HALF = MICROS // 2
"""Micros in one lot times one half tick."""


@compiled
def run(
    state: State, slots: Sequence[Slot], tape: Tape, episodes: Episodes, steps: Steps, rules: Rules, room: Room
) -> int:
    """Run every episode; return the first whose sums left the exact range, or -1."""
    for episode in range(episodes.start.size):
        nav = room.nav[episodes.first_sample[episode] :]
        fills = room.fills[episodes.first_fill[episode] :]
        _begin(state, tape, episodes, episode)
        _run_events(state, slots, tape, episodes, episode, steps, rules, nav, fills)
        end = episodes.end[episode]
        _catch_up(state, slots, steps, rules, end, nav, fills)
        take_down(state)
        close_position(state, rules, end, fills)
        _sample(state, end, nav)
        _write(state, room.summary[episode])
        if state.inexact == 1:
            return episode
    return -1


@compiled
def _begin(state: State, tape: Tape, episodes: Episodes, episode: int) -> None:
    """Start flat, with the quote in force at the start."""
    state.cash = state.fees = state.funding = state.round_trip = state.round_trip_amount = 0
    state.position = state.max_position = state.peak = state.drawdown = state.inexact = 0
    state.maker_fills = state.taker_fills = state.maker_lots = state.taker_lots = 0
    state.orders = state.orders_filled = state.round_trips = state.recentres = 0
    state.samples = state.wake = 0
    state.next_sample = episodes.start[episode]
    state.next_step, state.end_step = episodes.first_step[episode], episodes.end_step[episode]
    take_down(state)
    state.bid_ticks = state.bid_lots = state.ask_ticks = state.ask_lots = state.mid = 0
    if episodes.first_event[episode] > 0:
        _show(state, tape, episodes.first_event[episode] - 1)


@compiled
def _show(state: State, tape: Tape, event: int) -> None:
    state.bid_ticks, state.bid_lots = tape.bid_ticks[event], tape.bid_lots[event]
    state.ask_ticks, state.ask_lots = tape.ask_ticks[event], tape.ask_lots[event]
    state.mid = state.bid_ticks + state.ask_ticks


@compiled
def _run_events(
    state: State,
    slots: Sequence[Slot],
    tape: Tape,
    episodes: Episodes,
    episode: int,
    steps: Steps,
    rules: Rules,
    nav: Ints,
    fills: Ints,
) -> None:
    for event in range(episodes.first_event[episode], episodes.end_event[episode]):
        ts = tape.ts_ns[event]
        if ts >= state.wake:
            _catch_up(state, slots, steps, rules, ts, nav, fills)
        kind = tape.kind[event]
        if kind == IS_QUOTE:
            _show(state, tape, event)
            if state.bid_ticks <= state.top_buy or state.ask_ticks >= state.low_sell:
                meet_quote(state, slots, rules, ts, fills)
            if state.ask_ticks > state.refused_buy or state.bid_ticks < state.refused_sell:
                send_again(state, slots, ts + rules.reaction)
                state.wake = ts + 1
            if state.mid < state.low or state.mid > state.high:
                _leave(state, ts + rules.reaction)
        elif kind == IS_PRINT:
            price = tape.price_ticks[event]
            if price <= state.top_buy or price >= state.low_sell:
                meet_print(state, slots, rules, ts, price, tape.size_lots[event], tape.aggressor[event], fills)
        elif state.position != 0:
            _fund(state, tape.rate_ppm[event])


@compiled
def _leave(state: State, due: int) -> None:
    """Decide a re-centre around the mid in force; until it is done no other is decided."""
    state.recentre_at, state.recentre_to = due, state.mid
    state.low, state.high = 0, NEVER
    state.wake = min(state.wake, due)


@compiled
def _fund(state: State, rate_ppm: int) -> None:
    """Pay position x mid x rate, half-even to whole micros."""
    twice = state.position * state.mid * rate_ppm
    half = twice // 2
    state.funding += half + (twice & half & 1)
    if abs(state.funding) > LARGEST:
        state.inexact, state.funding = 1, 0


@compiled
def _catch_up(
    state: State, slots: Sequence[Slot], steps: Steps, rules: Rules, now: int, nav: Ints, fills: Ints
) -> None:
    """Do what is due by now in the order of time, samples before now, then place orders and note what comes next."""
    while True:
        step_at = steps.due[state.next_step] if state.next_step < state.end_step else NEVER
        action_at = min(step_at, state.recentre_at)
        if action_at <= now and action_at <= state.next_sample:
            place(state, slots, action_at)
            _act(state, slots, steps, rules, action_at, step_at, fills)
        elif state.next_sample < now:
            _sample(state, state.next_sample, nav)
            state.next_sample += rules.nav_every
        else:
            break
    place(state, slots, now)
    due = watch(state, slots, now)
    state.wake = min(due, action_at, state.next_sample + 1)


@compiled
def _act(state: State, slots: Sequence[Slot], steps: Steps, rules: Rules, now: int, step_at: int, fills: Ints) -> None:
    """Take the grid down and build the next one: that of a step that is due, else the same around its new centre."""
    centre = state.recentre_to
    if step_at == now:
        centre = steps.centre[state.next_step]
        state.next_step += 1
    else:
        state.recentres += 1
    take_down(state)
    close_position(state, rules, now, fills)
    if steps.levels[state.next_step - 1] > 0:
        build(state, slots, steps, state.next_step - 1, centre, now)


@compiled
def _sample(state: State, ts: int, nav: Ints) -> None:
    value = state.cash + state.position * state.mid * HALF - state.fees - state.funding
    state.peak = max(state.peak, value)
    state.drawdown = max(state.drawdown, state.peak - value)
    row = nav[state.samples]
    row[1], row[2], row[3], row[4], row[5] = ts, value, state.fees, state.position, state.mid
    state.samples += 1


@compiled
def _write(state: State, row: Ints) -> None:
    """Write what the summary says of an episode, in its order from pnl_micros on."""
    row[0] = state.cash - state.fees - state.funding
    row[1], row[2] = state.fees, state.funding
    row[3], row[4], row[5], row[6] = state.maker_fills, state.taker_fills, state.maker_lots, state.taker_lots
    row[7], row[8], row[9] = state.orders, state.orders_filled, state.round_trips
    row[10], row[11], row[12] = state.round_trip, state.round_trip_amount, state.recentres
    row[13], row[14] = state.drawdown, state.max_position
