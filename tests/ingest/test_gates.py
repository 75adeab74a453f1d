import json
from datetime import date
from typing import Any

import pytest

from grinder_resources.contracts.bronze import GATES, QUARANTINE
from grinder_resources.ingest.bronze import bronze_day, ingest_log_day
from grinder_resources.ingest.landing import discover
from tests.ingest.conftest import Stage

DAY = date(2025, 11, 3)
MS = 1_762_131_780_000
FLAT = {
    "instrument": "EUR_USD",
    "ts_ms": MS,
    "hazard": 0.5,
    "hazard_threshold": 0.6,
    "lambda": 0.5,
    "admit": False,
    "reasons": "a|b",
    "regime": "neutral",
    "regime_confidence": 0.5,
    "coherence": 0.02,
    "stability": 0.49,
    "entropy": 1,
    "repetitions": 2,
    "price_close": 1.1,
    "roc_prev_pct": None,
    "roc_forward_pct": {"5": 0.25, "240": None},
}
NESTED = {
    "instrument": "EUR_USD",
    "ts_ms": MS + 1,
    "admit": True,
    "reasons": ["a", "b"],
    "source": "live",
    "repetitions": 1,
    "structure": {"hazard": 0.25, "coherence": 0.5},
    "regime": {"label": "chaotic", "confidence": 0.75},
}


def jsonl(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def test_flat_and_nested_payloads_become_the_same_columns(stage: Stage) -> None:
    """A live payload names its venue; horizons that are not there are null."""
    rows = bronze_day(stage({"g.jsonl": jsonl(FLAT, NESTED)}), GATES, DAY)
    columns = [
        "venue",
        "hazard",
        "coherence",
        "entropy",
        "admit",
        "reasons",
        "regime",
        "regime_confidence",
        "roc_forward_5m_pct",
    ]
    assert rows.select(columns).rows() == [
        ("live", 0.25, 0.5, None, True, "a|b", "chaotic", 0.75, None),
        ("sep", 0.5, 0.02, 1.0, False, "a|b", "neutral", 0.5, 0.25),
    ]


def test_equal_gates_count_once_and_contradicting_ones_never(stage: Stage) -> None:
    """Identity is instrument and time; the order of copies and files does not matter."""
    other = FLAT | {"ts_ms": MS + 5}
    staged = stage({"a.jsonl": jsonl(FLAT, FLAT, other), "b.jsonl": jsonl(FLAT, other | {"hazard": 0.75})})
    assert bronze_day(staged, GATES, DAY).height == 1
    assert bronze_day(staged, QUARANTINE, DAY).select("source", "line", "reason").rows() == [
        ("a.jsonl", 3, "conflicting_duplicate"),
        ("b.jsonl", 2, "conflicting_duplicate"),
    ]
    log = ingest_log_day(staged, DAY).select("rows_in", "rows_out", "quarantined", "deduplicated")
    assert log.rows() == [(3, 1, 1, 1), (2, 0, 1, 1)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hazard": "0.5"}, "wrong_type"),
        ({"hazard": None}, "missing_field"),
        ({"admit": 1}, "wrong_type"),
        ({"reasons": [1]}, "wrong_type"),
        ({"reasons": None}, "missing_field"),
        ({"regime": None}, "missing_field"),
        ({"repetitions": 1.5}, "wrong_type"),
        ({"roc_forward_pct": []}, "wrong_type"),
        ({"entropy": float("inf")}, "not_finite"),
        ({"ts_ms": 5}, "out_of_range_time"),
    ],
)
def test_a_bad_gate_is_kept_aside(stage: Stage, change: dict[str, Any], reason: str) -> None:
    """With the reason and the line."""
    staged = stage({"g.jsonl": jsonl(FLAT, FLAT | change)})
    assert bronze_day(staged, QUARANTINE, DAY).select("line", "reason").rows() == [(2, reason)]


def test_a_gate_summary_is_understood_and_holds_no_rows(stage: Stage, landing: Any) -> None:
    """It lies beside the gates and stops nothing."""
    summary = json.dumps({"generated_at": "x", "horizons": [5], "regimes": {"neutral": {}}}, indent=2)
    staged = stage({"g.jsonl": jsonl(FLAT), "roc_regime_summary.json": summary})
    assert [file.source for file in staged.files] == ["g.jsonl"]
    assert discover(landing).summaries == ("roc_regime_summary.json",)
