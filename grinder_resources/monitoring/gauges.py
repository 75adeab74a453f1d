"""What Prometheus sees of a drift report: a text file for node-exporter's collector, written beside the page.

    grinder_ml_drift_score{model, kind, name}   the effect of every finding that is known
    grinder_ml_drift_state{model, state}        findings in each state
    grinder_ml_has_drift{model}                 1 if a newer model is asked for

A finding has no `symbol` label: names are those of the model's inputs and answers, which nobody outside can invent.
"""

from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from grinder_resources.export.durable import replace_file, written
from grinder_resources.monitoring.drift import DriftReport
from grinder_resources.monitoring.states import WORST_FIRST


def drift_gauges(report: DriftReport) -> str:
    """Return the gauges of a report in Prometheus' text format."""
    registry = CollectorRegistry()
    scores = Gauge(
        "grinder_ml_drift_score",
        "Stability index, or by how much calibration, losses or skew are worse",
        ["model", "kind", "name"],
        registry=registry,
    )
    states = Gauge("grinder_ml_drift_state", "Findings by state", ["model", "state"], registry=registry)
    drifts = Gauge(
        "grinder_ml_has_drift", "1 if something drifts that a newer model would mend", ["model"], registry=registry
    )
    for finding in report.findings:
        if finding.state != "unknown":
            scores.labels(report.model, finding.measured.kind, finding.measured.name).set(finding.effect)
    for state in WORST_FIRST:
        states.labels(report.model, state).set(len(report.of_state(state)))
    drifts.labels(report.model).set(report.has_drift)
    return generate_latest(registry).decode()


def write_gauges(path: Path, report: DriftReport) -> None:
    """Write the gauges of a report to a file in one rename. Raises StorageFull where it cannot be written."""
    with written(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, drift_gauges(report).encode())
