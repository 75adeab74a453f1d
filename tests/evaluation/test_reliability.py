import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.contracts.reports import predictions_table
from grinder_resources.evaluation.reliability import (
    METRICS,
    Bin,
    brier_parts,
    calibration,
    calibration_scores,
    expected_calibration_error,
    maximum_calibration_error,
    reliability_curve,
)

PROBABILITY = np.array([0.05, 0.05, 0.3, 0.35, 0.95, 1.0])
LABEL = np.array([0.0, 1, 0, 1, 1, 1])


def test_uniform_bins_by_hand() -> None:
    """0.3 belongs to the bin that begins there, 1.0 to the last one; empty bins are left out."""
    curve = reliability_curve(LABEL, PROBABILITY)
    assert [(part.number, part.low, part.high, part.rows) for part in curve] == [
        (0, 0.0, 0.1, 2),
        (3, 0.3, 0.4, 2),
        (9, 0.9, 1.0, 2),
    ]
    assert [part.predicted for part in curve] == pytest.approx([0.05, 0.325, 0.975])
    assert [part.observed for part in curve] == [0.5, 0.5, 1.0]


def test_calibration_errors_by_hand() -> None:
    """Gaps 0.45, 0.175 and 0.025 over two rows each."""
    curve = reliability_curve(LABEL, PROBABILITY)
    assert expected_calibration_error(curve) == pytest.approx((0.45 + 0.175 + 0.025) / 3)
    assert maximum_calibration_error(curve) == pytest.approx(0.45)


def test_maximum_looks_at_bins_with_rows_only() -> None:
    """An empty bin has no gap."""
    curve = (Bin(0, 0.0, 0.1, 5, 0.05, 0.05), Bin(9, 0.9, 1.0, 1, 0.95, 1.0))
    assert maximum_calibration_error(curve) == pytest.approx(0.05)


def test_perfect_calibration_has_no_error() -> None:
    """Of 10 rows told 20 %, two hit; of 10 told 70 %, seven."""
    probability = np.repeat([0.2, 0.7], 10)
    label = np.array([1.0] * 2 + [0.0] * 8 + [1.0] * 7 + [0.0] * 3)
    scores = calibration_scores(label, probability)
    assert set(scores) == set(METRICS)
    assert (scores["ece"], scores["mce"], scores["ece_equal_mass"]) == (
        pytest.approx(0.0),
        pytest.approx(0.0),
        pytest.approx(0.0),
    )
    assert scores["brier_reliability"] == pytest.approx(0.0)
    assert scores["brier_resolution"] == pytest.approx(0.25**2)
    assert scores["brier_uncertainty"] == pytest.approx(0.45 * 0.55)


def test_equal_mass_bins_share_the_rows() -> None:
    """A hundred different probabilities crowded below 0.1 are ten bins of about ten."""
    probability = np.linspace(0.001, 0.099, 100)
    curve = reliability_curve(np.zeros(100), probability, "equal_mass")
    assert [part.number for part in curve] == list(range(10))
    assert {part.rows for part in curve} <= {9, 10, 11}
    assert (curve[0].low, curve[-1].high) == (0.0, 1.0)


def test_equal_probabilities_are_never_torn_apart() -> None:
    """A constant answer is one bin."""
    curve = reliability_curve(np.array([0.0, 1.0, 1.0]), np.full(3, 0.4), "equal_mass")
    assert [part.rows for part in curve] == [3]


PAIRS = st.lists(st.tuples(st.booleans(), st.floats(0.0, 1.0)), min_size=1, max_size=50)


@given(PAIRS)
def test_brier_parts_add_up_and_no_row_is_lost(rows: list[tuple[bool, float]]) -> None:
    """Reliability - resolution + uncertainty + within is the Brier score, whatever the rows."""
    label, probability = np.array([float(hit) for hit, _ in rows]), np.array([value for _, value in rows])
    parts = brier_parts(label, probability)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert total == pytest.approx(float(((probability - label) ** 2).mean()), abs=1e-12)
    for binning in ("uniform", "equal_mass"):
        curve = reliability_curve(label, probability, binning)
        assert sum(part.rows for part in curve) == len(rows)
        assert all(part.low - 1e-12 <= part.predicted <= part.high + 1e-12 for part in curve)


def test_no_rows_have_no_curve_and_no_scores() -> None:
    """And no error."""
    assert reliability_curve(np.empty(0), np.empty(0)) == ()
    assert calibration_scores(np.empty(0), np.empty(0)) == {}
    assert np.isnan(expected_calibration_error(()))
    assert np.isnan(maximum_calibration_error(()))


def test_report_has_a_curve_per_mode_and_class_and_none_for_regressions() -> None:
    """In both binnings, in the table's own form, of the open rows alone."""
    table = predictions_table("demo")
    rows = [
        (mode, head, output) for mode in ("expanding", "rolling") for head, output in (("hit", "yes"), ("size", ""))
    ]
    one = {"mode": [row[0] for row in rows], "head": [row[1] for row in rows], "class": [row[2] for row in rows]}
    numbers = {"settled": False, "label": 1.0, "base_rate": 0.5, "baseline": 0.5, "prediction": 0.8}
    keys = {name: pl.lit(None).cast(dtype) for name, dtype in table.schema.items() if name not in {*one, *numbers}}
    frame = pl.DataFrame(one).with_columns(**{name: pl.lit(value) for name, value in numbers.items()}, **keys)
    report = calibration("demo", pl.concat([frame, frame.with_columns(settled=pl.lit(value=True))]))
    assert report.select("mode", "head", "class", "binning", "rows").rows() == [
        ("expanding", "hit", "yes", "equal_mass", 1),
        ("expanding", "hit", "yes", "uniform", 1),
        ("rolling", "hit", "yes", "equal_mass", 1),
        ("rolling", "hit", "yes", "uniform", 1),
    ]
