"""The gate line in Dagster: landing file to training table, day by day, with and without gates."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from grinder_assets.bronze.assets import BRONZE_ASSETS
from grinder_assets.gold.gates import GATE_DATASET_ASSETS
from grinder_assets.keys import key_of
from grinder_assets.partitions import range_tags
from grinder_assets.reports.assets import walk_forward_asset
from grinder_assets.silver.gates import GATE_EVENT_ASSETS, KNOWN_IN_TIME
from grinder_assets.training.assets import training_asset
from grinder_resources.contracts.bronze import GATES, INGEST_LOG, TRADES
from grinder_resources.contracts.gates import GATE_EVENTS, GATE_HORIZONS_MIN, GATE_ROC_DATASET
from grinder_resources.dagster import LakeResource, LandingResource, ModelStore, WarehouseResource
from grinder_resources.datasets import gold_table
from grinder_resources.lake import Lake
from grinder_resources.learning.specs import GATE_ROC
from tests.gates.gate_rows import DAY_MINUTES, MONDAY, Record, gate, written

TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
BRONZE = {asset.key: asset for asset in BRONZE_ASSETS}
GATE_LINE = [BRONZE[key_of(GATES.name)], BRONZE[key_of(INGEST_LOG.name)], *GATE_EVENT_ASSETS, *GATE_DATASET_ASSETS]
MODEL_LINE = [training_asset(GATE_ROC), walk_forward_asset(GATE_ROC)]
FORWARD = {str(minutes): 0.25 for minutes in GATE_HORIZONS_MIN}
LATE = DAY_MINUTES - 100
"""Monday 22:20: the four-hour label of such a gate reaches into Tuesday."""


def lands(folder: Path, name: str, *minutes: int, venue: str = "sep") -> None:
    landing = folder / "landing"
    landing.mkdir(exist_ok=True)
    records: list[Record] = [gate(minute, roc_forward_pct=FORWARD, source=venue) for minute in minutes]
    (landing / name).write_text(written(records))


def materialize(folder: Path, first: date, last: date, assets: Sequence[dg.AssetsDefinition] = ()) -> Lake:
    """Materialize the gate line, and `assets` after it, over the days; return the lake."""
    root = str(folder / "lake")
    done = dg.materialize(
        [*GATE_LINE, *assets],
        instance=dg.DagsterInstance.ephemeral(tempdir=str(folder)),
        tags=range_tags(first, last),
        resources={
            "lake": LakeResource(root=root),
            "landing": LandingResource(
                folder=str(folder / "landing"), staging=str(folder / "staging"), pins=str(folder / "pins.yaml")
            ),
            "models": ModelStore(folder=str(folder / "models")),
            "warehouse": WarehouseResource(file=str(folder / "db.duckdb"), pages=str(folder / "reports")),
        },
    )
    assert done.success
    return Lake(root)


def cut(lake: Lake, day: date) -> list[int]:
    return lake.read(GATE_EVENTS, day, day)["label_cut_240m"].to_list()


def test_gates_alone_become_a_training_table(tmp_path: Path) -> None:
    """Without any quote or trade; a day without gates is there and empty."""
    lands(tmp_path, "week.jsonl", 0, 16, 2 * DAY_MINUTES)
    lake = materialize(tmp_path, MONDAY, WEDNESDAY)
    assert {day: lake.read(GATE_ROC_DATASET, day, day).height for day in (MONDAY, TUESDAY, WEDNESDAY)} == {
        MONDAY: 2,
        TUESDAY: 0,
        WEDNESDAY: 1,
    }
    assert gold_table(lake, GATE_ROC_DATASET.name) is GATE_ROC_DATASET
    assert (tmp_path / "reports" / "gate_roc.manifest.json").is_file()


def test_a_label_may_cross_midnight_within_one_file(tmp_path: Path) -> None:
    """A file that ends with the day cannot have seen further, even where another one goes on."""
    ways: dict[str, list[tuple[int, ...]]] = {
        "one": [(LATE, DAY_MINUTES + 60)],
        "two": [(LATE,), (DAY_MINUTES + 60,)],
    }
    for name, files in ways.items():
        folder = tmp_path / name
        folder.mkdir()
        for number, minutes in enumerate(files):
            lands(folder, f"{number}.jsonl", *minutes)
        lake = materialize(folder, MONDAY, TUESDAY)
        assert (cut(lake, MONDAY), cut(lake, TUESDAY)) == ([0 if name == "one" else 1], [0])


def test_a_day_is_made_again_when_the_stream_went_on(tmp_path: Path) -> None:
    """Until the next day is there, a label that reaches into it is not believed."""
    lands(tmp_path, "week.jsonl", LATE, DAY_MINUTES + 60)
    assert cut(materialize(tmp_path, MONDAY, MONDAY), MONDAY) == [1]
    assert cut(materialize(tmp_path, MONDAY, TUESDAY), MONDAY) == [0]


def test_yesterday_is_known_today(tmp_path: Path) -> None:
    """The day's first gate knows the last one of the day before, also when its day is made alone."""
    lands(tmp_path, "week.jsonl", DAY_MINUTES - 10, DAY_MINUTES + 6)
    materialize(tmp_path, MONDAY, MONDAY)
    lake = materialize(tmp_path, TUESDAY, TUESDAY)
    assert lake.read(GATE_EVENTS, TUESDAY, TUESDAY)["minutes_since_prev"].to_list() == [16]


def test_without_gates_nothing_is_trained_and_nothing_fails(tmp_path: Path) -> None:
    """Another source's days have empty gate tables; the model says in a line that it has too few days."""
    landing = tmp_path / "landing"
    landing.mkdir()
    columns, row = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount", "1740960000000000"
    (landing / "x_trades_2025-03-03_A.csv").write_text(f"{columns}\nx,A,{row},{row},1,buy,1.5,2\n")
    lake = materialize(tmp_path, MONDAY, MONDAY, [BRONZE[key_of(TRADES.name)], *MODEL_LINE])
    assert lake.read(GATE_ROC_DATASET).is_empty()
    assert not (tmp_path / "models" / "gate_roc_v1.0.0").exists()
    page = (tmp_path / "reports" / "gate_roc" / "walk_forward.html").read_text()
    assert "needs more days than have rows" in page


@pytest.mark.parametrize(
    ("fault", "passes"),
    [
        ({}, True),
        ({"watermark_ns": 11}, False),
        ({"label_end_5m_ns": None}, False),
        ({"roc_forward_5m_pct_x1e6": None}, False),
        ({"label_cut_5m": 1}, False),
    ],
)
def test_gates_that_know_too_much_are_refused(fault: dict[str, int | None], passes: bool) -> None:
    """A later gate looked at, a change without an end or an end without a change, a cut label that was kept."""
    names = [(f"roc_forward_{m}m_pct_x1e6", f"label_end_{m}m_ns", f"label_cut_{m}m") for m in GATE_HORIZONS_MIN]
    good = {"ts_ns": 10, "watermark_ns": 10, **{name: 0 for three in names for name in three}}
    assert KNOWN_IN_TIME.judge(pl.DataFrame([good | fault]), MONDAY).passed is passes
