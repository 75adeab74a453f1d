"""The lattice of grids that is swept, and how a grid named in bps and units becomes one in lots.

A unit is worth about the same money in every instrument and window, so that sizes can be compared; see
`contracts.gold_grid` for the numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from types import MappingProxyType
from typing import Any, Self

from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.gold_grid import CAPITAL_UNITS, SPACINGS_BPS, UNIT_QUOTE
from grinder_resources.contracts.instruments import Instrument
from grinder_resources.contracts.simulation import GridParameters
from grinder_resources.policy.grid import plan
from grinder_resources.policy.regimes import classify, inputs_of

SHAPES = ((2, 4), (4, 2), (8, 1), (4, 1), (8, 2))
"""Lines on each side and units of each order that are swept with every distance."""


@dataclass(frozen=True)
class GridChoice:
    """A grid by what a trader says of it: distance between two lines in bps x 1000, lines a side, units an order."""

    spacing_x1000: int
    levels: int
    size_units: int

    @property
    def name(self) -> str:
        """Its name in the sweep, e.g. `s12_l4_u2`."""
        return f"s{self.spacing_x1000 // 1_000}_l{self.levels}_u{self.size_units}"

    @classmethod
    def of_rules(cls, snapshot: Mapping[str, Any], full_l1_lots: int) -> Self:
        """Return the grid that the bot's rules ask for, one unit an order, at a row with a snapshot's features.

        In a trend the rules give one side more lines; here both sides have as many, for a grid has one width.
        """
        rules = plan(classify(inputs_of(snapshot, full_l1_lots)), snapshot["natr_bps"])
        return cls(1_000 * rules.step_bps, max(rules.levels_up, rules.levels_down), 1)

    def parameters(self, unit_lots: int, price_step_ticks: int) -> GridParameters:
        """Return the grid in lots: built again where the mid leaves its last line, never holding above the capital."""
        return GridParameters(
            spacing_x1000=self.spacing_x1000,
            levels=self.levels,
            size_lots=self.size_units * unit_lots,
            recentre_x1000=self.levels * self.spacing_x1000,
            max_position_lots=CAPITAL_UNITS * unit_lots,
            price_step_ticks=price_step_ticks,
        )


LATTICE: Mapping[str, GridChoice] = MappingProxyType(
    {
        choice.name: choice
        for spacing, (levels, units) in product(SPACINGS_BPS, SHAPES)
        for choice in (GridChoice(1_000 * spacing, levels, units),)
    }
)
"""Every grid that is swept, by name."""


def unit_lots(mid_half_ticks: int, instrument: Instrument) -> int:
    """Return the lots worth nearest to UNIT_QUOTE at this mid, half-even, at least one."""
    lot_value = Fraction(instrument.tick_size) * Fraction(instrument.lot_size) * mid_half_ticks / 2
    lots = Fraction(UNIT_QUOTE) / lot_value
    return max(1, int(half_even(lots.numerator, lots.denominator)))


def snapped(spacing_x1000: int, levels: int, size_units: int) -> GridChoice:
    """Return the grid of the lattice that is nearest to three numbers.

    First the spacing, in ratio, for a step from 3 to 5 bps is as far as one from 30 to 50; then the shape, in lines
    and units. Of two that are equally near, the wider spacing, fewer lines and smaller size.
    """
    spacing = min(SPACINGS_BPS, key=lambda bps: (_ratio(1_000 * bps, spacing_x1000), -bps))
    near = min(SHAPES, key=lambda shape: (_ratio(shape[0], levels) + _ratio(shape[1], size_units), shape))
    return GridChoice(1_000 * spacing, *near)


def _ratio(one: int, other: int) -> Fraction:
    """Return how many times the larger is the smaller; numbers below 1 count as 1."""
    low, high = sorted((max(1, one), max(1, other)))
    return Fraction(high, low)
