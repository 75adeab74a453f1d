"""What is staged, as one index: which file has how many rows of which table, day and instrument."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from grinder_resources.contracts.table import Table
from grinder_resources.errors import CorruptFile
from grinder_resources.ingest.limits import Limits
from grinder_resources.ingest.staging import StagedFile

_COUNTS = pl.Schema(
    {
        "file": pl.Int64(),
        "table": pl.String(),
        "date": pl.Date(),
        "venue": pl.String(),
        "symbol": pl.String(),
        "rows_in": pl.Int64(),
        "rows_out": pl.Int64(),
        "quarantined": pl.Int64(),
        "deduplicated": pl.Int64(),
        "reordered": pl.Int64(),
        "first_ts_ns": pl.Int64(),
        "last_ts_ns": pl.Int64(),
        "last_line": pl.Int64(),
    }
)


@dataclass(frozen=True)
class Staged:
    """Everything that is staged.

    files
        In the order their rows count as recorded.
    counts
        One row a file (its index in `files`), table, day and instrument: rows_in, rows_out, quarantined, deduplicated
        and reordered as the reader left them; first_ts_ns, last_ts_ns and last_line of the rows out, null without
        any.
    symbols
        The symbols asked for, or None for all.
    """

    files: tuple[StagedFile, ...]
    counts: pl.DataFrame
    symbols: frozenset[str] | None
    limits: Limits

    @classmethod
    def of(cls, files: Sequence[StagedFile], symbols: set[str] | None, limits: Limits) -> "Staged":
        """Collect the counts of staged files."""
        entries = [{"file": index, **entry} for index, file in enumerate(files) for entry in file.done()["counts"]]
        dated = pl.Schema({**_COUNTS, "date": pl.String()})
        counts = pl.DataFrame(entries, schema=dated).with_columns(pl.col("date").str.to_date())
        wanted = frozenset(symbols) if symbols else None
        return cls(tuple(files), counts.filter(_wanted(wanted)), wanted, limits)

    def days(self, table: Table | None = None) -> list[date]:
        """Return the days with published rows, ascending: of one table, or of any."""
        rows = self.counts.filter(pl.col("rows_out") > 0)
        rows = rows if table is None else rows.filter(pl.col("table") == table.name)
        return sorted(rows["date"].unique().to_list())

    def counts_of(self, table: Table, day: date) -> pl.DataFrame:
        """Return the counts of one table and day."""
        return self.counts.filter((pl.col("table") == table.name) & (pl.col("date") == day))

    def rows_of(self, index: int, table: Table, day: date) -> pl.DataFrame:
        """Return a file's rows of one table and day, in file order, without `date`; `seq` is the line number."""
        folder = self.files[index].folder / table.name.rpartition("/")[2] / str(day)
        empty = pl.DataFrame(schema={name: dtype for name, dtype in table.schema.items() if name != "date"})
        return pl.concat([empty, *(_read(part) for part in sorted(folder.glob("*.parquet")))]).filter(
            _wanted(self.symbols)
        )

    def aside_of(self, index: int, table: Table, day: date) -> pl.DataFrame:
        """Return what a reader kept aside of one file, table and day; columns of `bronze/quarantine`."""
        file = self.files[index]
        aside = _read(file.folder / "quarantine.parquet").filter(
            (pl.col("table") == table.name) & (pl.col("date") == day) & _wanted(self.symbols)
        )
        return aside.select("date", "table", pl.lit(file.source).alias("source"), "line", "reason", "raw")


def _wanted(symbols: frozenset[str] | None) -> pl.Expr:
    """Rows that name no symbol belong to whatever was asked for."""
    return pl.lit(True) if symbols is None else pl.col("symbol").is_in(sorted(symbols)) | pl.col("symbol").is_null()


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CorruptFile(
            "a staged file cannot be read", where=str(path), got=str(error), hint="Remove its folder and run again."
        ) from error
