"""scikit-learn's splitters: literal folds, laws against a brute-force definition, and a real cross_val_score."""

from itertools import combinations
from math import comb

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.errors import OutOfRange, TooFewDays
from grinder_resources.learning.purging import LabelTimes, label_times, purge, touching
from grinder_resources.learning.splits import CombinatorialPurgedCV, DayFolds, PurgedKFold, WalkForward

HOUR = 100
DAY = 24 * HOUR
"""A small clock: an hour of 100 ticks. The splitters know no other unit than that of their label times."""


def times(*rows: tuple[int, int]) -> LabelTimes:
    """Return rows of (start, end); the day is that of the start."""
    start, end = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    return LabelTimes(start, end, start // DAY)


def row_a_day(days: int) -> LabelTimes:
    return times(*((day * DAY, day * DAY + HOUR) for day in range(days)))


def folds(cv: DayFolds) -> list[tuple[list[int], list[int]]]:
    return [(train.tolist(), test.tolist()) for train, test in cv.split(range(len(cv.times)))]


def test_expanding_walk_forward() -> None:
    """Every day but the first is tested on all days before it."""
    assert folds(WalkForward(row_a_day(4), embargo_ns=0)) == [([0], [1]), ([0, 1], [2]), ([0, 1, 2], [3])]


def test_rolling_walk_forward() -> None:
    """The last two days train; half of all days, down to a power of two, if nothing is said."""
    assert folds(WalkForward(row_a_day(5), mode="rolling", train_days=2, embargo_ns=0)) == [
        ([0], [1]),
        ([0, 1], [2]),
        ([1, 2], [3]),
        ([2, 3], [4]),
    ]
    assert folds(WalkForward(row_a_day(6), mode="rolling", embargo_ns=0))[-1] == ([3, 4], [5])


def test_min_train_days_delays_the_first_test() -> None:
    """Three days before the first test leave one split of four days."""
    assert folds(WalkForward(row_a_day(4), min_train_days=3, embargo_ns=0)) == [([0, 1, 2], [3])]


def test_purged_k_fold() -> None:
    """Blocks of consecutive days, the first ones a day longer where they cannot be equal."""
    assert folds(PurgedKFold(row_a_day(5), n_splits=2, embargo_ns=0)) == [([3, 4], [0, 1, 2]), ([0, 1, 2], [3, 4])]


def test_combinatorial_purged_cv() -> None:
    """Six choices of two among four groups, as the module's picture draws them."""
    cv = CombinatorialPurgedCV(row_a_day(4), n_groups=4, n_test_groups=2, embargo_ns=0)
    assert folds(cv) == [
        ([2, 3], [0, 1]),
        ([1, 3], [0, 2]),
        ([1, 2], [0, 3]),
        ([0, 3], [1, 2]),
        ([0, 2], [1, 3]),
        ([0, 1], [2, 3]),
    ]
    assert cv.paths().tolist() == [[0, 0, 1, 2], [1, 3, 3, 4], [2, 4, 5, 5]]


GUARDED = times(
    (1 * DAY - 60, 1 * DAY - 50),  # a: ends 50 before the tested day
    (1 * DAY - 60, 1 * DAY - 20),  # b: ends 20 before it
    (1 * DAY - 60, 3 * DAY),  # c: covers it
    (1 * DAY, 1 * DAY + 10),  # tested
    (2 * DAY - 30, 2 * DAY + 40),  # tested: its label ends 40 into the next day
    (2 * DAY + 50, 2 * DAY + 60),  # d: starts 10 after that label
    (2 * DAY + 90, 2 * DAY + 95),  # e: starts 50 after it
)


@pytest.mark.parametrize(
    ("embargo", "kept"), [(0, [0, 1, 5, 6]), (9, [0, 1, 5, 6]), (10, [0, 1, 6]), (20, [0, 6]), (50, [])]
)
def test_a_tested_block_is_guarded_on_both_sides(embargo: int, kept: list[int]) -> None:
    """The rows a to e of the module's picture; the embargo counts from the end of the last tested label."""
    train, test = list(PurgedKFold(GUARDED, n_splits=3, embargo_ns=embargo).split(range(7)))[1]
    assert (train.tolist(), test.tolist()) == (kept, [3, 4])


def test_what_lies_between_two_tested_groups_is_trained_on() -> None:
    """Days 0 and 2 are tested; the hull of both would have thrown day 1 away."""
    cv = CombinatorialPurgedCV(row_a_day(4), n_groups=4, n_test_groups=2, embargo_ns=HOUR)
    assert folds(cv)[1] == ([1, 3], [0, 2])


ROWS = st.lists(st.tuples(st.integers(0, 6 * DAY - 1), st.integers(0, 2 * DAY)), min_size=1, max_size=40)
EMBARGO = st.integers(0, DAY)


def spread(rows: list[tuple[int, int]]) -> LabelTimes:
    """Return one row in each of six days besides the drawn ones, so that there are always days enough."""
    drawn = [(start, start + length) for start, length in rows]
    return times(*drawn, *((day * DAY, day * DAY + HOUR) for day in range(6)))


def splitters(rows: LabelTimes, embargo: int) -> list[DayFolds]:
    return [
        WalkForward(rows, embargo_ns=embargo),
        WalkForward(rows, mode="rolling", train_days=2, embargo_ns=embargo),
        PurgedKFold(rows, n_splits=3, embargo_ns=embargo),
        CombinatorialPurgedCV(rows, n_groups=4, n_test_groups=2, embargo_ns=embargo),
    ]


def touch(rows: LabelTimes, i: int, j: int, embargo: int) -> bool:
    """Say by the definition whether two rows touch."""
    return bool(rows.start_ns[i] <= rows.end_ns[j] + embargo and rows.start_ns[j] <= rows.end_ns[i] + embargo)


@settings(deadline=None)
@given(ROWS, EMBARGO)
def test_purge_agrees_with_brute_force(drawn: list[tuple[int, int]], embargo: int) -> None:
    """A train row is dropped exactly if it touches some tested row; no other row is."""
    rows = spread(drawn)
    for cv in splitters(rows, embargo):
        for (train, test), (train_days, test_days) in zip(cv.split(rows.day), cv.folds(), strict=True):
            assert test.tolist() == [row for row in range(len(rows)) if rows.day[row] in test_days]
            candidates = [row for row in range(len(rows)) if rows.day[row] in train_days]
            free = [row for row in candidates if not any(touch(rows, row, tested, embargo) for tested in test)]
            assert train.tolist() == free


@settings(deadline=None)
@given(ROWS, EMBARGO)
def test_no_train_label_touches_a_tested_one(drawn: list[tuple[int, int]], embargo: int) -> None:
    """The promise itself, and that whole days are tested: no day has rows on both sides."""
    rows = spread(drawn)
    for cv in splitters(rows, embargo):
        for train, test in cv.split(rows.day):
            assert not any(touch(rows, row, tested, 0) for row in train for tested in test)
            assert not set(rows.day[train]) & set(rows.day[test])


@settings(deadline=None)
@given(ROWS, EMBARGO, EMBARGO)
def test_a_longer_embargo_never_keeps_more(drawn: list[tuple[int, int]], one: int, other: int) -> None:
    """Monotone: every row kept under the longer embargo is kept under the shorter."""
    rows = spread(drawn)
    shorter, longer = (splitters(rows, embargo) for embargo in sorted((one, other)))
    for near, far in zip(shorter, longer, strict=True):
        for (wide, _), (narrow, _) in zip(near.split(rows.day), far.split(rows.day), strict=True):
            assert set(narrow) <= set(wide)


@settings(deadline=None)
@given(ROWS, st.integers(2, 6))
def test_k_fold_tests_every_row_once(drawn: list[tuple[int, int]], n_splits: int) -> None:
    """No row is left out, none is answered twice."""
    rows = spread(drawn)
    tested = np.concatenate([test for _, test in PurgedKFold(rows, n_splits=n_splits).split(rows.day)])
    assert sorted(tested.tolist()) == list(range(len(rows)))


@settings(max_examples=50, deadline=None)
@given(ROWS, st.integers(2, 6).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 1))))
def test_every_path_tests_every_row_once(drawn: list[tuple[int, int]], shape: tuple[int, int]) -> None:
    """A path takes each group's rows from a split that tests them, and uses no answer of another path."""
    rows = spread(drawn)
    cv = CombinatorialPurgedCV(rows, n_groups=shape[0], n_test_groups=shape[1])
    answered = [set(test.tolist()) for _, test in cv.split(rows.day)]
    group = cv.group_of_rows()
    paths = cv.paths()
    assert len(answered) == cv.get_n_splits() == comb(*shape)
    assert paths.shape == (comb(shape[0] - 1, shape[1] - 1), shape[0])
    assert all(row in answered[path[group[row]]] for path in paths for row in range(len(rows)))
    assert all(len(set(paths[:, number])) == len(paths) for number in range(shape[0]))


@settings(deadline=None)
@given(ROWS, EMBARGO)
def test_splits_are_deterministic_and_follow_the_rows(drawn: list[tuple[int, int]], embargo: int) -> None:
    """Twice the same, and rows in another order fall on the same sides."""
    rows = spread(drawn)
    order = np.random.default_rng(7).permutation(len(rows))
    moved = LabelTimes(rows.start_ns[order], rows.end_ns[order], rows.day[order])
    for cv, again in zip(splitters(rows, embargo), splitters(moved, embargo), strict=True):
        assert folds(cv) == folds(cv)
        for (train, test), (train_moved, test_moved) in zip(cv.split(rows.day), again.split(rows.day), strict=True):
            assert train.tolist() == sorted(order[train_moved])
            assert test.tolist() == sorted(order[test_moved])


def test_scikit_learn_scores_with_every_splitter() -> None:
    """cross_val_score fits and judges on our splits; an honest signal is found by all of them."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    rng = np.random.default_rng(3)
    start = np.sort(rng.integers(0, 6 * DAY, 600))
    rows = LabelTimes(start, start + HOUR, start // DAY)
    values = rng.normal(size=(600, 2))
    hit = (rng.random(600) < 1.0 / (1.0 + np.exp(-3.0 * values[:, 0]))).astype(int)
    expected = (5, 5, 3, 6)
    for cv, splits in zip(splitters(rows, HOUR), expected, strict=True):
        scores = cross_val_score(LogisticRegression(), values, hit, cv=cv, scoring="roc_auc")
        assert scores.shape == (splits,)
        assert scores.min() > 0.8


def test_a_search_over_parameters_takes_our_splitters() -> None:
    """GridSearchCV asks for the number of splits as well."""
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV

    rows = row_a_day(40)
    values = np.arange(40.0).reshape(-1, 1)
    search = GridSearchCV(Ridge(), {"alpha": [0.1, 10.0]}, cv=PurgedKFold(rows, n_splits=4, embargo_ns=0))
    assert search.fit(values, values.ravel()).n_splits_ == 4


def test_label_times_of_a_dataset() -> None:
    """A row without label ends where it starts; days are whole numbers in the dataset's own order."""
    frame = pl.DataFrame({"ts_ns": [5, 90], "label_end_ns": [7, None], "date": ["1970-01-02", "1970-01-03"]})
    read = label_times(frame.with_columns(pl.col("date").str.to_date()))
    assert (read.start_ns.tolist(), read.end_ns.tolist(), read.day.tolist()) == ([5, 90], [7, 90], [1, 2])


def test_touching_takes_row_numbers() -> None:
    """Intervals are looked up by row number, not by position among the rows asked for."""
    rows = times((0, 9), (10, 15), (20, 29), (12, 18))
    assert touching(rows, np.array([3, 0, 1]), np.array([1, 2])).tolist() == [True, False, True]
    assert purge(rows, np.array([3, 0, 2]), np.array([1])).tolist() == [0, 2]


def test_every_pair_of_intervals_by_the_definition() -> None:
    """All relations of two short intervals, at every embargo up to five."""
    spans = [(start, end) for start in range(7) for end in range(start, 7)]
    for first, second in combinations(spans, 2):
        rows = times(first, second)
        for embargo in range(6):
            assert touching(rows, np.array([0]), np.array([1]), embargo)[0] == touch(rows, 0, 1, embargo)


@pytest.mark.parametrize(
    "cv",
    [
        PurgedKFold(row_a_day(3), n_splits=4),
        WalkForward(row_a_day(3), min_train_days=3),
        CombinatorialPurgedCV(row_a_day(3), n_groups=4),
    ],
)
def test_too_few_days_are_refused(cv: DayFolds) -> None:
    """The line names the splitter and both numbers."""
    with pytest.raises(TooFewDays, match=rf"{type(cv).__name__}; got 3; expected at least 4"):
        cv.get_n_splits()


@pytest.mark.parametrize(
    ("cv", "line"),
    [
        (PurgedKFold(row_a_day(3), n_splits=1), "at least two blocks"),
        (CombinatorialPurgedCV(row_a_day(3), n_groups=3, n_test_groups=3), "got 3 of 3"),
        (CombinatorialPurgedCV(row_a_day(3), n_groups=3, n_test_groups=0), "got 0 of 3"),
    ],
)
def test_splits_without_two_sides_are_refused(cv: DayFolds, line: str) -> None:
    """Something is tested, and something is left to train on."""
    with pytest.raises(OutOfRange, match=line):
        cv.get_n_splits()


def test_rows_without_label_times_are_refused() -> None:
    """A splitter answers for the rows it knows the labels of, and for no others."""
    with pytest.raises(OutOfRange, match=r"PurgedKFold; got 4; expected 3"):
        next(PurgedKFold(row_a_day(3)).split(range(4)))


def test_label_times_that_make_no_sense_are_refused() -> None:
    """Lengths agree, and a label does not end before its row."""
    with pytest.raises(OutOfRange, match="row 1 ends before it starts"):
        times((0, 1), (5, 4))
    with pytest.raises(OutOfRange, match="got 1, 2, 1"):
        LabelTimes(np.array([0]), np.array([1, 2]), np.array([0]))
