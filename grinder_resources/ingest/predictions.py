"""Prediction logs of trading processes: one decision a line, as `inference.prediction_log` writes it.

    {"type": "prediction", "v": 0, "ts_ms": ms, "venue": "..", "symbol": "..", "mode": "shadow", "applied": false,
     "refusal": "", "model_hash": "..", "low_bps": 2100, "mid_bps": 5100, "high_bps": 2800, "spacing_x1000": 1000,
     "features_hash": "..", "features": {"name": 1, "name": null, "name": "0.5"}}

`mode` is one of LOG_MODES, `refusal` the code of why a signal was not used or is not there. What the model read and
said, the last six fields, stands there whole or not at all. `features` are the inputs by name, as they were hashed:
integers, finite floats, nulls, and Decimals as texts; a line whose inputs have another hash than it states is not
believed.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from grinder_resources.contracts.bronze import LOG_MODES, PREDICTIONS
from grinder_resources.hashing import canonical_json, sha256_bytes
from grinder_resources.ingest.limits import Limits
from grinder_resources.ingest.lines import Line, blocks, lines_of
from grinder_resources.ingest.quarantine import RowError
from grinder_resources.ingest.records import Candidates, RowBuffer
from grinder_resources.ingest.strict_json import is_printable, line_fault, parse_line, take, take_ms, take_name

VERSION = "predictions-1"

MAX_INTEGER, MAX_FLOAT = 1 << 53, 3.4028234663852886e38
"""What a process takes for a number: larger ones are no float32, or would be rounded twice on the way."""

_ANSWER = ("low_bps", "mid_bps", "high_bps", "spacing_x1000")
_HASH = re.compile(r"[0-9a-f]{16}")

Record = dict[str, Any]


def read(path: Path, limits: Limits) -> Iterator[Candidates]:
    """Yield the candidate decisions of one file; raises as `limits.pieces` does."""
    buffer = RowBuffer(PREDICTIONS)
    for block in blocks(path, limits):
        for line in lines_of(block):
            reason, values = _row(line)
            buffer.add(line.number, line.data, values, reason)
        if len(buffer):
            yield buffer.take()


def _row(line: Line) -> tuple[str | None, Record]:
    """Return the reason a line is bad (None if it is not) and what of it is known."""
    known: Record = {}
    try:
        record = _parse(line)
        known["venue"], known["symbol"] = take_name(record, "venue"), take_name(record, "symbol")
        known["ts_ns"] = take_ms(record, "ts_ms")
        return None, known | _decision(record) | _answer(record)
    except RowError as bad:
        return line_fault(line, bad), known


def _parse(line: Line) -> Record:
    record = parse_line(line)
    if take(record, "type", str) != "prediction" or take(record, "v", int) != 0:
        raise RowError("wrong_type")
    return record


def _decision(record: Record) -> Record:
    mode, refusal, model_hash = (take(record, name, str) for name in ("mode", "refusal", "model_hash"))
    if mode not in LOG_MODES or (model_hash and not _HASH.fullmatch(model_hash)):
        raise RowError("wrong_type")
    if not is_printable(refusal):
        raise RowError("bad_name")
    return {"mode": mode, "applied": take(record, "applied", bool), "refusal": refusal, "model_hash": model_hash}


def _answer(record: Record) -> Record:
    """Return what the model read and said; nothing where the line says nothing of it."""
    if all(record.get(name) is None for name in (*_ANSWER, "features", "features_hash")):
        return {}
    numbers = {name: _small(take(record, name, int)) for name in _ANSWER}
    text = canonical_json(_inputs(take(record, "features", dict)))
    stated = take(record, "features_hash", str)
    if sha256_bytes(text.encode())[:16] != stated:
        raise RowError("bad_hash")
    return numbers | {"features": text, "features_hash": stated}


def _inputs(features: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return inputs that a process may have read."""
    for value in features.values():
        if value is not None and type(value) not in (int, float) and not _is_decimal(value):
            raise RowError("wrong_type")
        if value is not None and not _fits(value):
            raise RowError("not_finite")
    return features


def _is_decimal(value: object) -> bool:
    """Return whether a value is the text of a Decimal, as Python writes it."""
    try:
        return type(value) is str and str(Decimal(value)) == value
    except ArithmeticError:
        return False


def _fits(value: float | str) -> bool:
    if type(value) is int:
        return abs(value) <= MAX_INTEGER
    # a Decimal may be a signalling NaN, or one with a number in it: Python reads neither as a float
    return Decimal(value).is_finite() and abs(float(value)) <= MAX_FLOAT


def _small(value: int) -> int:
    if abs(value) >= 1 << 31:
        raise RowError("bad_answer")
    return value
