"""Registries over small artifacts: versions of a model `plain`, and evidence that carries them or does not."""

from dataclasses import replace
from pathlib import Path

from grinder_resources.learning.ledger import LEDGER_FILE, Ledger, Trial
from grinder_resources.registry import changes
from grinder_resources.registry.events import AnswerEvidence, Artifact, Event, Evidence
from grinder_resources.registry.evidence import artifact_of
from grinder_resources.registry.log import Registry
from tests.export.plain_artifacts import put

MODEL = "plain"
AT = "2025-01-06T12:00:00Z"
GOOD = AnswerEvidence("h", "h", (20_000, None, 30_000), 12_000, ())
BAD = AnswerEvidence("h", "h", (-5_000,), 90_000, ("NO_EDGE", "CALIBRATION_ABOVE_GATE"))


def started(models: Path) -> Registry:
    """Return an empty registry beside a trial ledger of one record."""
    registry = Registry(models)
    registry.create()
    Ledger(models / LEDGER_FILE).append([Trial("fit", MODEL, "h")])
    return registry


def published(models: Path, content: bytes) -> tuple[str, Artifact]:
    """Return version and facts of a new artifact, of whose data nothing is known."""
    version, _ = put(models, content)
    return version, artifact_of(models / f"{MODEL}_{version}")


def evidence(models: Path, artifact: Artifact, answer: AnswerEvidence = GOOD) -> Evidence:
    """Return evidence that carries an artifact, or, with codes in the answer, does not."""
    newest = Ledger(models / LEDGER_FILE).read()[-1]
    return Evidence(
        promote=not answer.codes,
        sentence=f"{'No promotion' if answer.codes else 'Promote'} of plain.",
        codes=answer.codes,
        answers=(answer,),
        spec=artifact.spec,
        dataset=artifact.dataset,
        ledger_count=newest.seq,
        ledger_newest=newest.sha256,
    )


def stage(
    registry: Registry, content: bytes, answer: AnswerEvidence | None = GOOD, *, until: str = "", keep: int = 10
) -> tuple[Event, ...]:
    """Publish an artifact whose data ends on a day, and stage it with evidence, None for without."""
    models = registry.folder.parent
    version, artifact = published(models, content)
    artifact = replace(artifact, data_until=until)
    known = None if answer is None else evidence(models, artifact, answer)
    return registry.change(changes.staging(MODEL, version, artifact, known, keep=keep), actor="test", at=AT)


def promote(registry: Registry, version: str = "", *, despite: str = "", keep: int = 10) -> tuple[Event, ...]:
    """Promote a version, the staged one by default."""
    change = changes.promotion(MODEL, version, registry.folder.parent, reason="it carries", despite=despite, keep=keep)
    return registry.change(change, actor="test", at=AT)


def roll_back(registry: Registry, *, to: str = "") -> tuple[Event, ...]:
    """Roll the model back."""
    change = changes.rollback(MODEL, registry.folder.parent, to=to, reason="it drifts")
    return registry.change(change, actor="test", at=AT)


def states(registry: Registry) -> dict[str, str]:
    """Return the state of every version."""
    return {name: version.state for name, version in registry.standings()[MODEL].versions.items()}


def said(events: tuple[Event, ...]) -> list[str]:
    """Return what happened, in short."""
    return [f"{event.action} {event.version}" for event in events]
