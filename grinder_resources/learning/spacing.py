"""Spacing: how much wider than usual a grid should be in each class of a range, learned from train rows.

Where grids were swept, that is answered by what they earned: in windows that start in a minute of the class, against
all windows. Without a sweep it is answered by the range alone: a grid in a minute that ranges twice as far as the
median one wants twice the distance between its lines. The exported graph weighs these multipliers with the
probabilities of the classes (`learning.coherence.spacing_x1000`).
"""

import numpy as np
import polars as pl

from grinder_resources.contracts.calibration import NEUTRAL_X1000, SPACING_LIMITS_X1000, Spacing
from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.gold_grid import RULES
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.splits import Split, split_rows
from grinder_resources.learning.targets import Floats, raw_target, settled_rows
from grinder_resources.learning.tasks import task_of

WINDOW = ("venue", "symbol", "ts_ns")


def fit_spacing(
    spec: ModelSpec, frame: pl.DataFrame, split: Split, sweep: pl.DataFrame | None = None
) -> Spacing | None:
    """Return the multipliers of the spec's `spacing_head` from the train rows of a split; None if it has none.

    frame
        Rows of the spec's dataset in any order; the head's label is a range, cut into its classes.
    sweep
        Rows of `gold/grid_sweep`. Only windows are looked at that start at a train row and, embargo and all, end before
        the validation days begin. None, or a sweep that says nothing: the range alone decides.
    """
    head = next((head for head in spec.heads if head.name == spec.spacing_head), None)
    if head is None:
        return None
    raw = raw_target(frame, head)
    task = task_of(head, raw, settled_rows(frame, head), split_rows(frame, split))
    code, classes = task.target[task.train], len(head.classes)
    if sweep is not None:
        starts = frame[task.train].select(*WINDOW, code=pl.Series(code))
        earned = _before(sweep, frame, split).join(starts, on=WINDOW, how="inner")
        multipliers = swept_multipliers(earned, classes)
        if multipliers:
            return Spacing(head.name, multipliers)
    return Spacing(head.name, spacing_multipliers(raw[task.train], code, classes))


def swept_multipliers(earned: pl.DataFrame, classes: int) -> tuple[int, ...] | None:
    """Return the spacing that earned most in each class over the one that did in all, x 1000 half-even, clamped.

    earned
        Rows of `gold/grid_sweep` with the `code` of their window's class.

    What all windows and shapes of a spacing earned together counts; of equal spacings the wider. Neutral (1000) for a
    class without windows. None without any, and where the widest or the narrowest spacing earned most in all: a best at
    the edge of what was swept is no best, and says nothing about how much wider would be better still.
    """
    lattice = earned.filter(pl.col("grid") != RULES)
    swept = lattice["spacing_x1000"]
    if lattice.is_empty() or _best_spacing(lattice) in {swept.min(), swept.max()}:
        return None
    usual = _best_spacing(lattice)
    of_class = (lattice.filter(pl.col("code") == code) for code in range(classes))
    return tuple(_clamped(_best_spacing(rows), usual) if rows.height else NEUTRAL_X1000 for rows in of_class)


def _best_spacing(rows: pl.DataFrame) -> int:
    total = rows.group_by("spacing_x1000").agg(pl.col("pnl_x1000").sum())
    return int(total.sort("pnl_x1000", "spacing_x1000", descending=True)["spacing_x1000"][0])


def _before(sweep: pl.DataFrame, frame: pl.DataFrame, split: Split) -> pl.DataFrame:
    """Return the windows that end, embargo and all, before the first row of the days that no train row is from."""
    later = frame.filter(pl.col("date").is_in([*split.val, *split.test]))["ts_ns"].min()
    return sweep if later is None else sweep.filter(pl.col("window_end_ns") + split.embargo_ns < later)


def spacing_multipliers(label_range: Floats, code: Floats, classes: int) -> tuple[int, ...]:
    """Return the median range of each class over the median of all rows, x 1000 half-even, within SPACING_LIMITS_X1000.

    label_range, code
        float64 [train rows] without NaN: ranges, whole numbers >= 0, and the class code of each row.

    Medians are observed values, the lower one of two. Neutral (1000) for a class without rows, and for every class
    where the median of all rows is 0.
    """
    usual = _median(label_range)
    return tuple(_multiplier(label_range[code == number], usual) for number in range(classes))


def _multiplier(ranges: Floats, usual: int) -> int:
    if len(ranges) == 0 or usual == 0:
        return NEUTRAL_X1000
    return _clamped(_median(ranges), usual)


def _clamped(own: int, usual: int) -> int:
    narrowest, widest = SPACING_LIMITS_X1000
    return max(narrowest, min(widest, int(half_even(1_000 * own, usual))))


def _median(ranges: Floats) -> int:
    return int(np.sort(ranges)[(len(ranges) - 1) // 2]) if len(ranges) else 0
