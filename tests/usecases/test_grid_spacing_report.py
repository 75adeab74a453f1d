"""The report of grid parameters on a small lake: tables that are kept, a traded day, and a page for a trader."""

import shutil
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from grinder_assets.gold.grid_spacing import GRID_SPACING_ASSETS
from grinder_assets.reports.grid_spacing import grid_spacing_report
from grinder_resources.contracts.bronze import INSTRUMENTS, QUOTES, TRADES
from grinder_resources.contracts.gold_grid import GRID_SPACING, GRID_SWEEP
from grinder_resources.contracts.grid_report import REPORT_TABLES
from grinder_resources.contracts.reports import predictions_table
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.errors import PartitionMissing
from grinder_resources.gold.grid_spacing import spacing_rows
from grinder_resources.gold.grid_sweep import sweep_rows
from grinder_resources.lake import Lake
from grinder_resources.market.snapshots import build_snapshots
from grinder_resources.usecases.grid_spacing.page import grid_page
from grinder_resources.usecases.grid_spacing.plots import surface_png
from grinder_resources.usecases.grid_spacing.report import GridReport, grid_report
from grinder_resources.usecases.grid_spacing.summary import NOTHING, sentence
from tests.market_days import DAY, INSTRUMENT, OPEN_NS, SECOND, books, quotes, trades
from tests.usecases.grid_answers import QUIET, SPEC, predictions

EVERY_NS = 300 * SECOND
KEY = {(INSTRUMENT.venue, INSTRUMENT.symbol): INSTRUMENT}


def mid(second: int) -> int:
    """Down 25 bps and back in the first and in the third five minutes."""
    return 19_950 if second % 600 in range(100, 160) else 20_000


def answers() -> pl.DataFrame:
    """Return what the model said of four windows: 20 bps, 20, then nothing, then 12."""
    said = ({"earned_20": 5}, {"earned_20": 5}, {}, {"earned_12": 5})
    rows = predictions({window: QUIET | earned for window, earned in enumerate(said)})
    window = pl.col("ts_ns").rank("dense").cast(pl.Int64) - 1
    moved = rows.with_columns(symbol=pl.lit(INSTRUMENT.symbol), ts_ns=OPEN_NS + window * EVERY_NS)
    table = predictions_table(SPEC.name)
    known = moved.with_columns(date=pl.lit(DAY), row_id=pl.col("ts_ns").cast(pl.String), settled=pl.lit(value=False))
    filled = [
        pl.col(name) if name in known.columns else pl.lit(0 if dtype.is_numeric() else "").alias(name)
        for name, dtype in table.schema.items()
    ]
    return table.conform(known.select(filled).cast(table.schema))


def build(folder: Path, said: pl.DataFrame) -> Lake:
    """Return a lake with one day of 25 minutes, its sweep, its dataset, and out-of-fold answers."""
    lake, quoted = Lake(str(folder / "lake")), quotes([(second, mid(second)) for second in range(1_502)])
    printed = trades([(1, 10_000, 1, 1)])
    snapshots = build_snapshots(quoted, printed, books([]), KEY, DAY)
    sweep = sweep_rows(snapshots, quoted, printed, KEY)
    units = {name: str(getattr(INSTRUMENT, name)) for name in ("venue", "symbol", "tick_size", "lot_size", "session")}
    rows = {
        QUOTES: quoted,
        TRADES: printed,
        INSTRUMENTS: pl.DataFrame([{"date": DAY, **units}]).select(INSTRUMENTS.schema.names()),
        GRID_SWEEP: sweep,
        GRID_SPACING: spacing_rows(snapshots, sweep).with_columns(range_300s_x1000=pl.lit(7, pl.Int64)),
    }
    for table, frame in rows.items():
        lake.commit(table, frame.cast(table.schema), day=DAY, code_version="1")
    lake.commit(predictions_table(SPEC.name), said, day=None, code_version="1")
    return lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return build(tmp_path_factory.mktemp("grid"), answers())


@pytest.fixture(scope="module")
def report(lake: Lake) -> GridReport:
    return grid_report(SPEC, lake, "code")


def test_a_day_is_traded_without_a_stop(report: GridReport) -> None:
    """20 bps and 4 lines of 20 lots from 0:00 to 0:10, then flat until 0:20, in which the second dip is missed.

    20 lots are bought at 99.80 and sold at the market when the grid is given up: one at 99.99, as many as are shown,
    the others a spread lower. That is 342 tick-lots less fees of 39.92 and 79.9768; capital is 160 lots at 100.
    """
    model = report.equity.filter(pl.col("policy") == "model")
    last = model.row(-1, named=True)
    assert (last["ts_ns"] - OPEN_NS, last["nav_micros"]) == (1_500 * SECOND, 222_103_200)
    assert last["capital_micros"] == 1_600_000 * 10**6
    fills = report.fills.filter(pl.col("policy") == "model").select("line", "side", "price_ticks", "size_lots").rows()
    assert fills == [(-1, 1, 9_980, 20), (None, -1, 9_999, 1), (None, -1, 9_997, 19)]
    assert report.equity.filter(pl.col("policy") == "pause")["nav_micros"].unique().to_list() == [0]
    assert "hindsight" not in report.equity["policy"]


def test_tables_are_kept_until_something_changes(lake: Lake, report: GridReport) -> None:
    """The same lake and code give the report back; other code makes it again, to the same rows."""
    assert report.rebuilt
    again, other = grid_report(SPEC, lake, "code"), grid_report(SPEC, lake, "other code")
    assert (again.rebuilt, other.rebuilt) == (False, True)
    for made in (again, other):
        assert all(
            getattr(made, name).equals(getattr(report, name))
            for name in ("windows", "scores", "surface", "equity", "fills")
        )
    assert {table.name for table in REPORT_TABLES} <= set(lake.tables())


def test_the_page_says_what_it_found(report: GridReport) -> None:
    """One verdict, every policy, three figures, and where the numbers come from."""
    page = grid_page(report, {"Dataset": "gold/training/grid_spacing"})
    assert "No promotion: the model quoted in 75% of windows and earned" in page
    for text in ("no grid", "static", "rules", "past", "optimum", "hindsight", "s20_l4_u2", "traded without a stop"):
        assert text in page
    assert page.count("<svg") == 3
    assert page == grid_page(report, {"Dataset": "gold/training/grid_spacing"})
    assert (surface_png(report.surface) or b"").startswith(b"\x89PNG")


def test_the_assets_make_what_the_library_makes(tmp_path: Path, lake: Lake, report: GridReport) -> None:
    """Sweep and dataset of a day from the tables below them, then the report with its headline and its page."""
    root = str(tmp_path / "lake")
    shutil.copytree(lake.root, root)
    for table in (GRID_SWEEP, GRID_SPACING, *REPORT_TABLES):
        shutil.rmtree(tmp_path / "lake" / table.name, ignore_errors=True)
    day = [lake.read(table, DAY, DAY) for table in (QUOTES, TRADES)]
    made = Lake(root)
    made.commit(SNAPSHOTS, build_snapshots(*day, books([]), KEY, DAY), day=DAY, code_version="1")
    places = {
        "lake": LakeResource(root=root),
        "models": ModelStore(folder=str(tmp_path / "models")),
        "warehouse": WarehouseResource(pages=str(tmp_path / "pages")),
    }
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        dg.materialize(GRID_SPACING_ASSETS, partition_key=str(DAY), instance=instance, resources=places)
        run = dg.materialize([grid_spacing_report], instance=instance, resources=places)
    (event,) = run.asset_materializations_for_node("reports__grid_spacing_use_case")
    assert event.metadata["headline"].value == sentence(report.scores)
    assert made.read(GRID_SWEEP).equals(lake.read(GRID_SWEEP))
    assert (
        (tmp_path / "pages" / "grid_spacing" / "use_case.html")
        .read_text(encoding="utf-8")
        .startswith("<!doctype html>")
    )


def test_without_answers_the_report_says_so(tmp_path: Path) -> None:
    """Empty tables, one sentence, and no figure."""
    empty = grid_report(SPEC, build(tmp_path, answers().clear()), "code")
    page = grid_page(empty, {})
    assert NOTHING in page
    assert "<svg" not in page
    assert surface_png(empty.surface) is None


def test_a_sweep_that_was_never_made_is_missing(tmp_path: Path) -> None:
    """As is a walk-forward."""
    with pytest.raises(PartitionMissing, match="predictions/grid_spacing"):
        grid_report(SPEC, Lake(str(tmp_path)), "code")
