"""What suggests configurations and learns from what became of them: the interface, and the facts it deals in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Protocol

from grinder_resources.tuning.parameters import Configuration, TunableParameter

State = Literal["complete", "pruned", "failed"]

TRIALS, SEED = 20, 42
"""Trials of a study and seed of its suggestions, where nothing else is said."""


@dataclass(frozen=True)
class Suggestion:
    """What to try next; trials are numbered from 0."""

    number: int
    configuration: Configuration


@dataclass(frozen=True)
class Outcome:
    """What became of a trial.

    score
        The objective; of a pruned trial as far as it was known, None of a failed one.
    metrics
        All that was measured; empty unless the trial is complete.
    reason
        Why it is not.
    """

    number: int
    configuration: Configuration
    state: State
    score: float | None
    metrics: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    reason: str = ""


class Backend(Protocol):
    """One study: it asks and is told in turn, one trial at a time."""

    @property
    def study(self) -> str:
        """Name of the study."""
        ...

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return all trials that have ended, by number."""
        ...

    def lost(self) -> tuple[Outcome, ...]:
        """Close the trials whose process ended before they did, and return them, failed."""
        ...

    def suggest(self, space: Sequence[TunableParameter]) -> Suggestion:
        """Return what to try next; the defaults first."""
        ...

    def prune(self, step: int, value: float) -> bool:
        """Take the objective after a step of the running trial; return whether to give the trial up."""
        ...

    def observe(self, outcome: Outcome) -> None:
        """Take what became of the running trial."""
        ...
