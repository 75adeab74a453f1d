"""The model that is watched, and the rows of a day that it is watched on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from grinder_resources.contracts.bronze import PREDICTIONS
from grinder_resources.datasets import gold_table
from grinder_resources.errors import NoData
from grinder_resources.hashing import sha256_facts
from grinder_resources.interpretability.event import Model, open_model, require_columns
from grinder_resources.lake import Lake
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.training import Prepared, prepare
from grinder_resources.registry.served import served_artifact


@dataclass(frozen=True, eq=False)
class Watch:
    """A model, the version of it that is served, None where it has no artifact yet, and the lake it is watched in."""

    spec: ModelSpec
    lake: Lake
    model: Model | None

    def gold(self, model: Model, days: Sequence[date]) -> Prepared | None:
        """Return the rows of the model's dataset, ready to be read by it; None where those days have none.

        Raises SchemaMismatch where the artifact reads other columns than the table has.
        """
        dataset = model.spec.dataset
        committed = [day for day in days if self.lake.stamp(dataset, day)]
        if not committed:
            return None
        frame = self.lake.read(gold_table(self.lake, dataset), min(committed), max(committed))
        frame = frame.filter(pl.col("date").is_in(committed))
        if frame.is_empty():
            return None
        prepared = prepare(model.spec, frame)
        require_columns(model, prepared)
        return prepared

    def logged(self, model: Model, day: date) -> pl.DataFrame:
        """Return the logged decisions of a day that the model answered, each set of inputs of a moment once."""
        rows = self.lake.read_or_empty(PREDICTIONS, day, day)
        answered = rows.filter(
            pl.col("model_hash") == model.artifact.manifest.model_hash, pl.col("low_bps").is_not_null()
        )
        return answered.unique(["venue", "symbol", "ts_ns", "features_hash"], keep="first", maintain_order=True)

    def upstream(self, day: date | None, *tables: str) -> dict[str, str]:
        """Return the hashes of the model and of a day in these tables; a day that is not committed has none."""
        stamps = {f"{name}/{day}" if day else name: self.lake.stamp(name, day) for name in tables}
        return {"model": self.files_sha256} | {name: stamp.logical_sha256 for name, stamp in stamps.items() if stamp}

    @property
    def served(self) -> str:
        """The artifact and the hash of its graph, in words."""
        if self.model is None:
            return "no version yet"
        return f"{self.model.folder.name}, {self.model.artifact.manifest.model_hash}"

    @property
    def files_sha256(self) -> str:
        """One hash over every file of the artifact; '' without one."""
        return (
            sha256_facts({file.name: file.sha256 for file in self.model.artifact.manifest.files}) if self.model else ""
        )


def watch(spec: ModelSpec, lake: Lake, models_dir: Path) -> Watch:
    """Return the version of a model that is served, ready to be watched.

    Raises RegistryRejected for a torn registry, ManifestRejected or ArtifactRejected for an artifact that does not
    verify.
    """
    try:
        folder = served_artifact(spec.name, models_dir)
    except NoData:
        return Watch(spec, lake, None)
    return Watch(spec, lake, open_model(folder, spec))
