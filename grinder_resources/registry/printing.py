"""How the registry is shown on a terminal: standings as a table, events and gates as lines."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from grinder_resources.registry.events import Event
from grinder_resources.registry.gates import Finding
from grinder_resources.registry.states import Standing

_FORMAT = "{:<30}{:<12}{:<22}{:<10}{:<24}{}"
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


def _listed(standing: Standing, state: str) -> str:
    return " ".join(version.version for version in standing.versions.values() if version.state == state) or "-"
