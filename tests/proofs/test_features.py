"""Features are the same bits in every mode, and a feature or an engine that is not causal is named."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.cli import main
from grinder_resources.contracts.events import LEVEL_EVENTS
from grinder_resources.errors import NoData, OutOfRange, PartitionMissing, ProofFailed
from grinder_resources.features.manifest import load_manifest, versions
from grinder_resources.lake import Lake
from grinder_resources.proofs.features import MODES, Outcome, answered, assert_same, from_silver
from grinder_resources.proofs.features_points import PROBE, Points, draw_points
from tests.market_days import DAY, DAY_BEFORE
from tests.proofs.peeking import plant_peeking_engine, plant_peeking_group
from tests.proofs.small_lake import PART_TIME, fill, small_day, small_lake

FULL = load_manifest("v2.0_full_ensemble")
ORDERS = ("full history", "trailing window", "tick-by-tick stream", "chunks of 7")
"""Modes that differ by more than the number of threads."""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return small_lake(tmp_path_factory.mktemp("proofs") / "lake", versions())


def outcomes_of(lake: Lake, version: str, points: Points) -> list[Outcome]:
    return [
        from_silver(lake, load_manifest(version), points),
        *(answered(name, lake.root, version, points) for name in ORDERS),
    ]


@pytest.mark.parametrize("version", versions())
def test_every_mode_gives_the_same_bits(lake: Lake, version: str) -> None:
    """Events, probes and snapshots of two instruments, one with a session that is shorter than its records."""
    points = draw_points(lake, load_manifest(version), 160, seed=1)
    assert points.moments[PROBE].any()
    found = outcomes_of(lake, version, points)
    assert_same(version, points, found)
    assert len({outcome.answers.sha256 for outcome in found[1:]}) == 1
    assert {outcome.answers.size for outcome in found[1:]} == {160}
    assert found[1].answers.moments.drop_nulls("spot_half_ticks").height > 60


@settings(max_examples=2, deadline=None)
@given(st.integers(0, 10_000))
def test_every_mode_gives_the_same_bits_on_any_day(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """The same law on other random days."""
    lake = Lake(str(tmp_path_factory.mktemp("day")))
    fill(lake, small_day(seed, minutes=45))
    points = draw_points(lake, FULL, 60, seed)
    assert_same(FULL.version, points, outcomes_of(lake, FULL.version, points))


def test_a_feature_that_peeks_is_named(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tape features that see the next print differ where none was handed over; the watermark is the first to say so."""
    plant_peeking_group(monkeypatch)
    points = draw_points(lake, FULL, 80, seed=2)
    whole, *blind = (
        answered(name, lake.root, FULL.version, points)
        for name in ("full history", "trailing window", "tick-by-tick stream")
    )
    for outcome in blind:
        named = rf"AAA_2025-03-04_\S+ at t1 \d+, column watermark_ns; got \d+ by {outcome.mode}; expected \d+ by full"
        with pytest.raises(ProofFailed, match=named):
            assert_same(FULL.version, points, [whole, outcome])
    tape = [name for name in whole.answers.moments.columns if name.startswith("tape_")]
    assert not whole.answers.moments.select(tape).equals(blind[0].answers.moments.select(tape))
    assert blind[0].answers.sha256 == blind[1].answers.sha256


def test_an_engine_that_peeks_is_named(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots built from the next quote's size differ from those of single records."""
    plant_peeking_engine(monkeypatch)
    points = draw_points(lake, FULL, 80, seed=2)
    whole, ticks = (answered(name, lake.root, FULL.version, points) for name in ("full history", "tick-by-tick stream"))
    with pytest.raises(ProofFailed, match=r"silver/snapshots 2025-03-04 demo AAA \d+, column .* by tick-by-tick"):
        assert_same(FULL.version, points, [whole, ticks])


def test_stored_rows_that_were_not_made_by_this_code_are_named(tmp_path: Path) -> None:
    """One value of one row, committed with a hash that fits it, is found."""
    lake = small_lake(tmp_path)
    rows = lake.read(FULL.table, DAY, DAY)
    event = rows["event_id"][3]
    bars = pl.when(pl.col("event_id") == event).then(pl.lit(7, pl.Int32)).otherwise(pl.col("bars_since_open"))
    lake.commit(FULL.table, rows.with_columns(bars_since_open=bars), day=DAY, code_version="2")
    points = draw_points(lake, FULL, 4 * rows.height, seed=1)
    found = [from_silver(lake, FULL, points), answered("full history", lake.root, FULL.version, points)]
    with pytest.raises(ProofFailed, match=rf"{event} at t1 \d+, column bars_since_open; got 7 by stored; expected \d+"):
        assert_same(FULL.version, points, found)


def test_the_same_seed_draws_the_same_points(lake: Lake) -> None:
    """Half are snapshots; a seed decides which, and where probes are asked."""
    first, again, other = (draw_points(lake, FULL, 300, seed) for seed in (1, 1, 2))
    assert first.moments.equals(again.moments)
    assert first.snapshots.equals(again.snapshots)
    assert not first.snapshots.equals(other.snapshots)
    assert first.snapshots.height == first.moments.height == 150
    assert not first.moments.filter(PROBE).equals(other.moments.filter(PROBE))


def test_probes_fill_up_when_there_are_too_few_events(lake: Lake) -> None:
    """Every event is a point, and a probe lies within its session after the first confirmation."""
    events = lake.read(LEVEL_EVENTS, DAY, DAY)
    points = draw_points(lake, FULL, 2 * events.height + 100, seed=1)
    stored, probes = (points.moments.filter(pl.col(PROBE) == kind) for kind in (False, True))
    assert set(stored["event_id"]) == set(events["event_id"])
    assert probes.height == 50
    assert points.summary == f"{events.height} events, 50 probes, {points.snapshots.height} snapshots"
    late = probes.filter(pl.col("symbol") == "BBB")
    assert late["confirm_ts_ns"].min() >= events.filter(pl.col("symbol") == "BBB")["confirm_ts_ns"].min()
    assert late["confirm_ts_ns"].max() < PART_TIME.session_ns(DAY)[1]


def test_few_points_take_no_probe(lake: Lake) -> None:
    """Where events suffice, every point is a row of Silver."""
    points = draw_points(lake, FULL, 20, seed=1)
    assert points.stored.moments.equals(points.moments)
    assert points.moments.height == 10


def test_days_without_rows_are_refused(lake: Lake) -> None:
    """A day that was never built has no points; one point is too few for two kinds."""
    with pytest.raises(PartitionMissing, match="silver/snapshots"):
        draw_points(lake, FULL, 10, 1, (DAY_BEFORE, DAY_BEFORE))
    with pytest.raises(OutOfRange, match="--points; got 1"):
        draw_points(lake, FULL, 1, 1)


def test_a_day_without_events_has_no_points(tmp_path: Path) -> None:
    """Probes move events, so without any there is nothing to ask."""
    lake = Lake(str(tmp_path))
    fill(lake, small_day(minutes=10))
    with pytest.raises(NoData, match="no rows to draw points from"):
        draw_points(lake, FULL, 10, 1)


def test_the_command_proves_it_in_fresh_processes(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    """One line a mode, one hash, exit 0; the lake is found by --data."""
    data = str(Path(lake.root).parent)
    assert main(["prove", "features", "--points", "40", "--data", data, "--seed", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "v2.0_full_ensemble: 20 events, 0 probes, 20 snapshots"
    rows = [line.rsplit(maxsplit=3) for line in lines[3:-1]]
    assert [mode for mode, *_ in rows] == ["stored", *MODES]
    assert {points for _, points, *_ in rows} == {"40"}
    assert len({sha256 for *_, sha256, _ in rows}) == 1
    assert lines[-1] == "all equal"


def test_the_command_refuses_in_one_line(
    lake: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No lake; no such version; no such days in the lake that the environment names."""
    monkeypatch.setenv("GRINDER_LAKE", lake.root)
    for options, line in (
        (["--data", str(tmp_path)], "NO_DATA: there is no lake"),
        (["--set", "v9"], "UNKNOWN_NAME"),
        (["--from", "2025-03-05"], "PARTITION_MISSING: no committed day in the range (silver/snapshots"),
        (["--to", "2025-03-03"], "PARTITION_MISSING: no committed day in the range (silver/snapshots"),
    ):
        assert main(["prove", "features", *options]) == 1
        assert capsys.readouterr().err.startswith(line)
