"""Reach questions of a touched level: their names, and what their definitions imply for one another."""

from collections.abc import Iterator
from itertools import product
from types import MappingProxyType

from grinder_resources.contracts.calibration import AtLeast, Either, Rule
from grinder_resources.contracts.events import REACH_HORIZONS_S, THRESHOLDS

SIDES = MappingProxyType({"": "threshold", "_break": "break", "_bounce": "bounce"})
"""Sides of a level as reach labels name them, and as the times of first passage do: either, beyond, back."""


def reach_head(threshold: int, side: str, horizon: int) -> str:
    """Return the name of the head that asks whether the threshold is reached on that side within that many seconds."""
    return f"t{threshold}{side}_{horizon}s"


def _likelier_when_nearer_or_later(side: str) -> Iterator[Rule]:
    """Yield that a reach is at least as likely as that of the next threshold, and as that within the horizon before.

    From the last threshold and the first horizon on, so that a bound has its final value when it is looked at. The
    nearer threshold is the one that moves: it may be settled where the farther one is open, and a head has nothing to
    say of rows that are settled for it.
    """
    thresholds = THRESHOLDS[::-1]
    for (row, threshold), (column, horizon) in product(enumerate(thresholds), enumerate(REACH_HORIZONS_S)):
        farther = [reach_head(thresholds[row - 1], side, horizon)] if row else []
        sooner = [reach_head(threshold, side, REACH_HORIZONS_S[column - 1])] if column else []
        if farther or sooner:
            yield AtLeast(reach_head(threshold, side, horizon), (*farther, *sooner))


LEVEL_COHERENCE: tuple[Rule, ...] = (
    *(rule for side in SIDES for rule in _likelier_when_nearer_or_later(side)),
    *(
        Either(reach_head(k, "", h), (reach_head(k, "_break", h), reach_head(k, "_bounce", h)))
        for k, h in product(THRESHOLDS, REACH_HORIZONS_S)
    ),
    AtLeast("tradeable_2", tuple(reach_head(2, "", horizon) for horizon in REACH_HORIZONS_S)),
)
"""What follows from the labels' definitions, whatever the market does.

A threshold reached within 60 s is reached within 120 s, and threshold 2 lies beyond threshold 1. Either side is reached
when one of the two is. Threshold 2 reached within 120 s is reached within the look-forward of tradeable_2.

`Either` moves heads between bounds that the first rules have put in order, so it leaves them in order, too.
"""
