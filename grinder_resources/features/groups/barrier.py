"""Barrier: what the resting size that defends the level did in the window before t1.

The defending side is the asks for UP and the bids for DOWN. Its levels within the zone around L belong to the barrier.
A book that ends before the zone says nothing about it, so its depth there is unknown rather than zero; past the level
there is nothing left to defend, so that depth is zero. Changes of depth between books count as added or removed.
"""

from typing import NamedTuple

import numpy as np
import polars as pl

from grinder_resources.contracts.events import BARRIER_STATES
from grinder_resources.contracts.exact import clip, half_even
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.contracts.table import optional
from grinder_resources.features.groups.group import Group, maybe, maybe_lots
from grinder_resources.features.known import Ints
from grinder_resources.features.moment import INT32_MOST, Moment, Row, Settings

MOST_REPLENISHED_X1000 = 1_000_000
_VACUUM, _CONSUMED, _WALL, _ABSORPTION, _WEAK, _NEUTRAL = BARRIER_STATES


class Barrier(NamedTuple):
    """The defending side over the window, summed up.

    depths
        Lots in the zone, one entry a book that reaches the zone; the first and the last are those of the window.
    last_levels
        Price levels in the zone of the last book.
    side_lots, side_levels
        All lots and price levels of the side over all books: their ratio is the usual size of a level.
    """

    depths: Ints
    last_levels: int
    side_lots: int
    side_levels: int


def _barrier_physics(at: Moment) -> Row:
    barrier = _observe(at)
    if barrier is None:
        return dict.fromkeys(column.name for column in BARRIER_PHYSICS.columns)
    total, delta = int(barrier.depths.sum()), int(barrier.depths[-1] - barrier.depths[0])
    steps = np.diff(barrier.depths)
    added, removed = int(steps[steps > 0].sum()), -int(steps[steps < 0].sum())
    delta_x1000 = clip(half_even(1000 * delta * len(barrier.depths), total), INT32_MOST) if total else 0
    usual = barrier.last_levels * barrier.side_lots
    wall = 1000 * int(barrier.depths[-1]) * barrier.side_levels
    wall_x1000 = clip(half_even(wall, usual), INT32_MOST) if usual else 0
    return {
        "barrier_delta_liq_lots": delta,
        "barrier_delta_liq_x1000": delta_x1000,
        "barrier_replenishment_ratio_x1000": min(MOST_REPLENISHED_X1000, half_even(1000 * added, max(1, removed))),
        "wall_ratio_x1000": wall_x1000,
        "barrier_state": _state(delta_x1000, wall_x1000, at.settings),
    }


def _observe(at: Moment) -> Barrier | None:
    event, settings = at.event, at.settings
    start_ns = event.t1_ns - settings.barrier_window_s * NS_PER_SECOND
    max_age_ns = settings.book_max_age_s * NS_PER_SECOND
    side = at.market.books.between(start_ns, event.t1_ns, max_age_ns, event.sign)
    if side is None:
        return None
    beyond = event.sign * (2 * side.ticks - event.level)
    zone = max(settings.barrier_zone_least_half_ticks, event.share_of_atr(settings.barrier_zone_atr_x1000))
    inside = np.abs(beyond) <= zone
    reaches = _last_of_each(beyond, side.ends) >= -zone
    if not (reaches[0] and reaches[-1]):
        return None
    return Barrier(
        depths=_sums(np.where(inside, side.lots, 0), side.ends)[reaches],
        last_levels=int(inside[side.ends[-2] :].sum()),
        side_lots=int(side.lots.sum()),
        side_levels=len(side.lots),
    )


def _sums(values: Ints, ends: Ints) -> Ints:
    """Return the sum of each book's values; book i holds values[ends[i]:ends[i + 1]]."""
    total: Ints = np.concatenate((np.zeros(1, np.int64), np.cumsum(values)))
    return total[ends[1:]] - total[ends[:-1]]


def _last_of_each(values: Ints, ends: Ints) -> Ints:
    """Return each book's last value, its worst price; 0 for an empty side, which is seen to be empty."""
    padded = np.append(values, 0)
    result: Ints = np.where(ends[1:] > ends[:-1], padded[ends[1:] - 1], 0)
    return result


def _state(delta_x1000: int, wall_x1000: int, settings: Settings) -> str:
    if delta_x1000 < -settings.barrier_flow_x1000:
        return _VACUUM if wall_x1000 < settings.r_vacuum_x1000 else _CONSUMED
    if delta_x1000 > settings.barrier_flow_x1000:
        return _WALL if wall_x1000 > settings.r_wall_x1000 else _ABSORPTION
    return _WEAK if wall_x1000 < settings.r_weak_x1000 else _NEUTRAL


_UNKNOWN = "null without a fresh book at either end of the window that reaches the zone"

BARRIER_PHYSICS = Group(
    "barrier_physics",
    (
        maybe_lots("barrier_delta_liq_lots", f"depth at t1 - depth at the window's start, lots; {_UNKNOWN}"),
        maybe("barrier_delta_liq_x1000", f"the same / mean depth over the window x1000; {_UNKNOWN}"),
        maybe("barrier_replenishment_ratio_x1000", f"lots added / lots removed x1000, at most 1000000; {_UNKNOWN}"),
        maybe(
            "wall_ratio_x1000",
            f"mean size of a level in the zone at t1 / on the side over the window x1000; {_UNKNOWN}",
        ),
        optional("barrier_state", pl.String(), f"one of BARRIER_STATES; {_UNKNOWN}"),
    ),
    _barrier_physics,
)
