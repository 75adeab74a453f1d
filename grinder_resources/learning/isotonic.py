"""Isotonic regression on groups of rows, in exact integers: pool adjacent violators (Ayer et al. 1955).

Shares are compared as fractions, so neither the order of rows nor a machine's floats can move a step.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GROUPS = 64
"""Most steps a table can have, before neighbours are pooled."""

MIN_STEP_ROWS = 50
"""Rows a step rests on at least: the share of 50 rows is known to 14 percentage points (95 %) before pooling."""


@dataclass(frozen=True)
class Block:
    """Rows next to each other on the margin scale: lowest and highest margin, their number, those of the class."""

    first: int
    last: int
    rows: int
    positives: int


@dataclass(frozen=True)
class Prior:
    """Made-up rows that every block is given: `weight` rows of which the share positives / rows are of the class."""

    weight: int
    positives: int
    rows: int

    def fraction(self, block: Block) -> tuple[int, int]:
        """Return the share of the class in a block with the made-up rows, as numerator and denominator."""
        return block.positives * self.rows + self.weight * self.positives, (block.rows + self.weight) * self.rows


NO_PRIOR = Prior(weight=0, positives=0, rows=1)


def grouped(margin_q16: NDArray[np.int64], positive: NDArray[np.bool_]) -> tuple[Block, ...]:
    """Return at most GROUPS blocks in order of margin, alike in size, each of MIN_STEP_ROWS rows or more.

    Rows of one margin stay together. Fewer than 2 x MIN_STEP_ROWS rows are one block; there is at least one row.
    """
    margins, number = np.unique(margin_q16, return_inverse=True)
    rows, positives = np.bincount(number), np.bincount(number[positive], minlength=len(margins))
    upto, total = rows.cumsum(), len(margin_q16)
    size = max(MIN_STEP_ROWS, -(-total // GROUPS))
    begins, taken = [0], 0
    while total - taken >= 2 * size:
        end = int(np.searchsorted(upto, taken + size)) + 1
        taken = int(upto[end - 1])
        if total - taken >= size:
            begins.append(end)
    lasts = margins[[*(begin - 1 for begin in begins[1:]), -1]]
    columns = (margins[begins], lasts, np.add.reduceat(rows, begins), np.add.reduceat(positives, begins))
    return tuple(Block(*values) for values in zip(*(column.tolist() for column in columns), strict=True))


def pooled(blocks: Iterable[Block], prior: Prior = NO_PRIOR) -> tuple[Block, ...]:
    """Return the blocks with neighbours joined until their shares, prior included, rise strictly."""
    rising: list[Block] = []
    for block in blocks:
        current = block
        while rising and not _below(prior.fraction(rising[-1]), prior.fraction(current)):
            left = rising.pop()
            current = Block(left.first, current.last, left.rows + current.rows, left.positives + current.positives)
        rising.append(current)
    return tuple(rising)


def _below(left: tuple[int, int], right: tuple[int, int]) -> bool:
    return left[0] * right[1] < right[0] * left[1]
