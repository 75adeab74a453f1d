"""Backward windows on the grid: returns, volumes, trade imbalance and ranges from integer samples.

At every grid time the running totals are sampled into a ring. A window (t - w, t] is then the difference of two
samples, exact and of constant cost. The ring is written twice, half its length apart, so that every window is one
plain slice.
"""

import numpy as np
import numpy.typing as npt

from grinder_resources.market.compiled import compiled
from grinder_resources.market.rounding import ratio_half_even
from grinder_resources.market.state import Memory

Ints = npt.NDArray[np.int64]

MID, VOLUME, BUY, SELL, TRADES, HIGHEST, LOWEST = range(7)
"""Rows of the sample ring: mid in force, totals since the start, extremes of the mid since the sample before."""

NULL = -(1 << 63)
"""A null on its way from a kernel to a frame; no exact result can reach it."""


@compiled
def latest(samples: Ints, taken: int) -> int:
    """Return the place of the newest of `taken` samples; `latest - k` is the sample k grid steps before."""
    half = samples.shape[1] // 2
    return int((taken - 1) % half + half)


@compiled
def take_sample(memory: Memory, samples: Ints) -> None:
    """Store the mid in force, the totals and the mid's extremes as the next sample, and start new extremes."""
    half = samples.shape[1] // 2
    place = memory.samples_taken % half
    mid = memory.bid_ticks + memory.ask_ticks
    for copy in (place, place + half):
        samples[MID, copy] = mid
        samples[VOLUME, copy] = memory.volume
        samples[BUY, copy] = memory.bought
        samples[SELL, copy] = memory.sold
        samples[TRADES, copy] = memory.trades
        samples[HIGHEST, copy] = memory.highest
        samples[LOWEST, copy] = memory.lowest
    memory.highest = mid
    memory.lowest = mid
    memory.samples_taken += 1


@compiled
def return_x1000(samples: Ints, last: int, steps: int) -> int:
    """Return mid / mid `steps` samples ago - 1 in bps x 1000, half-even."""
    before = samples[MID, last - steps]
    return ratio_half_even(samples[MID, last] - before, 10_000_000, before)


@compiled
def difference(samples: Ints, row: int, last: int, steps: int) -> int:
    """Return how much a running total grew over `steps` samples."""
    return int(samples[row, last] - samples[row, last - steps])


@compiled
def trade_imbalance_bps(samples: Ints, last: int, steps: int) -> int:
    """Return (buy - sell) / (buy + sell) over `steps` samples in bps, half-even; 0 where nothing was signed."""
    buy = difference(samples, BUY, last, steps)
    sell = difference(samples, SELL, last, steps)
    return ratio_half_even(buy - sell, 10_000, buy + sell) if buy + sell > 0 else 0


@compiled
def range_x1000(samples: Ints, last: int, steps: int) -> int:
    """Return (highest - lowest mid) / mid in bps x 1000, half-even, over `steps` samples and the mid before them."""
    highest, lowest = samples[HIGHEST, last], samples[LOWEST, last]
    tops = samples[HIGHEST, last - steps + 1 : last]
    bottoms = samples[LOWEST, last - steps + 1 : last]
    for i in range(tops.size):
        highest = max(highest, tops[i])
        lowest = min(lowest, bottoms[i])
    return ratio_half_even(highest - lowest, 10_000_000, samples[MID, last])
