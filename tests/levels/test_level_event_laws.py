"""Laws of level events on random days: causality, symmetry, conservation, determinism, no idle parameter."""

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from grinder_resources.contracts.events import CONTEXT_NAMES, HISTORY_NAMES, IDENTITY_NAMES, LABEL_NAMES, LEVEL_EVENTS
from grinder_resources.market.labels import LabelConfig
from grinder_resources.market.level_events import DEFAULT, EventConfig, level_events
from grinder_resources.market.levels import LevelConfig
from grinder_resources.market.touches import TouchConfig
from tests.market_days import DAY, INSTRUMENT, OPEN_NS, SECOND, MarketDay, random_day

KNOWN_AT_T1 = [*IDENTITY_NAMES, *CONTEXT_NAMES, *HISTORY_NAMES]
SEEDS = st.integers(0, 10_000)
FEW = settings(max_examples=8, deadline=None)


def events_of(day: MarketDay, config: EventConfig = DEFAULT) -> tuple[pl.DataFrame, dict[str, int]]:
    return level_events(day.quotes, day.bars_today, day.bars_before, [INSTRUMENT], DAY, config=config)


@FEW
@given(SEEDS, st.integers(40, 140), st.sampled_from([-500, 7, 500]))
def test_the_future_changes_nothing_known_before(seed: int, minute: int, shift: int) -> None:
    """What happens after a time changes no label whose window ended by then, and no touch confirmed by then."""
    day, cut_ns = random_day(seed), OPEN_NS + minute * 60 * SECOND + 1
    before, after = (events_of(version)[0] for version in (day, day.changed_after(cut_ns, shift)))
    labelled = pl.col("label_end_ns") <= cut_ns
    assert_frame_equal(before.filter(labelled), after.filter(labelled))
    confirmed = (pl.col("confirm_ts_ns") <= cut_ns) & pl.col("event_id").is_in(after["event_id"].to_list())
    known = before.filter(confirmed).select(KNOWN_AT_T1)
    assert_frame_equal(known, after.filter(pl.col("event_id").is_in(known["event_id"].to_list())).select(KNOWN_AT_T1))


@FEW
@given(SEEDS)
def test_labels_come_from_the_window_alone(seed: int) -> None:
    """Changing everything after an event's window leaves its row; changing its window changes its labels alone."""
    day = random_day(seed)
    events, _ = events_of(day)
    event = events.row(events.height // 2, named=True)
    same = pl.col("event_id") == event["event_id"]
    late, _ = events_of(day.changed_after(event["label_end_ns"], 5000))
    assert late.row(by_predicate=same, named=True) == event
    soon, _ = events_of(day.changed_after(event["confirm_ts_ns"], 5000))
    row = soon.row(by_predicate=same, named=True)
    assert (
        row["outcome"] == ("BREAK" if event["direction"] == "UP" else "BOUNCE") or event["time_to_threshold_2_ms"] == 0
    )
    assert {name: row[name] for name in KNOWN_AT_T1} == {name: event[name] for name in KNOWN_AT_T1}


@FEW
@given(SEEDS)
def test_every_touch_is_accounted_for(seed: int) -> None:
    """Touches = events + no_atr + past_session_end + quote_gap, and every row agrees with itself."""
    day = random_day(seed, minutes=90)
    events, counts = events_of(replace(day, bars_before=day.bars_before.clear()))
    assert counts["touches"] == sum(counts[fate] for fate in ("events", "no_atr", "past_session_end", "quote_gap"))
    assert counts["events"] == events.height
    assert events["event_id"].is_unique().all()
    decided = pl.col("outcome") != "CHOP"
    assert events.select(((pl.col("tradeable_2") == 1) == decided).all()).item()
    for k in (1, 2):
        reached = pl.col(f"time_to_threshold_{k}_ms").fill_null(10**9)
        assert events.select(((reached <= 60_000) == (pl.col(f"t{k}_60") == 1)).all()).item()
        assert events.select(((reached <= 120_000) == (pl.col(f"t{k}_120") == 1)).all()).item()


MIRRORED = {
    "PRIOR_HIGH": "PRIOR_LOW",
    "OR_HIGH": "OR_LOW",
    "SESSION_HIGH": "SESSION_LOW",
    "SMA_200": "SMA_200",
    "SMA_400": "SMA_400",
}
MIRRORED |= {low: high for high, low in MIRRORED.items()}
CENTRE = 40_000


def mirrored(day: MarketDay) -> MarketDay:
    """Return the day with every price p turned into CENTRE - p."""
    flip = {f"{side}_ticks": CENTRE // 2 - pl.col(f"{other}_ticks") for side, other in (("bid", "ask"), ("ask", "bid"))}
    turned = {"high": "low", "low": "high", "open": "open", "close": "close"}
    bars = {f"{name}_half_ticks": CENTRE - pl.col(f"{other}_half_ticks") for name, other in turned.items()}
    return replace(day, quotes=day.quotes.with_columns(**flip), bars_before=day.bars_before.with_columns(**bars))


@FEW
@given(SEEDS)
def test_reflecting_prices_swaps_sides_and_keeps_outcomes(seed: int) -> None:
    """UP becomes DOWN and highs become lows; outcomes, times and strengths stay as they are."""
    day = random_day(seed)
    names = ["level_kind_name", "ts_ns", "direction", *LABEL_NAMES]
    known = pl.col("level_kind_name").is_in(list(MIRRORED))
    events = events_of(day)[0].filter(known).select(names)
    turned = events_of(mirrored(day))[0].filter(known).select(names)
    back = turned.with_columns(
        pl.col("level_kind_name").replace_strict(MIRRORED),
        pl.col("direction").replace_strict({"UP": "DOWN", "DOWN": "UP"}),
    )
    assert events.height > 0
    assert_frame_equal(events.sort(names[:2]), back.sort(names[:2]))


def test_same_rows_same_events() -> None:
    """Two runs, and another order of the rows, give equal tables."""
    day = random_day(5)
    shuffled = replace(day, quotes=day.quotes.reverse(), bars_before=day.bars_before.reverse())
    bars = day.bars_today
    first, second = events_of(day), events_of(day)
    other = level_events(shuffled.quotes, bars.reverse(), shuffled.bars_before, [INSTRUMENT], DAY)
    for events, counts in (second, other):
        assert_frame_equal(first[0], events)
        assert counts == first[1]
    assert first[0].schema == LEVEL_EVENTS.schema


def test_instruments_do_not_touch_each_other() -> None:
    """The same symbol on another venue gets its own events and leaves the first one's alone."""
    day, other = random_day(5), replace(INSTRUMENT, venue="other")
    bars = day.bars_today

    def both(frame: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([frame, frame.with_columns(venue=pl.lit("other"))])

    events, counts = level_events(both(day.quotes), both(bars), both(day.bars_before), [INSTRUMENT, other], DAY)
    alone, alone_counts = events_of(day)
    assert_frame_equal(events.filter(pl.col("venue") == "demo"), alone)
    assert counts == {name: 2 * count for name, count in alone_counts.items()}


OTHER_SETTINGS = {
    "opening_range_minutes": EventConfig(levels=LevelConfig(opening_range_minutes=30)),
    "round_step_bps": EventConfig(levels=LevelConfig(round_step_bps=10)),
    "band_atr_x1000": EventConfig(touches=TouchConfig(band_atr_x1000=500)),
    "band_least_half_ticks": EventConfig(touches=TouchConfig(band_least_half_ticks=9)),
    "cooldown_s": EventConfig(touches=TouchConfig(cooldown_s=60)),
    "attempt_gap_s": EventConfig(touches=TouchConfig(attempt_gap_s=400)),
    "confirm_s": EventConfig(labels=LabelConfig(confirm_s=60)),
    "lookforward_s": EventConfig(labels=LabelConfig(lookforward_s=300)),
    "threshold_1": EventConfig(labels=LabelConfig(threshold_atr_x1000=(500, 2000))),
    "threshold_2": EventConfig(labels=LabelConfig(threshold_atr_x1000=(1000, 3000))),
    "threshold_half_ticks": EventConfig(labels=LabelConfig(threshold_half_ticks=(10, 20))),
    "max_gap_s": EventConfig(labels=LabelConfig(max_gap_s=10)),
}


@pytest.mark.parametrize("config", OTHER_SETTINGS.values(), ids=OTHER_SETTINGS)
def test_every_setting_changes_the_result(config: EventConfig) -> None:
    """A setting that changes nothing would be dead."""
    day = random_day(5)
    assert not events_of(day, config)[0].equals(events_of(day)[0])
