"""Confluence: how many other levels stand near this one, how near, and whether the averages agree with the approach."""

from types import MappingProxyType

import polars as pl

from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.table import required
from grinder_resources.features.groups.group import Group, maybe, number
from grinder_resources.features.moment import Moment, Row

WEIGHTS_X1000 = MappingProxyType(
    {
        "PRIOR_HIGH": 1000,
        "PRIOR_LOW": 1000,
        "OR_HIGH": 900,
        "OR_LOW": 900,
        "SESSION_HIGH": 600,
        "SESSION_LOW": 600,
        "SMA_200": 800,
        "VWAP": 700,
        "ROUND": 500,
        "SMA_400": 800,
    }
)
"""How much a level of each kind counts."""


def _confluence(at: Moment) -> Row:
    event = at.event
    others = {kind: series.at(event.t1_ns) for kind, series in at.market.levels.items() if kind != event.kind}
    distances = {kind: abs(level - event.level) for kind, level in others.items() if level is not None}
    band = max(1, event.share_of_atr(at.settings.confluence_band_atr_x1000))
    near = {kind: distance for kind, distance in distances.items() if distance <= band}
    score = half_even(sum(WEIGHTS_X1000[kind] * (band - distance) for kind, distance in near.items()), band)
    most = sum(weight for kind, weight in WEIGHTS_X1000.items() if kind != event.kind)
    return {
        "confluence_count": len(near),
        "confluence_weighted_score_x1000": score,
        "confluence_min_distance_atr_x1000": event.in_atr_x1000(min(distances.values())) if distances else None,
        "confluence_pressure_x1000": half_even(1000 * score, most),
        "confluence_alignment": _alignment(at),
    }


def _alignment(at: Moment) -> int:
    """Return +1 if both averages lie beyond L, fall back toward it and converge, -1 in the opposite case, else 0."""
    names = ("dist_to_sma_200", "dist_to_sma_400", "sma_200_slope", "sma_400_slope")
    values = [at.number(f"{name}_atr_x1000") for name in names]
    short_dist, long_dist, short, long = (at.event.sign * value if value is not None else 0 for value in values)
    if short_dist < 0 and long_dist < 0 and short < 0 and long < 0 and short > long:
        return 1
    if short_dist > 0 and long_dist > 0 and short > 0 and long > 0 and short < long:
        return -1
    return 0


CONFLUENCE = Group(
    "confluence",
    (
        number("confluence_count", "other levels within the confluence band of L at t1"),
        number("confluence_weighted_score_x1000", "sum of weight x (1 - distance / band) over them, x1000"),
        maybe(
            "confluence_min_distance_atr_x1000",
            "distance of the nearest other level / ATR x1000; null if there is no other level",
        ),
        number("confluence_pressure_x1000", "score / largest score possible for this kind, 0..1000"),
        required(
            "confluence_alignment",
            pl.Int8(),
            "+1 averages beyond L falling back toward it, -1 the opposite, 0 neither or warm-up",
        ),
    ),
    _confluence,
    needs=("sma_context",),
)
