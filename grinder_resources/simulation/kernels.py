"""Compiled loops of the demo market: the event loop that makes quotes and trades, and the loop that fills books.

The efficient price is an int64 in milliticks; quotes, sizes and trades are whole ticks and lots. Every random number is
drawn beforehand by numpy, so the loops are pure functions of their arguments. numba is imported here and only here.
"""

import math

from numba import njit

from grinder_resources.simulation.records import MILLI, Ints, Market, Memory, Quotes, Rules

SIZE_LIFE_S = 120
"""Seconds for which a price behind the best level keeps its size."""
TILTED_LEVELS = 5
"""Levels a side, best included, that share the imbalance of the best quote."""


@njit(cache=True, nogil=True)
def mix(value: int) -> int:
    """Return a well mixed non-negative hash of an integer (xorshift-multiply in 62 bits)."""
    mixed = value & 0x3FFFFFFFFFFFFFFF
    for _ in range(2):
        mixed = ((mixed ^ (mixed >> 31)) * 0x7FB5D329728EA185) & 0x3FFFFFFFFFFFFFFF
    return mixed ^ (mixed >> 27)


@njit(cache=True, nogil=True)
def wall_strength(price_ticks: int, rules: Rules, memory: Memory) -> int:
    """Return 0, 1 or 2: how large a wall stands at a price; only round numbers and prior-day extremes carry walls."""
    is_prior = price_ticks * MILLI in (memory.prior_high, memory.prior_low)
    return mix(price_ticks * 31 + rules.wall_seed) % 3 if is_prior or price_ticks % rules.round_step == 0 else 0


@njit(cache=True, nogil=True)
def nearest_level(second: float, rules: Rules, memory: Memory) -> int:
    """Return the level nearest to the price, milliticks: a round number, a prior-day or an aged session extreme."""
    step = rules.round_step * MILLI
    nearest = (memory.price + step // 2) // step * step
    aged = second - rules.level_cooldown_s
    for level, since in (
        (memory.prior_high, 0.0),
        (memory.prior_low, 0.0),
        (memory.high, memory.high_s),
        (memory.low, memory.low_s),
    ):
        if level > 0 and since <= aged and abs(level - memory.price) < abs(nearest - memory.price):
            nearest = level
    return nearest


@njit(cache=True, nogil=True)
def react_to_level(i: int, market: Market, memory: Memory) -> None:
    """Start a break or a bounce when the price enters the band of a level that is not cooling down."""
    rules, events = market.rules, market.events
    second = events.second[i]
    level = nearest_level(second, rules, memory)
    cooling = level == memory.level and second - memory.level_s < rules.level_cooldown_s
    if abs(level - memory.price) > rules.level_band or cooling:
        return
    toward = 1 if level > memory.trend_price else -1
    logit = rules.break_logit[events.regime[i]] + rules.flow_logit * toward * memory.flow
    logit -= rules.wall_logit * wall_strength(level // MILLI, rules, memory)
    memory.level, memory.level_s = level, second
    memory.reaction = toward if events.level_draw[i] < 1.0 / (1.0 + math.exp(-logit)) else -toward
    memory.reaction_until_s = second + events.reaction_s[i]


@njit(cache=True, nogil=True)
def move_price(i: int, elapsed: float, market: Market, memory: Memory) -> None:
    """Move the efficient price and the slow variables that follow it over `elapsed` seconds."""
    rules, events = market.rules, market.events
    fade = math.exp(-elapsed / rules.imbalance_memory_s)
    lean = 0.35 * events.informed[i]
    noise = 0.45 * math.sqrt(1.0 - fade * fade) * events.imbalance_shock[i]
    memory.imbalance = lean + (memory.imbalance - lean) * fade + noise
    drift = rules.informed_drift * events.informed_drift[i] + rules.imbalance_drift * memory.imbalance
    if events.second[i] < memory.reaction_until_s:
        drift += rules.level_drift * memory.reaction
    volatility = rules.volatility[events.regime[i]] * math.sqrt(events.activity[i])
    step = volatility * (math.sqrt(elapsed) * events.price_shock[i] + drift * elapsed)
    memory.price = max(memory.price + round(step), 100 * MILLI)
    slow = math.exp(-elapsed / 60.0)
    memory.trend_price = memory.price + (memory.trend_price - memory.price) * slow
    memory.flow *= slow


@njit(cache=True, nogil=True)
def extend_session(second: float, memory: Memory) -> None:
    """Keep the session's high and low, and since when they stand."""
    if memory.price > memory.high:
        memory.high, memory.high_s = memory.price, second
    if memory.price < memory.low:
        memory.low, memory.low_s = memory.price, second


@njit(cache=True, nogil=True)
def lots_of(mean: float, spread: float, shock: float) -> int:
    """Return a log-normal size of at least one lot."""
    return max(1, round(mean * math.exp(spread * shock - 0.5 * spread * spread)))


@njit(cache=True, nogil=True)
def take(i: int, market: Market, memory: Memory) -> None:
    """Execute a market order against the previous quote and let the price feel it."""
    rules, events, quotes, trades = market.rules, market.events, market.quotes, market.trades
    regime, informed = events.regime[i], events.informed[i]
    buy_odds = 0.5 + 0.12 * memory.imbalance if informed == 0 else 0.5 + (rules.informed_side - 0.5) * informed
    side = 1 if events.side_draw[i] < buy_odds else -1
    shown = quotes.ask_lots[i - 1] if side > 0 else quotes.bid_lots[i - 1]
    wanted = lots_of(rules.trade_lots * rules.depth_lots[regime], 1.1, events.size_shock[i])
    trades.side[i] = side
    trades.price[i] = quotes.ask[i - 1] if side > 0 else quotes.bid[i - 1]
    trades.lots[i] = min(wanted, shown)
    trades.deeper_lots[i] = min(wanted - trades.lots[i], shown)
    memory.flow += side * (1.0 - side * memory.flow) * 0.15
    memory.price += round(side * rules.impact * rules.half_spread[regime] * min(1.5, wanted / shown))


@njit(cache=True, nogil=True)
def quote(i: int, elapsed: float, market: Market, memory: Memory) -> None:
    """Place best bid and ask around the efficient price, at least one tick apart."""
    rules, events, quotes = market.rules, market.events, market.quotes
    target, depth = rules.half_spread[events.regime[i]], rules.depth_lots[events.regime[i]]
    drawn = target + (memory.half_spread - target) * math.exp(-elapsed / 10.0)
    memory.half_spread = max(0.3 * target, drawn + 0.12 * target * events.spread_shock[i])
    half = round(memory.half_spread)
    tilt = min(0.9, max(-0.9, memory.imbalance))
    quotes.bid[i] = (memory.price - half) // MILLI
    quotes.ask[i] = max(-((-memory.price - half) // MILLI), quotes.bid[i] + 1)
    quotes.bid_lots[i] = lots_of(depth * (1.0 + tilt), 0.5, events.bid_shock[i])
    quotes.ask_lots[i] = lots_of(depth * (1.0 - tilt), 0.5, events.ask_shock[i])


@njit(cache=True, nogil=True)
def run_day(market: Market, memory: Memory) -> None:
    """Run one symbol-day event by event, filling quotes and trades and leaving `memory` at the day's end."""
    last_s = 0.0
    for i in range(market.events.second.size):
        elapsed = market.events.second[i] - last_s
        last_s = market.events.second[i]
        move_price(i, elapsed, market, memory)
        react_to_level(i, market, memory)
        if i > 0 and market.events.is_trade[i]:
            take(i, market, memory)
        extend_session(last_s, memory)
        quote(i, elapsed, market, memory)


@njit(cache=True, nogil=True)
def rest(price: int, second: int, depth: float, rules: Rules, memory: Memory) -> int:
    """Return the lots resting at a price behind the best: 0 where nobody quotes, more where a wall stands."""
    wall = wall_strength(price, rules, memory)
    if wall == 0 and mix(price * 7 + rules.wall_seed) % 11 == 0:
        return 0
    age = (second + mix(price) % SIZE_LIFE_S) // SIZE_LIFE_S
    noise = mix(price * 1_000_003 + age) % 1000
    return max(1, round(depth * (0.4 + 0.0012 * noise) * (1.0 + rules.wall_depth * wall)))


@njit(cache=True, nogil=True)
def fill_books(rows: Ints, market: Market, memory: Memory, book: Quotes) -> None:
    """Fill one book, a row of the (rows, levels) arrays of `book`, an event named in `rows`; level 0 is its quote."""
    events, quotes, levels = market.events, market.quotes, book.bid.shape[1]
    for row in range(rows.size):
        i = rows[row]
        second, depth = int(events.second[i]), market.rules.depth_lots[events.regime[i]]
        tilt = 0.5 * (quotes.bid_lots[i] - quotes.ask_lots[i]) / (quotes.bid_lots[i] + quotes.ask_lots[i])
        for side, best, best_lots, prices, lots in (
            (-1, quotes.bid[i], quotes.bid_lots[i], book.bid[row], book.bid_lots[row]),
            (1, quotes.ask[i], quotes.ask_lots[i], book.ask[row], book.ask_lots[row]),
        ):
            prices[0], lots[0] = best, best_lots
            price, level = best, 1
            while level < levels:
                price += side
                swell = 1.0 - side * tilt if level < TILTED_LEVELS else 1.0 + 0.5 * (level // 8)
                resting = rest(price, second, depth * swell, market.rules, memory)
                if resting > 0:
                    prices[level], lots[level] = price, resting
                    level += 1
