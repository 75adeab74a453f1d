"""Moving averages of two-minute closes: distance, slope, and how far the price is stretched from them."""

from itertools import pairwise
from math import isqrt

from grinder_resources.contracts.exact import clip, half_even, squash_x1000
from grinder_resources.features.groups.group import Group, maybe, pressure
from grinder_resources.features.moment import INT32_MOST, Moment, Row, Value
from grinder_resources.market.minutes import NS_PER_MINUTE

WINDOWS = (200, 400)
BARS_AN_HOUR = 30
LONG_SLOPE_BARS = 10
SHORT_SLOPE_BARS = 5
VOLATILITY_BARS = 20
VELOCITY_MINUTES = 10


def _sma_context(at: Moment) -> Row:
    event = at.event
    row: dict[str, Value] = {}
    for window in WINDOWS:
        total = at.market.sma_sums[window].at(event.t1_ns)
        row[f"dist_to_sma_{window}_atr_x1000"] = (
            None if total is None else event.in_atr_x1000(event.level * window - total, per=window)
        )
        row[f"sma_{window}_slope_atr_x1000"] = _slope(at, window, LONG_SLOPE_BARS)
        row[f"sma_{window}_slope_5bar_atr_x1000"] = _slope(at, window, SHORT_SLOPE_BARS)
    short, long = (at.market.levels[f"SMA_{window}"].at(event.t1_ns) for window in WINDOWS)
    row["sma_spread_atr_x1000"] = None if short is None or long is None else event.in_atr_x1000(short - long)
    return row


def _slope(at: Moment, window: int, bars: int) -> int | None:
    now, before = (at.market.sma_sums[window].at(at.event.t1_ns, back) for back in (0, bars))
    if now is None or before is None:
        return None
    return at.event.in_atr_x1000(BARS_AN_HOUR * (now - before), per=window * bars)


SMA_CONTEXT = Group(
    "sma_context",
    (
        *(
            column
            for window in WINDOWS
            for column in (
                maybe(f"dist_to_sma_{window}_atr_x1000", f"(L - SMA {window}) / ATR x1000; null in warm-up"),
                maybe(
                    f"sma_{window}_slope_atr_x1000",
                    f"change of SMA {window} over 10 bars, ATR x1000 an hour; null in warm-up",
                ),
                maybe(f"sma_{window}_slope_5bar_atr_x1000", "the same over 5 bars; null in warm-up"),
            )
        ),
        maybe("sma_spread_atr_x1000", "(SMA 200 - SMA 400) / ATR x1000; null in warm-up"),
    ),
    _sma_context,
)


def _mean_reversion(at: Moment) -> Row:
    event, closes = at.event, at.market.closes
    recent = closes.between(event.t1_ns - (VOLATILITY_BARS + 1) * NS_PER_MINUTE, event.t1_ns)
    steps = [later - earlier for earlier, later in pairwise(recent)]
    pressures = {window: _stretch(at, window, steps) for window in WINDOWS}
    known = [pressure for pressure in pressures.values() if pressure is not None]
    norm = at.settings.reversion_norm_x1000 * len(known)
    return {
        **{f"mean_reversion_pressure_{window}_x1000": pressure for window, pressure in pressures.items()},
        **{f"mean_reversion_velocity_{window}_atr_x1000": _velocity(at, window) for window in WINDOWS},
        "reversion_pressure_x1000": squash_x1000(-event.sign * sum(known), norm) if known else None,
    }


def _stretch(at: Moment, window: int, steps: list[int]) -> int | None:
    """Return (spot - SMA) / population standard deviation of one-minute steps, x1000."""
    total, n = at.market.sma_sums[window].at(at.event.t1_ns), len(steps)
    spread_squared = n * sum(step * step for step in steps) - sum(steps) ** 2
    if total is None or spread_squared == 0:
        return None
    stretched = at.event.spot * window - total
    return clip(half_even(1_000_000 * n * stretched, window * isqrt(1_000_000 * spread_squared)), INT32_MOST)


def _velocity(at: Moment, window: int) -> int | None:
    event, then_ns = at.event, at.event.t1_ns - VELOCITY_MINUTES * NS_PER_MINUTE
    sums = at.market.sma_sums[window]
    now, before, close = sums.at(event.t1_ns), sums.at(then_ns), at.market.closes.at(then_ns)
    if now is None or before is None or close is None:
        return None
    return event.in_atr_x1000((event.spot - close) * window - (now - before), per=window * VELOCITY_MINUTES)


MEAN_REVERSION = Group(
    "mean_reversion",
    (
        *(
            maybe(
                f"mean_reversion_pressure_{window}_x1000",
                f"(spot - SMA {window}) / deviation of 20 one-minute steps x1000; null in warm-up or at rest",
            )
            for window in WINDOWS
        ),
        *(
            maybe(
                f"mean_reversion_velocity_{window}_atr_x1000",
                f"change of spot - SMA {window} over 10 minutes, ATR x1000 a minute; null in warm-up",
            )
            for window in WINDOWS
        ),
        pressure(
            "reversion_pressure_x1000",
            "pull toward the averages, in the approach direction; null in warm-up",
        ),
    ),
    _mean_reversion,
)
