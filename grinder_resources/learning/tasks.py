"""Tasks: a head with its open, labelled rows and coded targets on one split, and whether they hold anything to learn.

A settled row teaches nothing: its answer can be read off the price. Its share would also drown the base rate of those
rows that a model is asked about.
"""

from dataclasses import dataclass

import numpy as np

from grinder_resources.learning.model_spec import Head
from grinder_resources.learning.splits import Parts, Rows
from grinder_resources.learning.targets import Cuts, Flags, Floats, coded_target, label_of, quantile_cuts

MIN_TRAIN_ROWS = 10
"""Train rows a class needs, and a regression twice over."""

MIN_VAL_ROWS = 3
"""Validation rows a class needs, and a regression twice over; below that early stopping follows single rows."""


@dataclass(frozen=True)
class Task:
    """A head on one split.

    target
        float64 [all rows]: coded target, NaN where the row has no label.
    cuts
        Cut points of a quantile label, from the train rows; else empty.
    train, val
        Numbers of the open, labelled rows of each part.
    """

    head: Head
    target: Floats
    cuts: Cuts
    train: Rows
    val: Rows

    @property
    def rows_key(self) -> tuple[bytes, bytes]:
        """Equal for tasks on the same rows, which can share their matrices."""
        return self.train.tobytes(), self.val.tobytes()

    @property
    def base_rates(self) -> tuple[float, ...]:
        """What the train rows say without inputs: the share of each output's class, or the mean label."""
        labels = (label_of(self.head, self.target[self.train], output) for output in self.head.outputs)
        return tuple(float(label.mean()) for label in labels)

    @property
    def obstacle(self) -> str:
        """Why the head cannot be fitted, with the counts that say so; empty if it can."""
        return self._obstacle_in("train", self.train, MIN_TRAIN_ROWS) or self._obstacle_in(
            "validation", self.val, MIN_VAL_ROWS
        )

    def learned(self, rows: Rows) -> Floats:
        """Return the targets of `rows` as the booster learns them: class codes, or label / unit."""
        return self.target[rows] / self.head.unit

    def _obstacle_in(self, part: str, rows: Rows, needed: int) -> str:
        target = self.target[rows]
        part = f"open {part}" if self.head.settled_when_zero else part
        if self.head.kind == "regression":
            enough = len(rows) >= 2 * needed and np.ptp(target) > 0.0
            return "" if enough else f"{len(rows)} {part} rows, needs {2 * needed} that differ"
        counts = np.bincount(target.astype(np.int64), minlength=len(self.head.classes))
        held = ", ".join(f"{count} {name}" for name, count in zip(self.head.classes, counts, strict=True))
        return "" if counts.min() >= needed else f"{part} rows hold {held}, needs {needed} of each"


def task_of(head: Head, raw: Floats, settled: Flags, parts: Parts) -> Task:
    """Return the task of a head from `targets.raw_target` and `settled_rows`; cuts come from its train rows alone."""
    train, val = (rows[~np.isnan(raw[rows]) & ~settled[rows]] for rows in (parts.train, parts.val))
    cuts = quantile_cuts(head, raw, train)
    target = coded_target(raw, cuts)
    return Task(head, target, cuts, train, val)
