"""The shadow replay of the newest day: made twice where day, model or code changed, otherwise read back."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from grinder_resources.contracts.artifacts import CONFIG_FILE
from grinder_resources.contracts.bronze import INSTRUMENTS
from grinder_resources.contracts.gold import REGIME_DATASET
from grinder_resources.contracts.instruments import instruments_of
from grinder_resources.contracts.replay import DECISIONS, TOTALS
from grinder_resources.errors import NoData
from grinder_resources.export.artifact import latest_version
from grinder_resources.export.verify import read_artifact
from grinder_resources.hashing import sha256_facts
from grinder_resources.inference.config import MlConfig
from grinder_resources.inference.engine import open_engine
from grinder_resources.lake import Lake, fingerprint
from grinder_resources.replay.decisions import Decide, digest
from grinder_resources.replay.totals import balanced, totals
from grinder_resources.replay.twice import replay_twice

PATIENCE_MS = 60_000
"""A replay has time: a live deadline would let the machine's load into the decisions."""


@dataclass(frozen=True)
class ShadowReplay:
    """A replayed day.

    model, model_hash
        The artifact's folder name, e.g. `regime_v1.0.0`, and the hash of its graph.
    fitted_until
        Last day of the rows that the model was fitted on, or whose losses stopped a fit.
    decisions, totals
        Rows of `reports/shadow_replay/decisions` and `reports/shadow_replay/totals`.
    residual
        What is left when the differences are added up in two ways (`replay.totals`): 0.
    rebuilt
        Whether it had to be made.
    """

    day: date
    model: str
    model_hash: str
    fitted_until: date
    decisions: pl.DataFrame
    totals: pl.DataFrame
    residual: int
    rebuilt: bool

    @property
    def digest(self) -> str:
        """The sha256 over the hashes of all decisions, 64 hex."""
        return digest(self.decisions)

    @property
    def out_of_sample(self) -> bool:
        """Whether the model was fitted on earlier days only."""
        return self.fitted_until < self.day


@dataclass(frozen=True)
class _Model:
    folder: Path
    model_hash: str
    files_sha256: str
    fitted_until: date


def shadow_replay(name: str, lake: Lake, models_dir: Path, code_version: str) -> ShadowReplay:
    """Return the replay of the newest day of `gold/training/regime` through the newest artifact of a model.

    name
        Of the model, e.g. `regime`.

    Both tables are committed, and kept while day, instruments, model and code stay what they are. Raises NoData where
    there is no artifact or no row, PartitionMissing without the day's instruments, ArtifactRejected for an artifact
    that does not verify, NotDeterministic where two replays differ, and ProofFailed where numbers do not add up.
    """
    model, day = _newest_model(name, models_dir), _newest_day(lake)
    rows, instruments = (lake.read(table, day, day) for table in (REGIME_DATASET, INSTRUMENTS))
    upstream = {"model": model.files_sha256} | {
        f"{table}/{day}": lake.stamps(table)[day.isoformat()].logical_sha256
        for table in (REGIME_DATASET.name, INSTRUMENTS.name)
    }
    kept = [lake.current(table, None, fingerprint(code_version, upstream)) for table in (DECISIONS, TOTALS)]
    rebuilt = any(table is None for table in kept)
    decisions = kept[0]
    if decisions is None:
        decisions = replay_twice(rows, instruments_of(instruments), lambda: shadow_runtime(model.folder))
    left, sums = balanced(decisions, rows), totals(decisions)
    for table, made in ((DECISIONS, decisions), (TOTALS, sums)) if rebuilt else ():
        lake.commit(table, made, day=None, code_version=code_version, upstream=upstream)
    return ShadowReplay(day, model.folder.name, model.model_hash, model.fitted_until, decisions, sums, left, rebuilt)


@contextmanager
def shadow_runtime(folder: Path) -> Iterator[Decide]:
    """Open a runtime that scores and never uses, blind to the process's environment: its kill switch is for trading."""
    settings = MlConfig(enabled=True, shadow_only=True, model_dir=str(folder), max_inference_latency_ms=PATIENCE_MS)
    with open_engine(settings, environment={}) as engine:
        yield engine.decide


def _newest_model(name: str, models_dir: Path) -> _Model:
    version = latest_version(models_dir, name)
    if version is None:
        raise NoData("there is no artifact to replay", where=name, hint="Train it on enough days first")
    artifact = read_artifact(models_dir / f"{name}_{version}")
    files = {file.name: file.sha256 for file in artifact.manifest.files}
    days: Mapping[str, list[str]] = json.loads(artifact.files[CONFIG_FILE])["days"]
    fitted_until = date.fromisoformat(max(days["train"] + days["val"]))
    return _Model(models_dir / f"{name}_{version}", artifact.manifest.model_hash, sha256_facts(files), fitted_until)


def _newest_day(lake: Lake) -> date:
    stamps = lake.stamps(REGIME_DATASET.name)
    days = [day for day in stamps if stamps[day].rows]
    if not days:
        raise NoData("no day has rows to replay", where=REGIME_DATASET.name, hint="Materialise it first")
    return date.fromisoformat(max(days))
