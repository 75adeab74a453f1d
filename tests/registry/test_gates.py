"""Each gate holds back what it is there for, and says so."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grinder_resources.learning.ledger import LEDGER_FILE, Ledger, Trial
from grinder_resources.registry.changes import candidacy
from grinder_resources.registry.events import AnswerEvidence
from grinder_resources.registry.gates import GATES, Candidate, Seen, codes, findings
from grinder_resources.registry.log import Registry
from grinder_resources.registry.states import Version
from tests.registry.registries import BAD, GOOD, MODEL, evidence, promote, published, stage, started


@pytest.fixture
def candidate(tmp_path: Path) -> Candidate:
    """Return a version that every gate lets through."""
    models = started(tmp_path).folder.parent
    version, artifact = published(models, b"one")
    artifact = replace(artifact, spec="5" * 64, data_until="2025-01-10")
    staged = Version(MODEL, version, "staged", artifact, evidence(models, artifact), "", 1)
    older = replace(artifact, model_hash="0" * 16, data_until="2025-01-03")
    return Candidate(staged, replace(staged, version="v0.9.0", state="production", artifact=older), Seen())


def with_evidence(candidate: Candidate, **changes: object) -> Candidate:
    assert candidate.evidence is not None
    return replace(candidate, version=replace(candidate.version, evidence=replace(candidate.evidence, **changes)))


def with_production(candidate: Candidate, **changes: object) -> Candidate:
    assert candidate.production is not None
    artifact = replace(candidate.production.artifact, **changes)
    return replace(candidate, production=replace(candidate.production, artifact=artifact))


CALIBRATED_ELSEWHERE = AnswerEvidence("other", "other", (), 80_000, ("CALIBRATION_ABOVE_GATE",))

Change = Callable[[Candidate], Candidate]
AGAINST: dict[str, tuple[Change, tuple[str, ...], str]] = {
    "artifact": (
        lambda of: replace(of, seen=Seen(artifact_fault="ARTIFACT_REJECTED: other bytes")),
        ("ARTIFACT_REJECTED",),
        "ARTIFACT_REJECTED: other bytes",
    ),
    "no evidence": (
        lambda of: replace(of, version=replace(of.version, evidence=None)),
        ("EVIDENCE_UNFIT", "NO_PROMOTION", "CALIBRATION_ABOVE_GATE"),
        "no walk-forward was in the lake when it was staged",
    ),
    "other settings": (
        lambda of: with_evidence(of, spec="6" * 64),
        ("EVIDENCE_UNFIT",),
        "the walk-forward judged other settings than it was fitted with",
    ),
    "other rows": (
        lambda of: with_evidence(of, dataset="7" * 16),
        ("EVIDENCE_UNFIT",),
        "the walk-forward judged rows 7777777777777777, it was fitted on 0000000000000000",
    ),
    "verdict": (
        lambda of: with_evidence(of, promote=False, sentence="No promotion of plain.", codes=("NO_EDGE",)),
        ("NO_PROMOTION",),
        "No promotion of plain. NO_EDGE",
    ),
    "calibration": (
        lambda of: with_evidence(of, answers=(BAD,)),
        ("CALIBRATION_ABOVE_GATE",),
        "its calibration error may be above the gate of 0.03: h",
    ),
    "ledger": (lambda of: replace(of, seen=Seen(ledger_fault="cut")), ("LEDGER_BROKEN",), "cut"),
    "data": (
        lambda of: with_production(of, data_until="2025-01-11"),
        ("DATA_OLDER",),
        "its data ends 2025-01-10, that of production 2025-01-11",
    ),
    "same model": (
        lambda of: with_production(of, model_hash=of.version.artifact.model_hash),
        ("SAME_MODEL",),
        "its graph is that of v0.9.0, which is in production",
    ),
}


@pytest.mark.parametrize(("change", "against", "sentence"), AGAINST.values(), ids=AGAINST)
def test_a_gate_holds_back(candidate: Candidate, change: Change, against: tuple[str, ...], sentence: str) -> None:
    """And only what it is there for."""
    found = findings(change(candidate))
    assert codes(found) == against
    assert next(finding.sentence for finding in found if not finding.passed) == sentence


def test_every_gate_lets_a_good_version_through(candidate: Candidate) -> None:
    """Its sentence is the rule then; a first version is held against no production."""
    assert codes(findings(candidate)) == ()
    first = findings(replace(candidate, production=None))
    assert [finding.sentence for finding in first] == [gate.rule for gate in GATES]


def test_heads_that_are_not_to_be_used_need_no_calibration(candidate: Candidate) -> None:
    """Only what carries is served."""
    assert codes(findings(with_evidence(candidate, answers=(GOOD, CALIBRATED_ELSEWHERE)))) == ()


def faults(registry: Registry) -> tuple[str, ...]:
    return codes(candidacy(registry.standings(), MODEL, "", registry.folder.parent)[1])


def test_a_ledger_that_has_grown_is_the_same_ledger(tmp_path: Path) -> None:
    """One that was begun anew, or cut, is not."""
    registry = started(tmp_path)
    stage(registry, b"one")
    path = tmp_path / LEDGER_FILE
    Ledger(path).append([Trial("fit", MODEL, "later")])
    assert faults(registry) == ()
    path.unlink()
    assert faults(registry) == ("LEDGER_BROKEN",)
    path.with_suffix(".head").unlink()
    Ledger(path).append([Trial("fit", MODEL, "another")])
    assert faults(registry) == ("LEDGER_BROKEN",)


def test_the_artifact_is_looked_at_again(tmp_path: Path) -> None:
    """Every byte of it, when it is to be promoted."""
    registry = started(tmp_path)
    stage(registry, b"one")
    (tmp_path / "plain_v1.0.0" / "model.onnx").write_bytes(b"own")
    assert faults(registry) == ("ARTIFACT_REJECTED",)


def test_a_candidate_is_held_against_production(tmp_path: Path) -> None:
    """Data that ends before that of production speaks against it."""
    registry = started(tmp_path)
    stage(registry, b"one", until="2025-01-10")
    promote(registry)
    stage(registry, b"two", until="2025-01-09")
    assert faults(registry) == ("DATA_OLDER",)


def test_every_gate_is_documented() -> None:
    """docs/registry.md holds each with its code and rule."""
    page = (Path(__file__).parents[2] / "docs" / "registry.md").read_text(encoding="utf-8")
    assert [gate.name for gate in GATES if f"| {gate.name} | `{gate.code}` | {gate.rule} |" not in page] == []
