"""The notebooks run from top to bottom on a small warehouse, and are committed without outputs."""

import asyncio
import base64
import re
from datetime import date
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import nbformat
import polars as pl
import pytest

from grinder_resources.contracts.bronze import DEPTH, INSTRUMENTS, QUOTES, TRADES
from grinder_resources.contracts.events import LEVEL_EVENTS
from grinder_resources.contracts.gold import signals_table
from grinder_resources.contracts.instruments import instruments_of
from grinder_resources.contracts.reports import (
    calibration_table,
    reliability_table,
    verdicts_table,
    walk_forward_table,
)
from grinder_resources.contracts.silver import BARS, SNAPSHOTS
from grinder_resources.contracts.table import Table
from grinder_resources.features.build import build_features
from grinder_resources.features.manifest import load_manifest
from grinder_resources.lake import Lake
from grinder_resources.simulation.demo_config import DemoConfig
from grinder_resources.simulation.demo_market import write_demo_landing
from grinder_resources.warehouse import build_warehouse
from tests.evaluation.report_rows import MODEL, report

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
FIGURES = {"explore": 3, "features": 3, "calibration": 3, "backtest": 3}
"""Every notebook, and how many pictures it draws."""
DAY = date(2025, 1, 6)
PRODUCTION = load_manifest("v2.0_full_ensemble")
VIEWS = 10


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a warehouse: two hours of the demo market up to Gold, and a report on the heads the notebooks show."""
    root = tmp_path_factory.mktemp("house")
    write_demo_landing(root / "landing", days=1, symbols=("DEMOUSDT",), config=DemoConfig(hours=2.0))
    lake = Lake(str(root / "lake"))
    _fill(lake, root)
    parts = report()
    reports = (
        (calibration_table(MODEL), parts.calibration),
        (verdicts_table(MODEL), parts.verdicts),
        (walk_forward_table(MODEL), parts.scores),
        (reliability_table(MODEL), parts.reliability),
    )
    for table, rows in reports:
        lake.commit(table, rows.with_columns(pl.col("head").replace("t1_60s", "t2_120s")), day=None, code_version="1")
    build_warehouse(lake, root / "grinder.duckdb")
    return root / "grinder.duckdb"


def _fill(lake: Lake, root: Path) -> None:
    from grinder_resources.ingest.bronze import bronze_day, stage_landing
    from grinder_resources.market.bars import build_bars
    from grinder_resources.market.level_events import level_events
    from grinder_resources.market.snapshots import build_snapshots

    staged = stage_landing(root / "landing", root / "staging", root / "instruments.yaml")
    quotes, trades, depth, units = (bronze_day(staged, table, DAY) for table in (QUOTES, TRADES, DEPTH, INSTRUMENTS))
    bars, instruments = build_bars(quotes, trades), instruments_of(units)
    snapshots = build_snapshots(quotes, trades, depth, instruments, DAY)
    events, _ = level_events(quotes, bars, BARS.empty(), instruments.values(), DAY)
    features = build_features(
        PRODUCTION,
        events,
        quotes=quotes,
        trades=trades,
        depth=depth,
        bars_today=bars,
        bars_before=BARS.empty(),
        instruments=instruments.values(),
        day=DAY,
    )
    made: list[tuple[Table, pl.DataFrame]] = [
        (INSTRUMENTS, units),
        (QUOTES, quotes),
        (TRADES, trades),
        (SNAPSHOTS, snapshots),
        (LEVEL_EVENTS, events),
        (signals_table(PRODUCTION.table), features),
    ]
    for table, rows in made:
        lake.commit(table, rows, day=DAY, code_version="1")


def read_notebook(name: str) -> Any:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def outputs(warehouse: Path) -> dict[str, list[Any]]:
    """Run all notebooks at once, each in a kernel of its own, and return every output, in order, by name."""
    from nbclient import NotebookClient

    notebooks = {name: read_notebook(name) for name in FIGURES}
    place = {"metadata": {"path": str(FOLDER)}}
    clients = [NotebookClient(notebook, timeout=120, resources=place) for notebook in notebooks.values()]

    async def run_all() -> None:
        await asyncio.gather(*(client.async_execute() for client in clients))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRINDER_WAREHOUSE", str(warehouse))
        asyncio.run(run_all())
    return {
        name: [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
        for name, notebook in notebooks.items()
    }


def shown(outputs: list[Any]) -> str:
    return unescape("\n".join(output.data.get("text/html", "") for output in outputs if "data" in output))


def test_every_notebook_is_run() -> None:
    """A new notebook is tested, or this test says so."""
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_a_notebook_is_committed_without_outputs(name: str) -> None:
    """Numbers, pictures and run counts of somebody's data are not in the file."""
    cells = [cell for cell in read_notebook(name).cells if cell.cell_type == "code"]
    assert len(cells) > 5
    assert [(cell.outputs, cell.execution_count) for cell in cells] == [([], None)] * len(cells)


@pytest.mark.parametrize(("name", "figures"), FIGURES.items())
def test_every_figure_is_drawn(name: str, figures: int, outputs: dict[str, list[Any]]) -> None:
    """All pictures come out, each with more on it than axes."""
    from matplotlib.image import imread

    pictures = [output.data["image/png"] for output in outputs[name] if "image/png" in output.get("data", {})]
    pixels = [imread(BytesIO(base64.b64decode(picture))) for picture in pictures]
    assert len(pixels) == figures
    for picture in pixels:
        colourful = picture[..., :3].max(axis=-1) - picture[..., :3].min(axis=-1) > 0.2
        assert colourful.sum() > 100


def test_tables_show_what_the_warehouse_holds(outputs: dict[str, list[Any]], warehouse: Path) -> None:
    """The list of views names all of them, and the verdicts are the report's own sentences."""
    text = shown(outputs["explore"])
    with duckdb.connect(str(warehouse), read_only=True) as db:
        views = [name for (name,) in db.execute("select view_name from duckdb_views() where not internal").fetchall()]
    assert len(views) == VIEWS
    assert all(view in text for view in views)
    assert all(sentence in text for sentence in report().verdicts["verdict"])


def test_features_are_those_of_the_manifest(outputs: dict[str, list[Any]]) -> None:
    """Every group of the production version is listed with what it is about."""
    text = shown(outputs["features"])
    assert [group.name for group in PRODUCTION.present if group.description not in text] == []


def test_calibration_shows_what_it_bought(outputs: dict[str, list[Any]]) -> None:
    """The skill of calibrated over raw answers is the report's, with its interval."""
    text = shown(outputs["calibration"])
    assert all(f"<td>{number}</td>" in text for number in (0.0064, 0.0021, 0.0109))


def test_a_backtest_pays_what_its_fills_cost(outputs: dict[str, list[Any]]) -> None:
    """The sweep lists its spacings, and the narrowest grid pays the most."""
    rows = re.findall(r"<tr>(.*?)</tr>", shown(outputs["backtest"]).split("spacing_bps")[1], re.DOTALL)
    cells = [re.findall(r"<td>(.*?)</td>", row) for row in rows]
    sweep = {int(cell[0]): float(cell[2]) for cell in cells if len(cell) == 5 and cell[0].isdigit()}
    assert list(sweep) == [2, 4, 6, 8, 12, 16, 24, 32]
    assert max(sweep, key=sweep.__getitem__) == 2


def test_nothing_complains(outputs: dict[str, list[Any]]) -> None:
    """No cell writes to standard error."""
    assert [output.text for found in outputs.values() for output in found if output.get("name") == "stderr"] == []
