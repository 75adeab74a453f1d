"""What a reader hands over: candidate rows of one Bronze table, in file order, not yet judged.

A reader only decodes; the rules that hold for every source live in `sieve`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from grinder_resources.contracts.bronze import DEPTH, GATES, ORDERS, PREDICTIONS, QUOTES, TRADES
from grinder_resources.contracts.table import Table
from grinder_resources.ingest.quarantine import shorten

MARKET_TABLES = {table.name: table for table in (TRADES, QUOTES, DEPTH, GATES, ORDERS, PREDICTIONS)}
"""The tables whose rows come out of landing files, by name."""

REASON = "reason"


def candidate_schema(table: Table) -> pl.Schema:
    """Return the table's columns without `date`, plus `reason`; `seq` is the 1-based line number in the file."""
    columns = {name: dtype for name, dtype in table.schema.items() if name != "date"}
    return pl.Schema({**columns, REASON: pl.String()})


@dataclass(frozen=True)
class Candidates:
    """Candidate rows of one table.

    rows
        Columns of `candidate_schema(table)`. `reason` is null for a row that decoded well; any other column may be null
        where a reason is given.
    text_of
        The raw text of a row, by its line number.
    """

    table: Table
    rows: pl.DataFrame
    text_of: Callable[[int], str]


class RowBuffer:
    """Collects the candidate rows of one table, one at a time, for readers that decode line by line.

    `instrument` is the (venue, symbol) of every row that does not name its own.
    """

    def __init__(self, table: Table, instrument: tuple[str, str] | None = None) -> None:
        self._table = table
        self._default = dict(zip(("venue", "symbol"), instrument, strict=True)) if instrument else {}
        self._rows: list[dict[str, Any]] = []
        self._texts: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, line: int, text: bytes, values: dict[str, Any], reason: str | None = None) -> None:
        """Append one row, taking `values` over; what it does not name is null (lists: empty, which no rule accepts)."""
        values["seq"] = line
        values[REASON] = reason
        self._rows.append(values)
        self._texts[line] = text

    def take(self) -> Candidates:
        """Hand over what was collected and start anew."""
        rows, self._rows = self._rows, []
        texts, self._texts = self._texts, {}
        columns = [
            _list_column(name, rows)
            if isinstance(dtype, pl.List)
            else pl.Series(name, _cells(name, rows, self._default.get(name)), dtype=dtype)
            for name, dtype in candidate_schema(self._table).items()
        ]
        return Candidates(self._table, pl.DataFrame(columns), lambda line: shorten(texts[line]))


def _cells(name: str, rows: list[dict[str, Any]], default: str | None) -> list[Any]:
    return [row.get(name, default) for row in rows]


def _list_column(name: str, rows: list[dict[str, Any]]) -> pl.Series:
    """Integer lists laid end to end with their offsets: many times faster than a list of lists."""
    lists = [row.get(name, ()) for row in rows]
    offsets = np.zeros(len(lists) + 1, np.int64)
    np.cumsum([len(values) for values in lists], out=offsets[1:])
    flat = np.fromiter(chain.from_iterable(lists), np.int64, int(offsets[-1]))
    return pl.Series(name, pa.LargeListArray.from_arrays(offsets, flat), dtype=pl.List(pl.Int64))
