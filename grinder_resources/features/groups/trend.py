"""How book and tape at this attempt differ from the first attempt of its cluster: the level wears out, or it does not.

The same functions are evaluated at the t1 of the first attempt and at this event's level and scale, so a trend does not
depend on whether the first attempt became an event itself. It is 0 at a first attempt.
"""

from dataclasses import replace

from grinder_resources.contracts.exact import clip
from grinder_resources.features.groups.barrier import BARRIER_PHYSICS
from grinder_resources.features.groups.group import Group, maybe
from grinder_resources.features.groups.tape import TAPE_PHYSICS
from grinder_resources.features.moment import INT32_MOST, Moment, Row, Value

SOURCES = (
    "barrier_delta_liq_x1000",
    "barrier_replenishment_ratio_x1000",
    "tape_velocity_atr_x1000",
    "tape_imbalance_bps",
)
"""Columns of book and tape whose change is a feature."""


def _attempt_trend(at: Moment) -> Row:
    then = at.done if at.event.attempt_t1_ns == at.event.t1_ns else _at_first_attempt(at)
    return {f"{name}_trend": _change(at.done[name], then[name]) for name in SOURCES}


def _at_first_attempt(at: Moment) -> Row:
    first = replace(at, event=replace(at.event, t1_ns=at.event.attempt_t1_ns), done={})
    return {**BARRIER_PHYSICS.compute(first), **TAPE_PHYSICS.compute(first)}


def _change(now: Value, before: Value) -> int | None:
    return clip(now - before, INT32_MOST) if isinstance(now, int) and isinstance(before, int) else None


ATTEMPT_TREND = Group(
    "attempt_trend",
    tuple(
        maybe(f"{name}_trend", f"{name} - its value at the cluster's first attempt; null if either is")
        for name in SOURCES
    ),
    _attempt_trend,
    needs=("barrier_physics", "tape_physics"),
)
