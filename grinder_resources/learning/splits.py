"""Splits in time: whole UTC days in order, cut so that no label reaches into a later part.

```
              train            embargo      validation      embargo       test
    |============================|.....|====================|.....|====================|   time ->
          row i: ts |-- label --| end    kept: end + embargo < first ts of the next part
          row j:              ts |-- label --| end   dropped from train: its label saw validation
```

Validation decides when boosting stops, test is looked at once. Features look backward, so a test row may well use
prices of a validation day: those are past by then. What must never happen is the reverse, a fitted row whose label
was still open when the next part began. A row's `label_end_ns` is the end of its longest label; a row without one has
none to leak.

Walk-forward moves the picture one test day at a time:

```
    expanding          rolling, two train days
    T V X              T V X
    T T V X            T T V X
    T T T V X            T T V X
```

Nothing is shuffled. There is no k-fold here: a model of the future is judged on the future.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.errors import TooFewDays

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
        'expanding' trains on all days before, 'rolling' on the last `train_days` of them (None = half of all days).
    min_train_days
        Train days a fold needs at least; the first fold tests day number min_train_days + 2.

    Raises TooFewDays if there is no such day.
    """
    ordered = _distinct(days, needed=min_train_days + 2, what="a walk-forward")
    length = train_days or max(min_train_days, len(ordered) // 2)
    return tuple(
        Split(
            train=ordered[max(0, test - 1 - length) if mode == "rolling" else 0 : test - 1],
            val=(ordered[test - 1],),
            test=(ordered[test],),
            embargo_ns=embargo_ns,
        )
        for test in range(min_train_days + 1, len(ordered))
    )


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
    ts = frame["ts_ns"].to_numpy()
    label_end = frame.select(pl.coalesce("label_end_ns", "ts_ns")).to_series().to_numpy()
    days = frame["date"]
    train, val, test = (
        np.flatnonzero(days.is_in(list(part)).to_numpy()) for part in (split.train, split.val, split.test)
    )
    kept_val = purge(val, label_end, _first(ts, test) - split.embargo_ns)
    kept_train = purge(train, label_end, _first(ts, np.concatenate([val, test])) - split.embargo_ns)
    return Parts(kept_train, kept_val, test, purged=len(train) + len(val) - len(kept_train) - len(kept_val))


def purge(rows: Rows, label_end_ns: Rows, start_ns: int) -> Rows:
    """Return those of `rows` whose label ended before `start_ns`; `label_end_ns` is indexed by row number."""
    return rows[label_end_ns[rows] < start_ns]


def _first(ts: Rows, rows: Rows) -> int:
    """Return the earliest time of the rows, or the end of time if there are none."""
    return int(ts[rows].min()) if len(rows) else int(np.iinfo(np.int64).max)
