"""Reliability: bins, calibration errors and the parts of the Brier score, all from sums per bin."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.evaluation.reliability import (
    BINNINGS,
    METRICS,
    Bin,
    Binned,
    bin_edges,
    binned,
    brier_parts,
    calibration_gap,
    calibration_metrics,
    expected_calibration_error,
    maximum_calibration_error,
    reliability_curve,
    wilson,
)

PROBABILITY = np.array([0.05, 0.05, 0.3, 0.35, 0.95, 1.0])
LABEL = np.array([0.0, 1, 0, 1, 1, 1])


def sums(label: np.ndarray, probability: np.ndarray, binning: str = "uniform") -> Binned:
    """Return the sums of all rows by bin."""
    edges = bin_edges(probability, binning)  # type: ignore[arg-type]
    return binned(label, probability, np.zeros(len(label), dtype=np.int64), edges).total


def curve(label: np.ndarray, probability: np.ndarray, binning: str = "uniform") -> list[Bin]:
    """Return the bins that hold rows."""
    edges = bin_edges(probability, binning)  # type: ignore[arg-type]
    return list(reliability_curve(sums(label, probability, binning), edges))


def test_uniform_bins_by_hand() -> None:
    """0.3 belongs to the bin that begins there, 1.0 to the last one; empty bins are left out."""
    parts = curve(LABEL, PROBABILITY)
    assert [(part.number, part.low, part.high, part.rows) for part in parts] == [
        (0, 0.0, 0.1, 2),
        (3, 0.3, 0.4, 2),
        (9, 0.9, 1.0, 2),
    ]
    assert [part.predicted for part in parts] == pytest.approx([0.05, 0.325, 0.975])
    assert [part.observed for part in parts] == [0.5, 0.5, 1.0]


def test_calibration_errors_by_hand() -> None:
    """Gaps 0.45, 0.175 and 0.025 over two rows each; predicted 2.7 of 6 rows, observed 4."""
    found = sums(LABEL, PROBABILITY)
    assert float(expected_calibration_error(found)) == pytest.approx((0.45 + 0.175 + 0.025) / 3)
    assert float(maximum_calibration_error(found)) == pytest.approx(0.45)
    assert float(calibration_gap(found)) == pytest.approx((4 - 2.7) / 6)


def test_perfect_calibration_has_no_error() -> None:
    """Of 10 rows told 20 %, two hit; of 10 told 70 %, seven."""
    probability = np.repeat([0.2, 0.7], 10)
    label = np.array([1.0] * 2 + [0.0] * 8 + [1.0] * 7 + [0.0] * 3)
    scores = calibration_metrics(*(sums(label, probability, binning) for binning in BINNINGS))
    assert tuple(scores) == METRICS
    assert {name: float(value) for name, value in scores.items()} == pytest.approx(
        dict.fromkeys(METRICS, 0.0) | {"brier_resolution": 0.25**2, "brier_uncertainty": 0.45 * 0.55}, abs=1e-12
    )


def test_equal_mass_bins_share_the_rows() -> None:
    """A hundred different probabilities crowded below 0.1 are ten bins of about ten."""
    parts = curve(np.zeros(100), np.linspace(0.001, 0.099, 100), "equal_mass")
    assert [part.number for part in parts] == list(range(10))
    assert {part.rows for part in parts} <= {9, 10, 11}
    assert (parts[0].low, parts[-1].high) == (0.0, 1.0)


def test_equal_probabilities_are_never_torn_apart() -> None:
    """A constant answer is one bin."""
    assert [part.rows for part in curve(np.array([0.0, 1.0, 1.0]), np.full(3, 0.4), "equal_mass")] == [3]


ROWS = st.lists(st.tuples(st.booleans(), st.floats(0.0, 1.0), st.integers(0, 3)), min_size=1, max_size=50)


@given(ROWS, st.lists(st.integers(0, 3), min_size=4, max_size=4).filter(any))
@settings(deadline=None)
def test_the_four_parts_add_up_to_the_brier_score(rows: list[tuple[bool, float, int]], drawn: list[int]) -> None:
    """Reliability - resolution + uncertainty + within, whatever the rows, and of any resample of blocks alike."""
    label, probability, block = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    blocks = np.unique(block, return_inverse=True)[1]
    weights = np.array([drawn[: blocks.max() + 1], np.ones(blocks.max() + 1)], dtype=float)
    times = weights[:, blocks]
    weights, times = weights[times.sum(axis=1) > 0], times[times.sum(axis=1) > 0]
    brier = (times * (probability - label) ** 2).sum(axis=1) / times.sum(axis=1)
    parts = brier_parts(binned(label, probability, blocks, bin_edges(probability, "uniform")).weighted(weights))
    total = parts["brier_reliability"] - parts["brier_resolution"] + parts["brier_uncertainty"] + parts["brier_within"]
    np.testing.assert_allclose(total, brier, atol=1e-12)


@given(ROWS)
@settings(deadline=None)
def test_no_row_is_lost(rows: list[tuple[bool, float, int]]) -> None:
    """Every row is in one bin, within its bounds; a weighted sum of blocks is that of the rows drawn."""
    label, probability, _ = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    for binning in BINNINGS:
        parts = curve(label, probability, binning)
        assert sum(part.rows for part in parts) == len(rows)
        assert all(part.low - 1e-12 <= part.predicted <= part.high + 1e-12 for part in parts)


def test_a_resample_of_blocks_is_a_sample_of_their_rows() -> None:
    """Block 1 drawn twice and block 0 never: the same as its rows, twice each."""
    blocks = np.array([0, 0, 1, 1, 1, 0])
    edges = bin_edges(PROBABILITY, "uniform")
    found = binned(LABEL, PROBABILITY, blocks, edges).weighted(np.array([[0.0, 2.0]]))
    twice = np.repeat(np.flatnonzero(blocks == 1), 2)
    expected = sums(LABEL[twice], PROBABILITY[twice])
    for name in ("rows", "predicted", "observed", "squares", "products"):
        np.testing.assert_allclose(getattr(found, name)[0], getattr(expected, name))


def test_wilson_intervals_are_the_published_ones() -> None:
    """Wilson score intervals of 0, 15 and 81 of 10, 148 and 263 (Newcombe 1998, table I, method 3)."""
    low, high = wilson(np.array([81.0, 15.0, 0.0]), np.array([263.0, 148.0, 20.0]))
    assert low.round(4).tolist() == [0.2553, 0.0624, 0.0]
    assert high.round(4).tolist() == [0.3662, 0.1605, 0.1611]
