"""The purge: which rows may be fitted on when other rows are to be answered.

Two rows *touch* when their label intervals, [start, end] in ns with both ends closed, share an instant, or come nearer
than the embargo:

    touch(i, j)  =  start_i <= end_j + embargo  and  start_j <= end_i + embargo

A row that touches any row of a later or tested part is dropped. Every interval counts on its own, never only the hull
of all: the tested parts of a combinatorial split lie apart, and what lies between two of them is good to learn from.
This is the one definition in the project; every splitter and the leak check use it (Lopez de Prado, *Advances in
Financial Machine Learning*, 2018, 7.4).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grinder_resources.errors import OutOfRange

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LabelTimes:
    """When each row began and when its answer was complete; int64 arrays of one length, indexed by row number.

    start_ns
        Time of the row. Its features look back from there or from its confirmation, which lies inside the interval.
    end_ns
        End of its longest label, not before start_ns; start_ns itself where the row has no label.
    day
        Number of its UTC day. A splitter never cuts a day in two.

    Raises OutOfRange if the lengths differ or an interval ends before it starts.
    """

    start_ns: Integers
    end_ns: Integers
    day: Integers

    def __post_init__(self) -> None:
        if not len(self.start_ns) == len(self.end_ns) == len(self.day):
            lengths = f"{len(self.start_ns)}, {len(self.end_ns)}, {len(self.day)}"
            raise OutOfRange("starts, ends and days are of one length", where="LabelTimes", got=lengths)
        backward = np.flatnonzero(self.end_ns < self.start_ns)
        if len(backward):
            raise OutOfRange(
                "a label ends at or after its row", where="LabelTimes", got=f"row {backward[0]} ends before it starts"
            )

    def __len__(self) -> int:
        return len(self.start_ns)


def label_times(frame: pl.DataFrame) -> LabelTimes:
    """Return the label times of a dataset's rows, from `ts_ns`, `label_end_ns` and `date`, in its order.

    A row without label, or with one that ended before it began, ends where it starts.
    """
    end = frame.select(pl.max_horizontal("label_end_ns", "ts_ns")).to_series()
    day = frame["date"].to_physical().cast(pl.Int64)
    return LabelTimes(frame["ts_ns"].to_numpy(), end.to_numpy(), day.to_numpy())


def touching(times: LabelTimes, rows: Integers, others: Integers, embargo_ns: int = 0) -> Flags:
    """Return bool [rows]: whether the row touches any of `others`. Both are row numbers; the cost is n log n.

    Among the others that have begun by the time a row's label ends, only the one that reaches furthest matters.
    """
    if len(others) == 0:
        return np.zeros(len(rows), dtype=np.bool_)
    in_order = others[np.argsort(times.start_ns[others], kind="stable")]
    furthest_end = np.maximum.accumulate(times.end_ns[in_order])
    begun = np.searchsorted(times.start_ns[in_order], times.end_ns[rows] + embargo_ns, side="right")
    reached = times.start_ns[rows] <= furthest_end[begun - 1] + embargo_ns
    return np.asarray((begun > 0) & reached, dtype=np.bool_)


def purge(times: LabelTimes, rows: Integers, others: Integers, embargo_ns: int = 0) -> Integers:
    """Return those of `rows`, in their order, that touch none of `others`."""
    return rows[~touching(times, rows, others, embargo_ns)]
