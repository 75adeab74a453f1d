"""The bot's own JSONL: SNAPSHOT ticks and l2_snapshot books, one JSON object a line, decimals as strings.

Strict: a line is a valid tick or book, or it is refused with its number. Stricter than the bot in four odd cases that
it takes: numbers that are not finite, negative prices, sizes that are not plain decimals ("1_0", " 1"), and `true`
for an integer.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TypeVar

from grinder_resources.errors import CorruptFile, LimitExceeded, OutOfRange, SchemaMismatch

TICK = "SNAPSHOT"
BOOK = "l2_snapshot"
MAX_LINE_CHARACTERS = 1_000_000

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_MAX_DIGITS = 28
_INT64 = 1 << 63

Value = TypeVar("Value")
Levels = tuple[tuple[Decimal, Decimal], ...]
"""(price, size) pairs, best first."""


@dataclass(frozen=True)
class Tick:
    """One SNAPSHOT line: best prices and sizes in decimals, `ts` in ms."""

    ts: int
    symbol: str
    bid_price: Decimal
    ask_price: Decimal
    bid_qty: Decimal
    ask_qty: Decimal
    last_price: Decimal
    last_qty: Decimal


@dataclass(frozen=True)
class Book:
    """One l2_snapshot line, version 0: `depth` levels a side, best first, `ts_ms` in ms."""

    ts_ms: int
    symbol: str
    venue: str
    depth: int
    bids: Levels
    asks: Levels


def read_objects(lines: Iterable[str], kind: str, source: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield (where, object) for the lines of type `kind`, passing over blank lines and lines of the other known type.

    `where` is 'source:line'. Raises CorruptFile for a line that is no JSON object, SchemaMismatch for an unknown type,
    LimitExceeded for a line of more than a million characters.
    """
    for number, line in enumerate(lines, start=1):
        where = f"{source}:{number}"
        if not line.strip():
            continue
        if len(line) > MAX_LINE_CHARACTERS:
            raise LimitExceeded(
                "a line is too long", where=where, got=f"{len(line)} characters", expected=f"<= {MAX_LINE_CHARACTERS}"
            )
        facts = _object(line, where)
        if facts.get("type") == kind:
            yield where, facts
        elif facts.get("type") not in (TICK, BOOK):
            raise SchemaMismatch(
                "unknown line type", where=where, got=repr(facts.get("type")), expected=f"{TICK} or {BOOK}"
            )


def parse_tick(facts: Mapping[str, object], where: str) -> Tick:
    """Return the tick of one SNAPSHOT object. Raises SchemaMismatch for a missing, mistyped or negative value."""
    names = ("bid_price", "ask_price", "bid_qty", "ask_qty", "last_price", "last_qty")
    decimals = {name: _decimal(_get(facts, name, str, where), f"{where} {name}") for name in names}
    return Tick(ts=_int64(facts, "ts", where), symbol=_get(facts, "symbol", str, where), **decimals)


def parse_book(facts: Mapping[str, object], where: str) -> Book:
    """Return the book of one l2_snapshot object, version 0.

    Raises SchemaMismatch for another version, a missing or mistyped value, a side that is not `depth` levels long or
    not strictly ordered, a price or size that is not positive, and a crossed or locked book.
    """
    version = _get(facts, "v", int, where)
    if version != 0:
        raise SchemaMismatch("unknown book version", where=where, got=str(version), expected="0")
    depth = _get(facts, "depth", int, where)
    bids = _levels(_get(facts, "bids", list, where), f"{where} bids")
    asks = _levels(_get(facts, "asks", list, where), f"{where} asks")
    if not len(bids) == len(asks) == depth:
        raise SchemaMismatch(
            "depth differs from the levels", where=where, got=f"{len(bids)} bids, {len(asks)} asks", expected=str(depth)
        )
    _check_order([price for price, _ in reversed(bids)] + [price for price, _ in asks], where)
    if not isinstance(facts.get("meta", {}), dict):
        raise SchemaMismatch("meta is no object", where=where, got=type(facts["meta"]).__name__)
    symbol, venue = (_get(facts, name, str, where) for name in ("symbol", "venue"))
    return Book(_int64(facts, "ts_ms", where), symbol, venue, depth, bids, asks)


def _object(line: str, where: str) -> Mapping[str, object]:
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CorruptFile("the line is not JSON", where=where, got=str(error)) from error
    if not isinstance(facts, dict):
        raise CorruptFile("the line is not a JSON object", where=where, got=type(facts).__name__)
    return facts


def _get(facts: Mapping[str, object], name: str, kind: type[Value], where: str) -> Value:
    """Return a value of exactly the type `kind`; `true` is no int."""
    value = facts.get(name)
    if type(value) is not kind:
        got = type(value).__name__ if name in facts else "nothing"
        raise SchemaMismatch(f"{name} is missing or mistyped", where=where, got=got, expected=kind.__name__)
    return value


def _int64(facts: Mapping[str, object], name: str, where: str) -> int:
    value = _get(facts, name, int, where)
    if not -_INT64 <= value < _INT64:
        raise OutOfRange(f"{name} leaves int64", where=where, got=str(value))
    return value


def _decimal(text: str, where: str) -> Decimal:
    """Return a plain decimal >= 0 of at most 28 digits, the precision the bot computes in."""
    if not _DECIMAL.fullmatch(text):
        raise SchemaMismatch("not a plain decimal", where=where, got=repr(text[:50]))
    value = Decimal(text)
    if value < 0:
        raise SchemaMismatch("a negative number", where=where, got=text)
    if len(value.as_tuple().digits) > _MAX_DIGITS or abs(value.adjusted()) > _MAX_DIGITS:
        raise OutOfRange(
            "more digits than are computed exactly", where=where, got=text[:50], expected=f"at most {_MAX_DIGITS}"
        )
    return value


def _levels(raw: list[object], where: str) -> Levels:
    return tuple(_level(pair, f"{where}[{index}]") for index, pair in enumerate(raw))


def _level(pair: object, where: str) -> tuple[Decimal, Decimal]:
    if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair)):
        raise SchemaMismatch("a level is not [price, size] in strings", where=where, got=repr(pair)[:80])
    price, size = (_decimal(text, where) for text in pair)
    if price == 0 or size == 0:
        raise SchemaMismatch("price and size of a level must be positive", where=where, got=repr(pair))
    return price, size


def _check_order(prices: list[Decimal], where: str) -> None:
    """Check bids strictly descending, asks strictly ascending, best bid below best ask: one ascending list."""
    for left, right in pairwise(prices):
        if left >= right:
            raise SchemaMismatch(
                "prices are not strictly ordered or the book is crossed", where=where, got=f"{left} then {right}"
            )
