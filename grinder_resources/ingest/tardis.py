"""Tardis.dev CSV files: trades, quotes, book_snapshot_5 and book_snapshot_25, plain or gzip.

Columns are found by header name. Times are integer microseconds; numbers go from decimal text to integer ticks and
lots. CSV fields are taken as they stand between commas: the format never quotes. A last line without a newline is
quarantined as cut_line, because a cut number cannot be told from a whole one.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from grinder_resources.contracts.bronze import DEPTH, DEPTH_LEVELS, QUOTES, TRADES
from grinder_resources.contracts.table import Table
from grinder_resources.errors import SchemaMismatch
from grinder_resources.ingest.exact import column_units, decimal_places
from grinder_resources.ingest.instruments import Listing, Places
from grinder_resources.ingest.limits import Limits
from grinder_resources.ingest.lines import Block, Line, blocks
from grinder_resources.ingest.quarantine import shorten
from grinder_resources.ingest.records import REASON, Candidates, RowBuffer, candidate_schema

VERSION = "tardis-1"
_COMMON = ("exchange", "symbol", "timestamp", "local_timestamp")
_TRADES = (*_COMMON, "id", "side", "price", "amount")
_QUOTES = (*_COMMON, "ask_amount", "ask_price", "bid_price", "bid_amount")
_LEVEL = re.compile(r"(asks|bids)\[(\d{1,3})\]\.(price|amount)")
_SIDES = {"buy": 1, "sell": -1, "unknown": 0}
_INTEGER = r"^[0-9]{1,16}$"
_NS_PER_US = 1_000
_COMMA, _NEWLINE, _ASCII = 44, 10, 128


def table_of(header: str) -> Table | None:
    """Return the Bronze table a header line delivers, or None if it is not a Tardis header.

    Raises SchemaMismatch if it names a column twice.
    """
    names = header.rstrip("\r").split(",")
    if not set(_COMMON) <= set(names):
        return None
    if len(set(names)) != len(names):
        raise SchemaMismatch("a header names a column twice", got=header[:200])
    if set(_TRADES) <= set(names):
        return TRADES
    if set(_QUOTES) <= set(names):
        return QUOTES
    return DEPTH if _levels(names) else None


def read(path: Path, table: Table, listing: Listing, limits: Limits) -> Iterator[Candidates]:
    """Yield the candidate rows of one file; raises as `limits.pieces` does."""
    header: list[str] = []
    for block in blocks(path, limits):
        body = block
        if not header:
            header, body = _cut_header(block)
        yield from _read_block(body, header, table, listing)


def scan_places(path: Path, table: Table, limits: Limits) -> Places:
    """Return the largest number of decimals in the prices and sizes of a file."""
    header: list[str] = []
    places = Places()
    for block in blocks(path, limits):
        body = block
        if not header:
            header, body = _cut_header(block)
        text, _, _ = _split_lines(body, len(header))
        cells = _cells(text, header)
        prices, sizes = _number_columns(table, header)
        places = places.widen(Places(_places(cells, prices), _places(cells, sizes)))
    return places


def _cut_header(block: Block) -> tuple[list[str], Block]:
    line, _, body = block.data.partition(b"\n")
    return line.decode().rstrip("\r").split(","), Block(block.first_line + 1, body)


def _places(cells: pl.DataFrame, columns: list[str]) -> int:
    texts = pl.concat([cells[name].rename("text") for name in columns]).drop_nulls()
    plain = texts.str.contains(r"^-?[0-9]+(\.[0-9]+)?$")
    most = texts.filter(plain).str.strip_chars_end("0").str.extract(r"\.([0-9]+)$").str.len_bytes().max()
    odd = max((decimal_places(text) for text in texts.filter(~plain)), default=0)
    return max(int(most) if isinstance(most, int) else 0, odd)


def _number_columns(table: Table, header: list[str]) -> tuple[list[str], list[str]]:
    if table == TRADES:
        return ["price"], ["amount"]
    if table == QUOTES:
        return ["bid_price", "ask_price"], ["bid_amount", "ask_amount"]
    levels = [(side, level) for side in ("bids", "asks") for level in range(_levels(header))]
    return [f"{side}[{level}].price" for side, level in levels], [f"{side}[{level}].amount" for side, level in levels]


def _levels(header: list[str]) -> int:
    """Levels a side of a book snapshot header, at most as many as Bronze keeps; 0 if it is not one."""
    found = {match.groups() for match in map(_LEVEL.fullmatch, header) if match}
    levels = 0
    while levels < DEPTH_LEVELS and all(
        (side, str(levels), part) in found for side in ("asks", "bids") for part in ("price", "amount")
    ):
        levels += 1
    return levels


def _split_lines(block: Block, fields: int) -> tuple[bytes, np.ndarray, list[tuple[Line, str]]]:
    """Return the well-formed lines as one text, their line numbers, and the other lines with their reasons."""
    if block.too_long is not None:
        return b"", np.empty(0, np.int64), [(Line(block.first_line, block.too_long), "line_too_long")]
    data = np.frombuffer(block.data, np.uint8)
    ends = np.flatnonzero(data == _NEWLINE)
    commas = np.diff(np.searchsorted(np.flatnonzero(data == _COMMA), ends), prepend=0)
    good = commas == fields - 1
    odd = np.searchsorted(ends, np.flatnonzero((data >= _ASCII) | (data == 0)))
    good[odd[odd < ends.size]] = False
    whole = block.data[: int(ends[-1]) + 1] if ends.size else b""
    numbers = block.first_line + np.flatnonzero(good)
    if good.all() and len(whole) == len(block.data):
        return whole, numbers, []
    lines = block.data.split(b"\n")
    bad = [
        (Line(block.first_line + int(i), lines[i]), _line_reason(commas[i] == fields - 1))
        for i in np.flatnonzero(~good)
    ]
    bad = [(line, reason) for line, reason in bad if line.data.strip()]
    if lines[-1].strip():
        bad.append((Line(block.first_line + len(lines) - 1, lines[-1]), "cut_line"))
    return b"".join(lines[i] + b"\n" for i in np.flatnonzero(good)), numbers, bad


def _line_reason(right_count: bool) -> str:
    return "wrong_type" if right_count else "wrong_field_count"


def _cells(text: bytes, header: list[str]) -> pl.DataFrame:
    schema = dict.fromkeys(header, pl.String())
    if not text:
        return pl.DataFrame(schema=schema)
    return pl.read_csv(text.replace(b"\r\n", b"\n"), has_header=False, schema=schema, quote_char=None)


def _read_block(block: Block, header: list[str], table: Table, listing: Listing) -> Iterator[Candidates]:
    text, numbers, bad = _split_lines(block, len(header))
    if bad:
        buffer = RowBuffer(table, listing.key)
        for line, reason in bad:
            buffer.add(line.number, line.data, {}, reason)
        yield buffer.take()
    if not numbers.size:
        return
    cells = _cells(text, header)
    payload = {TRADES.name: _trades, QUOTES.name: _quotes, DEPTH.name: _depth}[table.name](cells, header, listing)
    rows = _with_event(cells, numbers, listing, payload)
    yield Candidates(table, rows.select(candidate_schema(table).names()), lambda number: _text(block, number))


def _text(block: Block, number: int) -> str:
    return shorten(block.data.split(b"\n")[number - block.first_line])


def _with_event(cells: pl.DataFrame, numbers: np.ndarray, listing: Listing, payload: pl.DataFrame) -> pl.DataFrame:
    venue, symbol = listing.key
    event, received = (pl.col(name) for name in ("timestamp", "local_timestamp"))
    foreign = (pl.col("exchange") != venue) | (pl.col("symbol") != symbol)
    found = cells.select(
        pl.lit(venue).alias("venue"),
        pl.lit(symbol).alias("symbol"),
        (_microseconds(event) * _NS_PER_US).alias("ts_ns"),
        (_microseconds(received) * _NS_PER_US).alias("recv_ns"),
        pl.Series("seq", numbers, dtype=pl.Int64()),
        pl.when(pl.any_horizontal(pl.col("exchange", "symbol", "timestamp").is_null()))
        .then(pl.lit("missing_field"))
        .when(foreign)
        .then(pl.lit("foreign_row"))
        .when(~pl.all_horizontal(time.str.contains(_INTEGER).fill_null(True) for time in (event, received)))
        .then(pl.lit("wrong_type"))
        .alias("event_reason"),
    )
    joined = pl.concat([found, payload], how="horizontal")
    return joined.with_columns(pl.coalesce("event_reason", REASON).alias(REASON))


def _microseconds(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.contains(_INTEGER)).then(text).cast(pl.Int64, strict=False)


def _numbers(cells: pl.DataFrame, listing: Listing, columns: dict[str, str], optional: bool = False) -> pl.DataFrame:
    """Convert cells to units: `columns` maps result name (ending in _ticks or _lots) to cell name.

    The column `reason` holds the first reason of each row; an empty cell is one unless `optional`.
    """
    units: dict[str, pl.Series] = {}
    reasons: list[pl.Series] = []
    for suffix, increment in (("_ticks", listing.instrument.tick_size), ("_lots", listing.instrument.lot_size)):
        names = [name for name in columns if name.endswith(suffix)]
        # One long column instead of many short ones: the conversion costs the same for 80 book columns as for two.
        texts = pl.concat([cells[columns[name]].alias("text") for name in names])
        converted = column_units(texts, increment)
        found = converted["reason"]
        if not optional and texts.null_count():
            found = found.zip_with(texts.is_not_null(), pl.Series(["missing_field"], dtype=pl.String()))
        for i, name in enumerate(names):
            units[name] = converted["units"].slice(i * cells.height, cells.height).alias(name)
        if found.null_count() < found.len():
            reasons += [found.slice(i * cells.height, cells.height).alias(name) for i, name in enumerate(names)]
    nothing = pl.Series("none", [None] * cells.height, dtype=pl.String())
    first = pl.DataFrame([nothing, *reasons]).select(pl.coalesce(pl.all()).alias(REASON))
    return pl.DataFrame(units).with_columns(first[REASON])


def _trades(cells: pl.DataFrame, _: list[str], listing: Listing) -> pl.DataFrame:
    numbers = _numbers(cells, listing, {"price_ticks": "price", "size_lots": "amount"})
    side = pl.col("side")
    facts = cells.select(
        side.replace_strict(_SIDES, default=None, return_dtype=pl.Int8).alias("aggressor"),
        pl.col("id").alias("trade_id"),
        pl.when(side.is_null())
        .then(pl.lit("missing_field"))
        .when(~side.is_in(list(_SIDES)))
        .then(pl.lit("wrong_type"))
        .alias("side_reason"),
    )
    joined = pl.concat([numbers, facts], how="horizontal")
    return joined.with_columns(pl.coalesce("side_reason", REASON).alias(REASON))


def _quotes(cells: pl.DataFrame, _: list[str], listing: Listing) -> pl.DataFrame:
    names = {"bid_ticks": "bid_price", "bid_lots": "bid_amount", "ask_ticks": "ask_price", "ask_lots": "ask_amount"}
    return _numbers(cells, listing, names)


def _depth(cells: pl.DataFrame, header: list[str], listing: Listing) -> pl.DataFrame:
    """Return lists of the levels that are there: a thin book leaves the last cells of a side empty."""
    levels = range(_levels(header))
    names = {
        f"{level}.{side}_{unit}": f"{side}s[{level}].{part}"
        for side in ("bid", "ask")
        for level in levels
        for unit, part in (("ticks", "price"), ("lots", "amount"))
    }
    numbers = _numbers(cells, listing, names, optional=True)
    lists = {
        f"{side}_{unit}": [f"{level}.{side}_{unit}" for level in levels]
        for side in ("bid", "ask")
        for unit in ("ticks", "lots")
    }
    holes = [
        pl.col(later).is_not_null() & pl.col(earlier).is_null()
        for cell in lists.values()
        for earlier, later in pairwise(cell)
    ]
    return numbers.select(
        *(pl.concat_list(cell).list.drop_nulls().alias(name) for name, cell in lists.items()),
        pl.lit(True).alias("is_snapshot"),
        pl.coalesce(REASON, pl.when(pl.any_horizontal(pl.lit(False), *holes)).then(pl.lit("bad_levels"))).alias(REASON),
    )
