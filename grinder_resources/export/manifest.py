"""`manifest.json` as bytes: one strict reader and one canonical writer (ML spec 12.4.2), with `parse(dump(m)) == m`.

The reader refuses what a lenient JSON library lets through: a repeated key (the last would win), NaN, a number too
large for a float, thousands of nested brackets, an unknown field, a size without end. It reads schema version 1 and
names both versions when it meets another.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar, cast

from grinder_resources.contracts.artifacts import (
    EXPORT_FORMAT,
    FRAMEWORK,
    MANIFEST_FILE,
    SCHEMA_VERSION,
    FileFacts,
    HeadFacts,
    HeadKind,
    Manifest,
    TrainingMetadata,
)
from grinder_resources.errors import ManifestRejected

MAX_MANIFEST_BYTES = 1 << 20
MAX_DEPTH = 16

_Item = TypeVar("_Item")
_MAX_DIGITS = 40
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_TOP = (
    "schema_version",
    "model_name",
    "model_version",
    "created_at",
    "framework",
    "export_format",
    "files",
    "model_hash",
    "input_features",
    "output_classes",
    "heads",
    "training_metadata",
)
_FILE = ("sha256", "size_bytes")
_HEAD = ("name", "kind", "classes", "unit", "margin_bound_q16")
_TRAINING = ("train_samples", "val_samples", "test_accuracy_bps", "data_hash")


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """Return `document` as the one text form of an artifact: sorted keys, two spaces, ASCII, a newline at the end.

    Raises ManifestRejected if it holds NaN, an infinity or a value JSON has no word for.
    """
    try:
        return (json.dumps(document, sort_keys=True, indent=2, allow_nan=False) + "\n").encode("ascii")
    except (TypeError, ValueError) as error:
        raise ManifestRejected("a document of an artifact is plain, finite JSON", got=str(error)) from error


def dump_manifest(manifest: Manifest) -> bytes:
    """Return the canonical bytes of a manifest: the same facts always give the same bytes."""
    training = manifest.training_metadata
    return json_bytes(
        {
            "schema_version": SCHEMA_VERSION,
            "model_name": manifest.model_name,
            "model_version": manifest.model_version,
            "created_at": manifest.created_at,
            "framework": FRAMEWORK,
            "export_format": EXPORT_FORMAT,
            "files": {facts.name: _pick(facts, _FILE) for facts in manifest.files},
            "model_hash": manifest.model_hash,
            "input_features": list(manifest.input_features),
            "output_classes": list(manifest.output_classes),
            "heads": [_pick(head, _HEAD) for head in manifest.heads],
            "training_metadata": _pick(training, _TRAINING),
        }
    )


def parse_manifest(data: bytes) -> Manifest:
    """Return the manifest in `data`. Raises ManifestRejected, naming the field, for what schema version 1 forbids."""
    document = strict_json(data)
    _require_version(document)
    top = _record(document, _TOP, MANIFEST_FILE)
    manifest = Manifest(
        model_name=_text(top["model_name"], "model_name"),
        model_version=_text(top["model_version"], "model_version"),
        created_at=_text(top["created_at"], "created_at"),
        files=_files(top["files"]),
        input_features=_texts(top["input_features"], "input_features"),
        heads=_list(top["heads"], _head, "heads"),
        training_metadata=_training(top["training_metadata"]),
    )
    _require_equal(top["framework"], FRAMEWORK, "framework")
    _require_equal(top["export_format"], EXPORT_FORMAT, "export_format")
    _require_equal(top["model_hash"], manifest.model_hash, "model_hash")
    _require_equal(top["output_classes"], list(manifest.output_classes), "output_classes")
    return manifest


def strict_json(data: bytes) -> object:
    """Return the JSON value in UTF-8 `data`.

    Raises ManifestRejected above 1 MiB or 16 levels, for a repeated key, NaN, an infinity, an integer of more than 40
    digits, a byte order mark, or text that is not JSON.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        _reject("the manifest is too large", MANIFEST_FILE, f"more than {MAX_MANIFEST_BYTES} bytes")
    depth = _depth(data)
    if depth > MAX_DEPTH:
        _reject("the manifest is nested too deeply", MANIFEST_FILE, f"{depth} levels", f"at most {MAX_DEPTH}")
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique_keys,
            parse_constant=lambda word: _reject("the manifest holds a number that is not finite", MANIFEST_FILE, word),
            parse_int=_bounded_int,
            parse_float=_finite_float,
        )
    except ValueError as error:
        raise ManifestRejected("the manifest is not UTF-8 JSON", where=MANIFEST_FILE, got=str(error)) from error


def _depth(data: bytes) -> int:
    deepest = level = 0
    for match in _STRING_OR_BRACKET.finditer(data):
        level += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(match[0], 0)
        deepest = max(deepest, level)
    return deepest


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result: dict[str, object] = {}
    for key, value in pairs:
        if key in result:
            _reject("a key appears twice", MANIFEST_FILE, repr(key))
        result[key] = value
    return result


def _bounded_int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        _reject("a number is too long", MANIFEST_FILE, f"{len(digits)} digits", f"at most {_MAX_DIGITS}")
    return int(digits)


def _finite_float(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _reject("a number does not fit a float", MANIFEST_FILE, text)


def _require_version(document: object) -> None:
    got = document.get("schema_version", "none") if isinstance(document, dict) else "no object"
    if type(got) is not int or got != SCHEMA_VERSION:
        _reject("this manifest's schema_version has no reader", MANIFEST_FILE, repr(got), str(SCHEMA_VERSION))


def _record(value: object, fields: tuple[str, ...], where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        _reject("an object is needed here", where, type(value).__name__)
    unknown, missing = sorted(set(value) - set(fields)), sorted(set(fields) - set(value))
    if unknown:
        _reject("a field is unknown", where, ", ".join(unknown), ", ".join(fields))
    if missing:
        _reject("a field is missing", where, f"no {', '.join(missing)}", ", ".join(fields))
    return value


def _files(value: object) -> tuple[FileFacts, ...]:
    if not isinstance(value, dict):
        _reject("an object is needed here", "files", type(value).__name__)
    return tuple(_file(name, value[name]) for name in sorted(value))


def _file(name: str, value: object) -> FileFacts:
    where = f"files[{name!r}]"
    fields = _record(value, _FILE, where)
    return FileFacts(name, _text(fields["sha256"], where), _integer(fields["size_bytes"], where))


def _head(value: object, where: str) -> HeadFacts:
    fields = _record(value, _HEAD, where)
    bound = fields["margin_bound_q16"]
    return HeadFacts(
        name=_text(fields["name"], f"{where}.name"),
        kind=cast(HeadKind, _text(fields["kind"], f"{where}.kind")),
        classes=_texts(fields["classes"], f"{where}.classes"),
        unit=_number(fields["unit"], f"{where}.unit"),
        margin_bound_q16=None if bound is None else _integer(bound, f"{where}.margin_bound_q16"),
    )


def _training(value: object) -> TrainingMetadata:
    where = "training_metadata"
    fields = _record(value, _TRAINING, where)
    accuracy = fields["test_accuracy_bps"]
    return TrainingMetadata(
        train_samples=_integer(fields["train_samples"], f"{where}.train_samples"),
        val_samples=_integer(fields["val_samples"], f"{where}.val_samples"),
        test_accuracy_bps=None if accuracy is None else _integer(accuracy, f"{where}.test_accuracy_bps"),
        data_hash=_text(fields["data_hash"], f"{where}.data_hash"),
    )


def _list(value: object, read: Callable[[object, str], _Item], where: str) -> tuple[_Item, ...]:
    if not isinstance(value, list):
        _reject("a list is needed here", where, type(value).__name__)
    return tuple(read(item, f"{where}[{index}]") for index, item in enumerate(value))


def _texts(value: object, where: str) -> tuple[str, ...]:
    return _list(value, _text, where)


def _text(value: object, where: str) -> str:
    return value if isinstance(value, str) else _reject("a text is needed here", where, repr(value))


def _integer(value: object, where: str) -> int:
    return value if type(value) is int else _reject("an integer is needed here", where, repr(value))


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        _reject("a number is needed here", where, repr(value))
    return float(value)


def _require_equal(got: object, expected: object, where: str) -> None:
    if got != expected:
        _reject("a field contradicts the rest of the manifest", where, repr(got), repr(expected))


def _pick(facts: object, names: tuple[str, ...]) -> dict[str, object]:
    return {name: getattr(facts, name) for name in names}


def _reject(rule: str, where: str, got: str, expected: str = "") -> NoReturn:
    raise ManifestRejected(rule, where=where[:100], got=got[:100], expected=expected)
