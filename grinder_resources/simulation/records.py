"""What the demo market's compiled loops read and fill: plain named tuples of numpy arrays, and one memory record.

Prices inside the loops are int64 thousandths of a tick ("milliticks"); what leaves them is whole ticks and lots.
"""

from typing import NamedTuple, Protocol, cast

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MILLI = 1000


class Memory(Protocol):
    """What the event loop carries from event to event and, in part, from day to day.

    price, level, high, low, prior_high, prior_low
        Efficient price, level touched last, extremes of the session and of the day before (0 = none), milliticks.
    trend_price, half_spread
        Slow average of the price and current half spread, milliticks.
    imbalance, flow
        Book imbalance and recent signed order flow, about -1..1.
    high_s, low_s, level_s
        When the session extremes and the touch happened, seconds of the day.
    reaction, reaction_until_s
        Direction in which the touched level drives the price, -1, 0 or +1, and until when.
    """

    price: int
    level: int
    high: int
    low: int
    prior_high: int
    prior_low: int
    trend_price: float
    half_spread: float
    imbalance: float
    flow: float
    high_s: float
    low_s: float
    level_s: float
    reaction: int
    reaction_until_s: float


def blank_memory() -> Memory:
    """Return a memory of zeros: a numpy record, which compiled loops change in place."""
    fields = [(name, np.dtype(kind)) for name, kind in Memory.__annotations__.items()]
    return cast(Memory, np.zeros(1, dtype=np.dtype((np.record, np.dtype(fields))))[0])


class Rules(NamedTuple):
    """Parameters in ticks and lots; arrays are indexed by regime code."""

    volatility: Floats
    half_spread: Floats
    depth_lots: Floats
    break_logit: Floats
    trade_lots: float
    informed_side: float
    informed_drift: float
    impact: float
    imbalance_memory_s: float
    imbalance_drift: float
    level_band: int
    level_cooldown_s: float
    level_drift: float
    wall_logit: float
    wall_depth: float
    flow_logit: float
    round_step: int
    wall_seed: int


class Events(NamedTuple):
    """Inputs of one symbol-day, one entry an event; normals and uniforms are drawn beforehand."""

    second: Floats
    regime: npt.NDArray[np.int8]
    activity: Floats
    informed: npt.NDArray[np.int8]
    informed_drift: npt.NDArray[np.int8]
    is_trade: npt.NDArray[np.bool_]
    price_shock: Floats
    imbalance_shock: Floats
    spread_shock: Floats
    bid_shock: Floats
    ask_shock: Floats
    size_shock: Floats
    side_draw: Floats
    level_draw: Floats
    reaction_s: Floats


class Quotes(NamedTuple):
    """Bid and ask in ticks and lots: one entry an event at the best level, or (rows, levels) of whole books."""

    bid: Ints
    bid_lots: Ints
    ask: Ints
    ask_lots: Ints


class Trades(NamedTuple):
    """Prints by event: the first at the touch and, where lots of the second are positive, one a tick deeper."""

    side: Ints
    price: Ints
    lots: Ints
    deeper_lots: Ints


class Market(NamedTuple):
    """Everything of one symbol-day but its memory: what drives it, and what it fills."""

    rules: Rules
    events: Events
    quotes: Quotes
    trades: Trades
