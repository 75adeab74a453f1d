"""Publishing a model: prove it, write it beside the others, let it appear in one rename, never touch what is there.

A folder `{name}_v{major}.{minor}.{patch}` is complete from the moment it is visible, and is never written again:

==================  ====================================================================================
file                holds
==================  ====================================================================================
manifest.json       what the model answers, and sha256 and size of every other file
model.onnx          the graph of all heads
{head}.ubj          the head's booster in XGBoost's own binary form, leaves on the 2^-16 grid
calibration.json    the step tables, rules and multipliers of the graph
chain.json          logical hashes of the tables behind the model; its own hash is the manifest's chain root
config.json         what decided the model: data, spec, code
train_report.json   what training found
serving.json        for who serves it: golden rows with answers, how inputs lay in training, weights of tree nodes
==================  ====================================================================================

Which version a model gets (ML spec 12.4.4):

1. no version at or above the requested one exists: the requested one;
2. the highest version holds the same content: nothing is written;
3. the input features and the heads are the same as in the highest version: its patch number plus one;
4. otherwise the contract is broken: its major number plus one, with .0.0.

Content is everything but the version and `created_at`. A highest version that no longer verifies counts as other
content with the same contract; it is left as it is, for someone to look at.

Writers take turns by a lock on the models folder, so a `.tmp-*` folder that a writer meets was left by one that died,
and is removed. Locks and renames are those of a local file system.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grinder_resources.contracts.artifacts import (
    CALIBRATION_FILE,
    CHAIN_FILE,
    CONFIG_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    REPORT_FILE,
    SERVING_FILE,
    ExportableHead,
    FileFacts,
    Manifest,
    TrainingMetadata,
    parse_version,
)
from grinder_resources.contracts.calibration import Calibration
from grinder_resources.contracts.serving import Serving
from grinder_resources.errors import ModelFault, StorageFull
from grinder_resources.export.boosters import booster_ubj
from grinder_resources.export.calibration_file import dump_calibration
from grinder_resources.export.chain import Chain, chain_facts, chain_root
from grinder_resources.export.durable import TEMPORARY, locked, write_folder
from grinder_resources.export.graph import ExportedModel, export_model
from grinder_resources.export.manifest import dump_manifest
from grinder_resources.export.parity import HeadParity, Matrix, assert_parity
from grinder_resources.export.serving import dump_serving
from grinder_resources.export.serving_make import golden_rows, make_serving
from grinder_resources.export.strict_json import json_bytes
from grinder_resources.export.verify import audited_graph, read_artifact, verify_artifact
from grinder_resources.hashing import sha256_bytes
from grinder_resources.learning.coherence import rules_for

FIRST_VERSION = "v1.0.0"


@dataclass(frozen=True)
class ArtifactDraft:
    """What an artifact is made of.

    input_features
        Columns of the boosters' training matrix, in order.
    calibration
        Tables of every head at least. Tables of other heads are left out, and rules and spacing are cut down to what
        `heads` can keep.
    chain
        Logical sha256 by table and day of everything the model comes from.
    config, train_report
        Plain JSON for `config.json` and `train_report.json`; no wall clock in them, or every run is a new version.
    train_rows
        The part of the training matrix that was fitted: float32 [rows, features], one row at least.
    trained_until
        ISO day, the last whose rows were fitted or stopped a fit.
    """

    name: str
    heads: Sequence[ExportableHead]
    input_features: Sequence[str]
    calibration: Calibration
    chain: Chain
    training: TrainingMetadata
    config: Mapping[str, Any]
    train_report: Mapping[str, Any]
    train_rows: Matrix
    trained_until: str


@dataclass(frozen=True)
class Publication:
    """An artifact that can be read at `directory`; `written` is false where the same content was there before.

    parity
        How every head compared with its booster before anything was written.
    """

    directory: Path
    manifest: Manifest
    written: bool
    parity: tuple[HeadParity, ...]


def write_artifact(
    models_dir: Path, draft: ArtifactDraft, rows: Matrix, *, created_at: str, version: str = FIRST_VERSION
) -> Publication:
    """Export the heads, prove the graph on `rows` [N, features] and on probes, and publish the folder.

    `version` is the lowest version wanted; the rule above says which one it becomes. `created_at` is a label,
    `YYYY-MM-DDTHH:MM:SSZ`. Raises NotExportable, ExportMismatch, ManifestRejected or, where no door would let the graph
    in, ArtifactRejected before anything is written, StorageFull where the disk refuses; then no folder appears.
    """
    calibration = calibration_of(draft.calibration, draft.heads)
    exported = export_model(draft.heads, draft.input_features, calibration)
    parity = assert_parity(exported, draft.heads, calibration, rows, always=golden_rows(draft.train_rows))
    model_sha256 = sha256_bytes(exported.onnx)
    files = {
        CALIBRATION_FILE: dump_calibration(calibration),
        CHAIN_FILE: json_bytes(chain_facts(draft.chain, model_sha256)),
        CONFIG_FILE: json_bytes(draft.config),
        MODEL_FILE: exported.onnx,
        REPORT_FILE: json_bytes(draft.train_report),
        SERVING_FILE: dump_serving(_serving(draft, exported)),
        **{facts.booster_file: booster_ubj(head) for facts, head in zip(exported.heads, draft.heads, strict=True)},
    }
    manifest = Manifest(
        model_name=draft.name,
        model_version=version,
        created_at=created_at,
        files=tuple(file_facts(name, data) for name, data in sorted(files.items())),
        input_features=tuple(draft.input_features),
        heads=exported.heads,
        training_metadata=draft.training,
        chain_root=chain_root(draft.chain, model_sha256),
        coherence=calibration.rules,
        spacing=calibration.spacing,
    )
    audited_graph(exported.onnx, manifest)
    settled, written = publish(models_dir, manifest, files)
    return Publication(models_dir / settled.folder, settled, written, parity)


def _serving(draft: ArtifactDraft, exported: ExportedModel) -> Serving:
    return make_serving(
        exported, draft.heads, draft.input_features, draft.train_rows, trained_until=draft.trained_until
    )


def calibration_of(calibration: Calibration, heads: Sequence[ExportableHead]) -> Calibration:
    """Return the part of a calibration that a model of `heads` can keep."""
    names = {head.name for head in heads}
    spacing = calibration.spacing
    return Calibration(
        tables={name: tables for name, tables in calibration.tables.items() if name in names},
        rules=rules_for(calibration.rules, {head.name for head in heads if head.kind == "binary"}),
        spacing=spacing if spacing and spacing.head in names else None,
    )


def publish(models_dir: Path, wanted: Manifest, files: Mapping[str, bytes]) -> tuple[Manifest, bool]:
    """Make `files` an artifact under the version the rule gives; return its manifest, and whether anything was written.

    `wanted` describes `files` and asks for a version. Raises StorageFull, with no folder left, where the disk
    refuses.
    """
    with _only_writer(models_dir):
        settled, is_new = _settle(models_dir, wanted)
        if is_new:
            write_folder(models_dir / settled.folder, {**files, MANIFEST_FILE: dump_manifest(settled)}, verify_artifact)
    return settled, is_new


def file_facts(name: str, data: bytes) -> FileFacts:
    """Return what a manifest says about a file. Raises ManifestRejected for an unsafe name."""
    return FileFacts(name, sha256_bytes(data), len(data))


def published_versions(models_dir: Path, name: str) -> tuple[str, ...]:
    """Return the versions of a model that have a folder, lowest first; none where there is no models folder."""
    prefix = f"{name}_"
    found = [entry.name.removeprefix(prefix) for entry in models_dir.glob(f"{prefix}v*") if entry.is_dir()]
    return tuple(sorted(filter(_is_version, found), key=parse_version))


def latest_version(models_dir: Path, name: str) -> str | None:
    """Return the highest published version of a model, e.g. `v1.0.1`, or None. Says nothing about its bytes."""
    return next(reversed(published_versions(models_dir, name)), None)


def _is_version(text: str) -> bool:
    try:
        parse_version(text)
    except ModelFault:
        return False
    return True


def _settle(models_dir: Path, wanted: Manifest) -> tuple[Manifest, bool]:
    """Return the manifest to stand, and whether it has to be written."""
    latest = latest_version(models_dir, wanted.model_name)
    if latest is None or parse_version(latest) < parse_version(wanted.model_version):
        return wanted, True
    major, minor, patch = parse_version(latest)
    bumped = replace(wanted, model_version=f"v{major}.{minor}.{patch + 1}")
    try:
        present = read_artifact(models_dir / f"{wanted.model_name}_{latest}").manifest
    except ModelFault:
        return bumped, True
    if replace(wanted, model_version=latest, created_at=present.created_at) == present:
        return present, False
    if _contract(wanted) == _contract(present):
        return bumped, True
    return replace(wanted, model_version=f"v{major + 1}.0.0"), True


def _contract(manifest: Manifest) -> tuple[object, ...]:
    outputs = [(head.name, head.kind, head.classes, head.unit) for head in manifest.heads]
    return manifest.input_features, tuple(outputs)


@contextmanager
def _only_writer(models_dir: Path) -> Iterator[None]:
    """Hold the folder's lock, without leftovers of writers that died. Raises StorageFull where the disk refuses."""
    try:
        with locked(models_dir):
            for leftover in models_dir.glob(f"{TEMPORARY}*/"):
                shutil.rmtree(leftover)
            yield
    except OSError as error:
        raise StorageFull("a model could not be written", where=str(models_dir), got=str(error)) from error
