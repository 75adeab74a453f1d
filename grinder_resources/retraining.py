"""Whether a model is to be trained again: how old its data is, and whether there is enough of it."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from grinder_resources.contracts.operations import CalibrationSettings
from grinder_resources.errors import NoData
from grinder_resources.lake import Lake
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.registry.evidence import artifact_of
from grinder_resources.registry.served import newest_version


@dataclass(frozen=True)
class Need:
    """Facts that decide whether a model is trained again.

    model
        Name of the model.
    rows, wanted
        Rows that its Gold table has, and that it needs.
    age_days, interval_days
        Days since the data of its newest artifact ended, None where it has no artifact; and from which it is due.
    """

    model: str
    rows: int
    wanted: int
    age_days: int | None
    interval_days: int

    @property
    def enough(self) -> bool:
        """Whether there are rows enough to train on at all."""
        return self.rows >= self.wanted

    @property
    def due(self) -> bool:
        """Whether it is time, and there are rows enough."""
        return self.enough and (self.age_days is None or self.age_days >= self.interval_days)

    @property
    def sentence(self) -> str:
        """The facts in words."""
        if not self.enough:
            return f"{self.model}: {self.rows:,} rows, {self.wanted:,} are needed"
        if self.age_days is None:
            return f"{self.model}: {self.rows:,} rows and no model yet"
        verdict = "due" if self.due else "not due"
        return f"{self.model}: trained until {self.age_days} days ago, {verdict} (every {self.interval_days} days)"


def retrain_need(spec: ModelSpec, lake: Lake, models_dir: Path, settings: CalibrationSettings, today: date) -> Need:
    """Return what speaks for and against training `spec` again on `today`.

    Raises ManifestRejected or ArtifactRejected where the newest artifact does not verify.
    """
    return Need(
        model=spec.name,
        rows=sum(stamp.rows for stamp in lake.stamps(spec.dataset).values()),
        wanted=settings.min_training_samples,
        age_days=_age(spec.name, models_dir, today),
        interval_days=settings.retrain_interval_days,
    )


def _age(name: str, models_dir: Path, today: date) -> int | None:
    try:
        newest = models_dir / f"{name}_{newest_version(name, models_dir)}"
    except NoData:
        return None
    return (today - date.fromisoformat(artifact_of(newest).data_until)).days
