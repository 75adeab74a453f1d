"""From a Gold table to a published artifact: split, train, calibrate, export, prove, publish. One path for every spec.

What decides an artifact is its data from Bronze on, its spec and the code; the three are folded into `fingerprint` in
config.json. When the newest artifact carries the same fingerprint and its bytes still verify, nothing is trained.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grinder_resources.clock import utc_now
from grinder_resources.contracts.artifacts import CONFIG_FILE, TrainingMetadata
from grinder_resources.contracts.gold_grid import GRID_SWEEP
from grinder_resources.contracts.table import Table
from grinder_resources.datasets import dataset_sha256
from grinder_resources.errors import ModelFault
from grinder_resources.export.artifact import ArtifactDraft, latest_version, write_artifact
from grinder_resources.export.chain import chain_of
from grinder_resources.export.out_of_fold import artifact_calibration
from grinder_resources.export.verify import read_artifact
from grinder_resources.hashing import sha256_facts
from grinder_resources.lake import Lake
from grinder_resources.learning.adopted import in_force
from grinder_resources.learning.fold_store import FOLDS_FOLDER, FoldStore
from grinder_resources.learning.ledger import LEDGER_FILE, Ledger
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.splits import split_by_date, split_rows
from grinder_resources.learning.training import FittedHead, TrainedModel, prepare, train

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class BuiltArtifact:
    """What a training run leaves: the folder, and short tables of heads, left-out heads and parity for people."""

    folder: Path
    model_hash: str
    rebuilt: bool
    heads: Sequence[Facts]
    untrainable: Sequence[Facts]
    parity: Sequence[Facts]

    @property
    def sentence(self) -> str:
        """One line for a log."""
        how = "trained" if self.rebuilt else "unchanged"
        counts = f"{len(self.heads)} heads, {len(self.untrainable)} left out"
        return f"{self.folder.name}: {how}, {counts}, model hash {self.model_hash}"


def build_artifact(spec: ModelSpec, table: Table, lake: Lake, models_dir: Path, code_version: str) -> BuiltArtifact:
    """Return the artifact of `spec` on every committed day of its dataset `table`, training only if something changed.

    It is fitted with the settings in force (`learning.adopted`).

    Raises PartitionMissing, TooFewDays, NothingTrainable, ExportMismatch or StorageFull; then the newest artifact still
    stands.
    """
    spec = in_force(spec, models_dir)
    data_hash = dataset_sha256(lake, spec.dataset)
    swept = bool(spec.spacing_dataset) and bool(lake.stamps(spec.spacing_dataset))
    chain = chain_of(lake, spec.dataset, *([spec.spacing_dataset] if swept else []))
    fingerprint = sha256_facts({"data": chain, "spec": spec.facts, "code": code_version})
    present = _unchanged(models_dir, spec.name, fingerprint)
    if present is not None:
        return present
    frame = lake.read(table)
    ledger, store = Ledger(models_dir / LEDGER_FILE), FoldStore(models_dir / FOLDS_FOLDER)
    model = train(spec, frame, split_by_date(frame["date"].to_list()), ledger)
    sweep = lake.read(GRID_SWEEP) if swept else None
    calibration = artifact_calibration(spec, frame, model.split, store, ledger, sweep=sweep)
    prepared = prepare(spec, frame)
    draft = ArtifactDraft(
        name=spec.name,
        heads=[head.exportable for head in model.heads],
        input_features=model.columns,
        calibration=calibration,
        chain=chain,
        training=_metadata(model, data_hash),
        config={"fingerprint": fingerprint, "code_version": code_version, **spec.facts, **_split_facts(model)},
        train_report=_report(model),
        train_rows=prepared.matrix.values[split_rows(prepared.frame, model.split).train],
        trained_until=max(*model.split.train, *model.split.val).isoformat(),
    )
    published = write_artifact(models_dir, draft, prepared.matrix.values, created_at=utc_now())
    return BuiltArtifact(
        folder=published.directory,
        model_hash=published.manifest.model_hash,
        rebuilt=published.written,
        heads=_head_rows(draft.train_report),
        untrainable=draft.train_report["untrainable"],
        parity=[asdict(result) for result in published.parity],
    )


def _unchanged(models_dir: Path, name: str, fingerprint: str) -> BuiltArtifact | None:
    version = latest_version(models_dir, name)
    if version is None:
        return None
    folder = models_dir / f"{name}_{version}"
    try:
        artifact = read_artifact(folder)
    except ModelFault:
        return None
    if json.loads(artifact.files[CONFIG_FILE])["fingerprint"] != fingerprint:
        return None
    report = json.loads(artifact.files["train_report.json"])
    return BuiltArtifact(folder, artifact.manifest.model_hash, False, _head_rows(report), report["untrainable"], [])


def _split_facts(model: TrainedModel) -> dict[str, Any]:
    split = model.split
    return {
        "columns": list(model.columns),
        "cuts": {fitted.head.name: list(fitted.cuts) for fitted in model.heads if fitted.cuts},
        "days": {part: [day.isoformat() for day in getattr(split, part)] for part in ("train", "val", "test")},
        "embargo_ns": split.embargo_ns,
    }


def _report(model: TrainedModel) -> dict[str, Any]:
    scores = [
        {"head": fitted.head.name, "rounds": fitted.rounds, **asdict(score)}
        for fitted in model.heads
        for score in fitted.scores
    ]
    return {
        "rows": dict(model.rows),
        "scores": scores,
        "snapping": [_snapping(fitted) for fitted in model.heads],
        "untrainable": [{"head": head.name, "reason": head.reason} for head in model.untrainable],
    }


def _snapping(fitted: FittedHead) -> dict[str, Any]:
    """Return what moving leaves to the grid cost on the validation rows; a loss, so positive is worse."""
    return {"head": fitted.head.name, **asdict(fitted.snapping), "difference": fitted.snapping.difference}


def _head_rows(report: Facts) -> list[Facts]:
    """Return one short row a head and class: its boosting rounds and its scores on the test days."""
    return [
        {"head": row["head"], "class": row["output"], "rounds": row["rounds"], "test rows": row["rows"]}
        | {name: round(value, 4) for name, value in row["scores"].items()}
        for row in report["scores"]
        if row["part"] == "test"
    ]


def _metadata(model: TrainedModel, data_hash: str) -> TrainingMetadata:
    accuracies = [
        score.scores["accuracy"]
        for head in model.heads
        for score in head.scores
        if score.part == "test" and "accuracy" in score.scores
    ]
    return TrainingMetadata(
        train_samples=model.rows["train"],
        val_samples=model.rows["val"],
        test_accuracy_bps=round(10_000 * sum(accuracies) / len(accuracies)) if accuracies else None,
        data_hash=data_hash[:16],
    )
