"""Gate JSONL, flat exports and nested live payloads, one gate a line.

Flat: hazard, coherence, ... , `reasons` as a '|'-joined text, `regime` as a text. Nested: the numbers under
`structure`, `reasons` as a list, `regime` as an object with `label` and `confidence`. Forward horizons are text keys
in minutes. Numbers stay as the source printed them (float64): they are measurements, not prices to be summed.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grinder_resources.contracts.bronze import GATE_SOURCE_HORIZONS_MIN, GATES
from grinder_resources.ingest.limits import Limits
from grinder_resources.ingest.lines import Line, blocks, lines_of
from grinder_resources.ingest.quarantine import RowError
from grinder_resources.ingest.records import Candidates, RowBuffer
from grinder_resources.ingest.strict_json import line_fault, parse_line, take, take_ms

VERSION = "gates-1"
DEFAULT_VENUE = "sep"
_NUMBERS = (
    "hazard",
    "hazard_threshold",
    "lambda",
    "regime_confidence",
    "coherence",
    "stability",
    "entropy",
    "price_close",
    "roc_prev_pct",
)


def read(path: Path, limits: Limits) -> Iterator[Candidates]:
    """Yield the candidate gates of one file; raises as `limits.pieces` does."""
    buffer = RowBuffer(GATES)
    for block in blocks(path, limits):
        for line in lines_of(block):
            reason, values = _row(line)
            buffer.add(line.number, line.data, values, reason)
        if len(buffer):
            yield buffer.take()


def _row(line: Line) -> tuple[str | None, dict[str, Any]]:
    """Return the reason a line is bad (None if it is not) and what of it is known."""
    known: dict[str, Any] = {}
    try:
        record = parse_line(line)
        known["symbol"] = take(record, "instrument", str)
        known["venue"] = take(record, "source", str) if record.get("source") is not None else DEFAULT_VENUE
        known["ts_ns"] = take_ms(record, "ts_ms")
        return None, known | _payload(_flatten(record))
    except RowError as bad:
        return line_fault(line, bad), known


def _flatten(record: dict[str, Any]) -> dict[str, Any]:
    """Lift the fields of a nested payload to where the flat form has them; a field that is already there wins."""
    structure, regime = record.get("structure"), record.get("regime")
    flat = {**(structure if type(structure) is dict else {}), **record}
    if type(regime) is dict:
        flat["regime"] = take(regime, "label", str)
        flat.setdefault("regime_confidence", regime.get("confidence"))
    return flat


def _payload(record: dict[str, Any]) -> dict[str, Any]:
    numbers = {name: _number(record.get(name)) for name in _NUMBERS}
    repetitions = record.get("repetitions")
    if repetitions is not None and (type(repetitions) is not int or abs(repetitions) >= 1 << 63):
        raise RowError("wrong_type")
    return {
        **numbers,
        "admit": take(record, "admit", bool),
        "reasons": _reasons(record.get("reasons")),
        "regime": take(record, "regime", str),
        "repetitions": repetitions,
        **_forward(record.get("roc_forward_pct")),
    }


def _number(value: object) -> float | None:
    if value is None:
        return None
    if type(value) is int and abs(value) <= 1 << 53:
        return float(value)
    if type(value) is not float:
        raise RowError("wrong_type")
    return value


def _reasons(value: object) -> str:
    if value is None:
        raise RowError("missing_field")
    if type(value) is list and all(type(reason) is str for reason in value):
        return "|".join(value)
    if type(value) is not str:
        raise RowError("wrong_type")
    return value


def _forward(values: object) -> dict[str, float | None]:
    if values is None:
        return {}
    if type(values) is not dict:
        raise RowError("wrong_type")
    return {f"roc_forward_{minutes}m_pct": _number(values.get(str(minutes))) for minutes in GATE_SOURCE_HORIZONS_MIN}
