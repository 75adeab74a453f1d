"""A bundle: a model of ours, the rows behind it and a registry, laid out as the bot's own tools look for them.

==============================================  ================================================================
under the bundle's folder                       holds
==============================================  ================================================================
models.json                                     the registry; every path in it starts at its own folder
artifacts/<artifact_id>/manifest.json           sha256 of the files, the inputs, the data set, the commit
artifacts/<artifact_id>/model.onnx              the source's graph with the bot's outputs
artifacts/<artifact_id>/train_report.json       what training found, as in the source
datasets/<dataset_id>/manifest.json             facts of the rows
datasets/<dataset_id>/data.parquet              the rows
==============================================  ================================================================

Data set and artifact appear complete, each in one rename, before the registry points to them. Nothing that is there is
written again, except the registry.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from grinder_resources.contracts.artifacts import MODEL_FILE, REPORT_FILE
from grinder_resources.contracts.bot import BotSchema
from grinder_resources.contracts.bot_registry import REGISTRY_FILE, Pointer, Registry
from grinder_resources.export.bot_artifact import manifest_of, write_bot_artifact
from grinder_resources.export.bot_dataset import dataset_id_of, parquet_bytes, write_dataset
from grinder_resources.export.bot_graph import audited_bot_graph, bot_graph, require_same_answers
from grinder_resources.export.bot_registry import promoted, read_registry, write_registry
from grinder_resources.export.bot_rows import BotRows, rows_behind
from grinder_resources.export.commit import head_commit
from grinder_resources.export.durable import locked, written
from grinder_resources.export.verify import VerifiedArtifact, read_artifact
from grinder_resources.lake import Lake

ARTIFACTS, DATASETS = "artifacts", "datasets"


@dataclass(frozen=True)
class Bundle:
    """What was handed over: folder names, the rows of the data set, and the commit, None where there is none."""

    artifact_id: str
    dataset_id: str
    rows: int
    git_sha: str | None


@dataclass(frozen=True, eq=False)
class Handover:
    """A model that passed every check, in memory, ready to be written."""

    source: VerifiedArtifact
    model: bytes
    rows: BotRows
    notes: str


def prepare(directory: Path, lake: Lake, notes: str | None = None) -> Handover:
    """Verify an artifact, find the rows behind it, and turn its graph into one that answers the bot alike.

    Raises what verifying raises, NotExportable for a model or a lake that does not fit, ExportMismatch where an answer
    would differ on one of the rows.
    """
    source = read_artifact(directory)
    model = bot_graph(source)
    rows = rows_behind(source, lake)
    audited_bot_graph(model, f"{source.manifest.folder} for the bot")
    require_same_answers(source, model, rows.inputs)
    manifest = source.manifest
    origin = f"{manifest.folder}, model {manifest.model_hash}, chain {manifest.chain_root[:16]}"
    return Handover(source, model, rows, f"{origin}; {notes}" if notes else origin)


def write_bundle(handover: Handover, out: Path, *, schema: BotSchema, created_at: str) -> Bundle:
    """Write data set, artifact and registry entry, stage shadow, below `out`.

    created_at
        UTC time, `YYYY-MM-DDTHH:MM:SSZ`; the artifact's id holds its day.

    Raises RegistryRejected for a registry that cannot be read, before anything is written; StorageFull where the disk
    refuses.
    """
    name, commit = handover.source.manifest.model_name, head_commit()
    data = parquet_bytes(handover.rows)
    dataset_id = dataset_id_of(name, data)
    files = {MODEL_FILE: handover.model, REPORT_FILE: handover.source.files[REPORT_FILE]}
    manifest = manifest_of(
        files, schema=schema, created_at=created_at, dataset_id=dataset_id, git_sha=commit, notes=handover.notes
    )
    registry_path = out / REGISTRY_FILE
    with written(out), locked(out):
        registry: Registry | None = read_registry(registry_path) if registry_path.exists() else None
        artifact_id = _free_id(out / ARTIFACTS, name, created_at)
        write_dataset(
            out / DATASETS / dataset_id,
            handover.rows,
            data,
            created_at=created_at,
            git_sha=commit,
            description=f"{handover.rows.table}, {handover.rows.days} days behind {handover.source.manifest.folder}",
        )
        write_bot_artifact(out / ARTIFACTS / artifact_id, files, manifest)
        pointer = Pointer(
            f"{ARTIFACTS}/{artifact_id}", artifact_id, commit, dataset_id, created_at, notes=handover.notes
        )
        write_registry(registry_path, promoted(registry, name, "shadow", pointer, at=created_at))
    return Bundle(artifact_id, dataset_id, len(handover.rows.inputs), commit)


def _free_id(artifacts: Path, name: str, created_at: str) -> str:
    """Return `name_vYYYY_MM_DD_seq` with the number after the highest that is taken."""
    start = f"{name}_v{created_at[:10].replace('-', '_')}_"
    found = (re.fullmatch(r"[1-9][0-9]{0,8}", entry.name.removeprefix(start)) for entry in artifacts.glob(f"{start}*"))
    return f"{start}{1 + max((int(match[0]) for match in found if match), default=0)}"
