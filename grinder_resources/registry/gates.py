"""What stands between a staged version and production: one gate a reason, each with a sentence. Pure functions.

What is not known does not pass. Whoever promotes in spite of a gate says why, and the log keeps both.
"""

from collections.abc import Callable
from dataclasses import dataclass

from grinder_resources.evaluation.promotion_gates import CODES, Gates
from grinder_resources.registry.events import Evidence
from grinder_resources.registry.states import Version


@dataclass(frozen=True)
class Seen:
    """What was found beside the log: the line of a fault of the artifact or of the trial ledger, '' for none."""

    artifact_fault: str = ""
    ledger_fault: str = ""


@dataclass(frozen=True)
class Candidate:
    """A version that would go to production, the one that is there, and what was seen."""

    version: Version
    production: Version | None
    seen: Seen

    @property
    def evidence(self) -> Evidence | None:
        """What was known when the version was staged."""
        return self.version.evidence


@dataclass(frozen=True)
class Gate:
    """A rule with a code; `against` returns the sentence that speaks against a candidate, '' where nothing does."""

    name: str
    code: str
    rule: str
    against: Callable[[Candidate], str]


@dataclass(frozen=True)
class Finding:
    """What a gate says of a candidate."""

    gate: Gate
    against: str

    @property
    def passed(self) -> bool:
        """Whether the gate lets the candidate through."""
        return not self.against

    @property
    def sentence(self) -> str:
        """The rule where it holds, else what speaks against it."""
        return self.against or self.gate.rule


def _artifact(candidate: Candidate) -> str:
    return candidate.seen.artifact_fault


def _evidence(candidate: Candidate) -> str:
    evidence, artifact = candidate.evidence, candidate.version.artifact
    if evidence is None:
        return "no walk-forward was in the lake when it was staged"
    if evidence.spec != artifact.spec:
        return "the walk-forward judged other settings than it was fitted with"
    if evidence.dataset != artifact.dataset:
        return f"the walk-forward judged rows {evidence.dataset}, it was fitted on {artifact.dataset}"
    return ""


def _verdict(candidate: Candidate) -> str:
    evidence = candidate.evidence
    if evidence is None:
        return "there is no promotion check"
    return "" if evidence.promote else f"{evidence.sentence} {' '.join(evidence.codes)}"


def _calibration(candidate: Candidate) -> str:
    answers = candidate.evidence.answers if candidate.evidence else ()
    carrying = {answer.head for answer in answers} - {answer.head for answer in answers if answer.codes}
    used = [answer for answer in answers if answer.head in carrying] or list(answers)
    unfit = [answer.answer for answer in used if "CALIBRATION_ABOVE_GATE" in answer.codes]
    if unfit:
        return f"{CODES['CALIBRATION_ABOVE_GATE']} of {Gates().max_ece_upper:g}: {', '.join(unfit)}"
    return "" if used else "no calibration error is known"


def _ledger(candidate: Candidate) -> str:
    return candidate.seen.ledger_fault


def _data(candidate: Candidate) -> str:
    own = candidate.version.artifact.data_until
    theirs = candidate.production.artifact.data_until if candidate.production else ""
    return f"its data ends {own or 'on no known day'}, that of production {theirs}" if own < theirs else ""


def _another(candidate: Candidate) -> str:
    production = candidate.production
    same = production is not None and production.artifact.model_hash == candidate.version.artifact.model_hash
    return f"its graph is that of {production.version}, which is in production" if same and production else ""


GATES = (
    Gate("artifact", "ARTIFACT_REJECTED", "the artifact verifies, and is the one that was staged", _artifact),
    Gate("evidence", "EVIDENCE_UNFIT", "the evidence is of the settings and rows it was fitted with", _evidence),
    Gate("verdict", "NO_PROMOTION", "the promotion check carries it", _verdict),
    Gate("calibration", "CALIBRATION_ABOVE_GATE", "its answers are calibrated, by the upper bound", _calibration),
    Gate("ledger", "LEDGER_BROKEN", "the trial ledger is unbroken and holds all it held when staged", _ledger),
    Gate("data", "DATA_OLDER", "its data does not end before that of production", _data),
    Gate("another", "SAME_MODEL", "its graph is not the one in production", _another),
)
"""In the order in which they are said."""

NEVER_OVERRIDDEN = frozenset({"ARTIFACT_REJECTED"})
"""Nothing is served that was not verified, whatever the reason."""


def findings(candidate: Candidate) -> tuple[Finding, ...]:
    """Return what every gate says of a candidate, in the order of GATES."""
    return tuple(Finding(gate, gate.against(candidate)) for gate in GATES)


def codes(found: tuple[Finding, ...]) -> tuple[str, ...]:
    """Return the codes of the gates that do not let the candidate through."""
    return tuple(finding.gate.code for finding in found if not finding.passed)
