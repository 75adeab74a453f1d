"""The event that is asked about: its row in the Gold table, the model that answers it, and the rows around it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from grinder_resources.contracts.artifacts import CONFIG_FILE, MANIFEST_FILE
from grinder_resources.datasets import gold_table
from grinder_resources.errors import NoData, PartitionMissing, SchemaMismatch
from grinder_resources.export.artifact import latest_version
from grinder_resources.export.verify import VerifiedArtifact, read_artifact
from grinder_resources.lake import Lake
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.specs import SPECS, spec_named
from grinder_resources.learning.training import Prepared, prepare
from grinder_resources.registry.served import served_artifact


@dataclass(frozen=True, eq=False)
class Model:
    """A verified artifact and what decided it: its spec, and the facts of its `config.json`."""

    spec: ModelSpec
    folder: Path
    artifact: VerifiedArtifact
    config: Mapping[str, Any]

    def days(self, part: str) -> tuple[date, ...]:
        """Return the days of `train`, `val` or `test`."""
        return tuple(date.fromisoformat(day) for day in self.config["days"][part])

    def part_of(self, day: date) -> str:
        """Return what the model did with a day: train, val or test; later or unused where it is none of them."""
        for part in ("train", "val", "test"):
            if day in self.days(part):
                return part
        return "later" if day > max(self.days("test")) else "unused"


@dataclass(frozen=True, eq=False)
class Event:
    """One row of a model's Gold table; `prepared` holds all rows in time order, `row` is its number among them."""

    event_id: str
    model: Model
    prepared: Prepared
    row: int

    @property
    def facts(self) -> dict[str, Any]:
        """The row by column."""
        return self.prepared.frame.row(self.row, named=True)


def row_ids(spec: ModelSpec, frame: pl.DataFrame) -> pl.Series:
    """Return the names of the rows of a dataset: the columns of `row_id`, joined by '_'."""
    return frame.select(pl.concat_str(spec.row_id, separator="_").alias("row_id")).to_series()


def find_event(event_id: str, lake: Lake, models_dir: Path, model: str = "") -> Event:
    """Return the event of that id, and the model that answers it.

    model
        Name of a spec, whose version in production answers, or its newest where none is; or an artifact's folder.
        '' = the first model whose dataset holds the event.

    Raises NoData where no row is called so or no model was trained, UnknownName for a name that is no spec,
    SchemaMismatch where the artifact reads other columns than the table has, RegistryRejected for a torn registry,
    ManifestRejected or ArtifactRejected for an artifact that does not verify.
    """
    looked_at = []
    for folder, spec in _candidates(models_dir, model):
        try:
            frame = lake.read(gold_table(lake, spec.dataset))
        except PartitionMissing:
            continue
        looked_at.append(spec.dataset)
        if (row_ids(spec, frame) == event_id).any():
            return _event(event_id, open_model(folder, spec), frame)
    raise NoData(
        "no row of that id in the Gold tables of the models that were trained",
        where=", ".join(dict.fromkeys(looked_at)) or "no model",
        got=event_id,
        hint="An id is the event_id of a touched level, or venue, symbol and ts_ns joined by '_'.",
    )


def open_model(folder: Path, spec: ModelSpec) -> Model:
    """Return the artifact in a folder. Raises ManifestRejected or ArtifactRejected where it does not verify."""
    artifact = read_artifact(folder)
    return Model(spec, folder, artifact, json.loads(artifact.files[CONFIG_FILE]))


def newest_model(spec: ModelSpec, models_dir: Path) -> Model:
    """Return a spec's newest artifact. Raises NoData where there is none."""
    version = latest_version(models_dir, spec.name)
    if version is None:
        raise NoData("there is no artifact of the model", where=spec.name, hint="Train it on enough days first")
    return open_model(models_dir / f"{spec.name}_{version}", spec)


def is_artifact(model: str) -> bool:
    """Return whether a text names an artifact's folder, rather than a spec."""
    return (Path(model) / MANIFEST_FILE).is_file()


def spec_of(folder: Path) -> ModelSpec:
    """Return the spec an artifact was made of. Raises UnknownName where no spec has its name."""
    return spec_named(read_artifact(folder).manifest.model_name)


def _candidates(models_dir: Path, model: str) -> Iterator[tuple[Path, ModelSpec]]:
    if model and is_artifact(model):
        yield Path(model), spec_of(Path(model))
        return
    for spec in [spec_named(model)] if model else SPECS.values():
        if model or latest_version(models_dir, spec.name):
            yield served_artifact(spec.name, models_dir), spec


def require_columns(model: Model, prepared: Prepared) -> None:
    """Raise SchemaMismatch unless the table gives the inputs that the artifact reads, in its order."""
    wanted, found = model.artifact.manifest.input_features, prepared.matrix.columns
    if found != wanted:
        raise SchemaMismatch(
            "the table has other inputs than the artifact reads",
            where=f"{model.spec.dataset}, {model.folder.name}",
            got=", ".join(sorted(set(found) - set(wanted))[:5]) or "another order",
            expected=", ".join(sorted(set(wanted) - set(found))[:5]) or "the manifest's order",
            hint="Train the model again.",
        )


def _event(event_id: str, model: Model, frame: pl.DataFrame) -> Event:
    prepared = prepare(model.spec, frame)
    require_columns(model, prepared)
    (row, *_) = (row_ids(model.spec, prepared.frame) == event_id).arg_true().to_list()
    return Event(event_id, model, prepared, row)
