"""What a lake table promises: its columns, their units and nulls, its key and its order."""

from dataclasses import dataclass

import polars as pl

from grinder_resources.errors import SchemaMismatch


@dataclass(frozen=True)
class Column:
    """One column of a table.

    `doc` says what the number is and in which unit; `nullable` says whether null is a legal value; `at_least` and
    `at_most` bound every value that is not null, both inclusive.
    """

    name: str
    dtype: pl.DataType
    doc: str
    nullable: bool = False
    at_least: int | None = None
    at_most: int | None = None


@dataclass(frozen=True)
class Table:
    """A lake table: `name` is its path under the lake root and, with the same slashes, its asset key.

    `sort_by` is the total order rows are stored in; `key` are the columns that identify a row (empty where
    identical rows are distinct facts, such as prints without an id).
    """

    name: str
    doc: str
    columns: tuple[Column, ...]
    sort_by: tuple[str, ...]
    key: tuple[str, ...] = ()

    @property
    def schema(self) -> pl.Schema:
        """Column names and polars types, in stored order."""
        return pl.Schema({column.name: column.dtype for column in self.columns})

    @property
    def layer(self) -> str:
        """The first part of the name: bronze, silver, gold, reports or monitoring."""
        return self.name.split("/", maxsplit=1)[0]

    def empty(self) -> pl.DataFrame:
        """Return a frame with this table's columns and no rows."""
        return pl.DataFrame(schema=self.schema)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return `frame` with columns in stored order and rows sorted by `sort_by`.

        Raises SchemaMismatch if a column is missing, extra or of another type, or if a column that is not
        nullable holds a null. Nothing is cast or filled.
        """
        got, expected = dict(frame.schema), dict(self.schema)
        if got != expected:
            raise SchemaMismatch(
                "the columns differ from the table's contract",
                where=self.name,
                got=_difference(got, expected) or "none",
                expected=_difference(expected, got) or "no other columns",
            )
        for column in self.columns:
            nulls = 0 if column.nullable else frame[column.name].null_count()
            if nulls:
                raise SchemaMismatch(
                    "a column that is not nullable holds nulls",
                    where=f"{self.name}.{column.name}",
                    got=f"{nulls} nulls in {frame.height} rows",
                    expected="0",
                )
        ordered = frame.select(list(expected))
        return ordered.sort(self.sort_by, maintain_order=True) if self.sort_by else ordered


def _difference(left: dict[str, pl.DataType], right: dict[str, pl.DataType]) -> str:
    return ", ".join(f"{name}: {dtype}" for name, dtype in left.items() if right.get(name) != dtype)


def required(
    name: str, dtype: pl.DataType, doc: str, *, at_least: int | None = None, at_most: int | None = None
) -> Column:
    """Return a column that never holds null."""
    return Column(name, dtype, doc, at_least=at_least, at_most=at_most)


def optional(
    name: str, dtype: pl.DataType, doc: str, *, at_least: int | None = None, at_most: int | None = None
) -> Column:
    """Return a column that may hold null; `doc` says when."""
    return Column(name, dtype, doc, nullable=True, at_least=at_least, at_most=at_most)


DAY = required("date", pl.Date(), "UTC day of ts_ns; the partition")
VENUE = required("venue", pl.String(), "exchange name as the source spells it, e.g. binance, binance-futures, lean-us")
SYMBOL = required("symbol", pl.String(), "instrument name as the venue spells it; unique together with venue")
TS = required("ts_ns", pl.Int64(), "event time, ns since 1970-01-01 UTC")
