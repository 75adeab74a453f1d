"""Levels against plain Python loops over the bars, and by hand where a loop would repeat the rule."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest

from grinder_resources.contracts.events import LEVEL_KINDS
from grinder_resources.contracts.instruments import Instrument
from grinder_resources.errors import OutOfRange
from grinder_resources.market.levels import LevelConfig, level_series, round_step_ticks
from grinder_resources.market.minutes import atr_sum, session_minutes, values_at
from tests.market_days import BEFORE_NS, DAY, DAY_BEFORE, INSTRUMENT, OPEN_NS, SECOND, bars_before, random_day

MINUTE = 60 * SECOND
CONFIG = LevelConfig()
NEW_YORK = Instrument("demo", "AAA", Decimal("0.01"), Decimal(1), "09:30-16:00 America/New_York")


def levels_at(
    minutes: list[int], today: pl.DataFrame, before: pl.DataFrame, config: LevelConfig = CONFIG
) -> list[dict]:
    series = level_series(session_minutes(today, before, INSTRUMENT, DAY), config)
    return values_at(series, pl.Series([OPEN_NS + minute * MINUTE for minute in minutes])).to_dicts()


def reference(at_ns: int, today: list[dict], before: list[dict]) -> dict[str, int | None]:
    """Return every level at a time, straight from its definition."""
    done = [bar for bar in today if bar["ts_ns"] + MINUTE <= at_ns]
    closes: dict[int, int] = {}
    for bar in before + done:
        closes[bar["ts_ns"] // (2 * MINUTE)] = bar["close_half_ticks"]
    complete = [close for pair, close in sorted(closes.items()) if (pair + 1) * 2 * MINUTE <= at_ns]
    opening = [bar for bar in today if bar["ts_ns"] < OPEN_NS + 15 * MINUTE]
    in_range = opening if at_ns >= OPEN_NS + 15 * MINUTE else []
    volume = sum(bar["volume_lots"] for bar in done)
    step = 2 * round_step_ticks(today[0]["close_half_ticks"], 50)
    return {
        "PRIOR_HIGH": max(bar["high_half_ticks"] for bar in before),
        "PRIOR_LOW": min(bar["low_half_ticks"] for bar in before),
        "OR_HIGH": max((bar["high_half_ticks"] for bar in in_range), default=None),
        "OR_LOW": min((bar["low_half_ticks"] for bar in in_range), default=None),
        "SESSION_HIGH": max((bar["high_half_ticks"] for bar in done), default=None),
        "SESSION_LOW": min((bar["low_half_ticks"] for bar in done), default=None),
        "SMA_200": round(Fraction(sum(complete[-200:]), 200)) if len(complete) >= 200 else None,
        "VWAP": round(Fraction(2 * sum(bar["notional_tick_lots"] for bar in done), volume)) if volume else None,
        "ROUND": round(Fraction(done[-1]["close_half_ticks"], step)) * step if done else None,
        "SMA_400": round(Fraction(sum(complete[-400:]), 400)) if len(complete) >= 400 else None,
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_levels_equal_their_definitions(seed: int) -> None:
    """Every kind, at many minutes of a random day, with and without the warm-up of the day before."""
    day = random_day(seed, minutes=60)
    today = day.bars_today.to_dicts()
    minutes = [0, 1, 2, 14, 15, 16, 31, 60]
    for before in (day.bars_before, day.bars_before.tail(600)):
        got = levels_at(minutes, day.bars_today, before)
        expected = [reference(OPEN_NS + minute * MINUTE, today, before.to_dicts()) for minute in minutes]
        assert got == expected
    assert list(got[0]) == list(LEVEL_KINDS)


def test_no_prior_day_no_prior_levels() -> None:
    """Without a look-back there is no prior high, no average and no ATR for fourteen minutes."""
    day = random_day(3, minutes=30)
    got = levels_at([20], day.bars_today, day.bars_before.clear())[0]
    assert [kind for kind, level in got.items() if level is None] == ["PRIOR_HIGH", "PRIOR_LOW", "SMA_200", "SMA_400"]
    sums = atr_sum(session_minutes(day.bars_today, day.bars_before.clear(), INSTRUMENT, DAY))
    assert sums["known_ns"][0] == OPEN_NS + 14 * MINUTE


def test_the_prior_day_is_the_last_one_with_bars_within_a_week() -> None:
    """A holiday is skipped; eight days back is too far."""
    far, near = DAY - timedelta(days=8), DAY - timedelta(days=7)
    empty = random_day(1, minutes=2).bars_today
    for day, expected in ((far, None), (near, 500)):
        assert levels_at([0], empty, bars_before([500], [400], day))[0]["PRIOR_HIGH"] == expected


def test_bars_outside_the_session_do_not_count() -> None:
    """A pre-market extreme is not the prior session's high; the look-back has its own day's session."""
    bars = bars_before([900] * 1440, [800] * 1440)
    spike = (pl.col("ts_ns") == BEFORE_NS + 14 * 60 * MINUTE).alias("spike")  # 09:00 in New York
    bars = bars.with_columns(high_half_ticks=pl.when(spike).then(5000).otherwise("high_half_ticks"))
    minutes = session_minutes(bars.clear(), bars, NEW_YORK, DAY)
    assert minutes.before.height == 390
    assert level_series(minutes, CONFIG)["PRIOR_HIGH"]["value"].to_list() == [900]


def test_true_range_reaches_to_the_previous_close_within_a_day() -> None:
    """Fourteen quiet bars, then one that gapped: 13 x 2 + the gap; the night between two days is no range."""
    bars = bars_before([102] * 15, [100] * 15)
    gapped = bars.with_columns(
        high_half_ticks=pl.when(pl.col("ts_ns") == bars["ts_ns"][14]).then(122).otherwise("high_half_ticks"),
        low_half_ticks=pl.when(pl.col("ts_ns") == bars["ts_ns"][14]).then(120).otherwise("low_half_ticks"),
    )
    today = bars_before([502], [500], DAY)
    sums = atr_sum(session_minutes(today, gapped, INSTRUMENT, DAY))
    assert sums["value"].to_list() == [28, 13 * 2 + (122 - 101), 12 * 2 + 21 + 2]
    assert sums["known_ns"][0] == INSTRUMENT.session_ns(DAY_BEFORE)[0] + 14 * MINUTE


@pytest.mark.parametrize(
    ("price_half_ticks", "step"),
    [(36_380, 50), (2_840, 5), (1_236_004, 2000), (200, 1), (1, 1), (80_000, 200), (79_999, 100)],
)
def test_round_step(price_half_ticks: int, step: int) -> None:
    """The largest 1-2-5 step within 50 bps: 50 cents at 181.90, 5 at 14.20, 200.0 at 61800.2 with a tick of 0.1."""
    assert round_step_ticks(price_half_ticks, 50) == step


def test_settings_that_make_no_sense_are_refused() -> None:
    """An opening range has a length."""
    with pytest.raises(OutOfRange, match="positive"):
        LevelConfig(opening_range_minutes=0)
