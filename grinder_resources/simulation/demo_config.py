"""Parameters of the embedded demo market: what it trades, how it behaves, how long it runs.

A frozen description only; `demo_market` turns it into files. Distances are ticks of a *reference instrument* whose tick
is one basis point; each instrument scales them by its own `ticks_per_bp`, so two symbols with different ticks behave
alike in bps.
"""

from dataclasses import dataclass

from grinder_resources.errors import OutOfRange, UnknownName

LOW, MID, HIGH = 0, 1, 2
REGIMES = ("LOW", "MID", "HIGH")
"""Names of the toxicity regimes, by code."""

BOOK_LEVELS = 25
"""Levels a side in a `book_snapshot_25` file."""


@dataclass(frozen=True)
class DemoInstrument:
    """One symbol of the demo venue.

    symbol
        Name in file names and rows.
    price_decimals, lot_decimals
        The tick is 10^-price_decimals, the lot 10^-lot_decimals.
    first_price_ticks
        Price at the first midnight.
    ticks_per_bp
        Ticks in one basis point of the first price; scales volatility, spread and level bands.
    round_step_ticks
        Distance between round numbers.
    lots_scale
        Multiplier on every size.
    """

    symbol: str
    price_decimals: int
    lot_decimals: int
    first_price_ticks: int
    ticks_per_bp: float
    round_step_ticks: int
    lots_scale: float


DEMO_INSTRUMENTS = (
    DemoInstrument("DEMOUSDT", 2, 3, 13_025, 1.3, 50, 1.0),
    DemoInstrument("GRINDUSDT", 4, 1, 25_115, 2.5, 100, 1.6),
)
"""Symbols the demo venue lists."""


def demo_instrument(symbol: str) -> DemoInstrument:
    """Return the listed instrument called `symbol`; raises UnknownName."""
    listed = {instrument.symbol: instrument for instrument in DEMO_INSTRUMENTS}
    if symbol not in listed:
        raise UnknownName("the demo venue does not list this symbol", got=symbol, expected=", ".join(listed))
    return listed[symbol]


@dataclass(frozen=True)
class RegimeConfig:
    """How the market behaves while one toxicity regime lasts.

    mean_minutes
        Mean length of a stay; stays are exponential.
    next_weights
        Relative odds of the regime that follows, by code; the own entry is 0.
    volatility_bps
        Standard deviation of the efficient price over one second at average activity, bps.
    half_spread_bps
        Target half spread, bps.
    depth_lots
        Typical size at a price, lots.
    event_rate
        Multiplier on the number of book events.
    informed_share
        Share of time in which an informed trader is at work, 0..1.
    break_logit
        Log odds that a touched level breaks, before walls and flow.
    """

    mean_minutes: float
    next_weights: tuple[float, float, float]
    volatility_bps: float
    half_spread_bps: float
    depth_lots: float
    event_rate: float
    informed_share: float
    break_logit: float


CALM = RegimeConfig(14.0, (0.0, 0.8, 0.2), 0.34, 0.8, 900.0, 0.75, 0.04, -0.9)
NORMAL = RegimeConfig(9.0, (0.6, 0.0, 0.4), 0.65, 1.3, 520.0, 1.0, 0.12, -0.1)
TOXIC = RegimeConfig(6.0, (0.25, 0.75, 0.0), 1.25, 2.1, 260.0, 1.7, 0.3, 0.9)


@dataclass(frozen=True)
class DemoConfig:
    """Every parameter of the demo market.

    hours
        Length of each day from midnight UTC, 0 < hours <= 24; shorter days are for tests.
    regimes
        Behaviour in the LOW, MID and HIGH toxicity regimes, by code.
    events_per_day
        Mean number of book events, and so of quotes, in a 24-hour day of MID toxicity.
    trade_share
        Share of events that are market orders, 0..1.
    trade_lots
        Mean size of a market order, in units of the regime's depth_lots.
    snapshot_every_s
        Width of the bins of which the last event also writes a 25-level snapshot, seconds.
    price_tail_dof
        Degrees of freedom of the Student-t price innovations; above 2.
    informed_seconds
        Mean length of an informed episode, seconds.
    informed_side
        Probability that a market order goes the informed way during an episode, 0.5..1.
    informed_drift
        Drift of the efficient price in an episode, in one-second volatilities per second.
    informed_lag_s
        Seconds by which informed orders precede their drift.
    impact
        Permanent price impact of an order the size of the best queue, in half spreads.
    imbalance_memory_s
        Time constant of the book imbalance, seconds.
    imbalance_drift
        Drift per unit of book imbalance, in one-second volatilities per second.
    level_band_bps
        Distance at which a level is touched, bps.
    level_cooldown_s
        Seconds before the same level can be touched again.
    level_minutes
        Mean length of the reaction to a touch, minutes; exponential.
    level_drift
        Drift of a break or a bounce, in one-second volatilities per second.
    wall_logit, wall_depth
        A wall of strength w in {0, 1, 2} at a level lowers the log odds of a break by wall_logit * w and multiplies the
        size shown there by 1 + wall_depth * w.
    flow_logit
        Change in the log odds of a break when all recent flow goes toward the level.
    """

    hours: float = 24.0
    regimes: tuple[RegimeConfig, RegimeConfig, RegimeConfig] = (CALM, NORMAL, TOXIC)
    events_per_day: int = 36_000
    trade_share: float = 0.3
    trade_lots: float = 0.35
    snapshot_every_s: int = 3
    price_tail_dof: float = 5.0
    informed_seconds: float = 45.0
    informed_side: float = 0.75
    informed_drift: float = 0.09
    informed_lag_s: int = 8
    impact: float = 0.12
    imbalance_memory_s: float = 15.0
    imbalance_drift: float = 0.08
    level_band_bps: float = 2.5
    level_cooldown_s: float = 600.0
    level_minutes: float = 9.0
    level_drift: float = 0.035
    wall_logit: float = 0.7
    wall_depth: float = 3.0
    flow_logit: float = 0.8

    def __post_init__(self) -> None:
        for name, value, top in (("hours", self.hours, 24.0), ("trade_share", self.trade_share, 1.0)):
            if not 0 < value <= top:
                rule = f"{name} of the demo market is out of range"
                raise OutOfRange(rule, got=str(value), expected=f"0 < {name} <= {top:g}")

    @property
    def seconds(self) -> int:
        """Whole seconds in a day of this market."""
        return round(self.hours * 3600)
