"""Price levels an instrument is watched at, each as a causal series: the level at t comes from bars complete at t.

All levels are mids in half ticks. A level that does not exist yet (no prior day, opening range still open, warm-up) has
no value; nothing is filled in. Levels that need option data (walls, strikes) are not computed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import polars as pl

from grinder_resources.contracts.events import LEVEL_KINDS
from grinder_resources.contracts.exact import half_even
from grinder_resources.errors import OutOfRange
from grinder_resources.market.minutes import COMPLETE, KNOWN, NS_PER_MINUTE, Minutes, two_minute_closes

LevelSeries = dict[str, pl.DataFrame]
"""One known series (`known_ns`, `value` in half ticks) a level kind, in the order of LEVEL_KINDS."""


@dataclass(frozen=True)
class LevelConfig:
    """Which prices count as levels.

    opening_range_minutes
        First minutes of the session that make OR_HIGH and OR_LOW.
    round_step_bps
        ROUND levels are multiples of the largest 1-2-5 step, in ticks, within this share of the day's first price.
    """

    opening_range_minutes: int = 15
    round_step_bps: int = 50

    def __post_init__(self) -> None:
        if self.opening_range_minutes < 1 or self.round_step_bps < 1:
            raise OutOfRange("level settings are positive", where="LevelConfig", got=str(self))


def level_series(minutes: Minutes, config: LevelConfig) -> LevelSeries:
    """Return every level of one instrument and day as a known series.

    PRIOR_HIGH, PRIOR_LOW
        Extremes of the last session before the day that has bars, at most seven calendar days back.
    OR_HIGH, OR_LOW
        Extremes of the opening range, once it is over.
    SESSION_HIGH, SESSION_LOW
        Running extremes of the complete minutes, so without the minute in progress.
    SMA_200, SMA_400
        Mean of the last 200 or 400 two-minute closes, the look-back included.
    VWAP
        Traded notional / volume since the open.
    ROUND
        The multiple of the round step nearest to the last complete minute's close.
    """
    makers: dict[str, Callable[[Minutes], pl.DataFrame]] = {
        "PRIOR_HIGH": partial(_prior, pl.col("high_half_ticks").max()),
        "PRIOR_LOW": partial(_prior, pl.col("low_half_ticks").min()),
        "OR_HIGH": partial(_opening_range, pl.col("high_half_ticks").max(), config),
        "OR_LOW": partial(_opening_range, pl.col("low_half_ticks").min(), config),
        "SESSION_HIGH": partial(_running, pl.col("high_half_ticks").cum_max()),
        "SESSION_LOW": partial(_running, pl.col("low_half_ticks").cum_min()),
        "SMA_200": partial(moving_average, 200),
        "VWAP": _vwap,
        "ROUND": partial(_round_number, config),
        "SMA_400": partial(moving_average, 400),
    }
    return {kind: makers[kind](minutes).cast(KNOWN).drop_nulls() for kind in LEVEL_KINDS}


def moving_sum(bars: int, minutes: Minutes) -> pl.DataFrame:
    """Return the known series of the sum of the last `bars` two-minute closes; empty in warm-up."""
    closes = two_minute_closes(minutes)
    return closes.select("known_ns", pl.col("value").rolling_sum(bars)).drop_nulls()


def moving_average(bars: int, minutes: Minutes) -> pl.DataFrame:
    """Return the known series of the mean of the last `bars` two-minute closes, half ticks, half-even."""
    return moving_sum(bars, minutes).with_columns(half_even(pl.col("value"), pl.lit(bars)))


def round_step_ticks(price_half_ticks: int, step_bps: int) -> int:
    """Return the largest of 1, 2, 5, 10, 20, 50, ... ticks that is at most `step_bps` of the price; at least 1."""
    most = price_half_ticks * step_bps // 20_000
    decade: int = 10 ** (len(str(max(most, 1))) - 1)
    return max(decade * digit for digit in (1, 2, 5) if decade * digit <= max(most, 1))


def _prior(extreme: pl.Expr, minutes: Minutes) -> pl.DataFrame:
    last = minutes.before.drop_nulls("close_half_ticks").filter(pl.col("date") == pl.col("date").max())
    return last.select(known_ns=pl.lit(minutes.open_ns), value=extreme)


def _opening_range(extreme: pl.Expr, config: LevelConfig, minutes: Minutes) -> pl.DataFrame:
    over_ns = minutes.open_ns + config.opening_range_minutes * NS_PER_MINUTE
    return minutes.today.filter(pl.col("ts_ns") < over_ns).select(known_ns=pl.lit(over_ns), value=extreme)


def _running(extreme: pl.Expr, minutes: Minutes) -> pl.DataFrame:
    return minutes.today.drop_nulls("close_half_ticks").select(COMPLETE, value=extreme)


def _vwap(minutes: Minutes) -> pl.DataFrame:
    traded = minutes.today.filter(pl.col("volume_lots") > 0)
    notional, volume = (pl.col(name).cast(pl.Int128).cum_sum() for name in ("notional_tick_lots", "volume_lots"))
    return traded.select(COMPLETE, value=half_even(2 * notional, volume))


def _round_number(config: LevelConfig, minutes: Minutes) -> pl.DataFrame:
    quoted = minutes.today.drop_nulls("close_half_ticks")
    if quoted.is_empty():
        return quoted.select(COMPLETE, value="close_half_ticks")
    step = 2 * round_step_ticks(quoted["close_half_ticks"][0], config.round_step_bps)
    return quoted.select(COMPLETE, value=half_even(pl.col("close_half_ticks"), pl.lit(step)) * step)
