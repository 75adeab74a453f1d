"""The table contracts as pandera schemas: one factory, used by the blocking schema checks of every table."""

from typing import TYPE_CHECKING, Any

import polars as pl

from grinder_resources.contracts.table import Column, Table

if TYPE_CHECKING:
    import pandera.polars as pa


def pandera_schema(table: Table) -> "pa.DataFrameSchema":
    """Return the strict, ordered pandera schema of a table: types, nulls, bounds and the key's uniqueness."""
    import pandera.polars as pa

    return pa.DataFrameSchema(
        {column.name: _pandera_column(column) for column in table.columns},
        strict=True,
        ordered=True,
        unique=list(table.key) or None,
    )


def _pandera_column(column: Column) -> Any:
    import pandera.polars as pa

    checks = []
    if column.at_least is not None:
        checks.append(pa.Check.ge(column.at_least))
    if column.at_most is not None:
        checks.append(pa.Check.le(column.at_most))
    return pa.Column(column.dtype, checks=checks, nullable=column.nullable)


def keeps_contract(table: Table, rows: pl.DataFrame) -> bool:
    """Return whether an eager frame keeps the contract: the verdict of `pandera_schema`, in one pass over the rows."""
    if rows.columns != table.schema.names() or dict(rows.schema) != dict(table.schema):
        return False
    broken = rows.select(_violated(column).alias(column.name) for column in table.columns)
    if any(broken.row(0)):
        return False
    return not table.key or rows.select(table.key).n_unique() == rows.height


def _violated(column: Column) -> pl.Expr:
    """Return whether any value of a column is null against its contract, or out of its bounds."""
    value = pl.col(column.name)
    wrong = pl.lit(False) if column.nullable else value.null_count() > 0
    if column.at_least is not None:
        wrong = wrong | (value < column.at_least).any()
    if column.at_most is not None:
        wrong = wrong | (value > column.at_most).any()
    return wrong


def schema_failures(table: Table, rows: pl.DataFrame, limit: int = 3) -> list[str]:
    """Return up to `limit` ways in which an eager frame breaks its table's contract, as short texts."""
    if keeps_contract(table, rows):
        return []
    from pandera.errors import SchemaErrors

    try:
        pandera_schema(table).validate(rows, lazy=True)
    except SchemaErrors as error:
        found = error.failure_cases.select("column", "check").unique(maintain_order=True).head(limit)
        return [f"{column or 'table'}: {check}" for column, check in found.iter_rows()]
    return []
