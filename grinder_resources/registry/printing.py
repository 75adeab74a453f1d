"""How the registry is shown on a terminal: standings as a table, events and gates as lines."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from grinder_resources.registry.events import AnswerEvidence, Event
from grinder_resources.registry.gates import Finding
from grinder_resources.registry.states import Standing, Version

_FORMAT = "{:<29} {:<11} {:<21} {:<9} {:<23} {}"
FOLDS_SHOWN = 5
_EVIDENCE = "{:<23} {:<10} {:<37} {}"
_HEADER = ("model", "production", "since", "staged", "deprecated", "retired")


def standing_lines(known: Mapping[str, Standing]) -> Iterator[str]:
    """Yield a heading and one line a model, or the sentence that there is none."""
    if not known:
        yield "no model is registered"
        return
    for row in (_HEADER, *(_row(standing) for _, standing in sorted(known.items()))):
        yield _FORMAT.format(*row).rstrip()


def event_lines(events: Iterable[Event]) -> Iterator[str]:
    """Yield one line an event: number, time, what happened to which version, who, why."""
    for event in events:
        despite = f" (despite {' '.join(event.gates)})" if event.gates else ""
        who = f"{event.actor}{', signed' if event.signed_by else ''}"
        yield f"{event.seq:>4}  {event.at}  {event.action:<11}  {event.folder}  {who}: {event.reason}{despite}"


def version_lines(version: Version) -> Iterator[str]:
    """Yield what a version is, what it was made from, and the evidence it was staged with, an answer a line."""
    artifact, evidence = version.artifact, version.evidence
    yield f"{version.folder}: {version.state} since {version.since}, by event {version.event}"
    yield f"model {artifact.model_hash}, chain {artifact.chain_root[:16]}, manifest {artifact.manifest[:16]}"
    yield f"rows {artifact.dataset}, {artifact.data_from or 'no known day'} to {artifact.data_until or 'no known day'}"
    if evidence is None:
        yield "no evidence: there was no walk-forward"
        return
    yield evidence.sentence
    yield f"trial ledger: {evidence.ledger_count} records up to {evidence.ledger_newest[:16]}"
    yield ""
    yield _EVIDENCE.format("answer", "ece upper", "skill by fold", "against it")
    for answer in evidence.answers:
        yield _EVIDENCE.format(*evidence_row(answer))


def evidence_row(answer: AnswerEvidence) -> tuple[str, str, str, str]:
    """Return an answer's name, upper calibration error, skill of the newest folds, and the codes against it."""
    older = "… " if len(answer.folds_ppm) > FOLDS_SHOWN else ""
    folds = older + " ".join(_share(skill) for skill in answer.folds_ppm[-FOLDS_SHOWN:]) or "-"
    return answer.answer, _share(answer.ece_upper_ppm), folds, " ".join(answer.codes) or "nothing"


def gate_lines(found: Sequence[Finding]) -> Iterator[str]:
    """Yield one line a gate: whether it lets the version through, and what speaks against it."""
    for finding in found:
        yield f"{'ok' if finding.passed else 'NO':<4}{finding.gate.name:<13}{finding.sentence}"


def _row(standing: Standing) -> tuple[str, ...]:
    production, staged = standing.production, standing.staged
    return (
        standing.model,
        production.version if production else "-",
        production.since if production else "-",
        staged.version if staged else "-",
        *(_listed(standing, state) for state in ("deprecated", "retired")),
    )


def _share(ppm: int | None) -> str:
    return "-" if ppm is None else f"{ppm / 1_000_000:.3f}"


def _listed(standing: Standing, state: str) -> str:
    return " ".join(version.version for version in standing.versions.values() if version.state == state) or "-"
