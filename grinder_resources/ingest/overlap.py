"""Refuses files that claim the same rows: two formats, or files without row identity over the same time."""

import polars as pl

from grinder_resources.contracts.bronze import DEPTH, QUOTES
from grinder_resources.errors import AmbiguousSource
from grinder_resources.ingest.sieve import NS_PER_MS
from grinder_resources.ingest.staged import Staged

_WITHOUT_IDENTITY = (QUOTES.name, DEPTH.name)
_ROWS_OF = ("table", "venue", "symbol")


def refuse_overlapping(staged: Staged) -> None:
    """Raise AmbiguousSource if two files deliver the same rows in a way that dropping repeats cannot settle.

    Copies are no harm. Trades with ids, gates and orders of one format may overlap. Quotes and books may overlap by no
    more than the allowed lateness, which is what a split by receive time leaves.
    """
    copies = [index for index, file in enumerate(staged.files) if file.copy]
    counts = staged.counts.filter((pl.col("rows_out") > 0) & ~pl.col("file").is_in(copies))
    _refuse_formats(staged, counts)
    _refuse_times(staged, counts.filter(pl.col("table").is_in(_WITHOUT_IDENTITY)))


def _refuse_formats(staged: Staged, counts: pl.DataFrame) -> None:
    formats = pl.Series("format", [staged.files[index].format for index in counts["file"]], dtype=pl.String())
    first = counts.with_columns(formats).sort("file").group_by(*_ROWS_OF, "date", "format").agg(pl.col("file").first())
    for rows in first.sort("file").partition_by(*_ROWS_OF, "date", maintain_order=True):
        if rows.height > 1:
            _refuse(staged, rows, f"two formats deliver {{}} on {rows['date'][0]}")


def _refuse_times(staged: Staged, counts: pl.DataFrame) -> None:
    slack = staged.limits.max_lateness_ms * NS_PER_MS
    spans = counts.group_by(*_ROWS_OF, "file").agg(pl.col("first_ts_ns").min(), pl.col("last_ts_ns").max())
    for rows in spans.sort("first_ts_ns", "file").partition_by(*_ROWS_OF, maintain_order=True):
        reach = pl.col("last_ts_ns").cum_max().shift(1)
        clash = rows.with_row_index().filter(pl.col("first_ts_ns") + slack < reach)
        if clash.height:
            at = int(clash["index"][0])
            _refuse(staged, rows.slice(at - 1, 2), "two files deliver {} of the same time")


def _refuse(staged: Staged, rows: pl.DataFrame, what: str) -> None:
    table, venue, symbol = rows.select(_ROWS_OF).row(0)
    raise AmbiguousSource(
        what.format(f"{table} of {venue}:{symbol}"),
        where=" and ".join(staged.files[index].source for index in rows["file"]),
        expected="one source",
        hint="Move one of them out of the landing folder.",
    )
