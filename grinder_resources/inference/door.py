"""The model door: the one way from a folder to a model that may answer.

Bytes are read once, bounded, without links, and hashed against the manifest; the graph is parsed and audited; the
session is made of those very bytes, and has to answer the artifact's golden rows before anything else. What is refused
is refused in one line, before ONNX Runtime has seen a byte of it, unless it is its answers that are wrong.

Three kinds of manifest are read: ours (schema 1), and the bot's "v1" and "v1.1", which have no golden rows.
"""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from grinder_resources.contracts.artifacts import INPUT, MANIFEST_FILE, MODEL_FILE, SPACING_OUTPUT
from grinder_resources.contracts.bot import FEATURE_ORDER, PROBS_OUTPUT, SPACING_MULTIPLIER_OUTPUT
from grinder_resources.contracts.signals import NO_VERSION, REGIMES
from grinder_resources.errors import ArtifactRejected
from grinder_resources.export.audit import AuditedModel, Output
from grinder_resources.export.bot_graph import audited_bot_graph
from grinder_resources.export.bot_manifest import VerifiedBotArtifact, read_bot_artifact, schema_of
from grinder_resources.export.folder import opened_folder, read_plain
from grinder_resources.export.manifest import MAX_MANIFEST_BYTES
from grinder_resources.export.verify import (
    VerifiedArtifact,
    audited,
    read_artifact,
    require_golden,
    start_session,
)
from grinder_resources.inference.deadline import START_S, DeadlineWorker
from grinder_resources.inference.explain import TreePaths
from grinder_resources.inference.graph_trees import trees_of
from grinder_resources.inference.model import InProcess, ModelFacts, Runner, SignalModel
from grinder_resources.inference.reasons import Refusal
from grinder_resources.inference.snapshot import Reading, Row


def open_model(
    directory: Path, *, withheld: frozenset[str] = frozenset(), deadline_ms: int | None = None
) -> SignalModel:
    """Return the model in an artifact folder, ready to answer.

    withheld
        Features that the model must not see.
    deadline_ms
        Run it in a process of its own and wait so long for each answer; None = in this process.

    Raises ManifestRejected or ArtifactRejected for anything that is not exactly what its manifest says, that an audit
    does not allow, that answers no regime, or that does not answer its golden rows.
    """
    with opened_folder(directory) as folder:
        schema = schema_of(read_plain(folder, MANIFEST_FILE, MAX_MANIFEST_BYTES))
    # only the choice of a reader; the reader takes the manifest anew and believes nothing of this
    if schema == "1":
        return _ours(read_artifact(directory), str(directory), withheld, deadline_ms)
    return _bots(read_bot_artifact(directory), str(directory), withheld, deadline_ms)


def _ours(artifact: VerifiedArtifact, folder: str, withheld: frozenset[str], deadline_ms: int | None) -> SignalModel:
    manifest, serving, spacing = artifact.manifest, artifact.serving, artifact.manifest.spacing
    head = next((head for head in manifest.heads if spacing and head.name == spacing.head), None)
    if head is None or head.classes != REGIMES:
        raise ArtifactRejected("a signal needs a head of LOW, MID and HIGH with a spacing", where=folder)
    if serving is None:
        raise ArtifactRejected(
            "a model that serves has golden rows", where=folder, got="no serving.json", hint="Train it again"
        )
    outputs = (head.name, SPACING_OUTPUT)
    runner = _runner(audited(artifact), outputs, deadline_ms)
    require_golden(_asked(runner, folder), serving, outputs, where=folder)
    trees = trees_of(artifact.files[MODEL_FILE], head.margin_name)
    covers = serving.covers[head.name]
    facts = ModelFacts(
        folder=folder,
        version=manifest.model_version,
        model_hash=manifest.model_hash,
        schema="1",
        reading=Reading(manifest.input_features, frozenset(serving.nullable), withheld=withheld),
        trained_until=date.fromisoformat(serving.trained_until),
        reference=serving.reference,
    )
    paths = [TreePaths.of(trees, covers, regime, len(manifest.input_features)) for regime in range(len(REGIMES))]
    return SignalModel(facts, runner, paths)


def _bots(artifact: VerifiedBotArtifact, folder: str, withheld: frozenset[str], deadline_ms: int | None) -> SignalModel:
    manifest = artifact.manifest
    model = audited_bot_graph(artifact.files[manifest.model_file], f"{folder}/{manifest.model_file}")
    spacing = Output(SPACING_MULTIPLIER_OUTPUT, "float32", 1)
    outputs = (PROBS_OUTPUT, *([spacing.name] if spacing in model.outputs else []))
    facts = ModelFacts(
        folder=folder,
        version=NO_VERSION,
        model_hash=manifest.sha256[manifest.model_file][:16],
        schema=manifest.schema_version,
        reading=Reading(FEATURE_ORDER, frozenset(), fills_missing=True, withheld=withheld),
    )
    return SignalModel(facts, _runner(model, outputs, deadline_ms))


def _runner(model: AuditedModel, outputs: Sequence[str], deadline_ms: int | None) -> Runner:
    """Return what runs an audited graph. Raises ArtifactRejected where no process gets ready."""
    if deadline_ms is None:
        return InProcess(start_session(model.data), outputs)
    worker = DeadlineWorker(model.data, INPUT, outputs, deadline_ms=deadline_ms)
    if not worker.wait_ready(START_S):
        worker.close()
        raise ArtifactRejected("the model's process does not get ready", expected=f"within {START_S:g} s")
    return worker


def _asked(runner: Runner, folder: str) -> Callable[[Row], Sequence[Any]]:
    """Return the runner as a function that raises where it gives no answer."""

    def run(row: Row) -> Sequence[Any]:
        outputs = runner.run(row)
        if isinstance(outputs, Refusal):
            raise ArtifactRejected("the model does not answer", where=folder, got=f"{outputs.code}: {outputs.detail}")
        return outputs

    return run
