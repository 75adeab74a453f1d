"""What the UI shows of a table: column schema, row counts, per-day tables of checks, small plots."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from grinder_assets.keys import key_of
from grinder_resources.contracts.table import Column, Table
from grinder_resources.lake import Commit
from grinder_resources.lineage import Source, column_sources

_LARGEST_INLINE_PNG = 100_000


def table_metadata(table: Table) -> dict[str, Any]:
    """Return what an asset declares of the table it writes: columns, and its name in the lake."""
    return {"dagster/column_schema": column_schema(table), "dagster/table_name": table.name}


def column_schema(table: Table) -> dg.TableSchema:
    """Return the table's columns as Dagster shows them: types, units, null rules, bounds, and where they come from."""
    sources = column_sources(table)
    return dg.TableSchema(
        columns=[_column(column, sources.get(column.name, ())) for column in table.columns],
        constraints=dg.TableConstraints(other=_constraints(table)),
    )


def _constraints(table: Table) -> list[str]:
    key = f"one row: {', '.join(table.key)}" if table.key else "equal rows are distinct"
    return [key, f"order: {', '.join(table.sort_by)}"] if table.sort_by else [key]


def _column(column: Column, sources: Sequence[Source]) -> dg.TableColumn:
    bounds = (("≥", column.at_least), ("≤", column.at_most))
    return dg.TableColumn(
        column.name,
        type=str(column.dtype),
        description="\n\n".join([column.doc, *_links(sources)]),
        constraints=dg.TableColumnConstraints(
            nullable=column.nullable, other=[f"{sign} {bound}" for sign, bound in bounds if bound is not None]
        ),
    )


def _links(sources: Sequence[Source]) -> list[str]:
    """Return one line a table, with a link to its page: the open-source UI draws no column lineage of its own."""
    by_table: dict[str, list[str]] = {}
    for source in sources:
        by_table.setdefault(source.table, []).append(f"`{source.column}`")
    return [
        f"from [{table}](/assets/{key_of(table).to_user_string()}): {', '.join(columns)}"
        for table, columns in by_table.items()
    ]


def column_lineage(table: Table) -> dict[str, Any]:
    """Return the table's column lineage under Dagster's own name, nothing where nothing is known."""
    deps = {
        column: [dg.TableColumnDep(key_of(source.table), source.column) for source in sources]
        for column, sources in column_sources(table).items()
    }
    return {"dagster/column_lineage": dg.TableColumnLineage(deps)} if deps else {}


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


def verdict_metadata(verdicts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the metadata of a check over days: what was counted in all of them, which the UI draws, and by day."""
    counted: dict[str, int] = {}
    for verdict in verdicts:
        for name, value in verdict.items():
            if type(value) is int:
                counted[name] = counted.get(name, 0) + value
    return {**counted, "days": facts_table(verdicts)}


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
