"""Spacing: how much wider than usual a grid should be in each class of a range, learned from train rows.

A grid in a minute that ranges twice as far as the median one wants twice the distance between its lines. The exported
graph weighs these multipliers with the probabilities of the classes (`learning.coherence.spacing_x1000`).
"""

import numpy as np
import polars as pl

from grinder_resources.contracts.calibration import NEUTRAL_X1000, SPACING_LIMITS_X1000, Spacing
from grinder_resources.contracts.exact import half_even
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.splits import Split, split_rows
from grinder_resources.learning.targets import Floats, raw_target, settled_rows
from grinder_resources.learning.tasks import task_of


def fit_spacing(spec: ModelSpec, frame: pl.DataFrame, split: Split) -> Spacing | None:
    """Return the multipliers of the spec's `spacing_head` from the train rows of a split; None if it has none.

    `frame` holds rows of the spec's dataset in any order; the head's label is a range, cut into its classes.
    """
    head = next((head for head in spec.heads if head.name == spec.spacing_head), None)
    if head is None:
        return None
    raw = raw_target(frame, head)
    task = task_of(head, raw, settled_rows(frame, head), split_rows(frame, split))
    return Spacing(head.name, spacing_multipliers(raw[task.train], task.target[task.train], len(head.classes)))


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
    narrowest, widest = SPACING_LIMITS_X1000
    return max(narrowest, min(widest, int(half_even(1_000 * _median(ranges), usual))))


def _median(ranges: Floats) -> int:
    return int(np.sort(ranges)[(len(ranges) - 1) // 2]) if len(ranges) else 0
