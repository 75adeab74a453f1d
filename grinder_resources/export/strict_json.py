"""JSON of an artifact as bytes: one canonical writer, and a reader that refuses what a lenient library lets through.

Refused are a repeated key (the last would win), NaN, a number too large for a float, thousands of nested brackets, an
unknown or missing field, a value of another type, a size without end. Every refusal names the document or the field.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from grinder_resources.errors import ManifestRejected

MAX_DEPTH = 16

_Item = TypeVar("_Item")
_MAX_DIGITS = 40
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """Return `document` as the one text form of an artifact: sorted keys, two spaces, ASCII, a newline at the end.

    Raises ManifestRejected if it holds NaN, an infinity or a value JSON has no word for.
    """
    try:
        return (json.dumps(document, sort_keys=True, indent=2, allow_nan=False) + "\n").encode("ascii")
    except (TypeError, ValueError) as error:
        raise ManifestRejected("a document of an artifact is plain, finite JSON", got=str(error)) from error


def strict_json(data: bytes, name: str, limit: int) -> object:
    """Return the JSON value in UTF-8 `data`, the document called `name`.

    Raises ManifestRejected above `limit` bytes or 16 levels, for a repeated key, NaN, an infinity, an integer of more
    than 40 digits, a byte order mark, or text that is not JSON.
    """
    if len(data) > limit:
        reject("a document is too large", name, f"more than {limit} bytes")
    depth = _depth(data)
    if depth > MAX_DEPTH:
        reject("a document is nested too deeply", name, f"{depth} levels", f"at most {MAX_DEPTH}")
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=lambda pairs: _unique_keys(pairs, name),
            parse_constant=lambda word: reject("a number is not finite", name, word),
            parse_int=lambda digits: _bounded_int(digits, name),
            parse_float=lambda text: _finite_float(text, name),
        )
    except ValueError as error:
        raise ManifestRejected("a document is not UTF-8 JSON", where=name, got=str(error)) from error


def _depth(data: bytes) -> int:
    deepest = level = 0
    for match in _STRING_OR_BRACKET.finditer(data):
        level += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(match[0], 0)
        deepest = max(deepest, level)
    return deepest


def _unique_keys(pairs: list[tuple[str, object]], name: str) -> dict[str, object]:
    result: dict[str, object] = {}
    for key, value in pairs:
        if key in result:
            reject("a key appears twice", name, repr(key))
        result[key] = value
    return result


def _bounded_int(digits: str, name: str) -> int:
    if len(digits) > _MAX_DIGITS:
        reject("a number is too long", name, f"{len(digits)} digits", f"at most {_MAX_DIGITS}")
    return int(digits)


def _finite_float(text: str, name: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else reject("a number does not fit a float", name, text)


def record(value: object, fields: tuple[str, ...], where: str) -> dict[str, object]:
    """Return an object with exactly these fields. Raises ManifestRejected for an unknown or missing one."""
    found = mapping(value, where)
    unknown, missing = sorted(set(found) - set(fields)), sorted(set(fields) - set(found))
    if unknown:
        reject("a field is unknown", where, ", ".join(unknown), ", ".join(fields))
    if missing:
        reject("a field is missing", where, f"no {', '.join(missing)}", ", ".join(fields))
    return found


def items(value: object, read: Callable[[object, str], _Item], where: str) -> tuple[_Item, ...]:
    """Return the items of a list, each read by `read`, which takes the item and where it stands."""
    if not isinstance(value, list):
        reject("a list is needed here", where, type(value).__name__)
    return tuple(read(item, f"{where}[{index}]") for index, item in enumerate(value))


def texts(value: object, where: str) -> tuple[str, ...]:
    """Return a list of texts."""
    return items(value, text, where)


def text(value: object, where: str) -> str:
    """Return a text."""
    return value if isinstance(value, str) else reject("a text is needed here", where, repr(value))


def integer(value: object, where: str) -> int:
    """Return an integer; a boolean is none."""
    return value if type(value) is int else reject("an integer is needed here", where, repr(value))


def integers(value: object, where: str) -> tuple[int, ...]:
    """Return a list of integers."""
    return items(value, integer, where)


def mapping(value: object, where: str) -> dict[str, object]:
    """Return an object with any keys."""
    return value if isinstance(value, dict) else reject("an object is needed here", where, type(value).__name__)


def reject(rule: str, where: str, got: str, expected: str = "") -> NoReturn:
    """Raise ManifestRejected; what is shown of a hostile document is cut at 100 characters."""
    raise ManifestRejected(rule, where=where[:100], got=got[:100], expected=expected)
