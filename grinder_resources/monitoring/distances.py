"""How far two ways a number lies are apart, for many numbers at once and from counts alone.

Counts are int64 [inputs, bins]: a row an input, its bins in order from the left, padded with zeros on the right. The
first column holds the rows without a value: a missing value counts as lower than all others, so that an input that
goes missing has moved as far as it can.

    Kolmogorov-Smirnov   D = sup |F_now - F_then|                     (Smirnov 1939)
    stability index      PSI = sum (p - q) ln(p / q) over deciles     (Siddiqi 2006, Credit Risk Scorecards)

D at the cuts is a lower bound of D over the rows, and the counts bound it from above as well. PSI is exact.

What moves slowly, such as the distance to yesterday's high, lies within any one day elsewhere than over all of them.
How far is usual the training days say themselves: each is held against the others, see `usual_psi`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from grinder_resources.evaluation.scores import MIN_BLOCKS
from grinder_resources.monitoring.sketch import Floats, Ints, Sketch

DECILES = 10
HALF_A_ROW = 0.5
"""What an empty bin counts as in PSI, so that the index is finite."""

MIN_DAYS = 2
"""Days from which on it is known how far one lies from the others."""

SERIES = np.arange(1, 101, dtype=np.float64)


def stacked(sketches: Sequence[Sketch]) -> Ints:
    """Return the counts of sketches as int64 [inputs, bins], the missing rows first."""
    table = np.zeros((len(sketches), 1 + max((len(one.counts) for one in sketches), default=0)), dtype=np.int64)
    for row, one in zip(table, sketches, strict=True):
        row[: 1 + len(one.counts)] = one.missing, *one.counts
    return table


def ks_bounds(now: Ints, then: Ints) -> tuple[Floats, Floats]:
    """Return the least and the largest D that rows with these counts can have, float64 [inputs] each.

    The least is |F_now - F_then| at the cuts. The largest is reached where all of one side's rows lie left in a bin
    and all of the other's right. They are apart by the largest share of rows in a bin at most, and D is the least
    where no bin holds two different values. NaN where a side has no row.
    """
    below_now, below_then = (_cumulated(counts) for counts in (now, then))
    least = np.abs(below_now - below_then).max(axis=1)
    # Missing rows, the first bin, are of one value: nothing lies within.
    ahead = (below_now[:, 1:] - below_then[:, :-1]).max(axis=1)
    behind = (below_then[:, 1:] - below_now[:, :-1]).max(axis=1)
    return least, np.maximum(least, np.maximum(ahead, behind))


def ks_p_value(distance: Floats, now: Ints, then: Ints, clumping: Floats) -> Floats:
    """Return the chance of at least this D between samples of one distribution, float64 [inputs].

    clumping
        How many rows say as much as one that hangs together with no other, float64 [inputs]: see `clumping_of`.

    Kolmogorov's limit at the effective number of rows n = a b / (a + b) / clumping, a and b being the two samples',
    with the correction for few rows by Stephens (1970):

        p = 2 sum (-1)^(k - 1) exp(-2 k^2 t^2),   t = (sqrt(n) + 0.12 + 0.11 / sqrt(n)) D
    """
    rows_now, rows_then = now.sum(axis=1), then.sum(axis=1)
    root = np.sqrt(rows_now / (rows_now + rows_then) * rows_then / clumping)
    t = (root + 0.12 + 0.11 / root) * distance
    terms = np.exp(-2.0 * (SERIES[:, None] * t) ** 2) * np.where(SERIES % 2 == 1, 1.0, -1.0)[:, None]
    # Below 0.2 the series has not converged after its terms, and the chance is 1 to twelve digits.
    return np.asarray(np.where(t < 0.2, 1.0, np.clip(2.0 * terms.sum(axis=0), 0.0, 1.0)))


def clumping_of(hours: Ints, then: Ints) -> float:
    """Return the design effect of the hours of one input: how many rows say as much as one independent row.

    hours
        int64 [hours, bins]: the counts of each hour.
    then
        int64 [bins]: those of the training rows, whose deciles are the classes.

    The first-order factor of Rao and Scott (1981), hours as clusters: with n_h rows in hour h of H, n_hk of them in
    class k of K, and p_k the share of class k in all n rows,

        n / (K - 1)  sum_k v_k / p_k,   v_k = H / (H - 1)  sum_h (n_hk - n_h p_k)^2 / n^2

    It is 1 where hours differ no more than independent rows would, and in fewer than MIN_BLOCKS hours, too few to say.
    """
    if len(hours) < MIN_BLOCKS:
        return 1.0
    tenths = by_decile(hours, then)
    tenths = tenths[:, tenths.any(axis=0)]
    rows, classes = tenths.sum(), tenths.shape[1]
    if classes < 2:
        return 1.0
    share = tenths.sum(axis=0) / rows
    spread = ((tenths - tenths.sum(axis=1, keepdims=True) * share) ** 2).sum(axis=0)
    factor = len(hours) / (len(hours) - 1) * (spread / share).sum() / rows / (classes - 1)
    return max(1.0, float(factor))


def psi(now: Ints, then: Ints) -> Floats:
    """Return the population stability index over the deciles of `then`, float64 [inputs].

    Missing rows are a bin of their own. An empty bin counts as half a row; one that is empty on both sides is left out.
    """
    places = deciles(then)
    return _index(merged(now, places), merged(then, places))


def usual_psi(days: Ints, min_rows: int) -> float | None:
    """Return the largest index of one day against the others; None of fewer than two days that have enough rows.

    days
        int64 [days, 11]: the rows of each day, merged by the deciles of all of them.
    min_rows
        Rows of a day that is held against the others. Those of a smaller one still are among the others.

    A day is left out of what it is held against, or its own rows would hide how far it lies from them.
    """
    alone = days[days.sum(axis=1) >= min_rows]
    if len(alone) < MIN_DAYS:
        return None
    return float(_index(alone, days.sum(axis=0) - alone).max())


def deciles(then: Ints) -> Ints:
    """Return for every bin the number of its decile, int64 [inputs, bins]: 0 for missing rows, else 1 to 10.

    A bin belongs to the decile of its middle row, in integers: bins of one sketch always merge the same way.
    """
    known = then[:, 1:]
    middle = 2 * np.cumsum(known, axis=1) - known
    total = np.maximum(known.sum(axis=1, keepdims=True), 1)
    tenths = np.minimum(DECILES * middle // (2 * total), DECILES - 1)
    return np.hstack([np.zeros((len(then), 1), dtype=np.int64), 1 + tenths])


def by_decile(parts: Ints, then: Ints) -> Ints:
    """Return the rows of parts of one input, int64 [parts, bins], by the deciles of `then`: int64 [parts, 11]."""
    return merged(parts, np.repeat(deciles(then[None]), len(parts), axis=0))


def merged(counts: Ints, places: Ints) -> Ints:
    """Return counts added up by the places of `deciles`, int64 [inputs, 11]."""
    width = DECILES + 1
    flat = (np.arange(len(counts))[:, None] * width + places).ravel()
    added = np.bincount(flat, counts.ravel(), minlength=len(counts) * width)
    return added.reshape(-1, width).astype(np.int64)


def q_values(p_values: Floats) -> Floats:
    """Return the smallest false discovery rate at which each finding counts, float64 [tests].

    Benjamini and Hochberg (1995): q of the i-th smallest of m is the least of m p / j over all j >= i.
    """
    order = np.argsort(p_values, kind="stable")
    count = len(p_values)
    raised = p_values[order] * count / np.arange(1, count + 1)
    q = np.empty(count)
    q[order] = np.minimum.accumulate(raised[::-1])[::-1]
    return q


def _index(now: Ints, then: Ints) -> Floats:
    """Return the index of rows by decile, float64 [inputs]."""
    told = (now > 0) | (then > 0)
    p, q = _shares(now, told), _shares(then, told)
    ratio = np.divide(p, q, out=np.ones_like(p), where=told)
    return np.asarray(((p - q) * np.log(ratio)).sum(axis=1))


def _cumulated(counts: Ints) -> Floats:
    """Return the share of rows in each bin and those left of it, float64 [inputs, bins]."""
    rows = counts.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.cumsum(counts, axis=1) / rows)


def _shares(counts: Ints, told: NDArray[np.bool_]) -> Floats:
    """Return shares of the bins that are told, none of them empty, float64 [inputs, bins]; 0 elsewhere."""
    floored = np.where(told, np.maximum(counts, HALF_A_ROW), 0.0)
    return np.asarray(floored / np.maximum(floored.sum(axis=1, keepdims=True), HALF_A_ROW))
