"""Alert rules and the dashboard: they ask for what is exported, fire when they should, and can be read."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from grinder_resources.cli import main
from grinder_resources.contracts.operations import MonitoringSettings
from grinder_resources.contracts.serving import Reference
from grinder_resources.inference.drift import DriftWindow
from grinder_resources.inference.exposition import prometheus_text
from grinder_resources.inference.metrics import MlMetrics
from grinder_resources.monitoring.drift import DriftReport
from grinder_resources.monitoring.gauges import drift_gauges
from grinder_resources.monitoring.states import Finding, Measured

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "grinder_resources" / "inference" / "monitoring"
RULES = MONITORING / "alerts.yml"
ALERTS: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
CHARTS = [panel for panel in PANELS if panel["type"] != "row"]
QUERIES = {f"{panel['title']} {one['refId']}": one["expr"] for panel in CHARTS for one in panel["targets"]}
EXPRESSIONS = [*QUERIES.values(), *(alert["expr"] for alert in ALERTS)]

MOVED = Finding(Measured("feature", "spread_bps", 100, 0.3, 0.4, 0.001, "spread_bps"), 0.001, "critical")

promtool = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(promtool is None, reason="promtool is not installed (Debian: prometheus)")


def run_promtool(*arguments: object) -> tuple[int, str]:
    """Return the exit code of promtool and everything it said."""
    ran = subprocess.run([promtool, *map(str, arguments)], capture_output=True, text=True, check=False)  # type: ignore[list-item]
    return ran.returncode, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def exported() -> dict[str, set[tuple[str, str]]]:
    """Return the labels of every series that is exported, by name."""
    drift = DriftWindow({"natr_bps": Reference((1.0,), (50, 50), 0)})
    for _ in range(100):
        drift.observe(np.array([1], dtype=np.float32), 0)
    series: dict[str, set[tuple[str, str]]] = {}
    report = DriftReport("regime", "", "regime_v1.0.0", "0123456789abcdef", MonitoringSettings(), findings=(MOVED,))
    text = prometheus_text(MlMetrics(), drift) + drift_gauges(report)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            series.setdefault(sample.name, set()).update(sample.labels.items())
    return series


def selectors() -> Iterator[tuple[str, str]]:
    """Yield every metric that is asked for, with the text of its label matchers."""
    for expression in EXPRESSIONS:
        yield from re.findall(r"(grinder_\w+)(?:\{([^}]*)\})?", expression)


def test_only_what_is_exported_is_asked_for(exported: dict[str, set[tuple[str, str]]]) -> None:
    """By alerts and dashboard alike, and nothing that is exported goes unseen but a count and a sum."""
    asked = {name for name, _ in selectors()}
    assert asked - set(exported) == set()
    assert set(exported) - asked == {"grinder_ml_drift_rows", "grinder_ml_inference_latency_ms_sum"}


def test_labels_are_spelled_as_they_are_exported(exported: dict[str, set[tuple[str, str]]]) -> None:
    """`le="100"` matches nothing where "100.0" is written; job and instance are Prometheus' own."""
    matchers = [(name, *one) for name, text in selectors() for one in re.findall(r'(\w+)(=~?|!=)"([^"]*)"', text)]
    ours = [(name, label, value) for name, label, _, value in matchers if label not in ("job", "instance")]
    assert ours
    assert [one for one in ours if one[1:] not in exported[one[0]]] == []
    assert {(label, value) for _, label, _, value in matchers if label in ("job", "instance")} == {
        ("job", "$job"),
        ("instance", "$instance"),
    }


@needs_promtool
def test_the_rules_are_valid() -> None:
    """As Prometheus itself reads them."""
    code, said = run_promtool("check", "rules", RULES)
    assert (code, "10 rules found" in said) == (0, True), said


@needs_promtool
def test_each_alert_fires_when_it_should_and_only_then() -> None:
    """Over series that are written down: one in which it fires and one in which it almost does."""
    code, said = run_promtool("test", "rules", ROOT / "tests" / "inference" / "alerts_test.yml")
    assert code == 0, said


def test_each_alert_is_tried_both_ways() -> None:
    """No alert, at no severity, is without a case that expects it and one that does not."""
    cases = yaml.safe_load((ROOT / "tests" / "inference" / "alerts_test.yml").read_text())["tests"]
    tried = [one for case in cases for one in case["alert_rule_test"]]
    fires = {
        (one["alertname"], fired["exp_labels"]["severity"]) for one in tried for fired in one.get("exp_alerts", [])
    }
    silent = {one["alertname"] for one in tried if "exp_alerts" not in one}
    silent |= {"MlInferenceErrorRateHigh"}  # its one case has processes that are silent beside the one that is not
    assert fires == {(alert["alert"], alert["labels"]["severity"]) for alert in ALERTS}
    assert silent == {alert["alert"] for alert in ALERTS}


@needs_promtool
def test_every_query_can_be_parsed(tmp_path: Path) -> None:
    """Each as a recording rule, Grafana's variables filled in."""
    rules = [
        {"record": f"q{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(QUERIES.values())
    ]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    code, said = run_promtool("check", "rules", tmp_path / "rules.yml")
    assert (code, f"{len(QUERIES)} rules found" in said) == (0, True), said


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert['alert']}-{alert['labels']['severity']}")
def test_an_alert_says_what_it_is_about(alert: dict[str, Any]) -> None:
    """How bad, of which kind, on which process, and where to read on."""
    labels, annotations = alert["labels"], alert["annotations"]
    assert set(labels) == {"severity", "component", "category"}
    assert labels["severity"] in ("info", "warning", "critical")
    assert labels["category"] in ("latency", "correctness", "availability")
    assert labels["component"] == "ml"
    assert set(annotations) == {"summary", "description", "runbook_url"}
    assert "{{ $labels.instance }}" in annotations["summary"]
    assert annotations["runbook_url"] == f"docs/runtime.md#{alert['alert'].lower()}"


def test_the_dashboard_is_known_by_its_name() -> None:
    """Uid, refresh and the last schema that Grafana gives such files; its data source is chosen, not built in."""
    facts = {name: DASHBOARD[name] for name in ("uid", "refresh", "schemaVersion")}
    assert facts == {"uid": "grinder-ml", "refresh": "10s", "schemaVersion": 42}
    assert [one["name"] for one in DASHBOARD["templating"]["list"]] == ["datasource", "job", "instance"]
    sources = {json.dumps(one["datasource"]) for panel in CHARTS for one in (panel, *panel["targets"])}
    assert sources == {'{"type": "prometheus", "uid": "${datasource}"}'}


def test_panels_lie_side_by_side() -> None:
    """On a grid of 24 columns, without overlap, and without a hole between one row of the dashboard and the next."""
    cells = [
        {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        for at in (panel["gridPos"] for panel in PANELS)
    ]
    assert [(a, b) for (a, one), (b, other) in combinations(enumerate(cells), 2) if one & other] == []
    every = set().union(*cells)
    assert every == {(x, y) for x in range(24) for y in range(max(y for _, y in every) + 1)}
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_panels_stand_under_four_headings() -> None:
    """In the order in which one asks: may signals be used, how fast, how often not, how far from training."""
    rows = [panel for panel in PANELS if panel["type"] == "row"]
    assert [row["title"] for row in rows] == [
        "Mode and blocks",
        "Inference latency",
        "Errors and refusals",
        "Drift",
    ]
    assert all(above["gridPos"]["y"] < below["gridPos"]["y"] for above, below in pairwise(rows))


def test_every_panel_explains_itself() -> None:
    """A title, a sentence, a unit, and a name for every line."""
    for panel in CHARTS:
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert all(one["legendFormat"] for one in panel["targets"])
    assert len({panel["title"] for panel in CHARTS}) == len(CHARTS)


def test_the_command_writes_both_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Into a folder that it makes; twice is once, and what it cannot write is one line."""
    out = tmp_path / "prometheus"
    assert [main(["monitoring", "--out", str(out)]) for _ in range(2)] == [0, 0]
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        name: (MONITORING / name).read_bytes() for name in ("alerts.yml", "dashboard.json")
    }
    assert capsys.readouterr().out.splitlines()[:2] == [f"{out}/alerts.yml", f"{out}/dashboard.json"]
    assert main(["monitoring", "--out", str(out / "alerts.yml")]) == 1
    assert capsys.readouterr().err.startswith("STORAGE_FULL")
