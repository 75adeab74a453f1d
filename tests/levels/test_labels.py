"""Labels of one touch of PRIOR_HIGH = 2000 half ticks, from hand-made paths of the mid."""

from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from grinder_resources.contracts.bronze import TRADES
from grinder_resources.contracts.events import LEVEL_EVENTS
from grinder_resources.errors import OutOfRange, UnknownName
from grinder_resources.market.bars import build_bars
from grinder_resources.market.labels import LabelConfig
from grinder_resources.market.level_events import EventConfig, level_events
from grinder_resources.market.touches import TouchConfig
from tests.market_days import DAY, INSTRUMENT, OPEN_NS, SECOND, bars_before, quotes

BEFORE = bars_before([2000] * 14, [1986] * 14)
"""ATR of 14 half ticks; the prior session's high is the level."""

LABELS = LabelConfig(threshold_half_ticks=(10, 20), max_gap_s=3600)
CONFIG = EventConfig(touches=TouchConfig(band_atr_x1000=0), labels=LABELS)
FROM_BELOW = [(0, 1980), (100, 1999)]
"""A touch at 100 s; confirmed at 340 s; labels end at 820 s."""


def events_of(points: list[tuple[float, int]], config: EventConfig = CONFIG) -> tuple[pl.DataFrame, dict[str, int]]:
    day = quotes(points)
    events, counts = level_events(day, build_bars(day, TRADES.empty()), BEFORE, [INSTRUMENT], DAY, config=config)
    return events.filter(pl.col("level_kind_name") == "PRIOR_HIGH"), counts


def labels_of(points: list[tuple[float, int]], config: EventConfig = CONFIG) -> dict[str, Any]:
    events, _ = events_of(points, config)
    assert events.height == 1
    return events.row(0, named=True)


def test_break() -> None:
    """The mid passes both thresholds beyond the level: every label of the row is as written here."""
    row = labels_of([*FROM_BELOW, (400, 2010), (450, 2020), (500, 1995)])
    touch_ns = OPEN_NS + 100 * SECOND
    assert row == {
        "date": DAY,
        "venue": "demo",
        "symbol": "AAA",
        "ts_ns": touch_ns,
        "confirm_ts_ns": touch_ns + 240 * SECOND,
        "event_id": f"AAA_2025-03-04_PRIOR_HIGH_1000_{touch_ns}_UP",
        "level_kind": 0,
        "level_kind_name": "PRIOR_HIGH",
        "direction": "UP",
        "direction_sign": 1,
        "level_price_half_ticks": 2000,
        "touch_half_ticks": 1999,
        "spot_half_ticks": 1999,
        "distance_half_ticks": 1,
        "atr_sum_half_ticks": 12 * 14 + 0 + 19,
        "prior_touches": 0,
        "attempt_index": 1,
        "attempt_confirm_ts_ns": touch_ns + 240 * SECOND,
        "label_end_ns": touch_ns + 720 * SECOND,
        "threshold_1_half_ticks": 10,
        "threshold_2_half_ticks": 20,
        "outcome": "BREAK",
        "tradeable_1": 1,
        "tradeable_2": 1,
        "strength_signed": 1123,  # (20 - 5) / (187 / 14)
        "strength_abs": 1497,
        "excursion_max": 20,
        "excursion_min": 5,
        "time_to_break_1_ms": 60_000,
        "time_to_break_2_ms": 110_000,
        "time_to_bounce_1_ms": None,
        "time_to_bounce_2_ms": None,
        "time_to_threshold_1_ms": 60_000,
        "time_to_threshold_2_ms": 110_000,
        "t1_60": 1,
        "t1_120": 1,
        "t2_60": 0,
        "t2_120": 1,
        "t1_break_60": 1,
        "t1_break_120": 1,
        "t2_break_60": 0,
        "t2_break_120": 1,
        "t1_bounce_60": 0,
        "t1_bounce_120": 0,
        "t2_bounce_60": 0,
        "t2_bounce_120": 0,
    }


CASES = {
    "bounce": ([*FROM_BELOW, (400, 1990), (450, 1980)], "BOUNCE", None, 110_000, 1),
    "bounce, then break": ([*FROM_BELOW, (400, 1980), (450, 2020)], "BOUNCE", 110_000, 60_000, 1),
    "neither": ([*FROM_BELOW, (400, 2019), (450, 1981)], "CHOP", None, None, 0),
    "both in the same instant": ([*FROM_BELOW, (400, 2020), (400, 1980)], "CHOP", 60_000, 60_000, 0),
    "already beyond at t1": ([*FROM_BELOW, (300, 2025), (345, 1970)], "BREAK", 0, 5_000, 1),
    "a quote at t1 opens the path": ([*FROM_BELOW, (340, 2020)], "BREAK", 0, None, 1),
    "a quote at the end counts": ([*FROM_BELOW, (820, 2020)], "BREAK", 480_000, None, 1),
    "a quote after the end does not": ([*FROM_BELOW, (820.001, 2020)], "CHOP", None, None, 0),
    "down, through": ([(0, 2030), (100, 2002), (400, 1980)], "BREAK", 60_000, None, 1),
    "down, and back": ([(0, 2030), (100, 2002), (400, 2020)], "BOUNCE", None, 60_000, 1),
    "times are rounded up": ([*FROM_BELOW, (340.0001, 2020)], "BREAK", 1, None, 1),
}


@pytest.mark.parametrize(("points", "outcome", "break_ms", "bounce_ms", "tradeable"), CASES.values(), ids=CASES)
def test_outcomes(
    points: list[tuple[float, int]], outcome: str, break_ms: int | None, bounce_ms: int | None, tradeable: int
) -> None:
    """The second threshold's first passage names the outcome."""
    row = labels_of(points)
    names = ("outcome", "time_to_break_2_ms", "time_to_bounce_2_ms", "tradeable_2")
    assert tuple(row[name] for name in names) == (outcome, break_ms, bounce_ms, tradeable)


def test_reach_agrees_with_its_time() -> None:
    """A threshold reached a microsecond after the horizon is not reached within it."""
    inside, outside = (labels_of([*FROM_BELOW, (at, 2020)]) for at in (400, 400.000001))
    assert (inside["t2_break_60"], inside["time_to_break_2_ms"]) == (1, 60_000)
    assert (outside["t2_break_60"], outside["time_to_break_2_ms"]) == (0, 60_001)


def test_thresholds_are_atr_known_at_t1() -> None:
    """By default the thresholds are one and two ATR of the fourteen minutes complete at t1, in half ticks."""
    config = EventConfig(touches=CONFIG.touches, labels=LabelConfig(max_gap_s=3600))
    row = labels_of([*FROM_BELOW, (400, 2026), (450, 2027)], config)
    assert (row["threshold_1_half_ticks"], row["threshold_2_half_ticks"]) == (13, 27)  # 187 / 14 = 13.36
    assert (row["time_to_break_1_ms"], row["time_to_break_2_ms"]) == (60_000, 110_000)


def test_a_silence_in_the_label_window_drops_the_touch() -> None:
    """Sixty seconds without a quote are borne, a millisecond more is a gap."""
    steady = [*FROM_BELOW, *((340 + 60 * step, 2001) for step in range(9))]
    config = EventConfig(touches=CONFIG.touches, labels=LabelConfig(threshold_half_ticks=(10, 20)))
    assert events_of(steady, config)[0].height == 1
    late = [(seconds + (0.001 if seconds == 580 else 0), mid) for seconds, mid in steady]
    events, counts = events_of(late, config)
    assert (events.height, counts["quote_gap"]) == (0, 1)


def test_a_label_window_past_the_session_drops_the_touch() -> None:
    """The window may end with the session, not after it."""
    for seconds, kept in ((86_400 - 720, 1), (86_400 - 719, 0)):
        events, counts = events_of(
            [(seconds - 50, 1980), (seconds, 1999)], EventConfig(CONFIG.levels, CONFIG.touches, LABELS)
        )
        assert (events.height, counts["past_session_end"]) == (kept, 1 - kept)


def test_no_event_without_an_atr() -> None:
    """Thirteen bars are too few for an ATR: the touch is counted, not labelled."""
    day = quotes([*FROM_BELOW, (400, 2010)])
    bars = build_bars(day, TRADES.empty())
    events, counts = level_events(day, bars, BEFORE.tail(11), [INSTRUMENT], DAY, config=CONFIG)
    assert (events.height, counts["no_atr"], counts["events"]) == (0, counts["touches"], 0)


def test_a_day_without_quotes_has_no_events() -> None:
    """An empty day gives an empty table of the contract."""
    day = quotes([(0, 2000)]).clear()
    events, counts = level_events(day, BEFORE.clear(), BEFORE, [INSTRUMENT], DAY)
    assert_frame_equal(events, LEVEL_EVENTS.empty())
    assert set(counts.values()) == {0}


def test_unknown_instrument_is_refused() -> None:
    """Quotes of an instrument without units and session cannot be used."""
    with pytest.raises(UnknownName, match="demo:AAA"):
        level_events(quotes(FROM_BELOW), BEFORE.clear(), BEFORE, [], DAY)


@pytest.mark.parametrize(
    "settings",
    [
        {"threshold_half_ticks": (20, 10)},
        {"threshold_atr_x1000": (0, 10)},
        {"lookforward_s": 119},
        {"confirm_s": -1},
        {"max_gap_s": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    """Thresholds rise, horizons fit into the window, times do not run backward."""
    with pytest.raises(OutOfRange):
        LabelConfig(**settings)
