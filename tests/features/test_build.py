"""Whole feature tables on random days: contract, causality, determinism, no idle parameter."""

from collections.abc import Callable
from dataclasses import fields, replace
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from grinder_resources.contracts.bronze import DEPTH
from grinder_resources.contracts.events import CONTEXT_NAMES, IDENTITY_NAMES, LABEL_NAMES, LEVEL_EVENTS
from grinder_resources.contracts.validation import schema_failures
from grinder_resources.errors import NoData, UnknownName
from grinder_resources.features.build import build_features, evaluate, event_of, market_day
from grinder_resources.features.manifest import feature_table, load_manifest, versions
from grinder_resources.features.moment import Market, Moment, Row, Settings
from grinder_resources.features.registry import GROUPS
from grinder_resources.features.version import FeatureManifest
from grinder_resources.market.level_events import level_events
from grinder_resources.market.levels import LevelConfig
from grinder_resources.market.minutes import session_minutes
from tests.market_days import BEFORE_NS, DAY, INSTRUMENT, SECOND, MarketDay, random_day

FULL = load_manifest("v2.0_full_ensemble")
ROLLING = load_manifest("v2.1_rolling")


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
        snapshots=day.snapshots if manifest.reads_snapshots else None,
    )


def market_of(day: MarketDay) -> Market:
    minutes = session_minutes(day.bars_today, day.bars_before, INSTRUMENT, DAY)
    return market_day(day.quotes, day.trades, day.depth, minutes, LevelConfig(), snapshots=day.snapshots)


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


@pytest.mark.parametrize("child", [FULL, ROLLING], ids=lambda manifest: manifest.version)
def test_a_version_holds_its_parents_columns_with_the_same_values(child: FeatureManifest) -> None:
    """v2.0 adds columns to v1.0 and v2.1 to v2.0; none changes one, but the watermark, which sees more."""
    parent = load_manifest(str(child.parent_version))
    old, new = (features_of(DAY_5, EVENTS_5, manifest) for manifest in (parent, child))
    assert {column.name for column in parent.features} < {column.name for column in child.features}
    assert_frame_equal(new.select(old.columns).drop("watermark_ns"), old.drop("watermark_ns"))
    assert (new["watermark_ns"] >= old["watermark_ns"]).all()


def test_every_feature_takes_several_values() -> None:
    """No column is constant on a lively day, save those that move with events which few of its seconds hold."""
    features = features_of(DAY_5, EVENTS_5, ROLLING)
    constant = {column.name for column in ROLLING.features if features[column.name].drop_nulls().n_unique() < 2}
    averages_agree = {"confluence_alignment"}
    a_minute_ends = {f"natr_bps_{part}_x1000" for part in ("std_10", "trend", "roc")}
    a_book_comes = {f"{name}_bps_roc_x1000" for name in ("depth_imbalance", "impact_buy", "impact_sell")}
    assert constant <= averages_agree | a_minute_ends | a_book_comes


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1), st.sampled_from([-3, 3, 4000]))
def test_nothing_after_t1_enters_a_feature(seed: int, place: float, shift: int) -> None:
    """Every price moved and every size changed right after t1: the event's features stay as they are."""
    day = random_day(seed, minutes=90)
    events = events_of(day)
    row = events.row(int(place * (events.height - 1)), named=True)
    changed = day.changed_after(row["confirm_ts_ns"], shift)
    assert evaluate(ROLLING, event_of(row), market_of(day)) == evaluate(ROLLING, event_of(row), market_of(changed))


def test_the_watermark_is_the_newest_row_that_was_looked_at() -> None:
    """The last quote or book up to t1, print of the minute before it, or end of a minute: brute force agrees."""
    for row in FEATURES_5.iter_rows(named=True):
        t1 = row["confirm_ts_ns"]
        rows = [*DAY_5.quotes["ts_ns"], *DAY_5.trades["ts_ns"], *DAY_5.depth["ts_ns"], t1 - t1 % (60 * SECOND)]
        assert row["watermark_ns"] == max(ts for ts in rows if ts <= t1)
    assert FEATURES_5["watermark_ns"].n_unique() > 1


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1))
def test_nothing_after_the_watermark_matters(seed: int, place: float) -> None:
    """A market that ends at the watermark gives the same row, watermark included."""
    day = random_day(seed, minutes=60)
    events = events_of(day)
    row = events.row(int(place * (events.height - 1)), named=True)
    whole = evaluate(ROLLING, event_of(row), market_of(day))
    ended = evaluate(ROLLING, event_of(row), market_of(day.until(int(str(whole["watermark_ns"])))))
    assert ended == whole


QUESTIONS = {
    "mid": lambda market, ns: market.mids.at(ns),
    "close": lambda market, ns: market.closes.between(ns - 90 * SECOND, ns),
    "level": lambda market, ns: market.levels["SESSION_HIGH"].at(ns),
    "average": lambda market, ns: market.sma_sums[200].at(ns),
    "volume": lambda market, ns: market.volume_today.at(ns - market.open_ns),
    "prints": lambda market, ns: market.tape.between(ns - 60 * SECOND, ns, 0, 0),
    "seconds": lambda market, ns: market.snapshots.last(ns - SECOND, ns),
    "books": lambda market, ns: market.books.between(ns - 60 * SECOND, ns, 60 * SECOND, 1),
}


@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)
def test_a_group_that_asks_past_t1_is_caught(
    ask: Callable[[Market, int], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it asks ten minutes ahead, and whether or not it uses the answer, the watermark tells."""
    honest = GROUPS["level_context"]

    def clairvoyant(at: Moment) -> Row:
        ask(at.market, at.event.t1_ns + 600 * SECOND)
        return honest.compute(at)

    caught = {**GROUPS, "level_context": replace(honest, compute=clairvoyant)}
    row = EVENTS_5.row(0, named=True)
    assert int(str(evaluate(FULL, event_of(row), market_of(DAY_5))["watermark_ns"])) <= row["confirm_ts_ns"]
    monkeypatch.setattr("grinder_resources.features.build.GROUPS", caught)
    assert int(str(evaluate(FULL, event_of(row), market_of(DAY_5))["watermark_ns"])) > row["confirm_ts_ns"]


def test_volumes_of_earlier_days_count_as_of_their_day() -> None:
    """A question to yesterday's volume does not look like one to today's."""
    market = market_of(DAY_5)
    market.seen.restart(0)
    assert market.volume_before[0].at(3600 * SECOND)
    assert market.seen.latest_ns == BEFORE_NS + 3600 * SECOND


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


def test_rolling_features_are_those_of_the_last_ten_snapshots() -> None:
    """Spread and order flow of one event, from the snapshots themselves; without a snapshot near t1 all are null."""
    row = features_of(DAY_5, EVENTS_5, ROLLING).row(20, named=True)
    snapshots = DAY_5.snapshots.filter(pl.col("ts_ns") <= row["confirm_ts_ns"]).tail(10)
    spread, flow = snapshots["spread_bps"].to_list(), snapshots["ofi_zscore_x1000"].to_list()
    assert row["spread_bps_current"] == spread[-1]
    assert row["spread_bps_mean_10_x1000"] == 100 * sum(spread)
    assert row["spread_x_vol"] == spread[-1] * snapshots["natr_bps"][-1]
    assert row["ofi_zscore_current_x1000"] == flow[-1]
    assert row["ofi_zscore_mean_10_x1000"] == round(Fraction(sum(flow), 10))
    assert row["ofi_zscore_roc_x1000"] == round(Fraction(1000 * (flow[-1] - flow[-2]), flow[-2]))
    assert row["ofi_x_depth"] == flow[-1] * snapshots["depth_imbalance_topN_bps"][-1]
    late = event_of(EVENTS_5.row(20, named=True) | {"confirm_ts_ns": DAY_5.snapshots["ts_ns"][-1] + SECOND})
    silent = evaluate(ROLLING, late, market_of(DAY_5))
    assert {silent[column.name] for column in ROLLING.features if column.name not in FULL.table.schema} == {None}


def test_a_missing_second_breaks_the_windows_but_not_the_current_number() -> None:
    """Three seconds before the end, one snapshot less: mean, deviation and trend are null, the rest is not."""
    row = EVENTS_5.row(20, named=True)
    hole = row["confirm_ts_ns"] // SECOND * SECOND - 3 * SECOND
    minutes = session_minutes(DAY_5.bars_today, DAY_5.bars_before, INSTRUMENT, DAY)
    snapshots = DAY_5.snapshots.filter(pl.col("ts_ns") != hole)
    parts = (DAY_5.quotes, DAY_5.trades, DAY_5.depth, minutes, LevelConfig())
    broken = evaluate(ROLLING, event_of(row), market_day(*parts, snapshots=snapshots))
    whole = evaluate(ROLLING, event_of(row), market_of(DAY_5))
    changed = {name for name, value in whole.items() if broken[name] != value}
    assert {broken[name] for name in changed} == {None}
    assert {f"natr_bps_{part}" for part in ("mean_10_x1000", "std_10_x1000", "trend_x1000")} <= changed
    assert not any(name.endswith(("_current", "_roc_x1000")) for name in changed)


def test_a_version_that_reads_snapshots_wants_them() -> None:
    """Null columns would be a silent mistake."""
    frames = {"quotes": DAY_5.quotes, "trades": DAY_5.trades, "depth": DAY_5.depth}
    bars = {"bars_today": DAY_5.bars_today, "bars_before": DAY_5.bars_before}
    with pytest.raises(NoData, match=r"v2\.1_rolling"):
        build_features(ROLLING, EVENTS_5, **frames, **bars, instruments=[INSTRUMENT], day=DAY)


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
