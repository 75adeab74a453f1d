"""Whole feature tables on random days: contract, causality, determinism, no idle parameter."""

from dataclasses import fields, replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from grinder_resources.contracts.bronze import DEPTH
from grinder_resources.contracts.events import CONTEXT_NAMES, IDENTITY_NAMES, LABEL_NAMES, LEVEL_EVENTS
from grinder_resources.contracts.validation import schema_failures
from grinder_resources.errors import UnknownName
from grinder_resources.features.build import build_features, evaluate, event_of, market_day
from grinder_resources.features.manifest import feature_table, load_manifest, versions
from grinder_resources.features.moment import Settings
from grinder_resources.features.version import FeatureManifest
from grinder_resources.market.level_events import level_events
from grinder_resources.market.levels import LevelConfig
from grinder_resources.market.minutes import session_minutes
from tests.market_days import DAY, INSTRUMENT, MarketDay, random_day

FULL = load_manifest("v2.0_full_ensemble")


def events_of(day: MarketDay) -> pl.DataFrame:
    return level_events(day.quotes, day.bars_today, day.bars_before, [INSTRUMENT], DAY)[0]


def features_of(day: MarketDay, events: pl.DataFrame, manifest: FeatureManifest = FULL) -> pl.DataFrame:
    return build_features(
        manifest,
        events,
        quotes=day.quotes,
        trades=day.trades,
        depth=day.depth,
        bars_today=day.bars_today,
        bars_before=day.bars_before,
        instruments=[INSTRUMENT],
        day=DAY,
    )


DAY_5 = random_day(5)
EVENTS_5 = events_of(DAY_5)
FEATURES_5 = features_of(DAY_5, EVENTS_5)


@pytest.mark.parametrize("version", versions())
def test_the_table_keeps_its_contract(version: str) -> None:
    """Identity, context and labels come through unchanged; features keep types, nulls and bounds."""
    table, features = feature_table(version), features_of(DAY_5, EVENTS_5, load_manifest(version))
    assert schema_failures(table, features) == []
    kept = [*IDENTITY_NAMES, *CONTEXT_NAMES, *LABEL_NAMES]
    assert_frame_equal(features.select(kept), EVENTS_5.select(kept))
    assert {column.dtype for column in FULL.features} == {pl.Int8(), pl.Int32(), pl.Int64(), pl.String()}


def test_a_version_holds_its_parents_columns_with_the_same_values() -> None:
    """v2.0 adds columns to v1.0 and changes none."""
    child, parent = FULL, load_manifest(str(FULL.parent_version))
    old = features_of(DAY_5, EVENTS_5, parent)
    assert {column.name for column in parent.features} < {column.name for column in child.features}
    assert_frame_equal(FEATURES_5.select(old.columns), old)


def test_every_feature_takes_several_values() -> None:
    """No column is constant on a lively day, save the alignment of averages that a random walk seldom has."""
    names = [column.name for column in FULL.features if column.name != "confluence_alignment"]
    constant = [name for name in names if FEATURES_5[name].drop_nulls().n_unique() < 2]
    assert constant == []


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1), st.sampled_from([-3, 3, 4000]))
def test_nothing_after_t1_enters_a_feature(seed: int, place: float, shift: int) -> None:
    """Every price moved and every size changed right after t1: the event's features stay as they are."""
    day = random_day(seed, minutes=90)
    events = events_of(day)
    row = events.row(int(place * (events.height - 1)), named=True)
    results = []
    for version in (day, day.changed_after(row["confirm_ts_ns"], shift)):
        minutes = session_minutes(version.bars_today, version.bars_before, INSTRUMENT, DAY)
        market = market_day(version.quotes, version.trades, version.depth, minutes, LevelConfig())
        results.append(evaluate(FULL, event_of(row), market))
    assert results[0] == results[1]


def test_what_happens_before_t1_does_enter() -> None:
    """The same change made within the windows shows in the event, so the law above can fail."""
    before = FEATURES_5.filter(pl.col("tape_buy_vol_lots") > 0).row(0, named=True)
    changed = DAY_5.changed_after(before["confirm_ts_ns"] - 60_000_000_000, 3)
    after = features_of(changed, EVENTS_5).row(by_predicate=pl.col("event_id") == before["event_id"], named=True)
    assert {name for name in before if before[name] != after[name]} > {"tape_buy_vol_lots", "barrier_delta_liq_lots"}


def test_labels_do_not_enter_a_feature() -> None:
    """Other labels in the events leave every feature as it is."""
    other = EVENTS_5.with_columns(
        outcome=pl.lit("CHOP"), strength_signed=pl.lit(7, pl.Int32()), t1_60=pl.lit(0, pl.Int8())
    )
    names = [column.name for column in FULL.features]
    assert_frame_equal(features_of(DAY_5, other).select(names), FEATURES_5.select(names))


def test_dropping_other_events_leaves_a_row_as_it_is() -> None:
    """A row depends on the market, not on which other touches kept their labels."""
    some = EVENTS_5.gather_every(3)
    assert_frame_equal(
        features_of(DAY_5, some), FEATURES_5.filter(pl.col("event_id").is_in(some["event_id"].to_list()))
    )


def test_order_of_rows_does_not_matter() -> None:
    """Reversed inputs give the same table."""
    reversed_day = replace(DAY_5, trades=DAY_5.trades.reverse(), depth=DAY_5.depth.reverse())
    assert_frame_equal(features_of(reversed_day, EVENTS_5.reverse()), FEATURES_5)


def test_without_depth_book_features_are_null_and_the_rest_stays() -> None:
    """No book says nothing: null, not zero."""
    features = features_of(replace(DAY_5, depth=DEPTH.empty()), EVENTS_5)
    book = [name for name in features.columns if name.startswith(("barrier_", "wall_", "liquidity_"))]
    assert len(book) == 8
    assert features.select(pl.col(book).null_count()).row(0) == (EVENTS_5.height,) * 8
    others = [name for name in features.columns if name not in {*book, "net_break_pressure_x1000"}]
    assert_frame_equal(features.select(others), FEATURES_5.select(others))


def test_no_events_no_rows() -> None:
    """An empty day gives an empty table of the contract."""
    assert_frame_equal(features_of(DAY_5, LEVEL_EVENTS.empty()), FULL.table.empty())


def test_unknown_instrument_is_refused() -> None:
    """Events of an instrument without units and session cannot be computed."""
    with pytest.raises(UnknownName, match="other:AAA"):
        features_of(DAY_5, EVENTS_5.with_columns(venue=pl.lit("other")))


@pytest.mark.parametrize("parameter", [field.name for field in fields(Settings)])
def test_every_parameter_changes_the_result(parameter: str) -> None:
    """A parameter that changes nothing would be dead."""
    value = getattr(FULL.parameters, parameter)
    for other in (2 * value, max(1, value // 3), 1):
        manifest = replace(FULL, parameters=replace(FULL.parameters, **{parameter: other}))
        if not features_of(DAY_5, EVENTS_5, manifest).equals(FEATURES_5):
            return
    pytest.fail(f"{parameter} changes nothing")
