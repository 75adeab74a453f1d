"""One instrument's one-minute bars inside its sessions, and series that say from when on each value was known.

A *known series* is a frame of two columns, `known_ns` and `value`: `value` holds from `known_ns` on until the next row.
A bar that starts at s is known at s + 60 s, never earlier, so whatever is read through `values_at` is causal by
construction. Prices are mids in half ticks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from grinder_resources.contracts.events import ATR_BARS
from grinder_resources.contracts.instruments import NS_PER_SECOND, Instrument

NS_PER_MINUTE = 60 * NS_PER_SECOND
LOOK_BACK_DAYS = 7
"""Calendar days before the day whose bars may be used: three sessions, a weekend and a holiday."""

KNOWN = pl.Schema({"known_ns": pl.Int64(), "value": pl.Int64()})
COMPLETE = (pl.col("ts_ns") + NS_PER_MINUTE).alias("known_ns")


@dataclass(frozen=True)
class Minutes:
    """One instrument's bars of a day and of the look-back before it, in session and oldest first.

    `today` and `before` are rows of `silver/bars`; `quoted` is both together without the minutes that have no quote.
    The session of the day is [open_ns, close_ns).
    """

    instrument: Instrument
    open_ns: int
    close_ns: int
    today: pl.DataFrame
    before: pl.DataFrame

    @property
    def quoted(self) -> pl.DataFrame:
        """Every bar that has a mid, the look-back first."""
        return pl.concat([self.before, self.today]).filter(pl.col("close_half_ticks").is_not_null())


def session_minutes(today: pl.DataFrame, before: pl.DataFrame, instrument: Instrument, day: date) -> Minutes:
    """Return the instrument's minutes from two frames of `silver/bars`; other instruments and days are ignored."""
    open_ns, close_ns = instrument.session_ns(day)
    days = [day - timedelta(days=back) for back in range(LOOK_BACK_DAYS, 0, -1)]
    return Minutes(
        instrument=instrument,
        open_ns=open_ns,
        close_ns=close_ns,
        today=_in_session(today, instrument, [day]),
        before=_in_session(before, instrument, days),
    )


def _in_session(bars: pl.DataFrame, instrument: Instrument, days: list[date]) -> pl.DataFrame:
    sessions = (instrument.session_ns(day) for day in days)
    inside = pl.any_horizontal(pl.col("ts_ns").is_between(first, last, closed="left") for first, last in sessions)
    return bars.filter(is_of(instrument) & inside).sort("ts_ns")


def is_of(instrument: Instrument) -> pl.Expr:
    """Return the predicate that keeps the rows of one instrument."""
    return (pl.col("venue") == instrument.venue) & (pl.col("symbol") == instrument.symbol)


def values_at(series: Mapping[str, pl.DataFrame], times: pl.Series) -> pl.DataFrame:
    """Return one column a series with the value in force at each of `times` (sorted, ns); null before the first one."""
    frame = times.alias("at_ns").to_frame()
    for name, known in series.items():
        frame = frame.join_asof(known.rename({"value": name}), left_on="at_ns", right_on="known_ns").drop("known_ns")
    return frame.drop("at_ns")


def atr_sum(minutes: Minutes) -> pl.DataFrame:
    """Return the known series of the sum of the last 14 one-minute true ranges; ATR is that / 14.

    True range is max(high, previous close) - min(low, previous close) (Wilder, 1978); the previous close counts only
    within the same UTC day, so that an overnight jump is not taken for volatility.
    """
    same_day = pl.col("date") == pl.col("date").shift()
    previous = pl.when(same_day).then(pl.col("close_half_ticks").shift())
    top, bottom = pl.max_horizontal("high_half_ticks", previous), pl.min_horizontal("low_half_ticks", previous)
    summed = (top - bottom).rolling_sum(ATR_BARS).alias("value")
    return minutes.quoted.select(COMPLETE, summed).drop_nulls()


def two_minute_closes(minutes: Minutes) -> pl.DataFrame:
    """Return the known series of two-minute closes: the last quoted minute of each UTC pair, known once it is over."""
    pair = pl.col("ts_ns") // (2 * NS_PER_MINUTE)
    closes = minutes.quoted.group_by(pair.alias("pair"), maintain_order=True).agg(pl.col("close_half_ticks").last())
    return closes.select(known_ns=(pl.col("pair") + 1) * (2 * NS_PER_MINUTE), value="close_half_ticks")
