"""Reliability: whether 30 of 100 rows are of the class when the model says 30 %.

Probabilities are put into bins of equal width (the last one closed on the right, so that 1.0 belongs somewhere) or of
equal counts. The expected calibration error is the mean gap |predicted - observed| over rows, the maximum calibration
error the largest gap over bins that hold rows (Naeini, Cooper and Hauskrecht 2015). The Brier score is split as

    brier = reliability - resolution + uncertainty + within

(Murphy 1973; `within` is the part that binning hides, Stephenson, Coelho and Jolliffe 2008).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grinder_resources.contracts.reports import calibration_table
from grinder_resources.learning.metrics import Floats

Binning = Literal["uniform", "equal_mass"]
BINNINGS: tuple[Binning, ...] = ("uniform", "equal_mass")
BINS = 10

METRICS = ("ece", "mce", "ece_equal_mass", "brier_reliability", "brier_resolution", "brier_uncertainty", "brier_within")


@dataclass(frozen=True)
class Bin:
    """Rows whose probability lies in [low, high): their number, mean probability and share of the class."""

    number: int
    low: float
    high: float
    rows: int
    predicted: float
    observed: float

    @property
    def gap(self) -> float:
        """|predicted - observed|."""
        return abs(self.predicted - self.observed)


def reliability_curve(
    label: Floats, probability: Floats, binning: Binning = "uniform", bins: int = BINS
) -> tuple[Bin, ...]:
    """Return the bins that hold rows, in order; `label` is 0 / 1, both are float64 [rows] without NaN.

    Equal-mass bins are cut at observed probabilities and rows with one probability stay together, so there may be
    fewer.
    """
    if len(label) == 0:
        return ()
    edges = _edges(probability, binning, bins)
    number = _bin_numbers(edges, probability)
    rows, predicted, observed = (np.bincount(number, value) for value in (np.ones_like(label), probability, label))
    return tuple(
        Bin(
            k,
            float(edges[k]),
            float(edges[k + 1]),
            int(rows[k]),
            float(predicted[k] / rows[k]),
            float(observed[k] / rows[k]),
        )
        for k in np.flatnonzero(rows).tolist()
    )


def _edges(probability: Floats, binning: Binning, bins: int) -> Floats:
    if binning == "uniform":
        return np.arange(bins + 1) / bins
    inner = np.quantile(probability, np.arange(1, bins) / bins, method="inverted_cdf")
    return np.unique(np.concatenate([[0.0], inner, [1.0]]))


def _bin_numbers(edges: Floats, probability: Floats) -> NDArray[np.int64]:
    return np.minimum(np.searchsorted(edges, probability, side="right") - 1, len(edges) - 2)


def expected_calibration_error(curve: tuple[Bin, ...]) -> float:
    """Return the mean gap over rows; NaN without rows."""
    rows = sum(part.rows for part in curve)
    return sum(part.rows * part.gap for part in curve) / rows if rows else float("nan")


def maximum_calibration_error(curve: tuple[Bin, ...]) -> float:
    """Return the largest gap over bins that hold rows; NaN without rows."""
    return max((part.gap for part in curve), default=float("nan"))


@dataclass(frozen=True)
class BrierParts:
    """brier = reliability - resolution + uncertainty + within; lower reliability and higher resolution are better."""

    reliability: float
    resolution: float
    uncertainty: float
    within: float


def brier_parts(label: Floats, probability: Floats) -> BrierParts:
    """Return the decomposition over uniform bins of at least one row, float64 [rows] each."""
    curve = reliability_curve(label, probability)
    rows = np.array([part.rows for part in curve]) / len(label)
    predicted, observed = (np.array([getattr(part, name) for part in curve]) for name in ("predicted", "observed"))
    base = float(label.mean())
    number = np.searchsorted(
        [part.number for part in curve], _bin_numbers(_edges(probability, "uniform", BINS), probability)
    )
    spread, hit = probability - predicted[number], label - observed[number]
    return BrierParts(
        reliability=float((rows * (predicted - observed) ** 2).sum()),
        resolution=float((rows * (observed - base) ** 2).sum()),
        uncertainty=base * (1.0 - base),
        within=float((spread**2 - 2.0 * spread * hit).mean()),
    )


def calibration_scores(label: Floats, probability: Floats) -> dict[str, float]:
    """Return every metric of METRICS by name; empty without rows."""
    if len(label) == 0:
        return {}
    uniform, equal_mass = (reliability_curve(label, probability, binning) for binning in BINNINGS)
    parts = brier_parts(label, probability)
    return {
        "ece": expected_calibration_error(uniform),
        "mce": maximum_calibration_error(uniform),
        "ece_equal_mass": expected_calibration_error(equal_mass),
        "brier_reliability": parts.reliability,
        "brier_resolution": parts.resolution,
        "brier_uncertainty": parts.uncertainty,
        "brier_within": parts.within,
    }


def calibration(model: str, predictions: pl.DataFrame) -> pl.DataFrame:
    """Return rows of `reports/calibration/<model>` from the open rows of `reports/predictions/<model>`.

    Regressions have none.
    """
    table = calibration_table(model)
    records = [record for group in _targets(predictions) for record in _curve_records(group)]
    return table.conform(pl.DataFrame(records, schema=table.schema, orient="row"))


def _targets(predictions: pl.DataFrame) -> list[pl.DataFrame]:
    probabilities = predictions.filter(pl.col("class") != "", ~pl.col("settled"))
    return probabilities.partition_by("mode", "head", "class", maintain_order=True)


def _curve_records(group: pl.DataFrame) -> Iterator[tuple[object, ...]]:
    label, probability = group["label"].to_numpy(), group["prediction"].to_numpy()
    target = group.select("mode", "head", "class").row(0)
    for binning in BINNINGS:
        for part in reliability_curve(label, probability, binning):
            yield (*target, binning, part.number, part.low, part.high, part.rows, part.predicted, part.observed)
