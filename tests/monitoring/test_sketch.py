"""Sketches: exact counts by bin that add up however rows are split."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.monitoring.distances import stacked
from grinder_resources.monitoring.sketch import Sketch, cuts_of, sketch_of, sketches_by

NUMBERS = st.lists(st.one_of(st.integers(-9, 9).map(float), st.just(float("nan"))), max_size=60)


def test_a_value_at_a_cut_belongs_above_it() -> None:
    """Bin i holds cuts[i - 1] <= value < cuts[i]; what has no value is apart, what has no end is in the last bins."""
    values = [0.0, 1.0, 1.5, 2.0, 7.0, np.nan, np.inf, -np.inf]
    assert sketch_of(values, (1.0, 2.0)) == Sketch((1.0, 2.0), (2, 2, 3), 1)


def test_few_values_have_a_bin_each() -> None:
    """Then a sketch loses nothing, however unequal the shares."""
    assert cuts_of([3.0, 1.0, 1.0, 1.0, 2.0, np.nan], bins=3) == (2.0, 3.0)


def test_many_values_are_cut_into_equal_shares() -> None:
    """A thousand different values in eight bins are a hundred and twenty-five each."""
    values = np.random.default_rng(1).permutation(1000).astype(float)
    cuts = cuts_of(values, bins=8)
    assert cuts == (125.0, 250.0, 375.0, 500.0, 625.0, 750.0, 875.0)
    assert sketch_of(values, cuts).counts == (125,) * 8


def test_a_frequent_value_takes_the_cuts_around_it() -> None:
    """Half of the rows at nought make one bin, not half of the bins."""
    cuts = cuts_of(np.r_[np.zeros(500), np.arange(1.0, 501.0)], bins=10)
    assert cuts == (1.0, 101.0, 201.0, 301.0, 401.0)


def test_nothing_known_means_no_cuts() -> None:
    """A column without values has one empty bin and its missing rows."""
    assert sketch_of([np.nan, np.nan], cuts_of([np.nan, np.nan])) == Sketch((), (0,), 2)


@given(NUMBERS, st.integers(2, 6))
def test_cuts_occur_and_no_bin_is_empty(values: list[float], bins: int) -> None:
    """Every cut is a value, there are fewer than bins, and every bin of the very rows holds one."""
    cuts = cuts_of(values, bins)
    assert set(cuts) <= set(values)
    assert len(cuts) < bins
    assert list(cuts) == sorted(set(cuts))
    known = not np.isnan(values).all()
    assert all(sketch_of(values, cuts).counts) == known


@given(NUMBERS, st.lists(st.integers(0, 3), min_size=60, max_size=60))
def test_sketches_of_parts_add_up(values: list[float], groups: list[int]) -> None:
    """Split any way, the parts' sketches are the whole's."""
    cuts = (-3.0, 0.0, 4.0)
    whole, parts = sketch_of(values, cuts), sketches_by(groups[: len(values)], values, cuts)
    assert set(parts) == set(groups[: len(values)])
    assert stacked([sketch_of([], cuts), *parts.values()]).sum(axis=0).tolist() == stacked([whole])[0].tolist()
    assert whole.rows == len(values)
