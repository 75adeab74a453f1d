"""What drills have in common: a copy of the model to break, snapshots it can read, an ACTIVE engine, and a tally.

A drill feeds healthy snapshots first and sees that they change policy: a runtime that never does anything would be safe
in every drill. Then comes the fault, and what is counted from there on are snapshots until rules alone decide, and
those whose policy still changed.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from grinder_resources.contracts.serving import Serving
from grinder_resources.errors import ArtifactRejected, DrillFailed
from grinder_resources.export.verify import read_artifact
from grinder_resources.inference.config import MlConfig
from grinder_resources.inference.decision import Decision
from grinder_resources.inference.engine import SignalEngine
from grinder_resources.inference.gates import ACK
from grinder_resources.inference.snapshot import Snapshot, Value

NO_CHANGE: Mapping[str, Value] = MappingProxyType({})
SYMBOL = "DRILLUSDT"
STEP_MS = 1_000
DAY_MS = 86_400_000
HEALTHY = 5
FAULTY = 20


@dataclass(frozen=True)
class DrillResult:
    """What a drill saw.

    reason
        Why the last snapshot's signal was not used.
    snapshots_to_safe
        Snapshots after the fault until rules alone decided; 0 = at once.
    policy_changed
        Snapshots after the fault whose policy a signal still changed.
    safe
        Whether that is what the drill demands.
    """

    drill: str
    reason: str
    snapshots_to_safe: int
    policy_changed: int
    safe: bool


@dataclass(frozen=True)
class Rig:
    """A model to break, and a folder to break it in.

    model
        Folder of the artifact as it was given; never written to.
    work
        Empty folder of the drill's own.
    head
        The head that answers with regimes.
    """

    model: Path
    work: Path
    serving: Serving
    inputs: tuple[str, ...]
    head: str

    def copy(self) -> Path:
        """Return a copy of the artifact that a drill may break."""
        return Path(shutil.copytree(self.model, self.work / "models" / self.model.name))

    def config(self, folder: Path | None = None, **settings: Any) -> MlConfig:
        """Return settings that let signals in, with `settings` changed."""
        active = MlConfig(
            enabled=True,
            model_dir=str(folder or self.model),
            max_inference_latency_ms=1_000,
            ml_infer_enabled=True,
            ml_active_enabled=True,
            ml_active_ack=ACK,
        )
        return replace(active, **settings)

    def snapshots(self, count: int, change: Mapping[str, Value] = NO_CHANGE, *, days: int = 1) -> list[Snapshot]:
        """Return snapshots made of the model's golden rows, a second apart, with some features changed.

        days
            Between the end of the training data and the first snapshot.
        """
        midnight = datetime.fromisoformat(self.serving.trained_until).replace(tzinfo=UTC)
        start_ms = int(midnight.timestamp()) * 1_000 + days * DAY_MS
        rows = islice(cycle(self.serving.golden.inputs), count)
        return [
            Snapshot(start_ms + number * STEP_MS, SYMBOL, {**dict(zip(self.inputs, row, strict=True)), **change})
            for number, row in enumerate(rows)
        ]


def rig_of(model: Path, work: Path) -> Rig:
    """Return the rig of an artifact of ours. Raises ManifestRejected or ArtifactRejected if it cannot serve."""
    artifact = read_artifact(model)
    serving, spacing = artifact.serving, artifact.manifest.spacing
    if serving is None or spacing is None:
        raise ArtifactRejected("drills need a regime model with serving.json", where=str(model), hint="Train it again")
    return Rig(model, work, serving, artifact.manifest.input_features, spacing.head)


def require_healthy(engine: SignalEngine, snapshots: Sequence[Snapshot]) -> None:
    """Raise DrillFailed unless every snapshot's signal is used: a drill on a broken engine shows nothing."""
    for snapshot in snapshots:
        decision = engine.decide(snapshot)
        if not decision.applied:
            raise DrillFailed(
                "a healthy engine uses its signals", where=engine.config.model_dir, got=str(decision.refusal)
            )


def tally(drill: str, decisions: Sequence[Decision], expected: str, *, allowed: int = 0) -> DrillResult:
    """Return what decisions after a fault say.

    expected
        The reason that has to be told.
    allowed
        Snapshots whose policy may still change: those it takes to see that a canary degrades.
    """
    used = [number for number, decision in enumerate(decisions, start=1) if decision.applied]
    to_safe = used[-1] if used else 0
    refusal = decisions[-1].refusal
    reason = str(refusal.code) if refusal else "none"
    neutral = all(decision.spacing_multiplier_x1000 == 1_000 for decision in decisions[to_safe:])
    safe = reason == expected and neutral and to_safe < len(decisions) and to_safe <= allowed
    return DrillResult(drill, reason, to_safe, len(used), safe)


Drill = Callable[[Rig], DrillResult]
