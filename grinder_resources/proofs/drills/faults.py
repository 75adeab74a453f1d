"""The drills, one function a fault. Each takes a rig and returns what it saw; DRILLS is the list of all."""

import json
import math
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from grinder_resources.contracts.artifacts import MANIFEST_FILE, MODEL_FILE
from grinder_resources.contracts.signals import REGIMES
from grinder_resources.inference.canary import CanaryRule
from grinder_resources.inference.config import MlConfig
from grinder_resources.inference.deadline import DeadlineWorker
from grinder_resources.inference.decision import Decision
from grinder_resources.inference.door import open_model
from grinder_resources.inference.engine import SignalEngine, open_engine
from grinder_resources.inference.gates import KILL_SWITCH
from grinder_resources.inference.model import Runner
from grinder_resources.inference.snapshot import Row, Snapshot, Value
from grinder_resources.inference.sources import ModelSource
from grinder_resources.proofs.drills.rig import FAULTY, HEALTHY, Drill, DrillResult, Rig, require_healthy, tally

SLOW_S = 0.05
DEADLINE_MS = 10
OLD_DAYS = 7
GRACE_MS = 50
"""A hung model has to be given up within its deadline and this."""


def _fed(engine: SignalEngine, snapshots: Sequence[Snapshot]) -> list[Decision]:
    return [engine.decide(snapshot) for snapshot in snapshots]


def _opened(rig: Rig, config: MlConfig, name: str, expected: str) -> DrillResult:
    """Open an engine on what was broken before, and feed it."""
    with open_engine(config, {}) as engine:
        return tally(name, _fed(engine, rig.snapshots(FAULTY)), expected)


def _with(rig: Rig, name: str, change: Mapping[str, Value], expected: str, *, drop: str = "") -> DrillResult:
    """Feed an engine healthy snapshots, then ones that it must not score."""
    with open_engine(rig.config(), {}) as engine:
        require_healthy(engine, rig.snapshots(HEALTHY))
        faulty = rig.snapshots(FAULTY, change)
        kept = [
            replace(one, features={feature: value for feature, value in one.features.items() if feature != drop})
            for one in faulty
        ]
        return tally(name, _fed(engine, kept), expected)


def corrupt_model(rig: Rig) -> DrillResult:
    """Flip one bit of model.onnx."""
    folder = rig.copy()
    model = folder / MODEL_FILE
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    return _opened(rig, rig.config(folder), "corrupt_model", "MODEL_NOT_LOADED")


def wrong_hash(rig: Rig) -> DrillResult:
    """Let the manifest name another sha256 for the model."""
    folder = rig.copy()
    manifest = folder / MANIFEST_FILE
    document: Any = json.loads(manifest.read_bytes())
    document["files"][MODEL_FILE]["sha256"] = "0" * 64
    document["model_hash"] = "0" * 16
    manifest.write_text(json.dumps(document))
    return _opened(rig, rig.config(folder), "wrong_hash", "MODEL_NOT_LOADED")


def nan_features(rig: Rig) -> DrillResult:
    """Make a feature NaN."""
    return _with(rig, "nan_features", {rig.inputs[0]: math.nan}, "NOT_FINITE")


def missing_feature(rig: Rig) -> DrillResult:
    """Leave a feature out."""
    return _with(rig, "missing_feature", {}, "MISSING_FEATURE", drop=rig.inputs[0])


class _Slow:
    """A runner that takes its time once it is told to."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.pause_s = 0.0

    def run(self, row: Row) -> Any:
        time.sleep(self.pause_s)
        return self._runner.run(row)

    def close(self) -> None:
        self._runner.close()


def slow_inference(rig: Rig) -> DrillResult:
    """Take 50 ms for an answer that may take 10."""
    model = open_model(rig.model)
    slow = _Slow(model.runner)
    config = rig.config(max_inference_latency_ms=DEADLINE_MS)
    with SignalEngine(config, ModelSource(replace(model, runner=slow)), {}) as engine:
        _fed(engine, rig.snapshots(HEALTHY))  # not required to be in time: a busy machine may be late by itself
        slow.pause_s = SLOW_S
        return tally("slow_inference", _fed(engine, rig.snapshots(FAULTY)), "DEADLINE")


def stale_model(rig: Rig) -> DrillResult:
    """Let the model grow a day older than it may."""
    with open_engine(rig.config(max_model_age_days=OLD_DAYS), {}) as engine:
        require_healthy(engine, rig.snapshots(HEALTHY, days=OLD_DAYS))
        return tally("stale_model", _fed(engine, rig.snapshots(FAULTY, days=OLD_DAYS + 1)), "STALE_MODEL")


def hung_model(rig: Rig) -> DrillResult:
    """Stop the model's process for ever in the middle of its work."""
    config = rig.config(isolate_model=True)
    with open_engine(config, {}) as engine:
        require_healthy(engine, rig.snapshots(HEALTHY))
        assert isinstance(engine.source, ModelSource)
        assert isinstance(engine.source.model.runner, DeadlineWorker)
        os.kill(engine.source.model.runner.pid, signal.SIGSTOP)
        begun = time.perf_counter()
        decisions = _fed(engine, rig.snapshots(1))
        elapsed_ms = 1_000 * (time.perf_counter() - begun)
        result = tally("hung_model", decisions, "DEADLINE")
        return replace(result, safe=result.safe and elapsed_ms <= config.max_inference_latency_ms + GRACE_MS)


def registry_torn(rig: Rig) -> DrillResult:
    """Cut the registry off in the middle of a write."""
    registry = rig.work / "models.json"
    whole = json.dumps({"schema_version": "v1", "models": {"regime": {"active": {"artifact_dir": "models/x"}}}})
    registry.write_text(whole[: len(whole) // 2])
    config = rig.config(ml_registry_path=str(registry), ml_model_name="regime", ml_stage="active")
    return _opened(rig, config, "registry_torn", "MANIFEST_INVALID")


def kill_switch(rig: Rig) -> DrillResult:
    """Pull the switch between two snapshots."""
    environment: dict[str, str] = {}
    with open_engine(rig.config(), environment) as engine:
        require_healthy(engine, rig.snapshots(HEALTHY))
        environment[KILL_SWITCH] = "1"
        return tally("kill_switch", _fed(engine, rig.snapshots(FAULTY)), "KILL_SWITCH_ENV")


def canary_degradation(rig: Rig) -> DrillResult:
    """Let what the canary finds least likely come true every time."""
    rule = CanaryRule(window=20, min_rows=10, max_calibration_gap_bps=2_000)
    probs = rig.serving.golden.outputs[rig.head]
    worst = min(range(len(REGIMES)), key=lambda regime: sum(row[regime] for row in probs))
    with open_engine(rig.config(canary_pct=99, canary=rule), {}) as engine:
        require_healthy(engine, rig.snapshots(HEALTHY))
        decisions = []
        for snapshot in rig.snapshots(FAULTY):
            decisions.append(engine.decide(snapshot))
            if decisions[-1].signal:
                engine.observe(decisions[-1].signal, REGIMES[worst])
        return tally("canary_degradation", decisions, "CANARY_ROLLED_BACK", allowed=rule.min_rows)


_ALL: tuple[Callable[[Rig], DrillResult], ...] = (
    corrupt_model,
    wrong_hash,
    nan_features,
    missing_feature,
    slow_inference,
    stale_model,
    hung_model,
    registry_torn,
    kill_switch,
    canary_degradation,
)

DRILLS: Mapping[str, Drill] = MappingProxyType({drill.__name__: drill for drill in _ALL})
"""Every drill by name."""
