"""The use cases after a main line: one command, five reports, each with its sentence, page and tables."""

import shutil
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import duckdb
import pytest

from grinder_assets.automation import USE_CASE_SPECS, USE_CASES
from grinder_resources.cli import main
from tests.cli.conftest import House, no_addresses


@dataclass(frozen=True)
class Found:
    """What the command left behind, and what it printed."""

    house: House
    printed: list[str]


@pytest.fixture(scope="module")
def found(house: House, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Run the use cases on a copy of the house: they add to its lake, models and reports."""
    copied = House(Path(shutil.copytree(house.root, tmp_path_factory.mktemp("use_cases") / "house")))
    with no_addresses(), redirect_stdout(StringIO()) as printed:
        assert main(["use-cases", "--data", str(copied.data), "--models", str(copied.models)]) == 0
    return Found(copied, printed.getvalue().splitlines())


def test_every_use_case_has_a_sentence_and_a_page(found: Found) -> None:
    """The command prints both, in the order of the use cases; none of them promotes anything on five short days."""
    assert found.printed[0].startswith("Use cases: 2025-01-06 to 2025-01-10, 5 days with data, ")
    sentences, pages = found.printed[2::2], [Path(line.strip()) for line in found.printed[3::2]]
    assert [line.split()[0] for line in sentences] == list(USE_CASES)
    assert pages == [found.house.data / "reports" / name / "use_case.html" for name in USE_CASES]
    assert all(page.read_text().startswith("<!doctype html>") for page in pages)
    assert [line.split(maxsplit=1)[1][:12].lower() for line in sentences][1::3] == ["no promotion", "no promotion"]


def test_every_model_of_a_use_case_is_an_artifact(found: Found, capsys: pytest.CaptureFixture[str]) -> None:
    """Each verifies from the command line, byte by byte."""
    for spec in USE_CASE_SPECS:
        assert main(["verify", str(found.house.models / f"{spec.name}_v1.0.0")]) == 0
    assert capsys.readouterr().out.count("OK ") == len(USE_CASE_SPECS)


def test_tables_and_reports_are_there_to_query(found: Found) -> None:
    """The warehouse shows the Gold tables of every day and the report tables of every use case."""
    with duckdb.connect(str(found.house.data / "grinder.duckdb"), read_only=True) as warehouse:
        views = {
            ".".join(row) for row in warehouse.execute("select schema_name, view_name from duckdb_views()").fetchall()
        }
        (days,) = warehouse.execute("select count(distinct date) from gold.grid_sweep").fetchone()
    assert days == 5
    assert {"gold.grid_sweep", "gold.training_toxicity", "gold.training_grid_spacing"} <= views
    assert {name for name in USE_CASES if not any(view.startswith(f"reports.{name}") for view in views)} == set()


def test_the_lattice_loses_no_window(found: Found) -> None:
    """Every window has all 35 grids of the lattice and the grid of the rules, each flat at its end."""
    from grinder_resources.contracts.gold_grid import GRID_SWEEP

    rows = found.house.lake.read(GRID_SWEEP)
    assert set(rows.group_by("venue", "symbol", "ts_ns").len()["len"]) == {36}
