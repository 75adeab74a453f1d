"""What a scrape sees, read back by the client library's own parser."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from grinder_resources.contracts.serving import Reference
from grinder_resources.errors import StorageFull
from grinder_resources.inference.decision import Mode
from grinder_resources.inference.drift import DriftWindow
from grinder_resources.inference.exposition import MlCollector, prometheus_text, write_textfile
from grinder_resources.inference.metrics import ACTIVE, SHADOW, MlMetrics
from grinder_resources.inference.reasons import MlBlockReason, RefusalCode

FRESH = """\
grinder_ml_active_on 0.0
grinder_ml_mode{mode="off"} 1.0
grinder_ml_mode{mode="shadow"} 0.0
grinder_ml_mode{mode="canary"} 0.0
grinder_ml_mode{mode="active"} 0.0
grinder_ml_canary_rolled_back 0.0
grinder_ml_block_total{reason="KILL_SWITCH_ENV"} 0.0
grinder_ml_block_total{reason="KILL_SWITCH_CONFIG"} 0.0
grinder_ml_block_total{reason="INFER_DISABLED"} 0.0
grinder_ml_block_total{reason="ACTIVE_DISABLED"} 0.0
grinder_ml_block_total{reason="BAD_ACK"} 0.0
grinder_ml_block_total{reason="ONNX_UNAVAILABLE"} 0.0
grinder_ml_block_total{reason="ARTIFACT_DIR_MISSING"} 0.0
grinder_ml_block_total{reason="MANIFEST_INVALID"} 0.0
grinder_ml_block_total{reason="MODEL_NOT_LOADED"} 0.0
grinder_ml_block_total{reason="ENV_NOT_ALLOWED"} 0.0
"""
LADDER = ["0.05", "0.1", "0.25", "0.5", "1.0", "2.0", "5.0", "10.0", "25.0", "50.0", "100.0", "250.0", "500.0", "+Inf"]
LATENCY = "grinder_ml_inference_latency_ms"

Key = tuple[str, frozenset[tuple[str, str]]]


def scraped(metrics: MlMetrics, drift: DriftWindow | None = None) -> dict[Key, float]:
    """Return every value by its name and labels."""
    families = text_string_to_metric_families(prometheus_text(metrics, drift))
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def key(name: str, **labels: str) -> Key:
    return name, frozenset(labels.items())


@pytest.fixture
def watched() -> DriftWindow:
    """Return a window over three inputs: one lies as in training, one is moved a little, one far."""
    trained = {"still": (50, 50), "nudged": (67, 33), "moved": (45, 55)}
    window = DriftWindow({name: Reference((0.5,), counts, 0) for name, counts in trained.items()})
    for number in range(100):
        row = np.array([number % 2, number % 2, number % 4 == 0], dtype=np.float32)
        window.observe(row, 3_600_000 * (number // 50))
    return window


def test_every_reason_is_printed_before_anything_happened() -> None:
    """A counter that appears only with its first event has no rate of it."""
    lines = [line for line in prometheus_text(MlMetrics()).splitlines() if not line.startswith("#")]
    assert lines[:16] == FRESH.splitlines()
    values = scraped(MlMetrics())
    assert all(key("grinder_ml_refusal_total", code=code) in values for code in RefusalCode)
    assert {labels["mode"] for labels in map(dict, (found for _, found in values)) if "le" in labels} == {
        "shadow",
        "active",
    }


def test_values_are_the_counters() -> None:
    """Each metric shows what was counted under its name."""
    metrics = MlMetrics()
    metrics.mode, metrics.active_on, metrics.canary_rolled_back = Mode.CANARY, True, True
    metrics.inferred(ACTIVE, 180)
    metrics.inferred(SHADOW, 180)
    metrics.failed(ACTIVE, 7)
    metrics.refused(MlBlockReason.BAD_ACK)
    metrics.refused(RefusalCode.DEADLINE)
    metrics.logged, metrics.log_lost = 3, 2
    values = scraped(metrics)
    assert {name: value for (name, labels), value in values.items() if not labels} == {
        "grinder_ml_active_on": 1,
        "grinder_ml_canary_rolled_back": 1,
        "grinder_ml_inference_total": 2,
        "grinder_ml_inference_errors_total": 1,
        "grinder_ml_drift_rows": 0,
        "grinder_ml_drift_hours": 0,
    }
    assert [values[key("grinder_ml_mode", mode=mode)] for mode in ("off", "shadow", "canary", "active")] == [0, 0, 1, 0]
    assert values[key("grinder_ml_block_total", reason="BAD_ACK")] == 1
    assert values[key("grinder_ml_refusal_total", code="DEADLINE")] == 1
    assert values[key("grinder_ml_prediction_log_total", result="written")] == 3
    assert values[key("grinder_ml_prediction_log_total", result="lost")] == 2


def test_the_histogram_counts_upwards_by_mode() -> None:
    """Buckets are cumulative, their ends are printed as alerts spell them, and the sum is in ms."""
    metrics = MlMetrics()
    for latency_us in (50, 51, 10_000, 500_001):
        metrics.inferred(ACTIVE, latency_us)
    values = scraped(metrics)
    counts = [values[key(f"{LATENCY}_bucket", mode="active", le=end)] for end in LADDER]
    assert counts == [1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 4]
    assert values[key(f"{LATENCY}_count", mode="active")] == 4
    assert values[key(f"{LATENCY}_sum", mode="active")] == pytest.approx(510.102)
    assert values[key(f"{LATENCY}_count", mode="shadow")] == 0


def test_drift_is_shown_once_it_is_known(watched: DriftWindow) -> None:
    """The index of each input, the largest of them, and how many are beyond which limit."""
    values = scraped(MlMetrics(), watched)
    shown = {name: value for (name, labels), value in values.items() if not labels}
    assert shown["grinder_ml_drift_rows"] == 100
    assert shown["grinder_ml_drift_hours"] == 2
    assert shown["grinder_ml_feature_psi_max"] == pytest.approx(0.38978, abs=1e-5)
    by_feature = {name: values[key("grinder_ml_feature_psi", feature=name)] for name in ("still", "nudged", "moved")}
    assert by_feature == pytest.approx({"still": 0, "nudged": 0.12039, "moved": 0.38978}, abs=1e-5)
    assert values[key("grinder_ml_features_drifted", state="warning")] == 1
    assert values[key("grinder_ml_features_drifted", state="critical")] == 1


def test_no_metric_has_a_symbol_and_none_a_time_of_creation(watched: DriftWindow) -> None:
    """The labels are known beforehand, so a feed that invents symbols cannot fill a time series database."""
    names = {label for _, labels in scraped(MlMetrics(), watched) for label, _ in labels}
    assert names == {"mode", "reason", "code", "result", "le", "feature", "state"}
    assert "_created" not in prometheus_text(MlMetrics(), watched)


def test_the_collector_joins_a_registry_that_is_there() -> None:
    """A process that serves metrics already registers it once, and each scrape reads the counters anew."""
    metrics, registry = MlMetrics(), CollectorRegistry()
    registry.register(MlCollector(metrics))
    assert registry.get_sample_value("grinder_ml_inference_total") == 0
    metrics.inferred(SHADOW, 1)
    assert registry.get_sample_value("grinder_ml_inference_total") == 1


def test_a_textfile_is_the_scrape(tmp_path: Path) -> None:
    """Nothing else is left in the folder, and a folder that is not there is one line."""
    write_textfile(tmp_path / "grinder_ml.prom", MlMetrics())
    assert list(tmp_path.iterdir()) == [tmp_path / "grinder_ml.prom"]
    assert (tmp_path / "grinder_ml.prom").read_text() == prometheus_text(MlMetrics())
    with pytest.raises(StorageFull, match="could not be written"):
        write_textfile(tmp_path / "none" / "grinder_ml.prom", MlMetrics())


def test_a_trading_process_does_not_load_the_client_library() -> None:
    """Whoever is not scraped does not pay for it."""
    code = "import sys, grinder_resources.inference; print('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
