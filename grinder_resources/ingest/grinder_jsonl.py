"""The bot's own JSONL: SNAPSHOT ticks become quotes, `l2_snapshot` v0 lines become depth.

    {"type": "SNAPSHOT", "ts": ms, "symbol": ...,
     "bid_price": "..", "ask_price": "..", "bid_qty": "..", "ask_qty": ".."}
    {"type": "l2_snapshot", "v": 0, "ts_ms": ms, "symbol": ..., "venue": ..., "depth": n,
     "bids": [["price", "qty"], ...], "asks": [["price", "qty"], ...]}

Prices and sizes are decimal strings. A tick without a `venue` belongs to the venue "grinder". Keys that are not named
here are ignored; a missing, retyped or contradictory one sets the line aside.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from grinder_resources.contracts.bronze import DEPTH, DEPTH_LEVELS, QUOTES
from grinder_resources.contracts.table import Table
from grinder_resources.ingest.exact import Grids, decimal_places
from grinder_resources.ingest.instruments import Listing, Places
from grinder_resources.ingest.limits import Limits
from grinder_resources.ingest.lines import Line, blocks, lines_of
from grinder_resources.ingest.quarantine import RowError
from grinder_resources.ingest.records import Candidates, RowBuffer
from grinder_resources.ingest.strict_json import line_fault, parse_line, parse_object, take, take_ms

VERSION = "grinder_jsonl-1"
DEFAULT_VENUE = "grinder"
_TICK_NUMBERS = {"bid_ticks": "bid_price", "bid_lots": "bid_qty", "ask_ticks": "ask_price", "ask_lots": "ask_qty"}


def read(path: Path, listings: Mapping[tuple[str, str], Listing], limits: Limits) -> Iterator[Candidates]:
    """Yield the candidate quotes and depth rows of one file; raises as `limits.pieces` does."""
    grids = {key: Grids(listing.instrument) for key, listing in listings.items()}
    buffers = {table.name: RowBuffer(table) for table in (QUOTES, DEPTH)}
    for block in blocks(path, limits):
        for line in lines_of(block):
            table, reason, values = _row(line, grids)
            buffers[table.name].add(line.number, line.data, values, reason)
        yield from (buffer.take() for buffer in buffers.values() if len(buffer))


def scan_instruments(path: Path, limits: Limits) -> dict[tuple[str, str], Places]:
    """Return every instrument a file names, with the largest number of decimals in its prices and sizes."""
    found: dict[tuple[str, str], Places] = {}
    for block in blocks(path, limits):
        for line in lines_of(block):
            try:
                record = parse_object(line.data)
                key = _instrument(record)
            except RowError:
                continue
            found[key] = found.get(key, Places()).widen(_places(record))
    return found


def _row(line: Line, grids: Mapping[tuple[str, str], Grids]) -> tuple[Table, str | None, dict[str, Any]]:
    """Return the table a line is meant for, the reason it is bad (None if it is not), and what of it is known."""
    table = DEPTH if b"l2_snapshot" in line.data else QUOTES
    known: dict[str, Any] = {}
    try:
        record = parse_line(line)
        known["venue"], known["symbol"] = _instrument(record)
        known["ts_ns"] = take_ms(record, "ts_ms" if table == DEPTH else "ts")
        decode = _depth if table == DEPTH else _tick
        return table, None, known | decode(record, grids[known["venue"], known["symbol"]])
    except RowError as bad:
        return table, line_fault(line, bad), known


def _instrument(record: dict[str, Any]) -> tuple[str, str]:
    if record.get("type") == "l2_snapshot":
        return take(record, "venue", str), take(record, "symbol", str)
    venue = take(record, "venue", str) if record.get("venue") is not None else DEFAULT_VENUE
    return venue, take(record, "symbol", str)


def _tick(record: dict[str, Any], grids: Grids) -> dict[str, Any]:
    if take(record, "type", str) != "SNAPSHOT":
        raise RowError("wrong_type")
    texts = {name: take(record, field, str) for name, field in _TICK_NUMBERS.items()}
    return {name: (grids.ticks if name.endswith("_ticks") else grids.lots)[text] for name, text in texts.items()}


def _depth(record: dict[str, Any], grids: Grids) -> dict[str, Any]:
    if take(record, "type", str) != "l2_snapshot" or take(record, "v", int) != 0:
        raise RowError("wrong_type")
    if type(record.get("meta", {})) is not dict:
        raise RowError("wrong_type")
    depth = take(record, "depth", int)
    sides = {}
    for side, field in (("bid", "bids"), ("ask", "asks")):
        levels = [_level(level, grids) for level in take(record, field, list)]
        if len(levels) != depth:
            raise RowError("bad_levels")
        prices = [price for price, _ in levels]
        if sorted(set(prices), reverse=side == "bid") != prices:
            raise RowError("bad_levels")
        sides[f"{side}_ticks"] = prices[:DEPTH_LEVELS]
        sides[f"{side}_lots"] = [size for _, size in levels[:DEPTH_LEVELS]]
        if any(size <= 0 for _, size in levels):
            raise RowError("not_positive")
    return {**sides, "is_snapshot": True}


def _level(level: object, grids: Grids) -> tuple[int, int]:
    if type(level) is not list or len(level) != 2:
        raise RowError("bad_levels")
    price, size = level
    if type(price) is not str or type(size) is not str:
        raise RowError("wrong_type")
    return grids.ticks[price], grids.lots[size]


def _places(record: dict[str, Any]) -> Places:
    """Return the decimals of a record; none of one whose levels are no pairs, which its reader keeps aside."""
    try:
        prices, sizes = _texts(record)
    except (ValueError, TypeError):
        return Places()
    return Places(max(map(decimal_places, prices), default=0), max(map(decimal_places, sizes), default=0))


def _texts(record: dict[str, Any]) -> tuple[list[str], list[str]]:
    if record.get("type") == "l2_snapshot":
        levels = [*record.get("bids", []), *record.get("asks", [])]
        return [str(price) for price, _ in levels], [str(size) for _, size in levels]
    return [str(record.get(name)) for name in ("bid_price", "ask_price")], [
        str(record.get(name)) for name in ("bid_qty", "ask_qty")
    ]
