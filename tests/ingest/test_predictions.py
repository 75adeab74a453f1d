"""Prediction logs: what a process read and said, whole or not at all, and believed only under its own hash."""

import json
import tempfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.contracts.bronze import PREDICTIONS, QUARANTINE
from grinder_resources.hashing import sha256_facts
from grinder_resources.inference.snapshot import MAX_FLOAT32, Encoded, Reading, Snapshot, encode
from grinder_resources.ingest import predictions
from grinder_resources.ingest.bronze import bronze_day, ingest_log_day
from grinder_resources.ingest.limits import Limits
from tests.ingest.conftest import Stage

DAY = date(2024, 8, 8)
MS = 1_723_078_800_000
INPUTS = {"spread_bps": 2, "natr_bps": -0.5, "wall": None, "mid": "61800.10"}
REFUSED = {
    "type": "prediction",
    "v": 0,
    "ts_ms": MS,
    "venue": "binance",
    "symbol": "BTCUSDT",
    "mode": "shadow",
    "applied": False,
    "refusal": "MISSING_FEATURE",
    "model_hash": "a1b2c3d4e5f67890",
}


def read(**inputs: Any) -> dict[str, Any]:
    """Return an answered decision on these inputs, hashed as the runtime does."""
    features = INPUTS | inputs
    return REFUSED | {
        "refusal": "",
        "low_bps": 2_000,
        "mid_bps": 5_000,
        "high_bps": 3_000,
        "spacing_x1000": 1_250,
        "features_hash": sha256_facts(features)[:16],
        "features": features,
    }


ANSWERED = read()


def jsonl(*records: dict[str, Any]) -> str:
    """Return records as lines."""
    return "".join(json.dumps(record) + "\n" for record in records)


def test_answers_and_refusals_are_rows(stage: Stage) -> None:
    """Whatever the file is called; inputs come back as the very text that was hashed."""
    staged = stage({"anything.txt.gz": jsonl(ANSWERED, REFUSED | {"ts_ms": MS + 1})})
    answered, refused = bronze_day(staged, PREDICTIONS, DAY).drop("date", "recv_ns").rows()
    text = '{"mid":"61800.10","natr_bps":-0.5,"spread_bps":2,"wall":null}'
    common = ("shadow", False)
    model = "a1b2c3d4e5f67890"
    assert answered == (
        *("binance", "BTCUSDT", MS * 1_000_000, 1, *common, "", model),
        *(2_000, 5_000, 3_000, 1_250, text, ANSWERED["features_hash"]),
    )
    assert refused == (
        *("binance", "BTCUSDT", MS * 1_000_000 + 1_000_000, 2, *common, "MISSING_FEATURE", model),
        *([None] * 6),
    )


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (ANSWERED | {"v": 1}, "wrong_type"),
        (ANSWERED | {"type": "predictions"}, "wrong_type"),
        (ANSWERED | {"venue": ""}, "missing_field"),
        (ANSWERED | {"symbol": "B\n"}, "bad_name"),
        (ANSWERED | {"ts_ms": 1}, "out_of_range_time"),
        (ANSWERED | {"mode": "off"}, "wrong_type"),
        (ANSWERED | {"applied": 0}, "wrong_type"),
        (ANSWERED | {"refusal": "x" * 65}, "bad_name"),
        (ANSWERED | {"model_hash": "A1B2C3D4E5F67890"}, "wrong_type"),
        (ANSWERED | {"low_bps": 2_001}, "bad_answer"),
        (ANSWERED | {"low_bps": -1_000, "mid_bps": 8_000}, "bad_answer"),
        (ANSWERED | {"low_bps": 1 << 40}, "bad_answer"),
        (ANSWERED | {"spacing_x1000": 499}, "bad_answer"),
        (ANSWERED | {"mid_bps": 5_000.0}, "wrong_type"),
        (ANSWERED | {"mid_bps": None}, "missing_field"),
        (REFUSED | {"features": INPUTS}, "missing_field"),
        (ANSWERED | {"features": [1]}, "wrong_type"),
        (ANSWERED | {"features": INPUTS | {"spread_bps": 3}}, "bad_hash"),
        (ANSWERED | {"features": INPUTS | {"spread_bps": 2.0}}, "bad_hash"),
        (read(spread_bps=True), "wrong_type"),
        (read(spread_bps={}), "wrong_type"),
        (read(mid="nan"), "wrong_type"),
        (read(mid="1_0"), "wrong_type"),
        (read(mid="NaN"), "not_finite"),
        (read(mid="sNaN"), "not_finite"),
        (read(mid="-NaN123"), "not_finite"),
        (read(mid="1E+39"), "not_finite"),
        (read(mid=(1 << 53) + 1), "not_finite"),
        (read(mid=3.5e38), "not_finite"),
    ],
)
def test_a_line_that_cannot_be_believed_is_kept_aside(stage: Stage, record: dict[str, Any], reason: str) -> None:
    """It costs itself and not its neighbours."""
    staged = stage({"log.jsonl": jsonl(ANSWERED, record, REFUSED)})
    assert bronze_day(staged, PREDICTIONS, DAY)["seq"].to_list() == [1, 3]
    log = ingest_log_day(staged, DAY).select("rows_in", "rows_out", "quarantined", "deduplicated").rows()
    assert log == [(3, 2, 1, 0)]
    assert bronze_day(staged, QUARANTINE, DAY).select("line", "reason").rows() == [(2, reason)]


def test_the_largest_numbers_a_process_reads_are_read(stage: Stage) -> None:
    """The bounds themselves are within."""
    inputs = {"mid": 1 << 53, "natr_bps": -3.4028234663852886e38, "spread_bps": "-1.5E-7"}
    assert bronze_day(stage({"log.jsonl": jsonl(read(**inputs))}), PREDICTIONS, DAY).height == 1


@pytest.mark.parametrize(("line", "reason"), [("x" * 900 + "\n", "line_too_long"), ('{"type": "pre', "cut_line")])
def test_a_line_that_never_ended_is_kept_aside(stage: Stage, line: str, reason: str) -> None:
    """A process that was killed amid a line leaves one."""
    staged = stage({"log.jsonl": jsonl(ANSWERED) + line}, None, Limits(max_line_bytes=800))
    assert bronze_day(staged, QUARANTINE, DAY).select("line", "reason").rows() == [(2, reason)]


def test_a_line_sent_twice_is_one_and_two_answers_to_one_question_are_none(stage: Stage) -> None:
    """The question is moment, mode, model and inputs; refusals are never compared."""
    again = ANSWERED | {"ts_ms": MS + 1}
    other = again | {"low_bps": 3_000, "mid_bps": 4_000}
    active = ANSWERED | {"mode": "active", "applied": True}
    staged = stage({"a.jsonl": jsonl(ANSWERED, active, REFUSED, again), "b.jsonl": jsonl(ANSWERED, REFUSED, other)})
    rows = bronze_day(staged, PREDICTIONS, DAY)
    assert rows.select("mode", "refusal").sort("mode", "refusal").rows() == [
        ("active", ""),
        ("shadow", ""),
        ("shadow", "MISSING_FEATURE"),
        ("shadow", "MISSING_FEATURE"),
    ]
    log = ingest_log_day(staged, DAY).select("rows_in", "rows_out", "quarantined", "deduplicated")
    assert log.rows() == [(4, 3, 1, 0), (3, 1, 1, 1)]


NUMBERS = st.one_of(
    st.none(),
    st.integers(-(1 << 53), 1 << 53),
    st.floats(-MAX_FLOAT32, MAX_FLOAT32),
    st.decimals(allow_nan=False, allow_infinity=False).filter(lambda value: abs(value) <= Decimal(MAX_FLOAT32)),
)


@given(natr=NUMBERS, spread=NUMBERS)
def test_whatever_a_model_can_read_is_read_back_under_its_hash(natr: Any, spread: Any) -> None:
    """Law: encoding and this reader agree on every number there is, so no honest line is set aside."""
    reading = Reading(("natr_bps", "spread_bps"), frozenset({"natr_bps", "spread_bps"}))
    encoded = encode(Snapshot(MS, "BTCUSDT", {"natr_bps": natr, "spread_bps": spread}), reading)
    assert isinstance(encoded, Encoded)
    record = ANSWERED | {"features": json.loads(encoded.text), "features_hash": encoded.features_hash}
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write(jsonl(record))
        file.flush()
        (found,) = predictions.read(Path(file.name), Limits())
    assert found.rows.select("reason", "features", "features_hash").rows() == [
        (None, encoded.text, encoded.features_hash)
    ]
