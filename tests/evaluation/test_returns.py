"""A forecaster's return is the squared error it saves against the reference, hour by hour, in exact integers."""

from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.errors import OutOfRange
from grinder_resources.evaluation.returns import BLOCK_NS, block_returns

SCHEMA = {
    "ts_ns": pl.Int64(),
    "class": pl.String(),
    "settled": pl.Boolean(),
    "label": pl.Float64(),
    "baseline": pl.Float64(),
    "prediction": pl.Float64(),
    "calibrated_bps": pl.Int32(),
}
ROW = st.tuples(
    st.integers(0, 5 * BLOCK_NS),
    st.just("yes"),
    st.booleans(),
    st.sampled_from([0.0, 1.0, None]),
    st.floats(0, 1),
    st.floats(0, 1),
    st.just(5_000),
)


def frame(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def test_a_return_is_the_squared_error_saved_in_bps_by_the_hour() -> None:
    """Hour 0: 3000^2 - 2000^2 saved on one row; hour 2: a worse answer on a row that is not of the class."""
    rows = [
        (0, "yes", False, 1.0, 0.7, 0.8, 1_000),
        (2 * BLOCK_NS, "yes", False, 0.0, 0.3, 0.4, 1_000),
        (3 * BLOCK_NS - 1, "yes", False, 0.0, 0.3, 0.3, 1_000),
    ]
    assert block_returns(frame(rows)) == {0: 9_000_000 - 4_000_000, 2: 9_000_000 - 16_000_000}


def test_a_regression_is_paid_in_squared_units_of_its_label() -> None:
    """Baseline and prediction are rounded half-even to whole units: 2.5 is 2, 3.5 is 4."""
    rows = [(0, "", False, 10.0, 2.5, 3.5, None)]
    assert block_returns(frame(rows)) == {0: 8**2 - 6**2}


def test_a_copy_of_the_reference_earns_nothing() -> None:
    """However it was calibrated; and its hours are there: a return of 0 is evidence, an hour without rows is none."""
    assert block_returns(frame([(0, "yes", False, 1.0, 0.25, 0.25, 9_000)])) == {0: 0}


def test_settled_and_unlabelled_rows_earn_nothing() -> None:
    """Their hours are not there."""
    rows = [(0, "yes", True, 1.0, 0.0, 1.0, 10_000), (BLOCK_NS, "yes", False, None, 0.0, 1.0, 10_000)]
    assert block_returns(frame(rows)) == {}


def test_numbers_beyond_exact_sums_are_refused() -> None:
    """A sum that could leave 64 bits is no return."""
    with pytest.raises(OutOfRange, match="too large for exact returns"):
        block_returns(frame([(0, "", False, 4e9, 0.0, 0.0, None)]))


@given(st.lists(ROW, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[tuple[object, ...]], random: object) -> None:
    """Any permutation of the rows has the same returns, in the same order of blocks."""
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    returns = block_returns(frame(rows))
    assert list(block_returns(frame(shuffled)).items()) == list(returns.items())
    assert list(returns) == sorted(returns)


@given(st.lists(ROW, max_size=12), st.lists(ROW, max_size=12))
def test_returns_of_disjoint_rows_add_up(first: list[tuple[object, ...]], second: list[tuple[object, ...]]) -> None:
    """The returns of all rows are the sums of those of the parts, block by block."""
    total = Counter(block_returns(frame(first)))
    total.update(block_returns(frame(second)))
    assert block_returns(frame(first + second)) == dict(total)
