"""The toxicity report as a whole: tables that are kept while nothing changes, and a page that says what it knows."""

from pathlib import Path

import polars as pl
import pytest

from grinder_resources.contracts.bronze import INSTRUMENTS
from grinder_resources.contracts.gold_toxicity import TOXICITY_DATASET
from grinder_resources.contracts.reports import predictions_table, verdicts_table
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.lake import Lake
from grinder_resources.usecases.toxicity.answers import fold_cuts
from grinder_resources.usecases.toxicity.page import toxicity_page
from grinder_resources.usecases.toxicity.plots import day_png
from grinder_resources.usecases.toxicity.report import TABLES, toxicity_report
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
