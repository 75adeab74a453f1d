"""The grid that the bot's rules ask for: distance between lines, width and lines on each side, exact integers in bps.

    step   = max(5, 30 x NATR x multiplier // 10000)       multiplier 100; VOL_SHOCK 150; THIN_BOOK and TOXIC 200
    sigma  = NATR x int(100 sqrt(60)) // 100               an hour of one-minute bars
    width  = 200 x sigma // 100 within 20..500             two of them; the side of a trend x 130 // 100
    levels = ceil(width / step) within 2..20

Each `//` cuts as it stands here, in this order. EMERGENCY has the usual numbers: that nothing is quoted then is not the
grid's business.
"""

from dataclasses import dataclass, replace
from math import isqrt
from types import MappingProxyType

from grinder_resources.contracts.calibration import NEUTRAL_X1000
from grinder_resources.contracts.exact import half_even
from grinder_resources.policy.regimes import Regime, RegimeName

MIN_STEP_BPS = 5
STEP_OF_NATR = 30
MULTIPLIER = 100
MULTIPLIERS = MappingProxyType({RegimeName.VOL_SHOCK: 150, RegimeName.THIN_BOOK: 200, RegimeName.TOXIC: 200})

BARS = 60
ROOT_X100 = isqrt(BARS * 10_000)
SIGMAS_X100 = 200
WIDTH_BPS = (20, 500)
TREND_SIDE_X100 = 130
LEVELS = (2, 20)


@dataclass(frozen=True)
class GridPlan:
    """A grid around the mid.

    step_bps
        Distance between two lines.
    width_up_bps, width_down_bps
        How far it reaches above and below.
    levels_up, levels_down
        Lines on each side.
    """

    step_bps: int
    width_up_bps: int
    width_down_bps: int
    levels_up: int
    levels_down: int


def plan(regime: Regime, natr_bps: int) -> GridPlan:
    """Return the grid of a regime at this NATR, whole bps, 0 in warm-up."""
    multiplier = MULTIPLIERS.get(regime.name, MULTIPLIER)
    step = max(MIN_STEP_BPS, STEP_OF_NATR * natr_bps * multiplier // 10_000)
    sigma = natr_bps * ROOT_X100 // 100
    width = max(WIDTH_BPS[0], min(WIDTH_BPS[1], SIGMAS_X100 * sigma // 100))
    trending = width * TREND_SIDE_X100 // 100
    up = trending if regime.name is RegimeName.TREND_UP else width
    down = trending if regime.name is RegimeName.TREND_DOWN else width
    return GridPlan(step, up, down, _levels(up, step), _levels(down, step))


def apply_signal(rules: GridPlan, spacing_multiplier_x1000: int) -> GridPlan:
    """Return the grid with its step made wider or narrower, as wide in all as before.

    step = max(5, step x multiplier / 1000), half-even; lines follow from it. 1000 changes nothing.
    """
    step = max(MIN_STEP_BPS, int(half_even(rules.step_bps * spacing_multiplier_x1000, NEUTRAL_X1000)))
    return replace(
        rules,
        step_bps=step,
        levels_up=_levels(rules.width_up_bps, step),
        levels_down=_levels(rules.width_down_bps, step),
    )


def _levels(width_bps: int, step_bps: int) -> int:
    fewest, most = LEVELS
    return max(fewest, min(most, -(-width_bps // step_bps)))
