"""Sketches: how one number lies, as counts of rows by bin. Of a day's rows a few hundred integers are kept.

Bins are cut at values of the training rows, so a sketch of today and one of training can be held against each other
without either's rows. Counts are exact integers: sketches of hours add up to the sketch of their day, in any order and
however the rows were split.

What is lost is where in its bin a row lies. `monitoring.distances` says what that costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BINS = 128
"""Bins of a sketch: each holds less than a hundredth of the training rows, unless they are of one value."""


@dataclass(frozen=True)
class Sketch:
    """Rows of one input or answer by bin.

    cuts
        Strictly ascending values: bin i holds cuts[i - 1] <= value < cuts[i].
    counts
        Rows by bin, one more than there are cuts.
    missing
        Rows without a value.
    """

    cuts: tuple[float, ...]
    counts: tuple[int, ...]
    missing: int

    @property
    def rows(self) -> int:
        """All rows, those without a value among them."""
        return sum(self.counts) + self.missing


def cuts_of(values: ArrayLike, bins: int = BINS) -> tuple[float, ...]:
    """Return the cuts of at most `bins` bins that hold about as many of the values each.

    values
        float64 [rows] or what can be read as such, in any order; NaN is missing and decides nothing.

    Every cut is a value that occurs. Of at most `bins` different values each gets a bin of its own.
    """
    known = np.asarray(values, dtype=np.float64)
    known = np.sort(known[~np.isnan(known)])
    if not len(known):
        return ()
    different = known[np.r_[True, known[1:] != known[:-1]]]
    if len(different) > bins:
        # Integers, so that the places do not hang on rounding: cut k stands where k of `bins` parts lie below.
        different = np.unique(np.r_[known[0], known[np.arange(1, bins) * len(known) // bins]])
    return tuple(different[1:].tolist())


def sketch_of(values: ArrayLike, cuts: Sequence[float]) -> Sketch:
    """Return the sketch of values, float64 [rows] with NaN for missing, in the bins of `cuts`."""
    return sketches_by(np.zeros(np.shape(values), dtype=np.int64), values, cuts).get(0, _nothing(cuts))


def sketches_by(groups: ArrayLike, values: ArrayLike, cuts: Sequence[float]) -> dict[int, Sketch]:
    """Return the sketch of the values of each group, e.g. of each hour, by the group's number, ascending.

    groups
        int64 [rows], 0 or more and not many: memory grows with the largest.
    values
        float64 [rows], NaN for missing.
    """
    groups, values = np.asarray(groups, dtype=np.int64), np.asarray(values, dtype=np.float64)
    if not len(values):
        return {}
    width = len(cuts) + 2
    bins = np.searchsorted(np.asarray(cuts, dtype=np.float64), values, side="right")
    bins[np.isnan(values)] = width - 1
    table = np.bincount(groups * width + bins, minlength=(int(groups.max()) + 1) * width).reshape(-1, width)
    return {
        group: Sketch(tuple(cuts), tuple(table[group, :-1].tolist()), int(table[group, -1]))
        for group in np.flatnonzero(table.any(axis=1)).tolist()
    }


def _nothing(cuts: Sequence[float]) -> Sketch:
    return Sketch(tuple(cuts), (0,) * (len(cuts) + 1), 0)
