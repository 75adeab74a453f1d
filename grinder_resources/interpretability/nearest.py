"""The past events most like this one: what was known at them lay closest, and how they ended was known by now."""

from dataclasses import dataclass

import numpy as np

from grinder_resources.learning.boosters import Floats, Values
from grinder_resources.learning.splits import Rows

MISSING_APART = 1.0
"""Standard deviations between a value and a missing one."""


@dataclass(frozen=True)
class Neighbour:
    """A past row and how far away it is.

    row
        Its number in the frame.
    distance
        Root mean square over the inputs of their differences, in standard deviations.
    """

    row: int
    distance: float


def nearest(values: Values, row: int, known: Rows, count: int) -> tuple[Neighbour, ...]:
    """Return the `count` rows of `known` closest to `row`, the closest first; of equal ones the earlier comes first.

    values
        float32 [rows, inputs], NaN where a value is missing. Inputs are numbers: a category is no distance.
    known
        Numbers of the rows that may be looked at: those whose outcome was known. Their mean and spread alone are the
        measure, so that nothing of a later row decides what is near.

    Two missing values are alike; a missing and a known one are one standard deviation apart. An input that is the same
    in all known rows says nothing and is left out. No known row gives no neighbour.
    """
    if not len(known):
        return ()
    past = values[known].astype(np.float64)
    counts = (~np.isnan(past)).sum(axis=0)
    mean = np.nansum(past, axis=0) / np.maximum(counts, 1)
    spread = np.sqrt(np.nansum((past - mean) ** 2, axis=0) / np.maximum(counts, 1))
    told = spread > 0.0
    if not told.any():
        return tuple(Neighbour(int(number), 0.0) for number in known[:count])
    distances = _distances(past[:, told], values[row, told].astype(np.float64), spread[told])
    order = np.argsort(distances, kind="stable")[:count]
    return tuple(Neighbour(int(known[place]), float(distances[place])) for place in order)


def _distances(past: Floats, own: Floats, spread: Floats) -> Floats:
    """Return float64 [rows]: root mean square of the differences in standard deviations."""
    apart = (past - own) / spread
    one_missing = np.isnan(past) ^ np.isnan(own)
    squares = np.where(one_missing, MISSING_APART**2, np.nan_to_num(apart) ** 2)
    return np.asarray(np.sqrt(squares.mean(axis=1)))
