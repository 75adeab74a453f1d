"""Limit orders as their owner saw them: one event of an order a line, JSONL or CSV with the same names.

    {"type": "order", "v": 0, "ts_ms": ms, "venue": "..", "symbol": "..", "order_id": "..", "event": "part",
     "side": "BUY", "price": "..", "qty": "..", "filled_qty": "..", "fill_price": ".."}

    ts_ms,venue,symbol,order_id,event,side,price,qty,filled_qty,fill_price

Every line repeats the terms of its order: `side` BUY or SELL, limit `price`, whole `qty`; an order whose terms change
is cancelled and placed again under a new id. `event` is one of ORDER_EVENTS. `filled_qty` is what is filled so far, as
in FIX CumQty: with it two fills within a millisecond are two events, a line sent twice is one, and a lost line shows.
`fill_price` stands on `part` and `filled` alone. Prices and sizes are decimal strings; time is `ts_ns`, or `ts_ms`
where there is no `ts_ns`. An empty CSV cell is an absent field; CSV is taken as it stands between commas, without
quotes. Lines of one instrument are in the order of time, but for the allowed lateness.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from grinder_resources.contracts import bronze
from grinder_resources.ingest.exact import Grids, decimal_places
from grinder_resources.ingest.instruments import Listing, Places
from grinder_resources.ingest.limits import Limits
from grinder_resources.ingest.lines import Line, blocks, head_lines, lines_of
from grinder_resources.ingest.quarantine import RowError
from grinder_resources.ingest.records import Candidates, RowBuffer
from grinder_resources.ingest.strict_json import line_fault, parse_line, take, take_ms, take_name

VERSION = "orders-1"
_FIELDS = b"venue,symbol,order_id,event,side,price,qty,filled_qty,fill_price"
HEADERS = (b"ts_ns," + _FIELDS, b"ts_ms," + _FIELDS)
"""The two first lines that a CSV of orders may have."""

_SIDES = {"BUY": 1, "SELL": -1}
_INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_LARGEST_NS = (1 << 63) - 1

Record = dict[str, Any]


def read(path: Path, listings: Mapping[tuple[str, str], Listing], limits: Limits) -> Iterator[Candidates]:
    """Yield the candidate order events of one file; raises as `limits.pieces` does."""
    grids = {key: Grids(listing.instrument) for key, listing in listings.items()}
    buffer = RowBuffer(bronze.ORDERS)
    for lines in _lines(path, limits):
        for line, parse in lines:
            reason, values = _row(line, parse, grids)
            buffer.add(line.number, line.data, values, reason)
        if len(buffer):
            yield buffer.take()


def scan_instruments(path: Path, limits: Limits) -> dict[tuple[str, str], Places]:
    """Return every instrument a file names, with the largest number of decimals in its prices and sizes."""
    found: dict[tuple[str, str], Places] = {}
    for lines in _lines(path, limits):
        for line, parse in lines:
            try:
                record = parse(line)
                key = _instrument(record)
            except RowError:
                continue
            prices, sizes = _places(record, "price", "fill_price"), _places(record, "qty", "filled_qty")
            found[key] = found.get(key, Places()).widen(Places(prices, sizes))
    return found


class _Form(NamedTuple):
    """How a file is written: the line that is no record (none in JSONL), and what makes a record of the others."""

    header: bytes | None
    parse: Callable[[Line], Record]


def _form_of(path: Path, limits: Limits) -> _Form:
    first = next(iter(head_lines(path, limits, 1)), b"")
    names = first.decode().split(",") if first in HEADERS else []
    return _Form(first, partial(_parse_cells, names)) if names else _Form(None, _parse_object)


def _lines(path: Path, limits: Limits) -> Iterator[Iterator[tuple[Line, Callable[[Line], Record]]]]:
    """Yield the lines of each block that should be records, with the function that parses them."""
    header, parse = _form_of(path, limits)
    for block in blocks(path, limits):
        yield ((line, parse) for line in lines_of(block) if line.data.rstrip(b"\r") != header)


def _parse_object(line: Line) -> Record:
    record = parse_line(line)
    if take(record, "type", str) != "order" or take(record, "v", int) != 0:
        raise RowError("wrong_type")
    return record


def _parse_cells(names: list[str], line: Line) -> Record:
    """Return the cells that are not empty; a last line without its newline may end inside a number."""
    if line.too_long or line.cut:
        raise RowError("line_too_long" if line.too_long else "cut_line")
    try:
        cells = line.data.decode().rstrip("\r").split(",")
    except UnicodeDecodeError as error:
        raise RowError("wrong_type") from error
    if len(cells) != len(names):
        raise RowError("wrong_field_count")
    record: Record = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
    time = names[0]
    if time in record and not _INTEGER.fullmatch(record[time]):
        raise RowError("wrong_type")
    return record | ({time: int(record[time])} if time in record else {})


def _row(
    line: Line, parse: Callable[[Line], Record], grids: Mapping[tuple[str, str], Grids]
) -> tuple[str | None, dict[str, Any]]:
    """Return the reason a line is bad (None if it is not) and what of it is known."""
    known: dict[str, Any] = {}
    try:
        record = parse(line)
        known["venue"], known["symbol"] = _instrument(record)
        known["ts_ns"] = _time(record)
        return None, known | _event(record, grids[known["venue"], known["symbol"]])
    except RowError as bad:
        return line_fault(line, bad), known


def _event(record: Record, grids: Grids) -> dict[str, Any]:
    fill_price = record.get("fill_price")
    return {
        "order_id": take_name(record, "order_id"),
        "event": _choice(record, "event", bronze.ORDER_EVENTS),
        "side": _SIDES[_choice(record, "side", _SIDES)],
        "price_ticks": grids.ticks[take(record, "price", str)],
        "size_lots": grids.lots[take(record, "qty", str)],
        "filled_lots": grids.lots[take(record, "filled_qty", str)],
        "fill_ticks": None if fill_price is None else grids.ticks[take(record, "fill_price", str)],
    }


def _instrument(record: Record) -> tuple[str, str]:
    return take_name(record, "venue"), take_name(record, "symbol")


def _time(record: Record) -> int:
    if record.get("ts_ns") is None:
        return take_ms(record, "ts_ms")
    ts_ns: int = take(record, "ts_ns", int)
    if abs(ts_ns) > _LARGEST_NS:
        raise RowError("out_of_range_time")
    return ts_ns


def _choice(record: Record, field: str, choices: Collection[str]) -> str:
    text: str = take(record, field, str)
    if text not in choices:
        raise RowError("wrong_type")
    return text


def _places(record: Record, *fields: str) -> int:
    return max(decimal_places(str(record.get(field))) for field in fields)
