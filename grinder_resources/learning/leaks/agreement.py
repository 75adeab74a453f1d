"""How well columns agree: correlations of many columns with many others at once, nulls left out pair by pair.

Checks screen with them first and then compute the exact figure for the few pairs that stand out.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl

from grinder_resources.learning.leaks.case import Floats
from grinder_resources.learning.metrics import auc
from grinder_resources.learning.purging import Flags


def stacked(columns: Mapping[str, Floats]) -> Floats:
    """Return the columns side by side, float64 [rows, columns]."""
    return np.stack(list(columns.values()), axis=1) if columns else np.empty((0, 0))


def ranks(values: Floats) -> Floats:
    """Return middle ranks of every column, NaN where the value is NaN."""
    return pl.DataFrame(values).fill_nan(None).select(pl.all().rank("average")).fill_null(float("nan")).to_numpy()


def correlations(left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Return Pearson's r and the number of rows of every pair of columns, float64 [left columns, right columns].

    A row counts for a pair where neither value is NaN. r is 0 where one of the two does not vary.
    """
    a, known_a = _centred(left)
    b, known_b = _centred(right)
    rows = known_a.T @ known_b
    counted = np.maximum(rows, 1.0)
    mean_a, mean_b = (a.T @ known_b) / counted, (known_a.T @ b) / counted
    spread_a = ((a * a).T @ known_b) / counted - mean_a**2
    spread_b = (known_a.T @ (b * b)) / counted - mean_b**2
    spread = np.sqrt(np.clip(spread_a, 0.0, None) * np.clip(spread_b, 0.0, None))
    varies = (spread_a > 1e-12) & (spread_b > 1e-12)
    r = np.divide((a.T @ b) / counted - mean_a * mean_b, spread, out=np.zeros_like(spread), where=varies)
    return r, rows


def _centred(values: Floats) -> tuple[Floats, Floats]:
    """Return the columns scaled to mean 0 and variance 1 with zeros for NaN, and 1.0 where a value is known."""
    known = ~np.isnan(values)
    counted = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, values, 0.0)
    centred = np.where(known, filled - filled.sum(axis=0) / counted, 0.0)
    scale = np.sqrt((centred**2).sum(axis=0) / counted)
    return np.divide(centred, scale, out=np.zeros_like(centred), where=scale > 0.0), known.astype(np.float64)


def separation(values: Floats, answer: Floats, *, binary: bool) -> float:
    """Return how well a column orders an answer: max(AUC, 1 - AUC) of a binary one, else |Spearman's rho|.

    Both are 1 for a perfect order and know nothing of scale. NaN where nothing can be ordered.
    """
    known: Flags = ~np.isnan(values) & ~np.isnan(answer)
    x, y = values[known], answer[known]
    if binary:
        area = auc(y, x)
        return max(area, 1.0 - area)
    r, _ = correlations(ranks(x[:, None]), ranks(y[:, None]))
    return float(abs(r[0, 0]))
