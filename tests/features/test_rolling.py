"""The rolling kernel against fractions, and the laws that make its values reproducible."""

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from math import isqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.errors import OutOfRange, UnknownName
from grinder_resources.features.rolling import MOST_ROWS, rolling
from grinder_resources.features.rolling_kernel import STATISTICS
from grinder_resources.market.windows import NULL

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def nearest_root(square: Fraction) -> int:
    """Return the square root rounded half to even, by squares alone."""
    whole = isqrt(square.numerator // square.denominator)
    tie = Fraction(2 * whole + 1, 2) ** 2
    return whole + (square > tie or (square == tie and whole % 2 == 1))


def reference(x: list[int], statistic: str, scale: int) -> int | None:
    """Return one statistic of one whole window, as its definition says."""
    n, mean = len(x), Fraction(sum(x), len(x))
    variance = sum((value - mean) ** 2 for value in x) / n
    middle = Fraction(n - 1, 2)
    slope = sum((k - middle) * value for k, value in enumerate(x)) / sum((k - middle) ** 2 for k in range(n))
    away = x[-1] - mean
    match statistic:
        case "mean" | "variance" | "slope":
            return round(scale * {"mean": mean, "variance": variance, "slope": slope}[statistic])
        case "std":
            return nearest_root(scale**2 * variance)
        case "range":
            return max(x) - min(x)
        case "zscore":
            size = nearest_root((scale * away) ** 2 / variance) if variance else None
            return size if size is None or away >= 0 else -size
    return round(Fraction(scale * (x[-1] - x[0]), x[0])) if x[0] else None


def by_definition(rows: Rows, window: int, statistic: str, scale: int) -> list[list[int]]:
    """Return the statistic of every row, window by window."""
    values, valid, starts = rows
    columns = []
    for column, known in zip(values.tolist(), valid.tolist(), strict=True):
        answers = []
        for end in range(1, len(column) + 1):
            first = end - window
            whole = first >= 0 and all(known[first:end]) and not starts[first + 1 : end].any()
            answer = reference(column[first:end], statistic, scale) if whole else None
            answers.append(NULL if answer is None else answer)
        columns.append(answers)
    return columns


@st.composite
def rows_of(draw: st.DrawFn, most: int = 40) -> Rows:
    """Draw two columns: a few neighbouring values that make ties, or many; near zero or far from it; with holes."""
    count = draw(st.integers(1, most))
    width, far = draw(st.sampled_from([1, 3, 10_000, 10**7])), draw(st.sampled_from([0, 10**11]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = far + rng.integers(-width, width + 1, (2, count))
    share = draw(st.sampled_from([0.0, 0.05, 0.3]))
    return values, rng.random((2, count)) >= share, rng.random(count) < share / 2


@settings(max_examples=150, deadline=None)
@given(rows_of(), st.integers(2, 12), st.sampled_from([1, 10, 1000]))
def test_every_statistic_is_its_definition(rows: Rows, window: int, scale: int) -> None:
    """To the last integer, ties to even, null where a window is not whole."""
    names = [name for name in STATISTICS if name != "variance" or np.ptp(rows[0]) < 10**6]
    answers = rolling(*rows, window, names, scale=scale)
    for name, answer in zip(names, answers.tolist(), strict=True):
        assert answer == by_definition(rows, window, name, scale), name


@pytest.mark.parametrize("window", [2, 10, 64, 100, MOST_ROWS])
def test_blocks_do_not_show(window: int) -> None:
    """Rows around the border of two blocks, in a column of several, are what their windows say."""
    rng = np.random.default_rng(window)
    values, valid = rng.integers(-900, 900, (1, 4000)), rng.random((1, 4000)) > 0.0002
    rows = (values, valid, rng.random(4000) < 0.0002)
    answers = rolling(*rows, window, STATISTICS, scale=100)
    assert (answers[0] == NULL).any()
    for end in (window, 1024, 1025, 2047, 2048, 2049, 3073, 4000):
        part = tuple(np.ascontiguousarray(array[..., max(0, end - window) : end]) for array in rows)
        for name, answer in zip(STATISTICS, answers, strict=True):
            assert answer[0, end - 1] == by_definition(part, window, name, 100)[0][-1], (name, end)


def test_a_window_by_hand() -> None:
    """1, 2, 3, 4: every statistic, x1000."""
    values, valid, starts = np.array([[1, 2, 3, 4]]), np.ones((1, 4), bool), np.zeros(4, bool)
    answers = dict(zip(STATISTICS, rolling(values, valid, starts, 4, STATISTICS)[:, 0, 3].tolist(), strict=True))
    assert answers == {
        "mean": 2500,
        "variance": 1250,
        "std": 1118,
        "range": 3,
        "slope": 1000,
        "zscore": 1342,
        "roc": 3000,
    }


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ((0, 1), {"mean": 0, "std": 0, "variance": 0, "zscore": 1, "roc": NULL}),
        ((1, 2), {"mean": 2, "std": 0, "variance": 0, "zscore": 1, "roc": 1}),
        ((0, 3), {"mean": 2, "std": 2, "variance": 2, "zscore": 1, "roc": NULL}),
        ((-2, -5), {"mean": -4, "std": 2, "variance": 2, "zscore": -1, "roc": 2}),
        ((2, -1), {"mean": 0, "std": 2, "variance": 2, "zscore": -1, "roc": -2}),
        ((7, 7), {"mean": 7, "std": 0, "variance": 0, "zscore": NULL, "roc": 0}),
    ],
)
def test_ties_go_to_even_and_what_is_undefined_is_null(pair: tuple[int, int], expected: dict[str, int]) -> None:
    """Halves of either sign; no z-score without deviation, no rate of change from 0."""
    values = np.array([pair])
    answers = rolling(values, np.ones((1, 2), bool), np.zeros(2, bool), 2, list(expected), scale=1)
    assert dict(zip(expected, answers[:, 0, 1].tolist(), strict=True)) == expected


@pytest.mark.parametrize(("high", "expected"), [(3, 2), (7, 4), (5, 2), (27, 14)])
def test_a_guess_on_the_wrong_side_of_a_tie_is_settled(high: int, expected: int) -> None:
    """49 zeros and 49 threes deviate by 1.5, for which float64 finds 1.4999999999999998."""
    values = np.repeat([[0, high]], 49, axis=1)
    answers = rolling(values, np.ones((1, 98), bool), np.zeros(98, bool), 98, ["std"], scale=1)
    assert answers[0, 0, 97] == expected


def test_a_window_with_a_null_or_over_a_gap_is_null() -> None:
    """Row 3 is null, row 6 starts a run: windows of 2 that hold the one or reach over the other have no value."""
    valid, starts = np.ones((1, 8), bool), np.zeros(8, bool)
    valid[0, 3] = starts[6] = True
    valid[0, 3] = False
    means = rolling(np.arange(0, 16, 2)[None], valid, starts, 2, ["mean"], scale=1)[0, 0]
    assert means.tolist() == [NULL, 1, 3, NULL, NULL, 9, NULL, 13]


@settings(max_examples=50, deadline=None)
@given(rows_of(), st.integers(2, 6), st.integers(0, 40), st.integers(1, 9))
def test_history_and_chunks_do_not_matter(rows: Rows, window: int, cut: int, size: int) -> None:
    """A later beginning, and pieces that overlap by a window less one row, give the same values."""
    names = ("mean", "std", "range", "slope", "zscore", "roc")
    whole = rolling(*rows, window, names)
    count = rows[0].shape[1]

    def piece(first: int, last: int) -> np.ndarray:
        return rolling(*(np.ascontiguousarray(part[..., first:last]) for part in rows), window, names)

    first = min(cut, count - 1)
    assert (piece(first, count)[..., window - 1 :] == whole[..., first + window - 1 :]).all()
    for begin in range(0, count, size):
        before = max(0, begin - window + 1)
        chunk = piece(before, begin + size)
        assert (chunk[..., begin - before :] == whole[..., begin : begin + size]).all()


def test_threads_do_not_matter() -> None:
    """Eight columns at once in four threads give what one call gives."""
    rng = np.random.default_rng(7)
    values, valid, starts = rng.integers(0, 99, (8, 5000)), rng.random((8, 5000)) > 0.01, rng.random(5000) < 0.01
    names = ("mean", "std", "slope", "range")
    with ThreadPoolExecutor(4) as pool:
        parts = pool.map(lambda place: rolling(values[[place]], valid[[place]], starts, 10, names), range(8))
        assert (np.concatenate(list(parts), axis=1) == rolling(values, valid, starts, 10, names)).all()


def test_what_is_not_valid_is_not_looked_at() -> None:
    """A number beyond every bound under a null changes nothing and is not refused."""
    rng = np.random.default_rng(3)
    values, valid = rng.integers(0, 99, (1, 50)), rng.random((1, 50)) > 0.2
    poisoned = np.where(valid, values, np.iinfo(np.int64).max)
    answers = [rolling(column, valid, np.zeros(50, bool), 3, STATISTICS) for column in (values, poisoned)]
    assert (answers[0] == answers[1]).all()


LARGEST = (1 << 50) // 1000
BEYOND = {
    "value": ((LARGEST + 1, LARGEST + 1), 2, "mean", 1000),
    "negative value": ((-LARGEST - 1, -LARGEST - 1), 2, "mean", 1000),
    "spread": ((0, 1 << 30), 2, "std", 1),
    "variance": ((0, 3_000_000), 2, "variance", 1000),
    "variance of a long window": ((0, 1_000_000), 100, "variance", 1000),
    "one row": ((0, 1), 1, "mean", 1000),
    "too many rows": ((0, 1), MOST_ROWS + 1, "mean", 1000),
    "scale": ((0, 1), 2, "mean", 1001),
    "no scale": ((0, 1), 2, "mean", 0),
}


@pytest.mark.parametrize(("pair", "window", "statistic", "scale"), BEYOND.values(), ids=BEYOND)
def test_beyond_the_exact_range_is_refused(pair: tuple[int, int], window: int, statistic: str, scale: int) -> None:
    """Nothing wraps silently, and windows and scales have bounds."""
    with pytest.raises(OutOfRange, match="rolling"):
        rolling(np.array([pair]), np.ones((1, 2), bool), np.zeros(2, bool), window, [statistic], scale=scale)


@pytest.mark.parametrize(
    ("pair", "statistic", "scale", "expected"),
    [
        ((LARGEST, LARGEST - 1), "mean", 1000, 1000 * LARGEST - 500),
        ((0, (1 << 30) - 1), "std", 1, 1 << 29),  # half of an odd number: a tie
        ((0, (1 << 30) - 1), "std", 1000, 500 * ((1 << 30) - 1)),
        ((0, 2_000_001), "variance", 1000, 250 * 2_000_001**2),
        ((-(1 << 29), (1 << 29) - 1), "slope", 1000, 1000 * ((1 << 30) - 1)),
    ],
)
def test_the_exact_range_is_exact_to_its_border(
    pair: tuple[int, int], statistic: str, scale: int, expected: int
) -> None:
    """The largest numbers that are not refused still come out to the last digit."""
    answers = rolling(np.array([pair]), np.ones((1, 2), bool), np.zeros(2, bool), 2, [statistic], scale=scale)
    assert answers[0, 0, 1] == expected


def test_another_statistic_is_refused() -> None:
    """With the names there are."""
    with pytest.raises(UnknownName, match="median; expected mean, variance"):
        rolling(np.zeros((1, 1), np.int64), np.ones((1, 1), bool), np.zeros(1, bool), 2, ["median"])
