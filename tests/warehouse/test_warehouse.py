"""The warehouse: views over the lake in one DuckDB file, swapped in while people read."""

import os
import resource
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from grinder_resources.contracts.table import DAY, Table, required
from grinder_resources.lake import Lake
from grinder_resources.warehouse import build_warehouse, view_name

MONDAY, TUESDAY = date(2025, 1, 6), date(2025, 1, 7)
NUMBER = required("n", pl.Int64(), "a number")
PRICES = Table("bronze/prices", "A daily table.", (DAY, NUMBER), ("n",))
FEATURES = Table("silver/features/v1.2_some_name", "A daily table with dots in its name.", (DAY, NUMBER), ("n",))
VERDICTS = Table("reports/verdicts/model", "A table without days.", (NUMBER,), ("n",))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    put(lake, PRICES, MONDAY, 1, 2, 3)
    return lake


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "grinder.duckdb"


def put(lake: Lake, table: Table, day: date | None, *numbers: int) -> None:
    rows = [{"date": day, "n": n} if day else {"n": n} for n in numbers]
    lake.commit(table, pl.DataFrame(rows, schema=table.schema), day=day, code_version="1")


def numbers(path: Path, view: str) -> list[int]:
    with duckdb.connect(str(path), read_only=True) as db:
        return [n for (n,) in db.execute(f"select n from {view} order by n").fetchall()]


def test_a_view_gives_the_rows_of_its_table(lake: Lake, path: Path) -> None:
    """Rows and days come out as they were committed, and the build says how many there are."""
    put(lake, PRICES, TUESDAY, 4)
    assert build_warehouse(lake, path) == {"bronze.prices": 4}
    with duckdb.connect(str(path), read_only=True) as db:
        rows = db.execute("select date, n from bronze.prices order by n").fetchall()
    assert rows == [(MONDAY, 1), (MONDAY, 2), (MONDAY, 3), (TUESDAY, 4)]


def test_only_the_newest_commit_of_a_day_is_seen(lake: Lake, path: Path) -> None:
    """A day that was replaced counts once, though its older file still lies there."""
    put(lake, PRICES, MONDAY, 7)
    assert len(list(Path(lake.root).glob("bronze/prices/date=2025-01-06/*.parquet"))) == 2
    assert build_warehouse(lake, path) == {"bronze.prices": 1}
    assert numbers(path, "bronze.prices") == [7]


def test_slashes_and_dots_become_underscores(lake: Lake, path: Path) -> None:
    """The layer is the schema; what else the name holds is one view name."""
    put(lake, FEATURES, MONDAY, 5)
    assert view_name(FEATURES.name) == 'silver."features_v1_2_some_name"'
    assert build_warehouse(lake, path) == {"bronze.prices": 3, "silver.features_v1_2_some_name": 1}
    assert numbers(path, "silver.features_v1_2_some_name") == [5]


def test_a_table_without_days_is_a_view(lake: Lake, path: Path) -> None:
    """Report tables, which have no partitions, keep exactly their own columns."""
    put(lake, VERDICTS, None, 8, 9)
    assert build_warehouse(lake, path)["reports.verdicts_model"] == 2
    with duckdb.connect(str(path), read_only=True) as db:
        answer = db.execute("select * from reports.verdicts_model order by n")
        assert [column[0] for column in answer.description] == ["n"]
        assert answer.fetchall() == [(8,), (9,)]


def test_a_quote_in_the_path_is_harmless(tmp_path: Path, path: Path) -> None:
    """A folder called O'Hara does not end the SQL text."""
    lake = Lake(str(tmp_path / "O'Hara" / "lake"))
    put(lake, PRICES, MONDAY, 1)
    build_warehouse(lake, path)
    assert numbers(path, "bronze.prices") == [1]


def test_an_open_reader_keeps_its_answers_and_blocks_nothing(lake: Lake, path: Path) -> None:
    """A notebook that is open sees the old rows to its end; the next one sees the new rows."""
    build_warehouse(lake, path)
    with duckdb.connect(str(path), read_only=True) as notebook:
        notebook.execute("begin")
        assert notebook.execute("select sum(n) from bronze.prices").fetchall() == [(6,)]
        put(lake, PRICES, MONDAY, 100)
        put(lake, PRICES, TUESDAY, 200)
        in_another_process(lake, path)
        assert notebook.execute("select sum(n) from bronze.prices").fetchall() == [(6,)]
    assert numbers(path, "bronze.prices") == [100, 200]


def test_a_failing_build_leaves_the_old_file(lake: Lake, path: Path) -> None:
    """Without space the build is refused in our words, the previous file answers on, and nothing lies beside it."""
    build_warehouse(lake, path)
    before = path.read_bytes()
    put(lake, PRICES, TUESDAY, 4)
    refusal = in_another_process(lake, path, largest_file=4096)
    assert refusal.startswith("STORAGE_FULL: the store takes no more bytes")
    assert path.read_bytes() == before
    assert numbers(path, "bronze.prices") == [1, 2, 3]
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["grinder.duckdb", "lake"]


def in_another_process(lake: Lake, path: Path, largest_file: int | None = None) -> str:
    """Build the warehouse as a run would, in a process of its own; return the refusal, or nothing."""
    script = (
        "import sys; from pathlib import Path; from grinder_resources.errors import GrinderError\n"
        "from grinder_resources.lake import Lake; from grinder_resources.warehouse import build_warehouse\n"
        "try: build_warehouse(Lake(sys.argv[1]), Path(sys.argv[2]))\n"
        "except GrinderError as error: print(error.line())"
    )

    def cap() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file or 0, largest_file or 0))

    built = subprocess.run(
        [sys.executable, "-c", script, lake.root, str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        preexec_fn=cap if largest_file else None,
        env=dict(os.environ),
    )
    return built.stdout.strip()
