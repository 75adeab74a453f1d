"""Compiled loops of the demo market: the event loop that makes quotes and trades, and the loop that fills books.

The efficient price is an int64 in milliticks; quotes, sizes and trades are whole ticks and lots. Every random number is
drawn beforehand by numpy, so the loops are pure functions of their arguments. numba is imported here and only here.
"""

import numpy as np
from numba import njit

from grinder_resources.simulation.records import MILLI, Events, Ints, Quotes, Rules, Trades

@njit(cache=True, nogil=True)
def mix(value: int) -> int:
    """Return a well mixed non-negative hash of an integer (xorshift-multiply in 62 bits)."""
    mixed = value & 0x3FFFFFFFFFFFFFFF
    for _ in range(2):
        mixed = ((mixed ^ (mixed >> 31)) * 0x7FB5D329728EA185) & 0x3FFFFFFFFFFFFFFF
    return mixed ^ (mixed >> 27)


@njit(cache=True, nogil=True)
def wall_strength(price_ticks: int, rules: Rules, state: np.void) -> int:
    """Return 0, 1 or 2: how large a wall stands at a price; only levels carry walls."""
    price = price_ticks * MILLI
    is_level = price_ticks % rules.round_step == 0 or price == state.prior_high or price == state.prior_low
    return mix(price_ticks * 31 + rules.wall_seed) % 3 if is_level else 0


@njit(cache=True, nogil=True)
def nearest_level(second: float, rules: Rules, state: np.void) -> int:
    """Return the level nearest to the price, milliticks: a round number, a prior-day or an aged session extreme."""
    step = rules.round_step * MILLI
    nearest = (state.price + step // 2) // step * step
    for level, since in (
        (state.prior_high, -1e9),
        (state.prior_low, -1e9),
        (state.high, state.high_s),
        (state.low, state.low_s),
    ):
        aged = second - since > rules.level_cooldown_s
        if level > 0 and aged and abs(level - state.price) < abs(nearest - state.price):
            nearest = level
    return nearest


@njit(cache=True, nogil=True)
def react_to_level(i: int, events: Events, rules: Rules, state: np.void) -> None:
    """Start a break or a bounce when the price enters the band of a level that is not cooling down."""
    second = events.second[i]
    level = nearest_level(second, rules, state)
    cooling = level == state.level and second - state.level_s < rules.level_cooldown_s
    if abs(level - state.price) > rules.level_band or cooling:
        return
    toward = 1 if level > state.trend_price else -1
    logit = rules.break_logit[events.regime[i]] + rules.flow_logit * toward * state.flow
    logit -= rules.wall_logit * wall_strength(level // MILLI, rules, state)
    breaks = events.level_draw[i] < 1.0 / (1.0 + np.exp(-logit))
    state.level, state.level_s = level, second
    state.reaction = toward if breaks else -toward
    state.reaction_until_s = second + events.reaction_s[i]


@njit(cache=True, nogil=True)
def move_price(i: int, elapsed: float, events: Events, rules: Rules, state: np.void) -> None:
    """Move the efficient price and the slow variables that follow it over `elapsed` seconds."""
    volatility = rules.volatility[events.regime[i]] * np.sqrt(events.activity[i])
    fade = np.exp(-elapsed / rules.imbalance_memory_s)
    pull = 0.35 * events.informed[i]
    state.imbalance = pull + (state.imbalance - pull) * fade + 0.45 * np.sqrt(1.0 - fade * fade) * events.imbalance_shock[i]
    drift = rules.informed_drift * events.informed_drift[i] + rules.imbalance_drift * state.imbalance
    if events.second[i] < state.reaction_until_s:
        drift += rules.level_drift * state.reaction
    step = volatility * (np.sqrt(elapsed) * events.price_shock[i] + drift * elapsed)
    state.price = max(state.price + round(step), 100 * MILLI)
    state.trend_price += (state.price - state.trend_price) * (1.0 - np.exp(-elapsed / 60.0))
    state.flow *= np.exp(-elapsed / 60.0)
    if state.price > state.high:
        state.high, state.high_s = state.price, events.second[i]
    if state.price < state.low:
        state.low, state.low_s = state.price, events.second[i]


@njit(cache=True, nogil=True)
def lots_of(mean: float, spread: float, shock: float) -> int:
    """Return a log-normal size of at least one lot."""
    return max(1, round(mean * np.exp(spread * shock - 0.5 * spread * spread)))


@njit(cache=True, nogil=True)
def take(i: int, events: Events, rules: Rules, state: np.void, quotes: Quotes, trades: Trades) -> None:
    """Execute a market order against the previous quote and let the price feel it."""
    toward = 0.5 + 0.12 * state.imbalance
    if events.informed[i] != 0:
        toward = rules.informed_side if events.informed[i] > 0 else 1.0 - rules.informed_side
    buys = events.side_draw[i] < toward
    side = 1 if buys else -1
    best, shown = (quotes.ask[i - 1], quotes.ask_lots[i - 1]) if buys else (quotes.bid[i - 1], quotes.bid_lots[i - 1])
    wanted = lots_of(rules.trade_lots * rules.depth_lots[events.regime[i]], 1.1, events.size_shock[i])
    trades.side[i] = side
    trades.price[i] = best
    trades.lots[i] = min(wanted, shown)
    trades.deeper_lots[i] = min(wanted - trades.lots[i], shown)
    state.flow += side * (1.0 - side * state.flow) * 0.15
    share = min(1.5, wanted / shown)
    state.price += round(side * rules.impact * rules.half_spread[events.regime[i]] * share)


@njit(cache=True, nogil=True)
def quote(i: int, elapsed: float, events: Events, rules: Rules, state: np.void, quotes: Quotes) -> None:
    """Place best bid and ask around the efficient price, at least one tick apart."""
    target = rules.half_spread[events.regime[i]]
    keep = np.exp(-elapsed / 10.0)
    state.half_spread = target + (state.half_spread - target) * keep
    state.half_spread = max(0.3 * target, state.half_spread + 0.06 * target * events.spread_shock[i])
    half = round(state.half_spread)
    bid = (state.price - half) // MILLI
    ask = -((-state.price - half) // MILLI)
    depth = rules.depth_lots[events.regime[i]]
    tilt = min(0.9, max(-0.9, state.imbalance))
    quotes.bid[i], quotes.ask[i] = bid, max(ask, bid + 1)
    quotes.bid_lots[i] = lots_of(depth * (1.0 + tilt), 0.5, events.bid_shock[i])
    quotes.ask_lots[i] = lots_of(depth * (1.0 - tilt), 0.5, events.ask_shock[i])


@njit(cache=True, nogil=True)
def run_day(events: Events, rules: Rules, state: np.void, quotes: Quotes, trades: Trades) -> None:
    """Run one symbol-day, event by event, filling `quotes` and `trades` and leaving `state` at the day's end."""
    last_s = 0.0
    for i in range(events.second.size):
        elapsed = events.second[i] - last_s
        move_price(i, elapsed, events, rules, state)
        react_to_level(i, events, rules, state)
        if i > 0 and events.is_trade[i]:
            take(i, events, rules, state, quotes, trades)
        quote(i, elapsed, events, rules, state, quotes)
        last_s = events.second[i]


@njit(cache=True, nogil=True)
def fill_side(
    row: int, side: int, depth: float, epoch: int, rules: Rules, state: np.void, prices: Ints, lots: Ints
) -> None:
    """Fill levels 1.. of one side outward from level 0; a price keeps its size while `epoch` stays the same."""
    price, levels = prices[row, 0], prices.shape[1]
    for level in range(1, levels):
        price += side
        while mix(price * 7 + rules.wall_seed) % 11 == 0 and wall_strength(price, rules, state) == 0:
            price += side
        noise = mix(price * 1_000_003 + epoch) % 1000
        size = depth * (1.0 + 0.06 * level) * (0.4 + 0.0012 * noise)
        prices[row, level] = price
        lots[row, level] = max(1, round(size * (1.0 + rules.wall_depth * wall_strength(price, rules, state))))


@njit(cache=True, nogil=True)
def fill_books(
    rows: Ints, events: Events, rules: Rules, state: np.void, quotes: Quotes, book: Quotes
) -> None:
    """Fill one book, a row of the (rows, levels) arrays of `book`, an event named in `rows`; level 0 is its quote."""
    for row in range(rows.size):
        i = rows[row]
        depth = rules.depth_lots[events.regime[i]]
        tilt = 0.35 * (quotes.bid_lots[i] - quotes.ask_lots[i]) / (quotes.bid_lots[i] + quotes.ask_lots[i])
        epoch = int(events.second[i]) // 20
        book.bid[row, 0], book.bid_lots[row, 0] = quotes.bid[i], quotes.bid_lots[i]
        book.ask[row, 0], book.ask_lots[row, 0] = quotes.ask[i], quotes.ask_lots[i]
        fill_side(row, -1, depth * (1.0 + tilt), epoch, rules, state, book.bid, book.bid_lots)
        fill_side(row, 1, depth * (1.0 - tilt), epoch, rules, state, book.ask, book.ask_lots)
