"""The warehouse: one DuckDB file of views over the lake, for notebooks and SQL.

Built aside and swapped in by one rename, so an open notebook keeps reading the file it has and never blocks a run.
Views hold no rows: they name the lake's active Parquet files at the time of building.
"""

import os
from pathlib import Path

import duckdb

from grinder_resources.errors import CorruptFile
from grinder_resources.lake import Lake
from grinder_resources.storage import storage_errors

LAYERS = ("bronze", "silver", "gold", "reports", "monitoring")


def view_name(table: str) -> str:
    """Return `schema.view` of a lake table: the layer, then the rest with slashes and dots as underscores."""
    layer, rest = table.split("/", maxsplit=1)
    return f'{layer}."{rest.replace("/", "_").replace(".", "_")}"'


def build_warehouse(lake: Lake, path: Path) -> dict[str, int]:
    """Replace the DuckDB file at `path` by views over every table of a local lake; return rows by view name.

    Raises StorageFull if the file cannot be written, CorruptFile if a data file is missing; the previous one then still
    stands.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".building-{os.getpid()}")
    aside.unlink(missing_ok=True)
    try:
        with storage_errors(str(path)):
            rows = _fill(lake, aside)
            aside.replace(path)
    except duckdb.IOException as error:
        raise CorruptFile(
            "a data file of the lake cannot be read",
            where=lake.root,
            got=str(error)[:160],
            hint="Materialise its day again",
        ) from error
    finally:
        aside.unlink(missing_ok=True)
    return rows


def _fill(lake: Lake, path: Path) -> dict[str, int]:
    rows = {}
    with duckdb.connect(str(path)) as connection:
        for layer in LAYERS:
            connection.execute(f"create schema {layer}")
        for table in (table for table in lake.tables() if table.split("/")[0] in LAYERS):
            _add_view(connection, view_name(table), lake, table)
            rows[view_name(table).replace('"', "")] = sum(stamp.rows for stamp in lake.stamps(table).values())
    return rows


def _add_view(connection: duckdb.DuckDBPyConnection, name: str, lake: Lake, table: str) -> None:
    files = [_absolute(file) for file in lake.files(table)]
    if not files:
        # A view needs a file to read; a table without rows keeps its columns as an empty table.
        connection.register("no_rows", lake.no_rows(table).to_arrow())
        connection.execute(f"create table {name} as from no_rows")
        connection.unregister("no_rows")
        return
    quoted = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    hive = "date=" in files[0]
    connection.execute(f"create view {name} as from read_parquet([{quoted}], hive_partitioning = {hive})")


def _absolute(address: str) -> str:
    return address if "://" in address else str(Path(address).resolve())
