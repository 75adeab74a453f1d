"""What prints say of toxicity: VPIN over the last hour, volumes of windows, and the markout of every print.

Arrays of one instrument, in order of time. Windows are differences of integer prefix sums and hold prints with
begin < ts <= end.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grinder_resources.contracts.exact import BPS_X1000, half_even
from grinder_resources.contracts.gold_toxicity import HOUR_S, MARKOUT_S, PREDICTION_HORIZON_S, VPIN_BUCKETS
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.market.windows import NULL

Ints = NDArray[np.int64]

_HORIZON_NS, _MARKOUT_NS = PREDICTION_HORIZON_S * NS_PER_SECOND, MARKOUT_S * NS_PER_SECOND


def prefix_sums(values: Ints) -> Ints:
    """Return n + 1 sums, the first of nothing; one that wraps at 2^64 is whole again in a window's difference."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(values, dtype=np.int64)])


def window_sums(ts_ns: Ints, values: Ints, ends_ns: Ints, seconds: int) -> Ints:
    """Return the sum of the values in (end - seconds, end] of every end."""
    sums = prefix_sums(values)
    begin, end = (np.searchsorted(ts_ns, ends_ns - back * NS_PER_SECOND, side="right") for back in (seconds, 0))
    return sums[end] - sums[begin]


def vpin_x1000(trades: pl.DataFrame, ends_ns: Ints, buckets: int = VPIN_BUCKETS, seconds: int = HOUR_S) -> Ints:
    """Return mean |buy - sell| / volume x1000 over buckets of equal volume that make up the `seconds` before each end.

    trades
        `bronze/trades` of one instrument; prints without a known aggressor are left out. Half-even; NULL with fewer
        prints than buckets.

    Easley, Lopez de Prado and O'Hara (2012), "Flow toxicity and liquidity in a high-frequency world". A print that
    does not fit is split between buckets. The bot's constants have buckets of 10,000 in quote currency, which is a
    second of one instrument and half a day of another; here a bucket is a share of the volume just seen, so that the
    same rule serves all of them and knows nothing of later.
    """
    ts_ns, lots, side = _signed(trades)
    total, signed = buckets * prefix_sums(lots), buckets * prefix_sums(side * lots)
    begin, end = (np.searchsorted(ts_ns, ends_ns - back * NS_PER_SECOND, side="right") for back in (seconds, 0))
    enough = end - begin >= buckets
    if not enough.any():
        return np.full(len(ends_ns), NULL, dtype=np.int64)
    size = (total[end] - total[begin]) // buckets
    edges = total[begin][:, None] + size[:, None] * np.arange(buckets + 1)
    split = np.minimum(np.searchsorted(total, edges, side="right") - 1, len(lots) - 1)
    imbalance = np.abs(np.diff(signed[split] + side[split] * (edges - total[split]), axis=1)).sum(axis=1)
    share = half_even(1_000 * imbalance, np.maximum(1, size * buckets))
    return np.where(enough, share, NULL)


def adverse_selection(trades: pl.DataFrame, quotes: pl.DataFrame) -> pl.DataFrame:
    """Return `from_ns`, the start of a minute, and `adverse_x1000`, what the prints of its first 50 s cost a maker.

    The lots-weighted mean of aggressor x (mid 10 s after - mid before) / mid before, bps x 1000, half-even. The mid
    before is that of the last quote older than the print, for a print is made against what was shown; so every mid is
    known at the end of the minute. Minutes without such a print have no row.
    """
    ts_ns, lots, side = _signed(trades)
    quoted, mids = quotes["ts_ns"].to_numpy(), (quotes["bid_ticks"] + quotes["ask_ticks"]).to_numpy()
    before = np.searchsorted(quoted, ts_ns, side="left") - 1
    after = np.searchsorted(quoted, ts_ns + _MARKOUT_NS, side="right") - 1
    from_ns = (ts_ns - 1) // _HORIZON_NS * _HORIZON_NS
    kept = (before >= 0) & (ts_ns - from_ns <= _HORIZON_NS - _MARKOUT_NS)
    base = mids[before[kept]]
    markout = side[kept] * half_even((mids[after[kept]] - base) * BPS_X1000, base)
    prints = pl.DataFrame({"from_ns": from_ns[kept], "lots": lots[kept], "markout": markout})
    weighed = (pl.col("lots").cast(pl.Int128) * pl.col("markout")).sum()
    sums = prints.group_by("from_ns").agg(weighed.alias("cost"), pl.col("lots").cast(pl.Int128).sum())
    mean = half_even(pl.col("cost"), pl.col("lots")).cast(pl.Int64)
    return sums.select("from_ns", mean.alias("adverse_x1000"))


def _signed(trades: pl.DataFrame) -> tuple[Ints, Ints, Ints]:
    """Return time, lots and aggressor of the prints whose aggressor is known."""
    known = trades.filter(pl.col("aggressor") != 0)
    ts_ns, lots, side = (known[name].cast(pl.Int64).to_numpy() for name in ("ts_ns", "size_lots", "aggressor"))
    return ts_ns, lots, side
