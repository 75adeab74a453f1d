"""Pressures in [-1000, 1000], positive where they push the price through the level."""

from grinder_resources.contracts.exact import clip, half_even, squash_x1000
from grinder_resources.features.groups.group import Group, pressure
from grinder_resources.features.moment import Moment, Row

FULL = 1000


def _pressure_indicators(at: Moment) -> Row:
    return {"liquidity_pressure_x1000": _liquidity(at), "tape_pressure_x1000": _tape(at)}


def _liquidity(at: Moment) -> int | None:
    """Return the mean of the squashed loss of depth and of how far the wall is below its usual size."""
    delta, wall = at.number("barrier_delta_liq_x1000"), at.number("wall_ratio_x1000")
    if delta is None or wall is None:
        return None
    thin = clip(half_even(2 * FULL - wall, 2), FULL)
    return int(half_even(squash_x1000(-delta, at.settings.liquidity_norm_x1000) + thin, 2))


def _tape(at: Moment) -> int | None:
    """Return the mean of imbalance and clipped velocity, in the approach direction."""
    imbalance, velocity = at.number("tape_imbalance_bps"), at.number("tape_velocity_atr_x1000")
    if imbalance is None or velocity is None:
        return None
    speed = clip(half_even(FULL * velocity, at.settings.velocity_norm_x1000), FULL)
    return int(half_even(at.event.sign * (imbalance + 10 * speed), 20))


PRESSURE_INDICATORS = Group(
    "pressure_indicators",
    (
        pressure("liquidity_pressure_x1000", "depth leaving and a thin wall push through; null without book features"),
        pressure("tape_pressure_x1000", "prints and their slope push through; null without prints that have a side"),
    ),
    _pressure_indicators,
    needs=("barrier_physics", "tape_physics"),
)


def _net_pressure(at: Moment) -> Row:
    names = ("liquidity_pressure", "tape_pressure", "reversion_pressure", "confluence_pressure")
    known = [value for name in names if (value := at.number(f"{name}_x1000")) is not None]
    return {"net_break_pressure_x1000": half_even(sum(known), len(known)) if known else None}


NET_PRESSURE = Group(
    "net_pressure",
    (
        pressure(
            "net_break_pressure_x1000",
            "mean of the known liquidity, tape, reversion and confluence pressures; null without any",
        ),
    ),
    _net_pressure,
    needs=("pressure_indicators", "mean_reversion", "confluence"),
)
