"""What the UI shows of a table: column schema, row counts, per-day tables of checks, small plots."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from grinder_resources.contracts.table import Column, Table
from grinder_resources.lake import Commit

_LARGEST_INLINE_PNG = 100_000


def column_schema(table: Table) -> dg.TableSchema:
    """Return the table's columns with types, units and null rules, as Dagster shows them."""
    return dg.TableSchema(columns=[_column(column) for column in table.columns])


def _column(column: Column) -> dg.TableColumn:
    return dg.TableColumn(
        column.name,
        type=str(column.dtype),
        description=column.doc,
        constraints=dg.TableColumnConstraints(nullable=column.nullable),
    )


def day_metadata(commit: Commit) -> dict[str, Any]:
    """Return the metadata of one published day."""
    return {
        "dagster/partition_row_count": commit.rows,
        "logical_sha256": commit.logical_sha256,
        "fingerprint": commit.fingerprint,
    }


def run_metadata(rewritten: int, days: int, rows: int) -> dict[str, Any]:
    """Return the metadata of one run over `days` days."""
    return {"rewritten": f"{rewritten} of {days} days rewritten", "dagster/row_count": rows}


def facts_table(rows: Sequence[Mapping[str, Any]]) -> dg.MetadataValue[Any]:
    """Return rows of short facts as a Markdown table; all rows share the first one's keys."""
    if not rows:
        return dg.MetadataValue.md("nothing to show")
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    lines += ["| " + " | ".join(str(row.get(name, "")) for name in names) + " |" for row in rows]
    return dg.MetadataValue.md("\n".join(lines))


def inline_png(png: bytes, alt: str) -> dg.MetadataValue[Any]:
    """Return a small plot as Markdown.

    Metadata lives in the event log for ever, so a plot above 100 kB is named instead of stored.
    """
    if len(png) > _LARGEST_INLINE_PNG:
        return dg.MetadataValue.md(f"{alt}: see the HTML page")
    return dg.MetadataValue.md(f"![{alt}](data:image/png;base64,{base64.b64encode(png).decode()})")
