"""What one-second snapshots say of toxicity: rolling statistics, realised volatility, and the usual spread.

Rows of one instrument in order of time. A second without a snapshot is a gap that no window reaches over.
"""

from math import isqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grinder_resources.contracts.exact import BPS_X1000, half_even
from grinder_resources.contracts.gold_toxicity import HOUR_S, LOOKBACK_BASES, LOOKBACK_STATISTICS, LOOKBACKS_S
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.features.groups.rolling import BASES, MOST
from grinder_resources.gold.toxicity_flow import prefix_sums
from grinder_resources.market.windows import NULL

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_MOST_RETURN = BPS_X1000
"""Returns count up to 100 %, so that no minute of squares leaves the exact range."""

_NAMES_IN_KERNEL = {"mean": "mean", "std": "std", "trend": "slope"}


def run_starts(ts_ns: Ints) -> Flags:
    """Return which seconds have no snapshot a second before them."""
    starts: Flags = np.diff(ts_ns, prepend=ts_ns[:1]) != NS_PER_SECOND
    return starts


def lookbacks(seconds: pl.DataFrame, at: Ints) -> dict[str, Ints]:
    """Return mean, standard deviation and trend x1000 of the rows numbered `at`, by column name, NULL for null.

    The columns, their scales and the kernel are those of the feature group `rolling`.
    """
    from grinder_resources.features.rolling import rolling

    starts = run_starts(seconds["ts_ns"].to_numpy())
    numbers: dict[str, Ints] = {}
    for base in (base for base in BASES if base.name in LOOKBACK_BASES):
        column = seconds[base.column].clip(-MOST, MOST)
        values, valid = column.fill_null(0).to_numpy()[None], column.is_not_null().to_numpy()[None]
        for window in LOOKBACKS_S:
            made = rolling(values, valid, starts, window, list(_NAMES_IN_KERNEL.values()), scale=base.scale)
            for name, part in zip(LOOKBACK_STATISTICS, made[:, 0, at], strict=True):
                numbers[f"{base.name}_{name}_{window}_x1000"] = part
    return numbers


def realised_volatility(seconds: pl.DataFrame, at: Ints, window: int) -> Ints:
    """Return the root of the sum of `window` squared one-second returns up to each row of `at`, NULL if one lacks.

    Returns are mid / mid a second before - 1 in bps x 1000, half-even; the root is rounded down.
    """
    mids = seconds["mid_half_ticks"].to_numpy()
    rows, starts = np.arange(len(mids)), run_starts(seconds["ts_ns"].to_numpy())
    base = np.where(starts, mids, np.roll(mids, 1))
    returns = half_even((mids - base) * BPS_X1000, base).clip(-_MOST_RETURN, _MOST_RETURN)
    unbroken = rows - np.maximum.accumulate(np.where(starts, rows, 0))
    sums = prefix_sums(returns * returns)
    known = unbroken[at] >= window
    totals = sums[at + 1] - sums[np.maximum(0, at + 1 - window)]
    roots = [isqrt(total) for total in totals.tolist()]
    return np.where(known, np.array(roots, dtype=np.int64), NULL)


def hour_spread(seconds: pl.DataFrame, at: Ints) -> tuple[Ints, Ints]:
    """Return the sum of spread_bps over the snapshots of the last hour up to each row of `at`, and their number."""
    ts_ns, sums = seconds["ts_ns"].to_numpy(), prefix_sums(seconds["spread_bps"].to_numpy())
    begin = np.searchsorted(ts_ns, ts_ns[at] - HOUR_S * NS_PER_SECOND, side="right")
    return sums[at + 1] - sums[begin], at + 1 - begin
