"""What a version is staged with: which bytes it is, what the walk-forward says, and how far the ledger had got."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grinder_resources.contracts.artifacts import CONFIG_FILE, MANIFEST_FILE
from grinder_resources.errors import ArtifactRejected, GrinderError, LedgerBroken, PartitionMissing
from grinder_resources.hashing import sha256_facts, sha256_file
from grinder_resources.learning.ledger import LEDGER_FILE, Ledger
from grinder_resources.registry.events import AnswerEvidence, Artifact, Evidence
from grinder_resources.registry.gates import Seen
from grinder_resources.registry.served import registered_folder
from grinder_resources.registry.states import Version

if TYPE_CHECKING:
    from grinder_resources.evaluation.promotion import Promotion
    from grinder_resources.lake import Lake
    from grinder_resources.learning.model_spec import ModelSpec

_BESIDE_THE_SPEC = frozenset({"fingerprint", "code_version", "columns", "cuts", "days", "embargo_ns"})
"""Fields of `config.json` that say what training did; the others are the facts of the spec."""

_PPM = 1_000_000


def artifact_of(folder: Path) -> Artifact:
    """Return the facts of an artifact, all of whose bytes were verified.

    Raises ManifestRejected or ArtifactRejected where they cannot be trusted, or are another version's than the folder
    is called after.
    """
    from grinder_resources.export.verify import read_artifact

    artifact = read_artifact(folder)
    if artifact.manifest.folder != folder.name:
        raise ArtifactRejected(
            "a folder is called after its version",
            where=str(folder),
            got=artifact.manifest.folder,
            expected=folder.name,
        )
    config = json.loads(artifact.files[CONFIG_FILE]) if CONFIG_FILE in artifact.files else {}
    days = sorted(day for part in config.get("days", {}).values() for day in part)
    spec = {name: value for name, value in config.items() if name not in _BESIDE_THE_SPEC}
    return Artifact(
        manifest=sha256_file(folder / MANIFEST_FILE),
        model_hash=artifact.manifest.model_hash,
        chain_root=artifact.manifest.chain_root,
        dataset=artifact.manifest.training_metadata.data_hash,
        spec=sha256_facts(spec) if spec else "",
        data_from=days[0] if days else "",
        data_until=days[-1] if days else "",
    )


def evidence_of(spec: "ModelSpec", lake: "Lake", models_dir: Path) -> Evidence | None:
    """Return what the lake and the ledger say of a model now; None where there is no walk-forward.

    A broken ledger is a finding, not an error. Raises BadDeclaration for adopted settings that cannot be read.
    """
    from grinder_resources.evaluation.judged import judged
    from grinder_resources.evaluation.promotion_check import promotion

    try:
        found = promotion(spec, lake, models_dir)
    except PartitionMissing:
        return None
    about = judged(spec, lake, models_dir)
    if about is None:
        return None
    count, newest = _ledger(models_dir)
    return Evidence(
        promote=found.promoted,
        sentence=found.sentence,
        codes=found.codes,
        answers=_answers(found, lake),
        spec=about.spec,
        dataset=about.dataset,
        ledger_count=count,
        ledger_newest=newest,
    )


def seen(version: Version, models_dir: Path) -> Seen:
    """Return what is wrong with a version's artifact and with the ledger it was staged with, as they are now."""
    return Seen(_artifact_fault(version, models_dir), _ledger_fault(version.evidence, models_dir))


def _artifact_fault(version: Version, models_dir: Path) -> str:
    from grinder_resources.export.verify import verify_artifact

    try:
        verify_artifact(registered_folder(version, models_dir))
    except GrinderError as error:
        return error.line()
    return ""


def _ledger_fault(evidence: Evidence | None, models_dir: Path) -> str:
    try:
        records = Ledger(models_dir / LEDGER_FILE).read()
    except LedgerBroken as error:
        return error.line()
    if evidence is None or evidence.ledger_count == 0:
        return "it was staged without a ledger"
    if len(records) < evidence.ledger_count or records[evidence.ledger_count - 1].sha256 != evidence.ledger_newest:
        return f"the ledger no longer holds record {evidence.ledger_count} as it was when the version was staged"
    return ""


def _ledger(models_dir: Path) -> tuple[int, str]:
    """Return how many records the ledger has and the newest's sha256; 0 and '' where it is broken or there is none."""
    try:
        records = Ledger(models_dir / LEDGER_FILE).read()
    except LedgerBroken:
        return 0, ""
    return (len(records), records[-1].sha256) if records else (0, "")


def _answers(found: "Promotion", lake: "Lake") -> tuple[AnswerEvidence, ...]:
    folds = _fold_skills(found, lake)
    return tuple(
        AnswerEvidence(
            answer=answer.label,
            head=answer.head,
            folds_ppm=folds.get((answer.head, answer.output), ()),
            ece_upper_ppm=_ppm(answer.ece.high if answer.ece else None),
            codes=found.codes_of(answer),
        )
        for answer in found.answers
    )


def _fold_skills(found: "Promotion", lake: "Lake") -> dict[tuple[str, str], tuple[int | None, ...]]:
    """Return the skill of every fold in time order, by head and class."""
    import polars as pl

    from grinder_resources.contracts.reports import POOLED, walk_forward_table

    scores = lake.read(walk_forward_table(found.model)).filter(
        pl.col("mode") == found.mode, pl.col("fold") != POOLED, part="test", metric="skill"
    )
    by_answer: dict[tuple[str, str], list[int | None]] = {}
    for head, output, value in scores.sort("fold").select("head", "class", "value").iter_rows():
        by_answer.setdefault((head, output), []).append(_ppm(value))
    return {asked: tuple(values) for asked, values in by_answer.items()}


def _ppm(value: Any) -> int | None:
    return None if value is None else round(value * _PPM)
