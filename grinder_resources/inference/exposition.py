"""What a scrape sees: the counters of `metrics` and the drift gauges in Prometheus' text format.

The names are the bot's own (its M8-02c-3) and ours beside them; no metric has a `symbol` label, for a feed can invent
symbols. The trading path does not import this module, nor the client library behind it.

    REGISTRY.register(MlCollector(engine.metrics, engine.drift))      # a process that serves /metrics anyway
    write_textfile(Path("grinder_ml.prom"), engine.metrics)           # or node-exporter's textfile collector
"""

from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest, write_to_textfile
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from grinder_resources.export.durable import written
from grinder_resources.inference.decision import Mode
from grinder_resources.inference.drift import CRITICAL, WARNING, DriftWindow
from grinder_resources.inference.metrics import BUCKETS_MS, PATHS, MlMetrics

_ENDS = (*(str(float(end)) for end in BUCKETS_MS), "+Inf")


class MlCollector(Collector):
    """Reads an engine's counters, and how its inputs drift, anew at every scrape."""

    def __init__(self, metrics: MlMetrics, drift: DriftWindow | None = None) -> None:
        self._metrics = metrics
        self._drift = drift

    def collect(self) -> Iterator[Metric]:
        """Yield every metric; only what is not known yet, the PSI of a few rows, is left out."""
        yield from _states(self._metrics)
        yield from _counts(self._metrics)
        yield _latencies(self._metrics)
        yield from _drift(self._drift)


def prometheus_text(metrics: MlMetrics, drift: DriftWindow | None = None) -> str:
    """Return the text of one scrape."""
    return generate_latest(_registry(metrics, drift)).decode()


def write_textfile(path: Path, metrics: MlMetrics, drift: DriftWindow | None = None) -> None:
    """Write one scrape to a file in one rename. Raises StorageFull where it cannot be written."""
    with written(path):
        write_to_textfile(str(path), _registry(metrics, drift))


def _registry(metrics: MlMetrics, drift: DriftWindow | None) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(MlCollector(metrics, drift))
    return registry


def _states(metrics: MlMetrics) -> Iterator[Metric]:
    yield _gauge("grinder_ml_active_on", "1 if the last snapshot's own signal was used", metrics.active_on)
    modes = GaugeMetricFamily("grinder_ml_mode", "1 for the mode that the settings ask for", labels=["mode"])
    yield _filled(modes, ((mode, mode == metrics.mode) for mode in Mode))
    yield _gauge("grinder_ml_canary_rolled_back", "1 once the canary took itself back", metrics.canary_rolled_back)


def _counts(metrics: MlMetrics) -> Iterator[Metric]:
    counter = CounterMetricFamily
    blocks = counter("grinder_ml_block", "Snapshots that a block kept from being scored", labels=["reason"])
    yield _filled(blocks, metrics.blocks.items())
    refusals = counter("grinder_ml_refusal", "Snapshots whose signal was refused or withheld", labels=["code"])
    yield _filled(refusals, metrics.refusals.items())
    yield counter("grinder_ml_inference", "Snapshots that got a signal, in shadow too", value=metrics.inferences)
    missed = "Snapshots that should have got a signal and did not"
    yield counter("grinder_ml_inference_errors", missed, value=metrics.errors)
    lines = counter("grinder_ml_prediction_log", "Decisions by what became of their line in the log", labels=["result"])
    yield _filled(lines, (("written", metrics.logged), ("lost", metrics.log_lost)))


def _latencies(metrics: MlMetrics) -> Metric:
    family = HistogramMetricFamily(
        "grinder_ml_inference_latency_ms", "Time from a snapshot to its signal or refusal, ms", labels=["mode"]
    )
    for path in PATHS:
        found = metrics.latencies[path]
        buckets = zip(_ENDS, accumulate(found.counts), strict=True)
        family.add_metric([path], list(buckets), found.sum_us / 1_000)
    return family


def _drift(drift: DriftWindow | None) -> Iterator[Metric]:
    yield _gauge("grinder_ml_drift_rows", "Rows that drift is judged by", drift.rows if drift else 0)
    yield _gauge("grinder_ml_drift_hours", "Hours of the day that hold such rows", drift.hours if drift else 0)
    psi = drift.psi() if drift else {}
    if not psi:
        return
    yield _gauge("grinder_ml_feature_psi_max", "Largest population stability index of an input", max(psi.values()))
    by_feature = GaugeMetricFamily("grinder_ml_feature_psi", "The index of each input", labels=["feature"])
    yield _filled(by_feature, psi.items())
    critical = sum(value >= CRITICAL for value in psi.values())
    warning = sum(value >= WARNING for value in psi.values()) - critical
    drifted = GaugeMetricFamily("grinder_ml_features_drifted", "Inputs by how far they drifted", labels=["state"])
    yield _filled(drifted, (("warning", warning), ("critical", critical)))


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, values: Iterable[tuple[str, float]]) -> Metric:
    """Return a metric with one label, by which its values go."""
    for one, value in values:
        family.add_metric([one], value)
    return family
