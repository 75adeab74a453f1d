"""What is found, and when it counts: too few rows, too likely by chance, too small, usual; else a warning, or critical.

A finding counts if it is significant, large, and larger than what is usual. Significance guards against luck: within
each kind the share of false findings among those that count is held at a rate (Benjamini and Hochberg 1995), so two
hundred inputs do not raise ten alarms on a day without change. Size guards against numbers: of a million rows every
difference is significant. What is usual guards against days: one that lies no further from the training days than one
of them lay from the others is nothing new.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from grinder_resources.contracts.operations import MonitoringSettings
from grinder_resources.monitoring.distances import q_values

Kind = Literal["feature", "prediction", "calibration", "performance", "skew"]
State = Literal["ok", "warning", "critical", "unknown"]

KINDS: tuple[Kind, ...] = ("feature", "prediction", "calibration", "performance", "skew")
WORST_FIRST: tuple[State, ...] = ("critical", "warning", "ok", "unknown")

MENDED_BY_TRAINING: tuple[Kind, ...] = ("feature", "prediction", "calibration", "performance")
"""Kinds of drift. Skew is none: a process that reads other inputs than the lake has is not helped by a newer model."""


@dataclass(frozen=True)
class Measured:
    """One comparison, before it is judged.

    rows
        Rows of the window that were looked at.
    statistic, effect, p_value
        As in `monitoring/drift/<model>`; None where it cannot be told.
    words
        What was measured, a clause without an end.
    alarming
        Whether it is at least a warning, however small the effect.
    usual
        Effect that single training days had against the others; it has to be passed. None where it is not known.
    """

    kind: Kind
    name: str
    rows: int
    statistic: float | None
    effect: float | None
    p_value: float | None
    words: str
    alarming: bool = False
    usual: float | None = None

    @property
    def is_usual(self) -> bool:
        """Whether a training day lay as far from the others."""
        return self.effect is not None and self.usual is not None and self.effect <= self.usual


@dataclass(frozen=True)
class Finding:
    """One comparison, judged."""

    measured: Measured
    q_value: float | None
    state: State
    excused: bool = False
    """Whether it would be worse, were it not usual."""

    @property
    def words(self) -> str:
        """What was measured, and what it is excused by, a clause without an end."""
        usual = f", a training day lay {self.measured.usual:.3f} from the others" if self.excused else ""
        return self.measured.words + usual

    @property
    def sentence(self) -> str:
        """The finding in words."""
        return f"{self.words}: {self.state}."

    @property
    def effect(self) -> float:
        """Size of the finding, to sort by; below all others where it is not known."""
        return -np.inf if self.measured.effect is None else self.measured.effect


def judged(measured: Sequence[Measured], settings: MonitoringSettings) -> tuple[Finding, ...]:
    """Return the findings in the order given; each kind is a family of tests of its own."""
    chances: dict[int, float] = {}
    for kind in KINDS:
        tests = [
            (place, one.p_value) for place, one in enumerate(measured) if one.kind == kind and _told(one, settings)
        ]
        known = [(place, p_value) for place, p_value in tests if p_value is not None]
        q = q_values(np.array([p_value for _, p_value in known], dtype=np.float64))
        chances |= dict(zip((place for place, _ in known), q.tolist(), strict=True))
    return tuple(_judged(one, chances.get(place), settings) for place, one in enumerate(measured))


def worst(states: Iterable[State]) -> State:
    """Return the worst state, unknown if nothing is known."""
    found = set(states)
    return next((state for state in WORST_FIRST if state in found), "unknown")


def _told(one: Measured, settings: MonitoringSettings) -> bool:
    return one.effect is not None and one.rows >= settings.min_rows


def _judged(one: Measured, q_value: float | None, settings: MonitoringSettings) -> Finding:
    """Return the finding; what is usual is ok, however large."""
    state = _state(one, q_value, settings)
    excused = state in ("warning", "critical") and one.is_usual
    return Finding(one, q_value, "ok" if excused else state, excused)


def _state(one: Measured, q_value: float | None, settings: MonitoringSettings) -> State:
    if not _told(one, settings) or one.effect is None:
        return "unknown"
    if q_value is not None and q_value > settings.false_discovery_rate:
        return "ok"
    if one.effect >= settings.drift_threshold:
        return "critical"
    return "warning" if one.alarming or one.effect >= settings.warning_threshold else "ok"
