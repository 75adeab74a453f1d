from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.errors import TooFewDays
from grinder_resources.learning.splits import Split, split_by_date, split_rows, walk_forward

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS


def march(*numbers: int) -> tuple[date, ...]:
    return tuple(date(2025, 3, number) for number in numbers)


def table(splits: tuple[Split, ...]) -> list[tuple[list[int], list[int], list[int]]]:
    parts = (tuple([day.day for day in part] for part in (split.train, split.val, split.test)) for split in splits)
    return [(train, val, test) for train, val, test in parts]


def test_five_days_split_into_three_one_one() -> None:
    """The last day is the test, the one before it validates."""
    assert table((split_by_date(march(5, 1, 3, 2, 4, 4)),)) == [([1, 2, 3], [4], [5])]


def test_longer_validation_and_test_come_off_the_end() -> None:
    """Both lengths count."""
    assert table((split_by_date(march(1, 2, 3, 4, 5, 6), val_days=2, test_days=3),)) == [([1], [2, 3], [4, 5, 6])]


def test_two_days_are_too_few_to_split() -> None:
    """And the message says how many there are and how many are needed."""
    with pytest.raises(TooFewDays, match=r"got 2 days, 2025-03-01 to 2025-03-02; expected at least 3"):
        split_by_date(march(1, 2))


def test_expanding_walk_forward_of_five_days() -> None:
    """Tests days 3, 4 and 5, on everything before."""
    assert table(walk_forward(march(1, 2, 3, 4, 5))) == [
        ([1], [2], [3]),
        ([1, 2], [3], [4]),
        ([1, 2, 3], [4], [5]),
    ]


def test_rolling_walk_forward_keeps_the_last_train_days() -> None:
    """Two of them here; the first fold has only one yet."""
    assert table(walk_forward(march(1, 2, 3, 4, 5, 6), "rolling", train_days=2)) == [
        ([1], [2], [3]),
        ([1, 2], [3], [4]),
        ([2, 3], [4], [5]),
        ([3, 4], [5], [6]),
    ]


def test_rolling_window_is_half_of_the_days_by_default() -> None:
    """Five days roll over two, seven over two as well, eight over four, and never under the minimum."""
    assert len(walk_forward(march(*range(1, 8)), "rolling")[-1].train) == 2
    assert len(walk_forward(march(*range(1, 9)), "rolling")[-1].train) == 4
    assert table(walk_forward(march(1, 2, 3, 4, 5), "rolling"))[-1] == ([2, 3], [4], [5])
    assert table(walk_forward(march(1, 2, 3, 4, 5), "rolling", min_train_days=3))[-1] == ([1, 2, 3], [4], [5])


def test_min_train_days_delays_the_first_test() -> None:
    """Three train days and a validation day: the first test is day 5."""
    assert table(walk_forward(march(1, 2, 3, 4, 5), min_train_days=3)) == [([1, 2, 3], [4], [5])]
    with pytest.raises(TooFewDays, match=r"got 4 days.*expected at least 5"):
        walk_forward(march(1, 2, 3, 4), min_train_days=3)


def rows(seconds: list[int], lengths: list[int]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "date": [date(1970, 1, 1) + timedelta(days=second // 86_400) for second in seconds],
            "ts_ns": [second * SECOND_NS for second in seconds],
            "label_end_ns": [(second + length) * SECOND_NS for second, length in zip(seconds, lengths, strict=True)],
        }
    )


def test_label_that_is_open_when_the_next_part_begins_is_dropped() -> None:
    """Validation begins at 86 460 s: a label ending there leaks, one ending a nanosecond earlier does not."""
    frame = rows([100, 200, 86_460, 172_900], [86_360, 86_259, 10, 10])
    days = tuple(date(1970, 1, number) for number in (1, 2, 3))
    parts = split_rows(frame, Split(days[:1], days[1:2], days[2:], embargo_ns=0))
    assert (parts.train.tolist(), parts.val.tolist(), parts.test.tolist(), parts.purged) == ([1], [2], [3], 1)


def test_validation_is_purged_against_the_test_day() -> None:
    """Its labels stop the boosting; none may have seen the test day."""
    frame = rows([100, 86_460, 90_000, 172_900], [10, 86_440, 82_899, 10])
    days = tuple(date(1970, 1, number) for number in (1, 2, 3))
    parts = split_rows(frame, Split(days[:1], days[1:2], days[2:], embargo_ns=0))
    assert (parts.train.tolist(), parts.val.tolist(), parts.test.tolist(), parts.purged) == ([0], [2], [3], 1)


def test_embargo_moves_the_border_earlier() -> None:
    """With 60 s of embargo a label must have ended a minute before the next part."""
    frame = rows([100, 200, 300, 86_460, 172_900], [86_299, 86_200, 10, 10, 10])
    days = tuple(date(1970, 1, number) for number in (1, 2, 3))
    parts = split_rows(frame, Split(days[:1], days[1:2], days[2:], embargo_ns=60 * SECOND_NS))
    assert (parts.train.tolist(), parts.purged) == ([0, 2], 1)


def test_row_without_label_end_is_kept() -> None:
    """It has no label that could leak."""
    frame = rows([100, 86_460, 172_900], [10, 10, 10]).with_columns(label_end_ns=pl.lit(None, pl.Int64))
    days = tuple(date(1970, 1, number) for number in (1, 2, 3))
    assert split_rows(frame, Split(days[:1], days[1:2], days[2:])).train.tolist() == [0]


EVENTS = st.lists(st.tuples(st.integers(0, 5 * 86_400 - 1), st.integers(0, 90_000)), min_size=1, max_size=60)


@settings(deadline=None)
@given(EVENTS, st.sampled_from([0, 480]))
def test_purge_agrees_with_brute_force(events: list[tuple[int, int]], embargo_s: int) -> None:
    """No kept row's label reaches a later part, and no row is dropped without that reason."""
    frame = rows([second for second, _ in events], [length for _, length in events])
    days = [date(1970, 1, number) for number in range(1, 6)]
    for split in (split_by_date(days), *walk_forward(days, "rolling", train_days=2)):
        embargoed = Split(split.train, split.val, split.test, embargo_s * SECOND_NS)
        parts = split_rows(frame, embargoed)
        day = [second // 86_400 for second, _ in events]
        part_of = {number.day - 1: part for part in ("train", "val", "test") for number in getattr(split, part)}
        for row, (second, length) in enumerate(events):
            later = {"train": ("val", "test"), "val": ("test",), "test": ()}.get(part_of.get(day[row], ""), ())
            starts = [other for other, number in zip(events, day, strict=True) if part_of.get(number) in later]
            leaks = any(second + length + embargo_s >= start for start, _ in starts)
            for part in ("train", "val", "test"):
                assert (row in getattr(parts, part)) == (part_of.get(day[row]) == part and not leaks)
