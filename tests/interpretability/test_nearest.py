"""The nearest past events: by hand, and what must not decide them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.interpretability.nearest import nearest

NAN = np.nan
VALUES = np.array([[0, 10], [4, 10], [2, 30], [NAN, 30], [2, 10]], dtype=np.float32)
PAST = np.arange(4)


def test_differences_count_in_standard_deviations() -> None:
    """Among the four past rows the inputs spread by sqrt(8/3) and by 10, so row 2 is 2 away in the second alone."""
    found = nearest(VALUES, 4, PAST, 4)
    spread = (8 / 3) ** 0.5
    expected = {
        0: (2 / spread / 2**0.5),
        1: (2 / spread / 2**0.5),
        2: 2 / 2**0.5,
        3: ((1 + 4) / 2) ** 0.5,  # a missing value is one deviation away
    }
    assert [one.row for one in found] == [0, 1, 2, 3]
    np.testing.assert_allclose([one.distance for one in found], [expected[one.row] for one in found], rtol=1e-6)


def test_two_missing_values_are_alike() -> None:
    """Row 3 lacks what the row lacks: nothing lies between them."""
    values = np.vstack([VALUES, [[NAN, 30]]]).astype(np.float32)
    assert nearest(values, 5, PAST, 1)[0] == nearest(values, 5, np.array([0, 1, 2, 3]), 9)[0]
    assert (nearest(values, 5, PAST, 1)[0].row, nearest(values, 5, PAST, 1)[0].distance) == (3, 0.0)


def test_only_known_rows_are_named_and_only_so_many() -> None:
    """What may not be looked at is not, however near."""
    assert [one.row for one in nearest(VALUES, 4, np.array([2, 3]), 5)] == [2, 3]
    assert len(nearest(VALUES, 4, PAST, 2)) == 2
    assert nearest(VALUES, 4, np.array([], dtype=np.int64), 5) == ()


def test_inputs_that_never_vary_say_nothing() -> None:
    """A row may differ there as it likes; and where nothing varies, all are as near as can be said."""
    values = np.array([[1, 5], [1, 9], [700, 6]], dtype=np.float32)
    assert [one.row for one in nearest(values, 2, np.array([0, 1]), 2)] == [0, 1]
    assert [one.distance for one in nearest(values[:, :1], 2, np.array([0, 1]), 2)] == [0.0, 0.0]


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=20))
def test_later_rows_decide_nothing(later: list[int]) -> None:
    """Neither who is near nor how far: not even by what they do to the spread."""
    more = np.array([[value, -value] for value in later], dtype=np.float32)
    assert nearest(np.vstack([VALUES, more]), 4, PAST, 4) == nearest(VALUES, 4, PAST, 4)
