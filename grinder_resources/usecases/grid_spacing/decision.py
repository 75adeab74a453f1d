"""From the model's answers to a grid: two readings of one model.

The seeds of this use case ask for the optimal spacing itself, and a regression learns its mean. Where either a narrow
or a wide grid was best, the mean lies in between, at a spacing that may never be best. The other reading asks what each
spacing earns, and takes the one that is expected to earn most; where none is expected to earn, no grid.
"""

from collections.abc import Mapping

from grinder_resources.contracts.gold_grid import SPACINGS_BPS
from grinder_resources.gold.lattice import GridChoice, snapped

EARNED = {f"earned_{bps}": bps for bps in SPACINGS_BPS}
"""Heads that say what a spacing earns, bps x 1000 of capital a window, and the spacing."""

OPTIMUM = ("spacing", "levels", "size")
"""Heads that say what the best grid will be: bps x 1000, lines, units."""

HEADS = (*OPTIMUM, *EARNED)

Answers = Mapping[str, int | None]
"""One row's answers by head; None where a head of EARNED could not be fitted, as where its grids were never filled."""


def nearest(answers: Answers) -> GridChoice:
    """Return the grid of the lattice that is nearest to the optimum the model expects."""
    return snapped(*(answers[name] or 0 for name in OPTIMUM))


def expected(answers: Answers) -> GridChoice | None:
    """Return the grid at the spacing that is expected to earn most, the wider one on ties; None where none earns.

    Lines and size are those of the lattice nearest to the best ones the model expects.
    """
    earning = [(money, bps) for name, bps in EARNED.items() if (money := answers.get(name) or 0) > 0]
    if not earning:
        return None
    spacing_bps = max(earning)[1]
    return nearest({**answers, "spacing": 1_000 * spacing_bps})
