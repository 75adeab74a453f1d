"""What is told of an artifact: parameters, scores, tags and hashes, all read from its verified bytes and the lake.

The names are those the strategies' own experiments use: an experiment for boosted trees, the run
`boosted_trees-{features_version}-{stage}-{ablation}-{first train}_{last test}`, and the tags stage, ablation,
dataset_hash, git_sha and features_version. A model that has no stage or features has its own name in their place.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from grinder_resources.contracts.artifacts import CHAIN_FILE, CONFIG_FILE, REPORT_FILE, Manifest
from grinder_resources.export.verify import read_artifact
from grinder_resources.registry.evidence import artifact_of

EXPERIMENT = "grinder_boosted_trees"
KEY = "manifest_sha256"
"""The tag that names an artifact, all of its bytes; a run is found again by it."""

_FEATURES = "silver/features/"


@dataclass(frozen=True)
class Score:
    """A number at a step: name `part/head/class/metric`, and the fold, 0 where there are none."""

    name: str
    value: float
    step: int = 0


@dataclass(frozen=True)
class RunFacts:
    """One run as MLflow takes it.

    at_ms
        When the artifact was made, Unix milliseconds: a label, and the same each time it is told.
    tags
        Texts; among them `KEY`.
    """

    name: str
    at_ms: int
    params: Mapping[str, str]
    scores: tuple[Score, ...]
    tags: Mapping[str, str]

    @property
    def key(self) -> str:
        """What the run is found by."""
        return self.tags[KEY]


def run_facts(folder: Path, walk_forward: tuple[Score, ...] = (), *, git_sha: str | None = None) -> RunFacts:
    """Return what is told of the artifact in a folder.

    walk_forward
        Scores out of fold, of `walk_forward.fold_scores`.
    git_sha
        Commit of the code that tells; left out where there is none.

    Raises ManifestRejected or ArtifactRejected where its bytes cannot be trusted.
    """
    artifact = read_artifact(folder)
    config, report, chain = (
        json.loads(artifact.files.get(name, b"{}")) for name in (CONFIG_FILE, REPORT_FILE, CHAIN_FILE)
    )
    select = config.get("select", {})
    versions = sorted({name.removeprefix(_FEATURES) for name in chain.get("tables", {}) if name.startswith(_FEATURES)})
    described = {
        "stage": str(select.get("stage", "")),
        "ablation": str(select.get("ablation", "")),
        "features_version": ",".join(versions),
    }
    return RunFacts(
        name=_name(artifact.manifest, described, config.get("days", {})),
        at_ms=round(1000 * datetime.fromisoformat(artifact.manifest.created_at).timestamp()),
        params=dict(_params(artifact.manifest, config, report)),
        scores=(*_scores(report), *walk_forward),
        tags={name: value for name, value in {**described, "git_sha": git_sha or ""}.items() if value}
        | _hashes(folder, artifact.manifest, config),
    )


def _name(manifest: Manifest, described: Mapping[str, str], days: Mapping[str, list[str]]) -> str:
    inputs = [described["features_version"], described["stage"], described["ablation"]]
    what = [part for part in inputs if part] if described["stage"] else [manifest.model_name]
    first, last = min(days.get("train", [""])), max(days.get("test", [""]))
    return "-".join(["boosted_trees", *what, *([f"{first}_{last}"] if first else [])])


def _params(manifest: Manifest, config: Mapping[str, Any], report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in config.get("params", {}).items():
        yield name, str(value)
    for part, days in config.get("days", {}).items():
        yield f"days/{part}", ", ".join(days) if len(days) <= 3 else f"{days[0]} .. {days[-1]}, {len(days)} days"
    for part, rows in report.get("rows", {}).items():
        yield f"rows/{part}", str(rows)
    for head in manifest.heads:
        methods = sorted({f"{table.method}, {table.rows} rows" for table in head.calibration})
        yield f"calibration/{head.name}", "; ".join(methods) or "none"
    yield "dataset", str(config.get("dataset", ""))
    yield "embargo_ns", str(config.get("embargo_ns", ""))
    yield "inputs", str(len(manifest.input_features))


def _scores(report: Mapping[str, Any]) -> Iterator[Score]:
    """Return the scores of the parts of the split, as training found them."""
    for row in report.get("scores", []):
        place = "/".join(part for part in (row["part"], row["head"], row["output"]) if part)
        for metric, value in row["scores"].items():
            yield Score(f"{place}/{metric}", float(value))


def _hashes(folder: Path, manifest: Manifest, config: Mapping[str, Any]) -> dict[str, str]:
    facts = artifact_of(folder)
    return {
        KEY: facts.manifest,
        "artifact": manifest.folder,
        "model_hash": facts.model_hash,
        "chain_root": facts.chain_root,
        "dataset_hash": facts.dataset,
        "spec_hash": facts.spec,
        "code_version": str(config.get("code_version", "")),
        **{f"sha256/{file.name}": file.sha256 for file in manifest.files},
    }
