"""docs/runtime.md under test: every event, metric and alert stands there, and nothing else does."""

import inspect
import re
from pathlib import Path

import numpy as np
import prometheus_client
import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from grinder_resources.contracts.serving import Reference
from grinder_resources.inference import events
from grinder_resources.inference.drift import DriftWindow
from grinder_resources.inference.exposition import prometheus_text
from grinder_resources.inference.metrics import MlMetrics
from tests.inference.test_engine import engine_of
from tests.inference.toy_model import Script, at

ROOT = Path(__file__).resolve().parents[2]
ALERTS = ROOT / "grinder_resources" / "inference" / "monitoring" / "alerts.yml"
PAGE = (ROOT / "docs" / "runtime.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """Return what stands under a heading of the page."""
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> dict[str, str]:
    """Return the second column of a section's table by the names in the first."""
    lines = re.findall(r"^\| (`.*?) \| (.*?) ?\|", section(title), re.MULTILINE)
    return {name: second.strip() for names, second in lines for name in re.findall(r"`(\w+)`", names)}


def test_every_event_is_in_the_table() -> None:
    """The names that the source holds are the names that the page explains."""
    assert set(rows("Logs")) == set(re.findall(r'"(ML_\w+)"', inspect.getsource(events)))


def test_every_metric_is_in_the_table_with_its_labels() -> None:
    """What a scrape of an engine with drift shows is what the page explains."""
    drift = DriftWindow({"spread_bps": Reference(cuts=(), counts=(1,), missing=0)})
    for _ in range(100):
        drift.observe(np.zeros((1, 1), dtype=np.float32), 0)
    shown = {}
    for family in text_string_to_metric_families(prometheus_text(MlMetrics(), drift)):
        labels = {label for sample in family.samples for label in sample.labels}
        shown[family.name + ("_total" if family.type == "counter" else "")] = labels
    assert {name: set(re.findall(r"\w+", labels)) for name, labels in rows("Metrics").items()} == shown


def test_every_alert_has_a_runbook() -> None:
    """Each runbook_url leads to a heading of the page, under which something stands; no heading is left over."""
    (group,) = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    bodies = re.findall(r"^### (\w+)\n\n(.+?)$", section("Alerts"), re.MULTILINE)
    anchors = [f"docs/runtime.md#{name.lower()}" for name, _ in bodies]
    assert anchors == list(dict.fromkeys(rule["annotations"]["runbook_url"] for rule in group["rules"]))
    assert {rule["alert"] for rule in group["rules"]} == {name for name, _ in bodies}


def test_the_code_under_metrics_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands there, both ways of being scraped show the same signal."""
    monkeypatch.chdir(tmp_path)
    registry = CollectorRegistry()
    monkeypatch.setattr(prometheus_client, "REGISTRY", registry)
    (code,) = re.findall(r"```python\n(.*?)```", section("Metrics"), re.DOTALL)
    with engine_of(Script()) as engine:
        engine.decide(at(1))
        exec(code, {"engine": engine})
        assert registry.get_sample_value("grinder_ml_inference_total") == 1
    assert "\ngrinder_ml_inference_total 1.0\n" in Path("grinder_ml.prom").read_text(encoding="utf-8")
