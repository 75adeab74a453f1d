"""How the inputs of the last day lie against the training rows: the Population Stability Index of each.

    PSI = sum over bins of (p - q) ln(p / q),  p = share of the last rows, q = share of the training rows

Bins are the training deciles of `serving.json`, and one for missing values. An empty bin counts as half a row, so that
the index is finite; one that is empty on both sides is left out. Below 0.1 a feature is stable, from 0.2 on it is
another one (Siddiqi 2006, Credit Risk Scorecards).

Rows are kept as counts, for every hour of the day the latest such hour. A market is never as varied within an hour as
over the days a model was trained on: any thousand rows in a row differ from them, a whole day does not.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.serving import Reference
from grinder_resources.inference.snapshot import Row

WARNING, CRITICAL = 0.10, 0.20
MIN_ROWS = 100
"""Rows before anything is said; at exactly so many it is."""

HOURS = 24
HOUR_MS = 3_600_000
STRAYS = 10
"""Rows in a row that have to lie outside of the window, before or behind it, before it moves to them."""

HALF_A_ROW = 0.5


class DriftWindow:
    """The rows that were scored in the last day, counted by hour. Memory does not grow.

    reference
        How each input lay in training, in the order of the rows that will be observed.
    """

    def __init__(self, reference: Mapping[str, Reference]) -> None:
        self._reference = reference
        width = 1 + max((len(one.cuts) for one in reference.values()), default=0)
        padded = [[*one.cuts, *[math.inf] * (width - len(one.cuts))] for one in reference.values()]
        self._cuts = np.array(padded, dtype=np.float32).reshape(len(reference), width).T.copy()
        self._below = [np.zeros(self._cuts.shape, dtype=np.int64) for _ in range(HOURS)]
        self._hour = [-1] * HOURS
        self._newest = -1
        self._strays = 0
        self._rows = [0] * HOURS

    def observe(self, row: Row, ts: int) -> None:
        """Count a row, float32 [inputs], NaN for missing, in the hour of `ts`, ms.

        A row of a day ago or more, or of more than a day ahead, is passed over, so that a stray time moves nothing; the
        STRAYS-th such row in a row moves the window, for then it was the window that lay wrong.
        """
        hour = ts // HOUR_MS
        stray = self._newest >= 0 and not -HOURS < hour - self._newest <= HOURS
        self._strays = self._strays + 1 if stray else 0
        if 0 < self._strays < STRAYS:
            return
        if stray:
            self._move(hour)
        self._newest = max(self._newest, hour)
        slot = hour % HOURS
        below = self._below[slot]
        if self._hour[slot] != hour:  # the same hour of another day: it is forgotten
            self._hour[slot], self._rows[slot] = hour, 0
            below[:] = 0
        below += row < self._cuts  # never true of NaN; true of all else in the last line, which is infinite
        self._rows[slot] += 1

    def _move(self, newest: int) -> None:
        """Let the window end with the hour `newest`, and forget the hours outside of it."""
        self._newest, self._strays = newest, 0
        for slot, hour in enumerate(self._hour):
            if not newest - HOURS < hour <= newest:
                self._hour[slot], self._rows[slot] = -1, 0
                self._below[slot][:] = 0

    @property
    def rows(self) -> int:
        """Rows that are counted now."""
        return sum(self._rows)

    @property
    def hours(self) -> int:
        """Hours of the day that hold a row."""
        return sum(rows > 0 for rows in self._rows)

    def psi(self) -> dict[str, float]:
        """Return the PSI of every input by name; nothing before MIN_ROWS rows."""
        rows = self.rows
        if rows < MIN_ROWS:
            return {}
        below = np.sum(self._below, axis=0)
        bins = np.vstack([np.diff(below, axis=0, prepend=0), rows - below[-1]]).T
        return {name: _psi(seen, one) for seen, (name, one) in zip(bins, self._reference.items(), strict=True)}


def _psi(bins: NDArray[np.int64], reference: Reference) -> float:
    """Return the index of one input: its bins, those of padded cuts, which hold nothing, and the missing rows."""
    counts = len(reference.counts)
    seen, known = np.append(bins[:counts], bins[-1]), np.array([*reference.counts, reference.missing])
    if not known.any():
        return 0.0
    told = (seen > 0) | (known > 0)
    p, q = _shares(seen[told]), _shares(known[told])
    return float(((p - q) * np.log(p / q)).sum())


def _shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    floored = np.maximum(counts, HALF_A_ROW)
    shares: NDArray[np.float64] = floored / floored.sum()
    return shares
