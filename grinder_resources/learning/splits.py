"""Splits in time: whole UTC days, cut so that no label reaches from a fitted row into an answered one.

A model of the future is judged on the future. `split_by_date` makes the one split a model is shipped from,
`walk_forward` a split a test day, and `split_rows` the rows of both, purged and embargoed:

```
              train            embargo      validation      embargo       test
    |============================|.....|====================|.....|====================|   time ->
          row i: ts |-- label --| end    kept: end + embargo < first ts of the next part
          row j:              ts |-- label --| end   dropped from train: its label saw validation

    expanding          rolling, two train days
    T V X              T V X
    T T V X            T T V X
    T T T V X            T T V X
```

Validation decides when boosting stops, test is looked at once. Features look backward, so a test row may well use
prices of a validation day: those are past by then. What must never happen is the reverse, a fitted row whose label
was still open when the next part began. A row's `label_end_ns` is the end of its longest label; a row without one has
none to leak.

For scikit-learn there are `WalkForward`, `PurgedKFold` and `CombinatorialPurgedCV`, built from the rows' `LabelTimes`.
The last two also train on days after the tested ones, so a tested block is guarded on both sides:

```
        train       embargo     tested days      label ends  embargo        train
    |==============|.......|======================|--------|.......|======================|   time ->
      a: |--| kept                                                       e: |--| kept
      b:    |------| ends in the embargo: dropped       d: |--| starts in it: dropped
      c: |-----------------------------------------| covers it: dropped

    purged 3-fold      combinatorial, 4 groups, 2 tested: 6 splits, 3 paths
    X T T              X X T T   X T X T   X T T X   T X X T   T X T X   T T X X
    T X T              path 1 takes the first answer to every group, path 2 the second, path 3 the third
    T T X
```

Public implementations go wrong in six ways, each of which a test here excludes. They drop a label that *ends* in the
tested span and keep one that begins in it or covers it. They drop every label that ends after the tested span began,
which is all later folds. They take the hull of several tested blocks for one block. They count the embargo in rows or
as a share of the sample, which is no time. They measure it from the last tested row instead of from the end of its
label, or put it before the test alone. They cut a day in two, so that rows of one hour lie on both sides.

Nothing is shuffled, and nothing here is random.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.errors import OutOfRange, TooFewDays
from grinder_resources.learning.purging import LabelTimes, label_times, purge

Mode = Literal["expanding", "rolling"]
MODES: tuple[Mode, ...] = ("expanding", "rolling")

EMBARGO_NS = 480 * NS_PER_SECOND
"""Kept between the end of a label and the next part, on top of the purge: one more look-forward of a level label."""

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Days of the three parts, each in time order, and the distance in ns kept before a later part."""

    train: tuple[date, ...]
    val: tuple[date, ...]
    test: tuple[date, ...]
    embargo_ns: int = EMBARGO_NS


@dataclass(frozen=True)
class Parts:
    """Row numbers of a frame, ascending, per part; `purged` counts the train and validation rows dropped."""

    train: Rows
    val: Rows
    test: Rows
    purged: int


def split_by_date(days: Sequence[date], val_days: int = 1, test_days: int = 1, embargo_ns: int = EMBARGO_NS) -> Split:
    """Return the last `test_days` as test, the `val_days` before them as validation and all earlier days as train.

    `days` may repeat and come in any order. Raises TooFewDays if no day would be left to train on.
    """
    ordered = _distinct(days, needed=val_days + test_days + 1, what="a split into train, validation and test")
    first_test = len(ordered) - test_days
    first_val = first_test - val_days
    return Split(ordered[:first_val], ordered[first_val:first_test], ordered[first_test:], embargo_ns)


def walk_forward(
    days: Sequence[date],
    mode: Mode = "expanding",
    min_train_days: int = 1,
    train_days: int | None = None,
    embargo_ns: int = EMBARGO_NS,
) -> tuple[Split, ...]:
    """Return one split a test day, in time order; the day before each test day validates.

    mode
        'expanding' trains on all days before, 'rolling' on the last `train_days` of them. None = half of all days,
        rounded down to a power of two: that changes when history doubles, so a new day leaves older folds alone.
    min_train_days
        Train days a fold needs at least; the first fold tests day number min_train_days + 2.

    Raises TooFewDays if there is no such day.
    """
    ordered = _distinct(days, needed=min_train_days + 2, what="a walk-forward")
    length = train_days or _rolling_days(len(ordered), min_train_days)
    return tuple(
        Split(
            train=ordered[max(0, test - 1 - length) if mode == "rolling" else 0 : test - 1],
            val=(ordered[test - 1],),
            test=(ordered[test],),
            embargo_ns=embargo_ns,
        )
        for test in range(min_train_days + 1, len(ordered))
    )


def _rolling_days(days: int, at_least: int) -> int:
    """Return half of the days, rounded down to a power of two, and no fewer than `at_least`."""
    return max(at_least, 1 << max(1, days // 2).bit_length() - 1)


def _distinct(days: Sequence[date], *, needed: int, what: str) -> tuple[date, ...]:
    ordered = tuple(sorted(set(days)))
    if len(ordered) < needed:
        raise TooFewDays(
            f"{what} needs more days than have rows",
            got=f"{len(ordered)} days" + (f", {ordered[0]} to {ordered[-1]}" if ordered else ""),
            expected=f"at least {needed}",
            hint="Materialize more days, or ask for fewer validation and test days.",
        )
    return ordered


def split_rows(frame: pl.DataFrame, split: Split) -> Parts:
    """Return the rows of each part of a frame with `date`, `ts_ns` and `label_end_ns`, purged and embargoed."""
    times, days = label_times(frame), frame["date"]
    train, val, test = (
        np.flatnonzero(days.is_in(list(part)).to_numpy()) for part in (split.train, split.val, split.test)
    )
    kept_val = purge(times, val, test, split.embargo_ns)
    kept_train = purge(times, train, np.concatenate([val, test]), split.embargo_ns)
    return Parts(kept_train, kept_val, test, purged=len(train) + len(val) - len(kept_train) - len(kept_val))


@dataclass(frozen=True)
class DayFolds(ABC):
    """What the three cross-validators share: groups of whole days are tested, and the rest is purged against them.

    times
        Label times of exactly the rows that `split` will be asked about, in their order.
    embargo_ns
        Kept before the first tested row and after the last tested label's end, in ns.

    Works wherever scikit-learn takes a `cv`. `split` yields int64 row numbers, ascending: (train, test).
    """

    times: LabelTimes
    embargo_ns: int = field(default=EMBARGO_NS, kw_only=True)

    @abstractmethod
    def folds(self) -> tuple[tuple[Rows, Rows], ...]:
        """Return the days of every split: (to train on before the purge, to test). Raises TooFewDays."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Rows, Rows]]:  # noqa: N803, ARG002
        """Yield the rows of every split. Raises OutOfRange if `X` has another number of rows than the label times.

        `y` and `groups` are scikit-learn's and not looked at: the groups are the days.
        """
        rows = X.shape[0] if hasattr(X, "shape") else len(X)
        if rows != len(self.times):
            raise OutOfRange(
                "as many rows as label times", where=type(self).__name__, got=str(rows), expected=str(len(self.times))
            )
        for train_days, test_days in self.folds():
            train, test = (np.flatnonzero(np.isin(self.times.day, days)) for days in (train_days, test_days))
            yield purge(self.times, train, test, self.embargo_ns), test

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: N803, ARG002
        """Return the number of splits; the arguments are scikit-learn's and not looked at."""
        return len(self.folds())

    def _days(self, needed: int) -> Rows:
        days = np.unique(self.times.day)
        if len(days) < needed:
            raise TooFewDays(
                "a cross-validator needs more days than have rows",
                where=type(self).__name__,
                got=str(len(days)),
                expected=f"at least {needed}",
            )
        return days


@dataclass(frozen=True)
class WalkForward(DayFolds):
    """One split a day: it is tested, and days before it are trained on.

    mode
        'expanding' trains on all days before, 'rolling' on the last `train_days` of them. None = half of all days,
        rounded down to a power of two: that changes when history doubles, so a new day leaves older folds alone.
    min_train_days
        Days before the first tested one.
    """

    mode: Mode = "expanding"
    min_train_days: int = 1
    train_days: int | None = None

    def folds(self) -> tuple[tuple[Rows, Rows], ...]:
        """Return one split for every day after the first `min_train_days`."""
        days = self._days(self.min_train_days + 1)
        length = len(days)
        if self.mode == "rolling":
            length = self.train_days or _rolling_days(len(days), self.min_train_days)
        return tuple(
            (days[max(0, test - length) : test], days[test : test + 1])
            for test in range(self.min_train_days, len(days))
        )


@dataclass(frozen=True)
class PurgedKFold(DayFolds):
    """`n_splits` blocks of consecutive days, as equal as they can be; each is tested once, the others are trained on.

    Every row is tested exactly once.
    """

    n_splits: int = 5

    def folds(self) -> tuple[tuple[Rows, Rows], ...]:
        """Return one split a block. Raises OutOfRange for less than two."""
        if self.n_splits < 2:
            raise OutOfRange("at least two blocks", where="PurgedKFold", got=str(self.n_splits))
        days = self._days(self.n_splits)
        return tuple((np.setdiff1d(days, block), block) for block in np.array_split(days, self.n_splits))


@dataclass(frozen=True)
class CombinatorialPurgedCV(DayFolds):
    """Every choice of `n_test_groups` among `n_groups` blocks of consecutive days is tested, the others trained on.

    C(n_groups, n_test_groups) splits answer every row C(n_groups - 1, n_test_groups - 1) times, which makes as many
    whole histories of answers: the backtest paths (Lopez de Prado 2018, 12.4).
    """

    n_groups: int = 6
    n_test_groups: int = 2

    def folds(self) -> tuple[tuple[Rows, Rows], ...]:
        """Return one split a choice of tested groups, in lexicographic order."""
        groups = self._groups()
        days = np.concatenate(groups)
        tested = [np.concatenate([groups[number] for number in choice]) for choice in self._choices()]
        return tuple((np.setdiff1d(days, block), block) for block in tested)

    def paths(self) -> Rows:
        """Return int64 [paths, n_groups]: the number of the split that answers a group's rows on each path.

        Path p takes, for every group, the p-th of the splits that test it: each split's answers to each of its groups
        are used exactly once.
        """
        tested = np.array([[group in choice for group in range(self.n_groups)] for choice in self._choices()])
        return np.stack([np.flatnonzero(tested[:, group]) for group in range(self.n_groups)], axis=1)

    def group_of_rows(self) -> Rows:
        """Return int64 [rows]: the number of the group each row belongs to."""
        first_days = np.array([group[0] for group in self._groups()])
        return np.searchsorted(first_days, self.times.day, side="right").astype(np.int64) - 1

    def _groups(self) -> list[Rows]:
        if not 0 < self.n_test_groups < self.n_groups:
            raise OutOfRange(
                "0 < n_test_groups < n_groups",
                where="CombinatorialPurgedCV",
                got=f"{self.n_test_groups} of {self.n_groups}",
            )
        return np.array_split(self._days(self.n_groups), self.n_groups)

    def _choices(self) -> list[tuple[int, ...]]:
        return list(combinations(range(self.n_groups), self.n_test_groups))
