"""`serving.json` as bytes: what a process that serves a model needs beside its graph, with `parse(dump(s)) == s`.

Numbers of inputs and covers are float32 values, written as the shortest text that gives the same double; null is a
missing value. Inputs are lists, so that their order stays the manifest's.
"""

import re
from array import array
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from grinder_resources.contracts.artifacts import SERVING_FILE, SPACING_OUTPUT, Manifest
from grinder_resources.contracts.serving import Golden, Reference, Row, Serving
from grinder_resources.errors import ArtifactRejected
from grinder_resources.export.strict_json import (
    integer,
    integers,
    items,
    json_bytes,
    mapping,
    record,
    reject,
    strict_json,
    text,
    texts,
)

MAX_SERVING_BYTES = 64 << 20
MAX_CUTS = 9
MAX_GOLDEN_ROWS = 64
MAX_COUNT = 1 << 53

_TOP = ("trained_until", "nullable", "golden", "reference", "covers")
_GOLDEN = ("inputs", "outputs")
_REFERENCE = ("input", "cuts", "counts", "missing")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def dump_serving(serving: Serving) -> bytes:
    """Return the canonical bytes. Raises ManifestRejected for a number that is not finite."""
    golden = serving.golden
    return json_bytes(
        {
            "trained_until": serving.trained_until,
            "nullable": list(serving.nullable),
            "golden": {
                "inputs": [list(row) for row in golden.inputs],
                "outputs": {name: [list(row) for row in rows] for name, rows in golden.outputs.items()},
            },
            "reference": [_reference_facts(name, one) for name, one in serving.reference.items()],
            "covers": {head: list(covers) for head, covers in serving.covers.items()},
        }
    )


def parse_serving(data: bytes) -> Serving:
    """Return what is in `data`. Raises ManifestRejected, naming the field, for what no writer of ours would write."""
    top = record(strict_json(data, SERVING_FILE, MAX_SERVING_BYTES), _TOP, SERVING_FILE)
    covers = mapping(top["covers"], "covers")
    references = items(top["reference"], _reference, "reference")
    if len(dict(references)) != len(references):
        reject("an input has one reference", "reference", "an input twice")
    return Serving(
        trained_until=_day(top["trained_until"], "trained_until"),
        nullable=texts(top["nullable"], "nullable"),
        golden=_golden(top["golden"], "golden"),
        reference=MappingProxyType(dict(references)),
        covers=MappingProxyType({head: _floats(covers[head], f"covers[{head!r}]") for head in covers}),
    )


def require_serving(manifest: Manifest, serving: Serving) -> None:
    """Raise ArtifactRejected where names, widths or heads are not the manifest's."""
    inputs = manifest.input_features
    widths = {head.name: max(1, len(head.calibration)) for head in manifest.heads}
    widths |= {SPACING_OUTPUT: 1} if manifest.spacing else {}
    golden = serving.golden
    judged = {
        "golden rows": {len(row) for row in golden.inputs} == {len(inputs)},
        "golden answers": {name: _widths(rows) for name, rows in golden.outputs.items()}
        == {name: {width} for name, width in widths.items()},
        "references": tuple(serving.reference) == inputs,
        "nullable inputs": serving.nullable == tuple(name for name in inputs if name in serving.nullable),
        "covers": set(serving.covers) == {head.name for head in manifest.heads if head.kind == "multiclass"},
    }
    wrong = [what for what, fits in judged.items() if not fits]
    if wrong:
        raise ArtifactRejected(
            "what serves a model is not the manifest's",
            where=f"{manifest.folder}/{SERVING_FILE}",
            got=", ".join(wrong),
        )


def _widths(rows: tuple[tuple[int, ...], ...]) -> set[int]:
    return {len(row) for row in rows}


def _golden(value: object, where: str) -> Golden:
    fields = record(value, _GOLDEN, where)
    inputs = items(fields["inputs"], _row, f"{where}.inputs")
    outputs = mapping(fields["outputs"], f"{where}.outputs")
    answers = {name: items(outputs[name], _answer, f"{where}.outputs[{name!r}]") for name in outputs}
    if len(inputs) > MAX_GOLDEN_ROWS:
        reject("golden rows are few", where, f"{len(inputs)} rows", f"at most {MAX_GOLDEN_ROWS}")
    if not inputs or {len(rows) for rows in answers.values()} != {len(inputs)}:
        reject("every golden row has its answers", where, f"{len(inputs)} rows")
    return Golden(inputs, MappingProxyType(answers))


def _row(value: object, where: str) -> Row:
    row = items(value, _number_or_none, where)
    _require_float32([number for number in row if number is not None], where)
    return row


def _number_or_none(value: object, where: str) -> float | None:
    return None if value is None else _number(value, where)


def _answer(value: object, where: str) -> tuple[int, ...]:
    answer = integers(value, where)
    if any(not -(1 << 31) <= number < 1 << 31 for number in answer):
        reject("an answer is an int32", where, str(answer))
    return answer


def _reference(value: object, where: str) -> tuple[str, Reference]:
    fields = record(value, _REFERENCE, where)
    one = Reference(
        cuts=_floats(fields["cuts"], f"{where}.cuts"),
        counts=integers(fields["counts"], f"{where}.counts"),
        missing=integer(fields["missing"], f"{where}.missing"),
    )
    if len(one.cuts) > MAX_CUTS or any(left >= right for left, right in pairwise(one.cuts)):
        reject(f"cuts are at most {MAX_CUTS}, and ascend", where, str(one.cuts))
    known = all(0 <= count < MAX_COUNT for count in (*one.counts, one.missing))
    if len(one.counts) != len(one.cuts) + 1 or not known:
        reject("there is one count a bin, not negative", where, str(one.counts))
    return text(fields["input"], f"{where}.input"), one


def _reference_facts(name: str, one: Reference) -> dict[str, Any]:
    return {"input": name, "cuts": list(one.cuts), "counts": list(one.counts), "missing": one.missing}


def _floats(value: object, where: str) -> tuple[float, ...]:
    numbers = items(value, _number, where)
    _require_float32(numbers, where)
    return numbers


def _number(value: object, where: str) -> float:
    return value if type(value) is float else reject("a number with a point is needed here", where, repr(value))


def _require_float32(numbers: Sequence[float], where: str) -> None:
    stored = array("f", numbers)
    odd = [number for number, kept in zip(numbers, stored, strict=True) if number != kept]
    if odd:
        reject("a number is a float32", where, repr(odd[0]))


def _day(value: object, where: str) -> str:
    day = text(value, where)
    try:
        known = _DAY.fullmatch(day) and date.fromisoformat(day)
    except ValueError:
        known = None
    return day if known else reject("a day is YYYY-MM-DD", where, repr(day))
