"""The toxicity report as a whole: tables that are kept while nothing changes, and a page that says what it knows."""

from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from grinder_assets.gold.toxicity import TOXICITY_DATASET_ASSETS
from grinder_assets.reports.toxicity import toxicity_report_asset
from grinder_resources.contracts.bronze import DEPTH, INSTRUMENTS, QUOTES, TRADES
from grinder_resources.contracts.gold_toxicity import TOXICITY_DATASET
from grinder_resources.contracts.reports import predictions_table, verdicts_table
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.dagster import LakeResource, LandingResource, ModelStore, WarehouseResource
from grinder_resources.lake import Lake
from grinder_resources.usecases.toxicity.answers import fold_cuts
from grinder_resources.usecases.toxicity.page import toxicity_page
from grinder_resources.usecases.toxicity.plots import day_png
from grinder_resources.usecases.toxicity.report import TABLES, toxicity_report
from tests.market_days import DAY, random_day
from tests.usecases.toxicity_minutes import FIRST_NS, SECOND, answers, dataset

DAYS = 4


def committed(root: Path, rows: pl.DataFrame) -> Lake:
    """Return a lake with everything the report reads, each instrument at a standing price."""
    lake = Lake(str(root))
    for (day,), part in rows.partition_by("date", as_dict=True).items():
        lake.commit(TOXICITY_DATASET, part, day=day, code_version="1")
    cuts = fold_cuts(rows)
    lake.commit(predictions_table("toxicity"), answers(rows, cuts), day=None, code_version="1")
    lake.commit(verdicts_table("toxicity"), verdicts_table("toxicity").empty(), day=None, code_version="1")
    last = rows.filter(pl.col("date") == rows["date"].max())
    facts = {"mid_half_ticks": 20_000, "gap": False}
    keys = ("date", "venue", "symbol", "ts_ns")
    columns = {name: last[name] if name in keys else facts.get(name, 1) for name in SNAPSHOTS.schema}
    lake.commit(SNAPSHOTS, pl.DataFrame(columns, schema=SNAPSHOTS.schema), day=last["date"][0], code_version="1")
    units = [(last["date"][0], "demo", symbol, "0.01", "1", "24x7") for symbol in ("A", "B")]
    frame = pl.DataFrame(units, schema=INSTRUMENTS.schema, orient="row")
    lake.commit(INSTRUMENTS, frame, day=last["date"][0], code_version="1")
    return lake


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Path]:
    """Return a lake, and a landing folder whose hidden regime of A is HIGH in the second half of the last day."""
    root = tmp_path_factory.mktemp("toxicity")
    rows = dataset(days=DAYS)
    (root / "landing" / ".truth").mkdir(parents=True)
    seconds = pl.int_range(600 * 60, eager=True)
    regime = pl.select(pl.when(seconds < 300 * 60).then(pl.lit("LOW")).otherwise(pl.lit("HIGH"))).to_series()
    start = FIRST_NS + (DAYS - 1) * 86_400 * SECOND
    hidden = pl.DataFrame({"ts_ns": start + seconds * SECOND, "regime": regime, "informed": 0})
    hidden.write_parquet(root / "landing" / ".truth" / "demo_regime_2025-03-06_A.parquet")
    return committed(root / "lake", rows), root / "landing"


def test_tables_are_made_once_and_read_back(house: tuple[Lake, Path]) -> None:
    """The same data and code give the same tables; other truth or code makes them anew."""
    lake, landing = house
    first = toxicity_report(lake, landing, "1")
    again = toxicity_report(lake, landing, "1")
    assert (first.rebuilt, again.rebuilt) == (True, False)
    assert first.ranking.equals(again.ranking)
    assert first.hit_rates.equals(again.hit_rates)
    assert {table.name for table in TABLES} <= set(lake.tables())
    assert toxicity_report(lake, landing / "nowhere", "1").rebuilt
    assert toxicity_report(lake, landing, "2").rebuilt


def test_page_says_what_was_hidden_only_where_it_is_known(house: tuple[Lake, Path]) -> None:
    """One file, no script, and the price in quote currency."""
    lake, landing = house
    report = toxicity_report(lake, landing, "2")
    page = toxicity_page(report, {"Days": "four"})
    assert report.newest["price"].unique().to_list() == [100.0]
    assert report.minutes.filter(pl.col("hidden").is_not_null())["symbol"].unique().to_list() == ["A"]
    for words in ("The hidden regime", "HIGH now", "Nothing changes", "Composite", "four"):
        assert words in page
    assert "<script" not in page
    real = toxicity_page(toxicity_report(lake, landing / "nowhere", "2"), {})
    assert "There is no truth to compare with" in real
    assert "HIGH now" not in real
    assert day_png(report.newest)[:8] == b"\x89PNG\r\n\x1a\n"


def run(lake: Lake, landing: Path, folder: Path) -> dict[str, object]:
    """Materialize the report's asset; return what it shows."""
    result = dg.materialize(
        [toxicity_report_asset],
        instance=dg.DagsterInstance.ephemeral(tempdir=str(folder)),
        resources={
            "lake": LakeResource(root=lake.root),
            "landing": LandingResource(folder=str(landing)),
            "models": ModelStore(folder=str(folder / "models")),
            "warehouse": WarehouseResource(pages=str(folder / "reports")),
        },
    )
    (event,) = result.get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_the_asset_writes_the_page_and_says_the_sentence(house: tuple[Lake, Path], tmp_path: Path) -> None:
    """What the run shows is what the page leads with."""
    shown = run(*house, tmp_path)
    page = tmp_path / "reports" / "toxicity" / "use_case.html"
    assert str(shown["headline"]).startswith("No better than saying that nothing changes: ")
    assert str(shown["headline"]) in page.read_text(encoding="utf-8")
    assert shown["page"] == str(page)


def test_the_asset_ends_well_without_an_answer(house: tuple[Lake, Path], tmp_path: Path) -> None:
    """A walk-forward that had too few days left no row: the run says so and writes nothing."""
    lake = committed(tmp_path / "lake", dataset(days=DAYS))
    lake.commit(predictions_table("toxicity"), predictions_table("toxicity").empty(), day=None, code_version="2")
    shown = run(lake, house[1], tmp_path)
    assert shown["reported"] is False
    assert "there is no out-of-fold answer" in str(shown["headline"])
    assert not (tmp_path / "reports").exists()


def test_the_dataset_asset_builds_a_day_once(tmp_path: Path) -> None:
    """From Bronze and snapshots of a small day; an unchanged day is not written again."""
    day, lake = random_day(3, minutes=20), Lake(str(tmp_path / "lake"))
    units = pl.DataFrame([(DAY, "demo", "AAA", "0.01", "1", "24x7")], schema=INSTRUMENTS.schema, orient="row")
    for table, rows in ((QUOTES, day.quotes), (TRADES, day.trades), (DEPTH, day.depth), (INSTRUMENTS, units)):
        lake.commit(table, rows, day=DAY, code_version="1")
    lake.commit(SNAPSHOTS, day.snapshots, day=DAY, code_version="1")
    resources = {
        "lake": LakeResource(root=lake.root),
        "warehouse": WarehouseResource(pages=str(tmp_path / "reports")),
    }
    instance = dg.DagsterInstance.ephemeral(tempdir=str(tmp_path))
    rewritten = []
    for _ in range(2):
        done = dg.materialize(
            TOXICITY_DATASET_ASSETS, instance=instance, partition_key=DAY.isoformat(), resources=resources
        )
        rewritten.append(done.get_asset_materialization_events()[0].materialization.metadata["rewritten"].value)
    assert rewritten == ["1 of 1 days rewritten", "0 of 1 days rewritten"]
    assert lake.read(TOXICITY_DATASET).height == 19
