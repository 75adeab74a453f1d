"""Rows know nothing of their future, and one that does is named."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from grinder_resources.cli import main
from grinder_resources.contracts.bronze import ORDERS
from grinder_resources.contracts.gold import REGIME_DATASET, SNAPSHOT_FEATURES
from grinder_resources.contracts.gold_fills import FILL_DATASET
from grinder_resources.contracts.gold_grid import GRID_SPACING, GRID_SWEEP
from grinder_resources.contracts.gold_toxicity import TOXICITY_DATASET
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.errors import NoData, OutOfRange, ProofFailed
from grinder_resources.features.manifest import load_manifest
from grinder_resources.gold.fill_probability import MarketDay as FillDay
from grinder_resources.gold.fill_probability import fill_rows
from grinder_resources.gold.grid_spacing import spacing_rows
from grinder_resources.gold.toxicity import toxicity_rows
from grinder_resources.lake import Lake
from grinder_resources.learning.regime import regime_rows
from grinder_resources.learning.selection import LABEL_PATTERN
from grinder_resources.market.labels import LabelConfig
from grinder_resources.market.level_events import EventConfig
from grinder_resources.proofs.pit import Finding, assert_same, draw_samples, of_day, report
from grinder_resources.proofs.pit_futures import FUTURES, deleted, in_flight, scrambled, without_in_flight
from grinder_resources.proofs.pit_tables import decision_tables
from grinder_resources.proofs.rebuild import Difference, MarketDay
from tests.market_days import DAY, OPEN_NS, SECOND
from tests.proofs.peeking import plant_peeking_engine, plant_peeking_group
from tests.proofs.small_lake import LATENCY_NS, fill, fill_silver, small_day, small_lake

FULL = load_manifest("v2.0_full_ensemble")
ROLLING_TOO = ("v2.0_full_ensemble", "v2.1_rolling")
NOON_NS = OPEN_NS + 1800 * SECOND
DAY_5 = small_day()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return small_lake(tmp_path_factory.mktemp("pit") / "lake", ROLLING_TOO)


def found_in(lake: Lake, count: int = 9, version: str = FULL.version) -> list[Finding]:
    return of_day(lake.root, version, draw_samples(lake, version, count, seed=1), seed=1)


@pytest.mark.parametrize("version", ROLLING_TOO)
def test_no_row_changes_with_its_future(lake: Lake, version: str) -> None:
    """Rows of all three tables, both futures; every one had records to change."""
    found = found_in(lake, version=version)
    assert_same(found)
    tables = {f"silver/features/{version}", SNAPSHOTS.name, REGIME_DATASET.name}
    assert {(one.table, one.variant) for one in found} >= {(table, future) for table in tables for future in FUTURES}
    assert sum(one.variant != "in flight" for one in found) == 18
    assert min(one.changed for one in found if one.variant != "in flight") > 1000


def test_a_feature_that_peeks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tape features that see the next print change when that print does."""
    lake = small_lake(tmp_path)
    plant_peeking_group(monkeypatch)
    fill_silver(lake, DAY_5)
    found = [one for one in found_in(lake) if one.table == FULL.table.name]
    assert {one.variant for one in found if one.difference} >= {"deleted", "scrambled"}
    with pytest.raises(ProofFailed, match=r"when its future is \w+ .silver/features/.*, column watermark_ns; got"):
        assert_same(found)


def test_an_engine_that_peeks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots, and the regime rows made of them, change when the quote they peek at does."""
    lake = small_lake(tmp_path)
    plant_peeking_engine(monkeypatch)
    fill_silver(lake, DAY_5)
    found = [one for one in found_in(lake) if one.difference]
    assert {one.table for one in found} == {SNAPSHOTS.name, REGIME_DATASET.name}
    with pytest.raises(ProofFailed, match=r"silver/snapshots demo \w+ \d+, column imbalance_l1_bps; got -?\d+; exp"):
        assert_same(found)


def test_regime_inputs_of_the_next_second_are_named(tmp_path: Path) -> None:
    """A training table whose inputs slipped by one row does not come out of its snapshot again."""
    lake = small_lake(tmp_path)
    slipped = pl.col("spread_bps").shift(-1, fill_value=0).over("venue", "symbol")
    snapshots = lake.read(SNAPSHOTS).with_columns(slipped)
    lake.commit(REGIME_DATASET, regime_rows(snapshots), day=DAY, code_version="2")
    with pytest.raises(ProofFailed, match=r"gold/training/regime .* column spread_bps"):
        assert_same(found_in(lake, 12))


def test_a_row_that_is_not_found_again_is_named(tmp_path: Path) -> None:
    """An event that the day does not give is no event."""
    lake = small_lake(tmp_path)
    rows = lake.read(FULL.table).with_columns(event_id=pl.col("event_id") + "x")
    lake.commit(FULL.table, rows, day=DAY, code_version="2")
    with pytest.raises(ProofFailed, match=r"silver/features/.*x; got no row; expected a row"):
        assert_same(found_in(lake))


def test_a_touch_is_found_when_its_quotes_fall_silent() -> None:
    """The usual build drops a touch without quotes after t1; the proof's own build keeps it, labels apart."""
    usual = DAY_5.events(EventConfig())
    t1_ns = usual["confirm_ts_ns"][0]
    silent = deleted(DAY_5, t1_ns, np.random.default_rng(1))
    event = pl.col("event_id") == usual["event_id"][0]
    assert silent.events(EventConfig()).filter(event).is_empty()
    assert silent.events(EventConfig(labels=LabelConfig(max_gap_s=10**9))).filter(event).height == 1


def test_a_deleted_future_leaves_nothing_later() -> None:
    """Rows up to the time stay as they are."""
    day = deleted(DAY_5, NOON_NS, np.random.default_rng(1))
    for before, after in zip(DAY_5.streams, day.streams, strict=True):
        assert_frame_equal(after, before.filter(pl.col("ts_ns") <= NOON_NS))
        assert 0 < after.height < before.height


def test_a_scrambled_future_is_another_and_a_legal_one() -> None:
    """No later record keeps its numbers, no earlier one changes; quotes stay uncrossed and books in order."""
    day = scrambled(DAY_5, NOON_NS, np.random.default_rng(1))
    late = pl.col("ts_ns") > NOON_NS
    for before, after in zip(DAY_5.streams, day.streams, strict=True):
        assert after.schema == before.schema
        assert_frame_equal(after.filter(~late), before.filter(~late))
        assert_frame_equal(after.select("ts_ns", "seq", "recv_ns"), before.select("ts_ns", "seq", "recv_ns"))
    lots = [(old["bid_lots"], new["bid_lots"]) for old, new in _late_pairs(day)]
    assert sum(old == new for old, new in lots) < len(lots) // 100
    assert day.quotes.filter(pl.col("bid_ticks") >= pl.col("ask_ticks")).is_empty()
    assert day.quotes.select(pl.min("bid_ticks", "bid_lots", "ask_lots")).row(0) >= (1, 1, 1)
    assert day.trades.select(pl.min("price_ticks", "size_lots")).row(0) >= (1, 1)
    assert set(day.trades["aggressor"].unique()) == {-1, 0, 1}
    assert day.depth["bid_ticks"].list.eval(pl.element().diff().max()).list.first().max() < 0
    assert day.depth["ask_ticks"].list.eval(pl.element().diff().min()).list.first().min() > 0


def _late_pairs(day: MarketDay) -> list[tuple[dict, dict]]:
    late = pl.col("ts_ns") > NOON_NS
    pairs = ((DAY_5.quotes, day.quotes), (DAY_5.depth, day.depth))
    return [
        pair
        for old, new in pairs
        for pair in zip(old.filter(late).to_dicts(), new.filter(late).to_dicts(), strict=True)
    ]


def test_the_seed_decides_the_scramble() -> None:
    """The same seed gives the same future."""
    one, same, other = (scrambled(DAY_5, NOON_NS, np.random.default_rng(seed)).quotes for seed in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)


def test_records_in_flight_were_made_before_and_came_later() -> None:
    """Every record takes 20 ms; those of the last 20 ms are under way, and an older clock says nothing."""
    times = DAY_5.quotes["ts_ns"]
    now_ns = times[100] + LATENCY_NS // 2
    waits = in_flight(DAY_5, now_ns)
    assert LATENCY_NS // 2 in waits
    assert all(0 < wait <= LATENCY_NS for wait in waits)
    known = without_in_flight(DAY_5, now_ns)
    assert sum(map(len, DAY_5.until(now_ns).streams)) - sum(map(len, known.streams)) == len(waits)
    slow = DAY_5.each(lambda rows: rows.with_columns(recv_ns=pl.col("ts_ns") - SECOND))
    absent = DAY_5.each(lambda rows: rows.with_columns(recv_ns=pl.lit(None, pl.Int64)))
    assert in_flight(slow, now_ns) == in_flight(absent, now_ns) == []


def test_the_report_counts_by_table_and_future() -> None:
    """Rows in flight are told apart: they do not fail a proof."""
    differs = Difference(("demo", "AAA", 1), "depth", "4", "5")
    found = [
        Finding(0, "silver/snapshots", "deleted", 1000, None),
        Finding(0, "silver/snapshots", "scrambled", 1000, None),
        Finding(0, "silver/snapshots", "in flight", 1, differs, 1_500_000),
        Finding(1, "silver/snapshots", "deleted", 234, differs),
    ]
    assert report(found).splitlines() == [
        "table             future     rows  equal  records changed",
        "silver/snapshots  deleted       2      1            1,234",
        "silver/snapshots  scrambled     1      1            1,000",
        "1 rows had records in flight at their time, the last arrived 1.5 ms later; a decision waits for them: "
        "without them 1 of these rows would differ",
    ]
    assert_same(found[:3])
    with pytest.raises(ProofFailed, match=r"future is deleted .silver/snapshots demo AAA 1, column depth; got 5; exp"):
        assert_same(found)


def test_samples_are_drawn_evenly_and_by_seed(lake: Lake) -> None:
    """Eleven rows are four, four and three; the same seed draws the same ones."""
    first, again, other = (draw_samples(lake, FULL.version, 11, seed) for seed in (1, 1, 2))
    tables = [sample.table for sample in first]
    assert [tables.count(name) for name in dict.fromkeys(tables)] == [4, 4, 3]
    assert [sample.number for sample in first] == list(range(11))
    assert all(one.row.equals(two.row) for one, two in zip(first, again, strict=True))
    assert not all(one.row.equals(two.row) for one, two in zip(first, other, strict=True))
    with pytest.raises(OutOfRange, match="--samples; got 2"):
        draw_samples(lake, FULL.version, 2, 1)


def test_a_table_without_rows_proves_nothing(tmp_path: Path) -> None:
    """Ten minutes give no event."""
    lake = Lake(str(tmp_path))
    fill(lake, small_day(minutes=10))
    with pytest.raises(NoData, match=r"no rows to draw from .silver/features"):
        draw_samples(lake, FULL.version, 6, 1)


def test_the_command_proves_it(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    """A table a variant, exit 0; no lake, no proof."""
    data = Path(lake.root).parent
    assert main(["pit", "prove", "--samples", "6", "--data", str(data), "--seed", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    counted = [line.split()[:4] for line in lines if line.startswith(("silver/", "gold/"))]
    assert [row[1:] for row in counted] == [["deleted", "2", "2"], ["scrambled", "2", "2"]] * 3
    assert lines[-1] == "all equal"
    assert main(["pit", "prove", "--data", str(data / "nowhere")]) == 1
    assert capsys.readouterr().err.startswith("NO_DATA: there is no lake")


def test_toxicity_rows_are_looked_at_where_the_lake_has_them(tmp_path: Path) -> None:
    """No row changes with its future; inputs of the next minute are named."""
    lake = small_lake(tmp_path)
    rows = toxicity_rows(DAY_5.snapshots(), DAY_5.quotes, DAY_5.trades, DAY_5.instruments)
    lake.commit(TOXICITY_DATASET, rows, day=DAY, code_version="1")
    found = [one for one in found_in(lake, 16) if one.table == TOXICITY_DATASET.name]
    assert len({one.number for one in found}) == 4
    assert_same(found)
    slipped = pl.col("vpin_x1000").shift(-1).over("venue", "symbol")
    lake.commit(TOXICITY_DATASET, rows.with_columns(slipped), day=DAY, code_version="2")
    with pytest.raises(ProofFailed, match=r"gold/training/toxicity .* column vpin_x1000"):
        assert_same(found_in(lake, 16))


def test_a_window_of_grids_is_made_again_from_its_past_alone() -> None:
    """All that is known when it starts; which grid was best in it is a label, and not compared."""
    table = decision_tables(FULL.version)[GRID_SPACING.name]
    rows = spacing_rows(DAY_5.snapshots(), GRID_SWEEP.empty())
    row = rows[rows.height // 2]
    past = DAY_5.each(lambda records: records.filter(pl.col("ts_ns") <= row["ts_ns"][0]))
    again = table.rebuild(past, row.row(0, named=True))
    assert table.compared(again).equals(table.compared(row))
    assert not [name for name in table.compared(row).columns if LABEL_PATTERN.match(name)]
    assert (table.optional, table.compared(row).width) == (True, 5 + len(SNAPSHOT_FEATURES))


def test_an_order_is_made_again_from_its_past_alone() -> None:
    """Whether replay placed it or somebody did: distance, queue and all else; when it was filled is not compared."""
    table, (venue, symbol) = decision_tables(FULL.version)[FILL_DATASET.name], min(DAY_5.instruments)
    real = {"date": DAY, "venue": venue, "symbol": symbol, "ts_ns": NOON_NS + SECOND // 2, "order_id": "g-1", "side": 1}
    real |= {"event": "placed", "seq": 0, "price_ticks": 1, "size_lots": 1, "filled_lots": 0}
    market = FillDay(
        day=DAY,
        snapshots=DAY_5.snapshots(),
        bars=pl.concat([DAY_5.bars_before, DAY_5.bars]),
        quotes=DAY_5.quotes,
        trades=DAY_5.trades,
        orders=pl.DataFrame([{name: real.get(name) for name in ORDERS.schema}], schema=ORDERS.schema),
        instruments=DAY_5.instruments,
    )
    rows = fill_rows(market)
    for row in (rows[rows.height // 2], rows.filter(pl.col("source") == "order")):
        again = table.rebuild(DAY_5.until(row["ts_ns"][0]), row.row(0, named=True))
        assert table.compared(again).equals(table.compared(row))
    assert not [name for name in table.compared(rows).columns if LABEL_PATTERN.match(name)]
