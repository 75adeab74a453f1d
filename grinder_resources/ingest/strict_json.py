"""JSON without the standard parser's liberties: no repeated keys, no NaN, no Infinity, no number that overflows."""

import json
import math
from typing import Any, NoReturn

from grinder_resources.ingest.lines import Line
from grinder_resources.ingest.quarantine import RowError

_NS_PER_MS = 1_000_000
_LARGEST_MS = (1 << 63) // _NS_PER_MS - 1
LONGEST_NAME = 64


def parse_object(text: bytes) -> dict[str, Any]:
    """Return the one JSON object that `text` is.

    Raises RowError: not_json (also for invalid UTF-8, a byte order mark, or a value that is no object),
    duplicate_key, not_finite.
    """
    try:
        value = _DECODER.decode(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RowError("not_json") from error
    if type(value) is not dict:
        raise RowError("not_json")
    return value


def parse_line(line: Line) -> dict[str, Any]:
    """Return the one JSON object that a line is; RowError as `parse_object`, and line_too_long."""
    if line.too_long:
        raise RowError("line_too_long")
    return parse_object(line.data)


def line_fault(line: Line, fault: RowError) -> str:
    """Return the reason a line is bad: the end of the file explains more than the broken JSON it left."""
    return "cut_line" if line.cut and fault.reason == "not_json" else fault.reason


def take(record: dict[str, Any], name: str, kind: type) -> Any:
    """Return a field; RowError missing_field if it is absent or null, wrong_type if it is not exactly of that type."""
    value = record.get(name)
    if value is None:
        raise RowError("missing_field")
    if type(value) is not kind:
        raise RowError("wrong_type")
    return value


def take_ms(record: dict[str, Any], name: str) -> int:
    """Return a field of integer milliseconds as ns; RowError as `take`, out_of_range_time beyond 64 bits of ns."""
    milliseconds: int = take(record, name, int)
    if abs(milliseconds) > _LARGEST_MS:
        raise RowError("out_of_range_time")
    return milliseconds * _NS_PER_MS


def take_name(record: dict[str, Any], name: str) -> str:
    """Return a field that names something; RowError as `take`, missing_field if it is empty, bad_name otherwise.

    A name is printable and has LONGEST_NAME characters at most.
    """
    text: str = take(record, name, str)
    if not text:
        raise RowError("missing_field")
    if not is_printable(text):
        raise RowError("bad_name")
    return text


def is_printable(text: str) -> bool:
    """Return whether a text could be a name, or is empty."""
    return len(text) <= LONGEST_NAME and text.isprintable()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise RowError("duplicate_key")
    return record


def _refuse(_: str) -> NoReturn:
    raise RowError("not_finite")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise RowError("not_finite")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
