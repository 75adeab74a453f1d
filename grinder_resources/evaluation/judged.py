"""What the walk-forward in the lake is about: the settings and rows that were judged, to hold against an artifact's."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grinder_resources.contracts.reports import walk_forward_table
from grinder_resources.hashing import sha256_facts
from grinder_resources.lake import Lake
from grinder_resources.learning.adopted import in_force
from grinder_resources.learning.folds import judged_facts
from grinder_resources.learning.model_spec import ModelSpec

DATASET_CHARACTERS = 16
"""Of a dataset's sha256, as manifests name it."""


@dataclass(frozen=True)
class Judged:
    """Settings and rows of a walk-forward.

    spec
        sha256 of the facts of the spec that is in force, where that is what was judged; else of what was judged, which
        is no artifact's.
    dataset
        First 16 hex characters of the hash of its rows.
    """

    spec: str
    dataset: str


def judged(spec: ModelSpec, lake: Lake, models_dir: Path) -> Judged | None:
    """Return what a spec's walk-forward is about, None where there is none.

    Raises BadDeclaration for adopted settings that cannot be read.
    """
    stamp, current = lake.stamp(walk_forward_table(spec.name).name, None), in_force(spec, models_dir)
    if stamp is None:
        return None
    was = stamp.upstream.get("spec", "")
    return Judged(
        spec=sha256_facts(current.facts) if was == sha256_facts(report_facts(current)) else was,
        dataset=stamp.upstream.get("dataset", "")[:DATASET_CHARACTERS],
    )


def report_facts(spec: ModelSpec) -> dict[str, Any]:
    """Return what decides the reports of a spec: its folds, and what verdicts are drawn from and say."""
    return {**judged_facts(spec), "reference_name": spec.reference_name, "alarm_auc": spec.alarm_auc}
