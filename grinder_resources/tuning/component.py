"""Tunable components: something with settings that can be run and measured. The loop knows nothing else of them."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from grinder_resources.tuning.parameters import Configuration, TunableParameter, require_space

Earnings = Mapping[str, Mapping[int, int]]
"""What a run earned, whole units by block of time, of each question it was asked; '' = the whole."""

Steps = Generator[float, None, None]
"""A run: the objective as far as it is known, after each step."""


def _nothing() -> Earnings:
    return MappingProxyType({})


@dataclass(frozen=True)
class TunableComponent:
    """Something that can be tuned.

    name
        What it is called in studies and on the trial ledger.
    apply
        Takes the configuration that the next run is with.
    run
        Runs, and yields the objective as far as it is known after each step; whoever stops asking ends the run.
    telemetry
        Returns what the run measured, by name; `objective` is among it.
    objective, maximise
        Which of these is to be as large as possible, or as small as possible.
    earned
        Returns what the run earned by block of time, for the ledger and for the question how much of it is luck.
    scales
        By question: what all that was earned is divided by. The objective is the mean of these quotients.
    facts
        What every trial on the ledger says: `dataset` and `data` of what it is judged on, and what else decides it.
        Integers and texts.
    """

    name: str
    parameters: tuple[TunableParameter, ...]
    apply: Callable[[Configuration], None]
    run: Callable[[], Steps]
    telemetry: Callable[[], Mapping[str, float]]
    objective: str
    maximise: bool = True
    earned: Callable[[], Earnings] = _nothing
    scales: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        require_space(self.parameters)


def score_of(earned: Earnings, scales: Mapping[str, int]) -> float:
    """Return the mean over all questions of what was earned, divided by its scale; 0 where nothing was."""
    return sum(sum(earned.get(question, {}).values()) / scale for question, scale in scales.items()) / len(scales)
