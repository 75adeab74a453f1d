"""Distances from counts: by hand, against scipy, and the laws that hold for any rows."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, ks_2samp

from grinder_resources.contracts.serving import Reference
from grinder_resources.inference.drift import DriftWindow
from grinder_resources.monitoring.distances import (
    DECILES,
    by_decile,
    clumping_of,
    deciles,
    ks_bounds,
    ks_p_value,
    psi,
    q_values,
    stacked,
    usual_psi,
)
from grinder_resources.monitoring.sketch import Ints, cuts_of, sketch_of

VALUES = st.lists(st.one_of(st.floats(-1e6, 1e6), st.integers(-3, 3).map(float)), min_size=4, max_size=80)
WHOLE = st.integers(0, 20).map(float)
GAPS = st.integers(0, 20)


def counts(*rows: list[int]) -> Ints:
    """Return counts of inputs, missing rows first."""
    return np.array(rows, dtype=np.int64)


def sketched(values: list[float], cuts: tuple[float, ...], gaps: int) -> Ints:
    """Return the counts of values and of so many missing ones."""
    return stacked([sketch_of([*values, *[math.nan] * gaps], cuts)])


@settings(max_examples=60)
@given(VALUES, VALUES, GAPS, GAPS, st.integers(2, 16))
def test_the_bounds_hold_the_distance_of_the_rows(
    now: list[float], then: list[float], gaps_now: int, gaps_then: int, bins: int
) -> None:
    """Scipy's distance of the rows, missing ones below all others, lies between the bounds, a bin's share apart."""
    cuts = cuts_of(then, bins)
    a, b = sketched(now, cuts, gaps_now), sketched(then, cuts, gaps_then)
    least, most = ks_bounds(a, b)
    truth = ks_2samp([*now, *[-math.inf] * gaps_now], [*then, *[-math.inf] * gaps_then], method="asymp").statistic
    assert least[0] - 1e-12 <= truth <= most[0] + 1e-12
    widest = max((side / side.sum()).max() for side in (a, b))
    assert most[0] - least[0] <= widest + 1e-12


@settings(max_examples=40)
@given(st.lists(WHOLE, min_size=4), st.lists(WHOLE, min_size=4))
def test_a_bin_for_every_value_loses_nothing(now: list[float], then: list[float]) -> None:
    """Then the least distance is scipy's, and so is the index of equal rows nought."""
    cuts = cuts_of([*now, *then])
    a, b = sketched(now, cuts, 0), sketched(then, cuts, 0)
    assert ks_bounds(a, b)[0][0] == pytest.approx(ks_2samp(now, then, method="asymp").statistic, abs=1e-12)
    assert psi(a, a)[0] == 0


@pytest.mark.parametrize(("rows", "others"), [(100, 1000), (500, 500), (20_000, 90_000)])
def test_chances_are_those_of_scipy(rows: int, others: int) -> None:
    """Within 0.015 at every distance, and within 0.002 where it matters, at chances below a tenth."""
    rng = np.random.default_rng(rows)
    for shift in np.arange(10) / 20:
        found = ks_2samp(rng.normal(shift, 1, rows), rng.normal(0, 1, others), method="asymp")
        ours = ks_p_value(np.array([found.statistic]), counts([0, rows]), counts([0, others]), np.ones(1))[0]
        assert ours == pytest.approx(found.pvalue, abs=0.015 if found.pvalue > 0.1 else 0.002)


def test_rows_that_hang_together_are_worth_fewer() -> None:
    """Ten hours of ten rows, each hour of one value: what a hundred rows say is what nine would."""
    hours = counts(*[[0, 10, 0], [0, 0, 10]] * 5)
    clumping = clumping_of(hours, counts([0, 50, 50])[0])
    assert clumping == pytest.approx(100 / 9)
    now, then = counts([0, 60, 40]), counts([0, 10**9, 10**9])
    apart, together = (ks_p_value(np.array([0.3]), now, then, np.array([one])) for one in (1.0, clumping))
    assert together[0] == pytest.approx(ks_p_value(np.array([0.3]), now // 10, then, np.array([10 / 9]))[0], rel=1e-6)
    assert (apart[0] < 1e-7, together[0] > 0.2) == (True, True)


def test_hours_that_are_alike_are_as_many_rows_as_they_hold() -> None:
    """Equal shares in every hour do not make rows worth more than they are; nor do seven hours say anything."""
    training = counts([0, 50, 50])[0]
    assert clumping_of(counts(*[[0, 5, 5]] * 20), training) == 1
    assert clumping_of(counts(*[[0, 10, 0], [0, 0, 10]] * 3, [0, 10, 0]), training) == 1
    assert clumping_of(counts(*[[0, 10, 0]] * 20), training) == 1


def test_independent_rows_are_worth_about_themselves() -> None:
    """A day of hours drawn from one distribution has a factor near one."""
    values = np.random.default_rng(7).normal(size=24_000)
    cuts = cuts_of(values)
    hours = stacked([sketch_of(part, cuts) for part in np.split(values, 24)])
    assert clumping_of(hours, hours.sum(axis=0)) == pytest.approx(1.0, abs=0.2)


def test_a_missing_input_has_moved_as_far_as_it_can() -> None:
    """All rows without a value are at distance 1 from all rows with one, and the chance of that is none."""
    now, then = counts([100, 0, 0]), counts([0, 500, 500])
    assert [bound.tolist() for bound in ks_bounds(now, then)] == [[1.0], [1.0]]
    assert ks_p_value(np.ones(1), now, then, np.ones(1))[0] < 1e-12


def test_the_bounds_by_hand() -> None:
    """4 : 6 against 5 : 5 is 0.1 at the cut; within a bin it may be 0.6 where the rows lie at opposite ends."""
    least, most = ks_bounds(counts([0, 40, 60]), counts([0, 50, 50]))
    assert (least[0], most[0]) == (pytest.approx(0.1), pytest.approx(0.6))


def test_the_index_by_hand() -> None:
    """80 : 20 where training had 50 : 50 is 0.3 ln 4; missing rows and an empty bin, half a row, count as well."""
    assert psi(counts([0, 80, 20]), counts([0, 500, 500]))[0] == pytest.approx(0.415888308336, abs=1e-12)
    assert psi(counts([40, 30, 30]), counts([100, 450, 450]))[0] == pytest.approx(0.537528, abs=1e-6)
    assert psi(counts([0, 100, 0]), counts([0, 500, 500]))[0] == pytest.approx(2.622798, abs=1e-6)


def days(*rows: list[int]) -> Ints:
    """Return days by decile of which only the first have rows."""
    return counts(*[[*row, *[0] * (DECILES + 1 - len(row))] for row in rows])


def test_a_day_is_held_against_the_others() -> None:
    """80 : 20 where the other two have 50 : 50 is 0.3 ln 4; its own rows are not among what it is held against."""
    assert usual_psi(days([0, 50, 50], [0, 50, 50], [0, 80, 20]), 100) == pytest.approx(0.3 * math.log(4), abs=1e-12)


def test_days_of_few_rows_say_nothing_of_what_is_usual() -> None:
    """A day of 99 is held against none, but is one of the others; of one day alone it is not known."""
    few = days([0, 99, 0], [0, 50, 50], [0, 60, 40])
    # Fifty of a hundred against 159 of 199, further off than sixty of a hundred against 149 of 199.
    assert usual_psi(few, 100) == pytest.approx((159 / 199 - 0.5) * math.log(159 / 40), abs=1e-12)
    assert usual_psi(few, 99) == pytest.approx(psi(counts([0, 99, 0]), counts([0, 110, 90]))[0], abs=1e-12)
    assert usual_psi(few[:2], 100) is None
    assert usual_psi(days()[:0].reshape(0, DECILES + 1), 100) is None


def test_days_are_counted_by_the_deciles_of_all_of_them() -> None:
    """Twenty bins of ten rows each, split over two days: a decile holds both its bins, missing rows are first."""
    low, high = [3, *[10] * 10, *[0] * 10], [0, *[0] * 10, *[10] * 10]
    parts = counts(low, high)
    assert by_decile(parts, parts.sum(axis=0)).tolist() == [[3, *[20] * 5, *[0] * 5], [0, *[0] * 5, *[20] * 5]]


@settings(max_examples=40)
@given(st.lists(st.integers(0, 9), min_size=100, max_size=150), st.lists(st.integers(0, 9), min_size=10, max_size=200))
def test_the_index_is_that_of_the_trading_process(now: list[int], then: list[int]) -> None:
    """With ten bins or fewer of one value each, both merge nothing but what lies in one decile."""
    cuts = tuple(float(cut) for cut in range(1, 10))
    a, b = (sketched([float(value) for value in side], cuts, 0) for side in (now, then))
    if len(np.unique(deciles(b)[0, 1:])) < 10:
        return
    window = DriftWindow({"x": Reference(cuts, tuple(b[0, 1:].tolist()), 0)})
    for value in now:
        window.observe(np.array([[value]], dtype=np.float32), 0)
    assert psi(a, b)[0] == pytest.approx(window.psi()["x"], abs=1e-12)


def test_bins_merge_into_deciles_of_their_middle_row() -> None:
    """Twenty bins of ten rows are two to a decile; a bin of half the rows is one place of its own."""
    assert deciles(counts([7, *[10] * 20]))[0].tolist() == [0, *[1 + tenth // 2 for tenth in range(20)]]
    assert deciles(counts([0, 50, *[10] * 5]))[0].tolist() == [0, 3, 6, 7, 8, 9, 10]


def test_inputs_are_told_apart_whatever_their_number_of_bins() -> None:
    """Stacked with zeros at the right, each has the numbers it has alone."""
    short, long = sketch_of([1.0, 2.0, math.nan], (2.0,)), sketch_of(range(50), cuts_of(range(50)))
    wide, narrow = sketch_of([2.0, 2.0], (2.0,)), sketch_of(range(25, 75), long.cuts)
    both = stacked([wide, narrow]), stacked([short, long])
    for place, (now, then) in enumerate([(wide, short), (narrow, long)]):
        alone = stacked([now]), stacked([then])
        assert psi(*both)[place] == pytest.approx(psi(*alone)[0], abs=1e-12)
        assert [bound[place] for bound in ks_bounds(*both)] == [bound[0] for bound in ks_bounds(*alone)]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_rates_are_those_of_scipy(p_values: list[float]) -> None:
    """The procedure of Benjamini and Hochberg, in the order the tests were given."""
    assert q_values(np.array(p_values)) == pytest.approx(false_discovery_control(p_values), abs=1e-12)
