"""Snapshot in, signal out, against a bare `session.run` of the same graph: `python -m benchmarks.bench_signal`.

In one process and in the same minute, alternating call by call: the bare session; the engine's whole decision (gates,
features hash, inference, explanation, validation, metrics); the same with the model in a process of its own. Then the
import of the package, and the memory of a process that makes many signals.
"""

import argparse
import gc
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.table import print_table
from grinder_resources.contracts.artifacts import INPUT, MODEL_FILE
from grinder_resources.export.artifact import latest_version
from grinder_resources.export.verify import read_artifact, start_session
from grinder_resources.inference import MlConfig, SignalEngine, Snapshot, open_engine
from grinder_resources.inference.gates import ACK
from grinder_resources.inference.snapshot import Reading, encode

WARM_UP = 300


def main() -> int:
    """Print latencies, import time and memory; return 1 if the answers of the ways differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=newest(), help="default: the newest in models/, else a small one")
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--signals", type=int, default=100_000, help="signals made while memory is watched")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    print(f"model {arguments.model}")
    calls, signals = (1_000, 5_000) if arguments.quick else (arguments.calls, arguments.signals)
    latencies(arguments.model, calls)
    imports()
    memory(arguments.model, signals)
    return 0


def newest() -> Path:
    """Return the newest regime model of `models/`; where nothing was trained yet, the golden model of the tests."""
    version = latest_version(Path("models"), "regime")
    return Path(f"models/regime_{version}") if version else Path("tests/inference/golden/regime_v1.0.0")


def engine_of(model: Path, *, isolate: bool = False) -> SignalEngine:
    """Return an engine in ACTIVE."""
    config = MlConfig(
        enabled=True,
        model_dir=str(model),
        max_inference_latency_ms=1_000,
        ml_infer_enabled=True,
        ml_active_enabled=True,
        ml_active_ack=ACK,
        isolate_model=isolate,
    )
    return open_engine(config, {})


def snapshots_of(model: Path) -> list[Snapshot]:
    """Return the artifact's golden rows as snapshots; in integers, as the lake and the bot have them."""
    artifact = read_artifact(model)
    assert artifact.serving is not None
    names = artifact.manifest.input_features
    rows = [[value if value is None else int(value) for value in row] for row in artifact.serving.golden.inputs]
    return [Snapshot(1, "X", dict(zip(names, row, strict=True))) for row in rows]


def latencies(model: Path, calls: int) -> None:
    """Print p50 and p99 of one call of each way, in us, and their ratio to the bare session's."""
    artifact = read_artifact(model)
    assert artifact.serving is not None
    spacing = artifact.manifest.spacing
    assert spacing is not None
    session, names = start_session(artifact.files[MODEL_FILE]), [spacing.head, "spacing_multiplier_x1000"]
    snapshots = snapshots_of(model)
    reading = Reading(artifact.manifest.input_features, frozenset(artifact.serving.nullable))
    encoded = [encode(snapshot, reading) for snapshot in snapshots]
    with engine_of(model) as engine, engine_of(model, isolate=True) as apart:
        ways: dict[str, Callable[[int], object]] = {
            "bare session.run": lambda k: session.run(names, {INPUT: encoded[k].row}),
            "engine.decide": lambda k: engine.decide(snapshots[k]),
            "the same, model in its own process": lambda k: apart.decide(snapshots[k]),
        }
        for k in range(len(snapshots)):
            probs = session.run(names, {INPUT: encoded[k].row})[0][0].tolist()
            assert all(list(one.decide(snapshots[k]).signal.regime_probs_bps) == probs for one in (engine, apart))
        taken = measure(ways, calls, len(snapshots))
    bare = np.percentile(taken["bare session.run"], [50, 99])
    rows = []
    for way, times in taken.items():
        found = np.percentile(times, [50, 99])
        rows.append([way, *(f"{value:.0f}" for value in found), *(f"{value:.2f}" for value in found / bare)])
    print_table(["one row", "p50 us", "p99 us", "p50 ratio", "p99 ratio"], rows)


def measure(ways: dict[str, Callable[[int], object]], calls: int, rows: int) -> dict[str, list[float]]:
    """Return microseconds of every call, the ways taking turns."""
    taken: dict[str, list[float]] = {way: [] for way in ways}
    gc.collect()
    for number in range(calls + WARM_UP):
        for way, call in ways.items():
            begun = time.perf_counter_ns()
            call(number % rows)
            if number >= WARM_UP:
                taken[way].append((time.perf_counter_ns() - begun) / 1_000)
    return taken


def imports() -> None:
    """Print how long a fresh process takes to import the package: best and worst of five."""
    code = "import time; a = time.perf_counter(); import grinder_resources.inference; print(time.perf_counter() - a)"
    took = sorted(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)  # noqa: S603
        for _ in range(5)
    )
    print(f"import grinder_resources.inference: {took[0]:.3f} s to {took[-1]:.3f} s")


def memory(model: Path, signals: int) -> None:
    """Print the largest resident memory before and after many signals of many symbols."""
    snapshots = snapshots_of(model)
    with engine_of(model) as engine:
        for number in range(signals // 10):
            engine.decide(snapshots[number % len(snapshots)])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(signals):
            engine.decide(Snapshot(number, f"S{number % 500}", snapshots[number % len(snapshots)].features))
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"memory: {before / 1024:.1f} MiB before, {after / 1024:.1f} MiB after {signals:,} signals")


if __name__ == "__main__":
    sys.exit(main())
