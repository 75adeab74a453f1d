"""Targets: a head's label column as the numbers a booster learns, NaN where a row has no label.

Classes become 0, 1, 2, ...; a regression becomes label / unit. Cut points of a quantile label are taken from training
rows alone and then applied to every row, so a later day never decides what LOW means.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grinder_resources.learning.model_spec import Head
from grinder_resources.learning.splits import Rows

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Cuts = tuple[float, ...]


def raw_target(frame: pl.DataFrame, head: Head) -> Floats:
    """Return float64 [rows]: class codes, or the label itself where it is to be cut or regressed; NaN = no label."""
    label = pl.col(head.label)
    if head.label_is == "name":
        label = label.replace_strict(
            list(head.classes), list(range(len(head.classes))), default=None, return_dtype=pl.Int32
        )
    number = label.cast(pl.Float64)
    asked = pl.lit(value=True) if head.where is None else pl.col(head.where.column) == head.where.value
    return frame.select(pl.when(asked).then(number).fill_null(float("nan")).alias("target")).to_series().to_numpy()


def settled_rows(frame: pl.DataFrame, head: Head) -> Flags:
    """Return bool [rows]: whether the answer was known at decision time. It is open where the time to it is null."""
    if head.settled_when_zero is None:
        return np.zeros(frame.height, dtype=np.bool_)
    return frame.select(pl.col(head.settled_when_zero).eq_missing(0)).to_series().to_numpy()


def quantile_cuts(head: Head, raw: Floats, train: Rows) -> Cuts:
    """Return the len(classes) - 1 cut points of the labelled train rows; empty unless the label is a quantile.

    Cut points are observed values (the inverse of the empirical distribution function, no interpolation).
    """
    labelled = raw[train][~np.isnan(raw[train])]
    if head.label_is != "quantile" or len(labelled) == 0:
        return ()
    shares = np.arange(1, len(head.classes)) / len(head.classes)
    return tuple(float(cut) for cut in np.quantile(labelled, shares, method="inverted_cdf"))


def coded_target(raw: Floats, cuts: Cuts) -> Floats:
    """Return the number of cut points below each value: one equal to a cut is in the lower class; NaN stays NaN."""
    if not cuts:
        return raw
    return np.where(np.isnan(raw), np.nan, np.searchsorted(np.array(cuts), raw, side="left").astype(np.float64))


def label_of(head: Head, target: Floats, output: str) -> Floats:
    """Return what an answer is compared with: 1 where the row is of class `output`, else 0; or the regression label."""
    if head.kind == "regression":
        return target
    return np.asarray(target == head.classes.index(output), dtype=np.float64)
