"""Reliability: whether 30 of 100 rows are of the class when the model says 30 %.

Probabilities are put into bins of equal width (the last one closed on the right, so that 1.0 belongs somewhere) or of
equal counts. The expected calibration error is the mean gap |predicted - observed| over rows, the maximum calibration
error the largest gap over bins that hold rows (Naeini, Cooper and Hauskrecht 2015). The Brier score is split as

    brier = brier_reliability - brier_resolution + brier_uncertainty + brier_within

(Murphy 1973; `within` is the part that binning hides, Stephenson, Coelho and Jolliffe 2008).

Everything follows from a few sums per bin. Sums of blocks of time add up to sums of all rows or of a resample, so a
score and its bootstrap are one formula.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from grinder_resources.learning.metrics import Floats

Binning = Literal["uniform", "equal_mass"]
BINNINGS: tuple[Binning, ...] = ("uniform", "equal_mass")
BINS = 10

METRICS = ("ece", "mce", "ece_equal_mass", "brier_reliability", "brier_resolution", "brier_uncertainty", "brier_within")

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Binned:
    """Sums over the rows of each bin, float64 [..., bins] each; leading axes are blocks of time, or resamples.

    rows, predicted, observed
        Rows, and sums of probabilities p and of labels y.
    squares, products
        Sums of p x p and of p x y.
    """

    rows: Floats
    predicted: Floats
    observed: Floats
    squares: Floats
    products: Floats

    def weighted(self, weights: Floats) -> "Binned":
        """Return float64 [resamples, bins] sums, where float64 [resamples, blocks] says how often a block counts."""
        return Binned(*(weights @ getattr(self, field.name) for field in fields(self)))

    @property
    def total(self) -> "Binned":
        """Sums over all blocks, float64 [bins]."""
        return self.weighted(np.ones(len(self.rows)))


def bin_edges(probability: Floats, binning: Binning, bins: int = BINS) -> Floats:
    """Return the ascending edges of bins, from 0 to 1; a bin holds its lower edge, the last one both.

    Equal-mass bins are cut at observed probabilities and rows with one probability stay together, so there may be
    fewer.
    """
    if binning == "uniform":
        return np.arange(bins + 1) / bins
    inner = np.quantile(probability, np.arange(1, bins) / bins, method="inverted_cdf")
    return np.unique(np.concatenate([[0.0], inner, [1.0]]))


def binned(label: Floats, probability: Floats, blocks: Ints, edges: Floats) -> Binned:
    """Return float64 [blocks, bins] sums of at least one row: labels 0 / 1, probabilities and block numbers, [rows]."""
    bins, count = len(edges) - 1, int(blocks.max()) + 1
    number = np.minimum(np.searchsorted(edges, probability, side="right") - 1, bins - 1)
    values = (np.ones_like(label), probability, label, probability * probability, probability * label)
    cells = (np.bincount(blocks * bins + number, value, minlength=count * bins) for value in values)
    return Binned(*(cell.astype(np.float64).reshape(count, bins) for cell in cells))


def expected_calibration_error(sums: Binned) -> Floats:
    """Return the mean gap over rows, float64 [...]."""
    return np.asarray(np.abs(sums.predicted - sums.observed).sum(axis=-1) / sums.rows.sum(axis=-1))


def calibration_gap(sums: Binned) -> Floats:
    """Return observed - predicted share over all rows, float64 [...]: above 0, the probabilities are too low."""
    return np.asarray((sums.observed - sums.predicted).sum(axis=-1) / sums.rows.sum(axis=-1))


def maximum_calibration_error(sums: Binned) -> Floats:
    """Return the largest gap over bins that hold rows, float64 [...]."""
    return np.asarray((np.abs(sums.predicted - sums.observed) / _held(sums)).max(axis=-1))


def brier_parts(sums: Binned) -> dict[str, Floats]:
    """Return the four parts of the Brier score by name, float64 [...] each."""
    rows, held = sums.rows.sum(axis=-1), _held(sums)
    base = sums.observed.sum(axis=-1) / rows
    expected = sums.rows * base[..., None]
    hidden = sums.squares - sums.predicted**2 / held - 2.0 * (sums.products - sums.predicted * sums.observed / held)
    return {
        "brier_reliability": ((sums.predicted - sums.observed) ** 2 / held).sum(axis=-1) / rows,
        "brier_resolution": ((sums.observed - expected) ** 2 / held).sum(axis=-1) / rows,
        "brier_uncertainty": base * (1.0 - base),
        "brier_within": hidden.sum(axis=-1) / rows,
    }


def calibration_metrics(uniform: Binned, equal_mass: Binned) -> dict[str, Floats]:
    """Return every metric of METRICS by name, float64 [...] each, from the sums of both binnings."""
    return {
        "ece": expected_calibration_error(uniform),
        "mce": maximum_calibration_error(uniform),
        "ece_equal_mass": expected_calibration_error(equal_mass),
        **brier_parts(uniform),
    }


def _held(sums: Binned) -> Floats:
    """Return the rows of each bin, 1 where there are none: their other sums are 0 as well."""
    return np.maximum(sums.rows, 1.0)


@dataclass(frozen=True)
class Bin:
    """Rows whose probability lies in [low, high): their number, mean probability and share of the class."""

    number: int
    low: float
    high: float
    rows: int
    predicted: float
    observed: float


def reliability_curve(sums: Binned, edges: Floats) -> Iterator[Bin]:
    """Yield the bins that hold rows, in order, from float64 [bins] sums."""
    for k in np.flatnonzero(sums.rows).tolist():
        rows = float(sums.rows[k])
        low, high, predicted, observed = edges[k], edges[k + 1], sums.predicted[k] / rows, sums.observed[k] / rows
        yield Bin(k, float(low), float(high), int(rows), float(predicted), float(observed))


def wilson(successes: Floats, trials: Floats) -> tuple[Floats, Floats]:
    """Return the bounds of the 95 % score interval of a share (Wilson 1927), float64 [n] each; `trials` > 0."""
    z = 1.959963984540054
    share = successes / trials
    spread = z * (share * (1 - share) / trials + z**2 / (4 * trials**2)) ** 0.5
    centre, scale = share + z**2 / (2 * trials), 1 + z**2 / trials
    return (centre - spread) / scale, (centre + spread) / scale
