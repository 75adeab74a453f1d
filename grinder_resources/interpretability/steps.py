"""The calibration step that a margin lies in: from where to where it reaches, and what every margin in it gets."""

from bisect import bisect_right
from dataclasses import dataclass

from grinder_resources.contracts.artifacts import LEAF_GRID_BITS
from grinder_resources.contracts.calibration import Method, StepTable


@dataclass(frozen=True)
class CalibrationStep:
    """One step of a table.

    number, steps
        Which of how many, from 1.
    low_q16, high_q16
        Margins low <= margin < high lie in it, in units of 2^-16; None = no bound.
    bps
        What each of them gets, before rules between heads.
    method, rows
        How the table was made, and of how many out-of-fold rows: 0 for a head's own link.
    """

    number: int
    steps: int
    low_q16: int | None
    high_q16: int | None
    bps: int
    method: Method
    rows: int

    @property
    def low(self) -> float | None:
        """The smallest margin of the step."""
        return None if self.low_q16 is None else self.low_q16 / (1 << LEAF_GRID_BITS)

    @property
    def high(self) -> float | None:
        """The margin at which the next step begins."""
        return None if self.high_q16 is None else self.high_q16 / (1 << LEAF_GRID_BITS)


def step_of(table: StepTable, margin_q16: int) -> CalibrationStep:
    """Return the step of a table that a margin lies in; a cut belongs to the step it begins."""
    place, cuts = bisect_right(table.cuts_q16, margin_q16), table.cuts_q16
    return CalibrationStep(
        number=place + 1,
        steps=len(table.values_bps),
        low_q16=cuts[place - 1] if place else None,
        high_q16=cuts[place] if place < len(cuts) else None,
        bps=table.values_bps[place],
        method=table.method,
        rows=table.rows,
    )
