"""How the inputs of the last rows lie against the training rows: the Population Stability Index of each.

    PSI = sum over bins of (p - q) ln(p / q),  p = share of the last rows, q = share of the training rows

Bins are the training deciles of `serving.json`, and one for missing values. An empty bin counts as half a row, so that
the index is finite. Below 0.1 a feature is stable, from 0.2 on it is another one (Siddiqi 2006, Credit Risk
Scorecards).
"""

import math
from collections.abc import Mapping

import numpy as np

from grinder_resources.contracts.serving import Reference
from grinder_resources.inference.snapshot import Row

WARNING, CRITICAL = 0.10, 0.20
MIN_ROWS = 100
"""Rows before anything is said; at exactly so many it is."""

HALF_A_ROW = 0.5


class DriftWindow:
    """The last rows that were scored, by bin.

    reference
        How each input lay in training, in the order of the rows that will be observed.
    rows
        Rows that are remembered.
    """

    def __init__(self, reference: Mapping[str, Reference], rows: int = 1_000) -> None:
        self._reference = reference
        width = max((len(one.cuts) for one in reference.values()), default=0)
        self._missing = width + 1
        padded = [[*one.cuts, *[math.inf] * (width - len(one.cuts))] for one in reference.values()]
        self._cuts = np.array(padded, dtype=np.float32).reshape(len(reference), width)
        self._bins = np.zeros((rows, len(reference)), dtype=np.uint8)
        self.seen = 0

    def observe(self, row: Row) -> None:
        """Remember a row, float32 [inputs], NaN for missing; the oldest is forgotten."""
        bins = (row[:, None] >= self._cuts).sum(axis=1)
        self._bins[self.seen % len(self._bins)] = np.where(np.isnan(row), self._missing, bins)
        self.seen += 1

    @property
    def rows(self) -> int:
        """Rows that are remembered now."""
        return min(self.seen, len(self._bins))

    def psi(self) -> dict[str, float]:
        """Return the PSI of every input by name; nothing before MIN_ROWS rows."""
        if self.rows < MIN_ROWS:
            return {}
        found = self._bins[: self.rows]
        return {
            name: _psi(np.bincount(found[:, place], minlength=self._missing + 1), one, self._missing)
            for place, (name, one) in enumerate(self._reference.items())
        }


def _psi(counts: "np.ndarray[tuple[int], np.dtype[np.intp]]", reference: Reference, missing: int) -> float:
    seen = [*counts[: len(reference.counts)].tolist(), int(counts[missing])]
    known = [*reference.counts, reference.missing]
    if not any(seen) or not any(known):
        return 0.0
    shares = zip(_shares(seen), _shares(known), strict=True)
    return math.fsum((p - q) * math.log(p / q) for p, q in shares)


def _shares(counts: list[int]) -> list[float]:
    floored = [max(count, HALF_A_ROW) for count in counts]
    total = math.fsum(floored)
    return [count / total for count in floored]
