"""The notebook runs from top to bottom on a small warehouse, and is committed without outputs."""

import base64
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
from grinder_resources.contracts.instruments import instruments_of
from grinder_resources.contracts.reports import calibration_table, verdicts_table
from grinder_resources.contracts.silver import BARS, SNAPSHOTS
from grinder_resources.contracts.table import Table
from grinder_resources.lake import Lake
from grinder_resources.simulation.demo_config import DemoConfig
from grinder_resources.simulation.demo_market import write_demo_landing
from grinder_resources.warehouse import build_warehouse
from tests.evaluation.report_rows import MODEL, report

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "explore.ipynb"
DAY = date(2025, 1, 6)
FIGURES = 3


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a warehouse: two hours of the demo market up to Silver, and a report on the head the notebook shows."""
    root = tmp_path_factory.mktemp("house")
    write_demo_landing(root / "landing", days=1, symbols=("DEMOUSDT",), config=DemoConfig(hours=2.0))
    lake = Lake(str(root / "lake"))
    _fill(lake, root)
    for table, rows in ((calibration_table(MODEL), report().calibration), (verdicts_table(MODEL), report().verdicts)):
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
    made: list[tuple[Table, pl.DataFrame]] = [(INSTRUMENTS, units), (SNAPSHOTS, snapshots), (LEVEL_EVENTS, events)]
    for table, rows in made:
        lake.commit(table, rows, day=DAY, code_version="1")


def read_notebook() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def outputs(warehouse: Path) -> list[Any]:
    """Run the notebook in a kernel of its own and return every output, in order."""
    from nbclient import NotebookClient

    notebook = read_notebook()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRINDER_WAREHOUSE", str(warehouse))
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def test_the_notebook_is_committed_without_outputs() -> None:
    """Numbers, pictures and run counts of somebody's data are not in the file."""
    cells = [cell for cell in read_notebook().cells if cell.cell_type == "code"]
    assert len(cells) > 5
    assert [(cell.outputs, cell.execution_count) for cell in cells] == [([], None)] * len(cells)


def test_every_figure_is_drawn(outputs: list[Any]) -> None:
    """Three pictures come out, each with more on it than axes."""
    from matplotlib.image import imread

    pictures = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    pixels = [imread(BytesIO(base64.b64decode(picture))) for picture in pictures]
    assert len(pixels) == FIGURES
    for picture in pixels:
        colourful = picture[..., :3].max(axis=-1) - picture[..., :3].min(axis=-1) > 0.2
        assert colourful.sum() > 100


def test_tables_show_what_the_warehouse_holds(outputs: list[Any], warehouse: Path) -> None:
    """The list of views names all of them, and the verdicts are the report's own sentences."""
    shown = unescape("\n".join(output.data.get("text/html", "") for output in outputs if "data" in output))
    with duckdb.connect(str(warehouse), read_only=True) as db:
        views = [name for (name,) in db.execute("select view_name from duckdb_views() where not internal").fetchall()]
    assert len(views) == 5
    assert all(view in shown for view in views)
    assert all(sentence in shown for sentence in report().verdicts["verdict"])


def test_nothing_complains(outputs: list[Any]) -> None:
    """No cell writes to standard error."""
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
