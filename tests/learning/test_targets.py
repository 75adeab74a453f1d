import numpy as np
import polars as pl

from grinder_resources.learning.model_spec import Head, Match
from grinder_resources.learning.targets import coded_target, quantile_cuts, raw_target, settled_rows

FRAME = pl.DataFrame(
    {"outcome": ["BREAK", "BOUNCE", "CHOP", "BREAK"], "tradeable_2": [1, 1, 0, None], "reach": [1, 0, None, 1]}
)
REGIME = Head("regime", "multiclass", "range", classes=("LOW", "MID", "HIGH"), label_is="quantile")


def test_code_is_the_label_itself() -> None:
    """And null is no label."""
    np.testing.assert_array_equal(
        raw_target(FRAME, Head("reach", "binary", "reach", classes=("no", "yes"))), [1, 0, np.nan, 1]
    )


def test_name_is_looked_up_among_the_classes_of_asked_rows() -> None:
    """Rows outside the filter, or of another class, have no label."""
    head = Head("direction", "binary", "outcome", Match("tradeable_2", 1), ("BOUNCE", "BREAK"), "name")
    np.testing.assert_array_equal(raw_target(FRAME, head), [1, 0, np.nan, np.nan])
    everywhere = Head("direction", "binary", "outcome", None, ("BOUNCE", "BREAK"), "name")
    np.testing.assert_array_equal(raw_target(FRAME, everywhere), [1, 0, np.nan, 1])


def test_a_row_is_settled_where_the_time_to_its_answer_is_zero() -> None:
    """Null, an answer that never came, is open; and so is every row of a head without such a time."""
    times = pl.DataFrame({"time_to_break_1_ms": [0, 1, None, 250]})
    head = Head("t1_break_60s", "binary", "t1_break_60", settled_when_zero="time_to_break_1_ms")
    assert settled_rows(times, head).tolist() == [True, False, False, False]
    assert settled_rows(times, REGIME).tolist() == [False] * 4


def test_terciles_are_cut_at_observed_values() -> None:
    """Nine values, three a class; a value equal to a cut is in the lower class."""
    raw = np.array([10.0, 20, 30, 40, 50, 60, 70, 80, 90])
    cuts = quantile_cuts(REGIME, raw, np.arange(9))
    assert cuts == (30.0, 60.0)
    assert coded_target(raw, cuts).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_cuts_see_train_rows_only() -> None:
    """Later rows may be anything; unlabelled ones are left out."""
    raw = np.array([1.0, 2, 3, np.nan, 100, 200])
    changed = np.array([1.0, 2, 3, np.nan, -5, 7])
    train = np.arange(4)
    assert quantile_cuts(REGIME, raw, train) == quantile_cuts(REGIME, changed, train) == (1.0, 2.0)
    np.testing.assert_array_equal(coded_target(raw, (1.0, 2.0)), [0, 1, 2, np.nan, 2, 2])


def test_other_labels_are_not_cut() -> None:
    """A regression keeps its numbers."""
    head = Head("strength", "regression", "reach")
    assert quantile_cuts(head, np.array([1.0, 2.0]), np.arange(2)) == ()
    assert coded_target(np.array([1.5, -2.0]), ()).tolist() == [1.5, -2.0]
