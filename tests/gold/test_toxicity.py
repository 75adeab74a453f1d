"""Rows of the toxicity dataset: literal volatilities, and that no row knows its future."""

from functools import cache

import numpy as np
import polars as pl
import pytest

from grinder_resources.contracts.gold_toxicity import (
    ADVERSE,
    ADVERSE_LABEL,
    SCORE,
    TOXICITY_DATASET,
    TOXICITY_INPUTS,
    VOLATILITY,
    VOLATILITY_LABEL,
)
from grinder_resources.gold.toxicity import toxicity_rows
from grinder_resources.gold.toxicity_seconds import hour_spread, lookbacks, realised_volatility
from grinder_resources.learning.regime import regime_rows
from grinder_resources.market.windows import NULL
from tests.learning.test_regime import NOON_NS, snapshots
from tests.market_days import INSTRUMENT, OPEN_NS, SECOND, MarketDay, random_day

INPUTS = [column.name for column in TOXICITY_INPUTS]
UNITS = {(INSTRUMENT.venue, INSTRUMENT.symbol): INSTRUMENT}
LABELS = (VOLATILITY_LABEL, ADVERSE_LABEL)


def rows_of(day: MarketDay) -> pl.DataFrame:
    return toxicity_rows(day.snapshots, day.quotes, day.trades, UNITS)


@cache
def small_day() -> tuple[MarketDay, pl.DataFrame]:
    day = random_day(3, minutes=70)
    return day, rows_of(day)


def test_volatility_is_the_root_of_squared_returns_rounded_down() -> None:
    """Steps of +-3 and 4 bps in two of the seconds: 5 bps in ten seconds, 3 in those before the second step."""
    mids = [20_000] * 15
    mids[4:8] = [20_006] * 4
    mids[8:] = [20_014] * 7
    at = np.array([9, 10, 12, 14])
    returns = (6 * 10**7 // 20_000, round(8 * 10**7 / 20_006))
    whole = int((returns[0] ** 2 + returns[1] ** 2) ** 0.5)
    assert returns == (3_000, 3_999)
    assert realised_volatility(snapshots(mids), at, 10).tolist() == [NULL, whole, whole, 3_999]
    assert whole == 4_999


def test_no_window_reaches_over_a_missing_second() -> None:
    """Ten returns need eleven snapshots in a row."""
    seconds = snapshots([20_000] * 40).filter(pl.col("ts_ns") != NOON_NS + 15 * SECOND)
    at = np.arange(seconds.height)
    known = realised_volatility(seconds, at, 10) != NULL
    assert (seconds["ts_ns"].filter(pl.Series(known)).min() - NOON_NS) // SECOND == 10
    assert [int(k) for k in np.flatnonzero(np.diff(known.astype(int)))] == [9, 14, 24]


def test_lookbacks_are_those_of_the_rolling_kernel() -> None:
    """Spread 1, 2, ... 60: mean, population deviation and slope of the last 10, 30 and 60, x1000."""
    seconds = snapshots([20_000] * 60).with_columns(spread_bps=pl.int_range(1, pl.len() + 1))
    found = lookbacks(seconds, np.array([59]))
    assert {name: int(value[0]) for name, value in found.items() if name.startswith("spread")} == {
        "spread_bps_mean_10_x1000": 55_500,
        "spread_bps_std_10_x1000": 2_872,
        "spread_bps_trend_10_x1000": 1_000,
        "spread_bps_mean_30_x1000": 45_500,
        "spread_bps_std_30_x1000": 8_655,
        "spread_bps_trend_30_x1000": 1_000,
        "spread_bps_mean_60_x1000": 30_500,
        "spread_bps_std_60_x1000": 17_318,
        "spread_bps_trend_60_x1000": 1_000,
    }


def test_usual_spread_is_that_of_the_last_hour() -> None:
    """3,600 snapshots up to the row, fewer near the start."""
    seconds = snapshots([20_000] * 3_700).with_columns(spread_bps=pl.int_range(pl.len()))
    total, rows = hour_spread(seconds, np.array([0, 9, 3_699]))
    assert rows.tolist() == [1, 10, 3_600]
    assert total.tolist() == [0, 45, sum(range(100, 3_700))]


def test_rows_are_the_minutes_of_the_regime_dataset() -> None:
    """The same minutes, the same snapshot columns and the same end of the labels."""
    day, rows = small_day()
    regime = regime_rows(day.snapshots)
    shared = [name for name in regime.columns if name in rows.columns]
    assert rows.height == regime.height > 60
    assert rows.select(shared).equals(regime.select(shared))
    assert rows.schema == TOXICITY_DATASET.schema


def test_what_is_asked_of_a_minute_is_known_at_its_end() -> None:
    """The labels of one row are the inputs of the next."""
    _, rows = small_day()
    joined = rows.join(rows.with_columns(ts_ns=pl.col("ts_ns") + 60 * SECOND), on="ts_ns", suffix="_before")
    assert joined.height > 60
    for known, label in ((VOLATILITY, VOLATILITY_LABEL), (ADVERSE, ADVERSE_LABEL)):
        assert joined[known].equals(joined[f"{label}_before"], null_equal=True)


def test_every_input_is_known_in_an_ordinary_row() -> None:
    """After an hour nothing is null, and the score lies within its range."""
    _, rows = small_day()
    late = rows.filter(pl.col("ts_ns") > OPEN_NS + 3_700 * SECOND)
    assert sum(late.select(INPUTS).null_count().row(0)) == 0
    assert late[SCORE].is_between(1, 3_000).all()


@pytest.mark.parametrize("change", ["cut", "altered"])
def test_no_input_knows_what_comes_after_its_row(change: str) -> None:
    """A row stays what it is when the future is deleted or made up; its labels do not."""
    day, rows = small_day()
    asked = rows.row(40, named=True)
    now = asked["ts_ns"]
    # Without a minute after it there is no row: quotes and prints go on by a copy of the past, or by other prices.
    other = day.changed_after(now, 40) if change == "altered" else day.until(now)
    made = toxicity_rows(_seconds(day, other, now), other.quotes, other.trades, UNITS).filter(pl.col("ts_ns") == now)
    assert made.select(INPUTS).row(0, named=True) == {name: asked[name] for name in INPUTS}
    assert made.select(LABELS).row(0) != tuple(asked[name] for name in LABELS)


def _seconds(day: MarketDay, other: MarketDay, now: int) -> pl.DataFrame:
    """Return the snapshots of the other future; where it has none, the last one stands still for a minute."""
    built = other.snapshots
    last = built.filter(pl.col("ts_ns") == now)
    later = [last.with_columns(ts_ns=pl.col("ts_ns") + second * SECOND) for second in range(1, 61)]
    known = built.filter(pl.col("ts_ns") <= now)
    return built if other.quotes.height == day.quotes.height else pl.concat([known, *later])
