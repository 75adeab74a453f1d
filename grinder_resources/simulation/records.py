"""What the demo market's compiled loops read and fill: plain named tuples of numpy arrays, and one memory record.

Prices inside the loops are int64 thousandths of a tick ("milliticks"); what leaves them is whole ticks and lots.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MILLI = 1000
STATE = np.dtype(
    [
        ("price", np.int64),  # efficient price, milliticks
        ("half_spread", np.float64),  # current half spread, milliticks
        ("imbalance", np.float64),  # book imbalance, about -1..1
        ("flow", np.float64),  # recent signed order flow, about -1..1
        ("trend_price", np.float64),  # slow average of the price, milliticks
        ("high", np.int64),  # session high, milliticks
        ("low", np.int64),  # session low, milliticks
        ("high_s", np.float64),  # time of the session high, seconds of the day
        ("low_s", np.float64),  # time of the session low
        ("prior_high", np.int64),  # previous day's high, milliticks; 0 on the first day
        ("prior_low", np.int64),  # previous day's low
        ("level", np.int64),  # level touched last, milliticks
        ("level_s", np.float64),  # time of that touch
        ("reaction", np.int64),  # direction the price is driven since: -1, 0, +1
        ("reaction_until_s", np.float64),  # end of the reaction
    ]
)
"""What the event loop carries from event to event and, in part, from day to day: one record."""


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
