"""Where the versions of a model stand, as their events say.

    staged ──▶ production ──▶ deprecated ──▶ retired
       └──────────────────────────▲│
                  production ◀─────┘

A model has at most one version in production and at most one staged, the newest candidate; the one before is
deprecated. Which version a rollback returns to follows from the events alone: the last one that was in production and
did not leave it by a rollback.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from grinder_resources.errors import RegistryRejected
from grinder_resources.registry.events import Action, Artifact, Event, Evidence

State = Literal["staged", "production", "deprecated", "retired"]

_AFTER: Mapping[Action, tuple[frozenset[State | None], State]] = {
    "staged": (frozenset({None, "staged"}), "staged"),
    "promoted": (frozenset({"staged", "deprecated"}), "production"),
    "deprecated": (frozenset({"staged", "production"}), "deprecated"),
    "rolled_back": (frozenset({"production"}), "deprecated"),
    "retired": (frozenset({"deprecated"}), "retired"),
}
"""Action -> the states it may follow, and the state it leads to; None = not registered."""


@dataclass(frozen=True)
class Version:
    """One version of a model as it stands.

    evidence
        What was known when it was staged last.
    since
        When it came to its state, and by which event.
    """

    model: str
    version: str
    state: State
    artifact: Artifact
    evidence: Evidence | None
    since: str
    event: int

    @property
    def folder(self) -> str:
        """Name of the artifact's folder among the models."""
        return f"{self.model}_{self.version}"


@dataclass(frozen=True)
class Standing:
    """The versions of one model in the order they were first staged, and those a rollback may return to, last first."""

    model: str
    versions: Mapping[str, Version]
    before: tuple[str, ...] = ()

    @property
    def production(self) -> Version | None:
        """The one version in production, None where there is none."""
        return self._only("production")

    @property
    def staged(self) -> Version | None:
        """The one candidate, None where there is none."""
        return self._only("staged")

    @property
    def kept(self) -> tuple[Version, ...]:
        """Versions that are not retired, oldest first."""
        return tuple(version for version in self.versions.values() if version.state != "retired")

    def _only(self, state: State) -> Version | None:
        return next((version for version in self.versions.values() if version.state == state), None)


def standings(events: Iterable[Event]) -> dict[str, Standing]:
    """Return where every model stands after these events. Raises RegistryRejected, naming the first impossible one."""
    found: dict[str, Standing] = {}
    for event in events:
        found[event.model] = after(found.get(event.model, Standing(event.model, {})), event)
    return found


def after(standing: Standing, event: Event) -> Standing:
    """Return where a model stands after one more event.

    Raises RegistryRejected for an event that cannot follow, and for one that would leave two versions in production,
    two candidates, or other bytes under the same version.
    """
    old = standing.versions.get(event.version)
    follows, state = _AFTER[event.action]
    if (old.state if old else None) not in follows:
        _refuse(event, f"{old.state if old else 'unregistered'} and then {event.action}")
    if old and old.artifact != event.artifact:
        _refuse(event, "other bytes under the same version")
    taken = {"production": standing.production, "staged": standing.staged}.get(state)
    if taken and taken.version != event.version:
        _refuse(event, f"{taken.version} is {state} already")
    evidence = event.evidence if event.action == "staged" or old is None else old.evidence
    version = Version(event.model, event.version, state, event.artifact, evidence, event.at, event.seq)
    return replace(standing, versions={**standing.versions, event.version: version}, before=_before(standing, event))


def _before(standing: Standing, event: Event) -> tuple[str, ...]:
    """Return the versions a rollback may return to, last first."""
    others = tuple(version for version in standing.before if version != event.version)
    leaves = event.action == "deprecated" and standing.production and standing.production.version == event.version
    return (
        (event.version, *others) if leaves else others if event.action in {"promoted", "retired"} else standing.before
    )


def _refuse(event: Event, got: str) -> None:
    raise RegistryRejected(
        "an event that cannot follow those before", where=f"event {event.seq}, {event.folder}, {event.action}", got=got
    )
