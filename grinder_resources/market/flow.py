"""Order flow imbalance of the best quotes, and its z-score, exact in integers.

Cont, Kukanov and Stoikov (2014), "The price impact of order book events": a better or larger bid adds, a better or
larger ask subtracts. The first quote, and the first after a gap, has no quote to be compared with and adds 0.
"""

import numpy as np
import numpy.typing as npt

from grinder_resources.market.compiled import compiled
from grinder_resources.market.rounding import wide_add, wide_float, wide_mul, wide_scale, wide_sub
from grinder_resources.market.state import HISTORY_UPDATES, Memory

Ints = npt.NDArray[np.int64]

OFI_WINDOW_NS = 10_000_000_000
ZSCORE_MIN_UPDATES = 30
ZSCORE_LIMIT_X1000 = 5000

_MAX_OFI_LOTS = 1 << 50
_MAX_EXACT_TIE = HISTORY_UPDATES << 37
_TIE_DOUBT = 1e-9


@compiled
def side_event(improvement: int, lots: int, old_lots: int) -> int:
    """Return what one side adds: its size on a better price, minus the old size on a worse one, else the change."""
    if improvement > 0:
        return lots
    return lots - old_lots if improvement == 0 else -old_lots


@compiled
def forget_events(memory: Memory, event_ts: Ints, events: Ints, now: int) -> None:
    """Drop the events strictly older than `now` - 10 s."""
    while memory.event_count > 0 and event_ts[memory.event_head] < now - OFI_WINDOW_NS:
        memory.event_sum -= events[memory.event_head]
        memory.event_head = memory.event_head + 1 if memory.event_head + 1 < events.size else 0
        memory.event_count -= 1


@compiled
def fold_flow(memory: Memory, event_ts: Ints, events: Ints, ts: int, event: int) -> None:
    """Add one quote's event and put the 10-second sum into the history; `events` has room for it."""
    forget_events(memory, event_ts, events, ts)
    tail = memory.event_head + memory.event_count
    tail = tail if tail < events.size else tail - events.size
    event_ts[tail] = ts
    events[tail] = event
    memory.event_count += 1
    memory.event_sum += event
    if abs(memory.event_sum) < _MAX_OFI_LOTS:
        _remember(memory, memory.event_sum)
    else:
        memory.inexact = 1


@compiled
def _remember(memory: Memory, ofi: int) -> None:
    """Put a 10-second sum into the history, in place of the oldest one once it is full."""
    squares = (memory.squares_high, memory.squares_low)
    slot = memory.history_next
    if memory.history_count == HISTORY_UPDATES:
        oldest = memory.history[slot]
        memory.history_sum -= oldest
        squares = wide_sub(squares, wide_mul(abs(oldest), abs(oldest)))
    else:
        memory.history_count += 1
    squares = wide_add(squares, wide_mul(abs(ofi), abs(ofi)))
    memory.squares_high, memory.squares_low = squares
    memory.history[slot] = ofi
    memory.history_next = slot + 1 if slot + 1 < HISTORY_UPDATES else 0
    memory.history_sum += ofi
    memory.latest_ofi = ofi


@compiled
def zscore_x1000(memory: Memory) -> int:
    """Return (latest - mean) / population standard deviation x 1000, half-even, within +-5000.

    Over the history of 10-second sums, the latest included; 0 below 30 values or where all are equal. With n values,
    sum S and sum of squares Q it is (n x latest - S) / sqrt(n Q - S^2), all of it integers up to the root; where
    float64 cannot tell on which side of a tie the root lies, the squares decide.
    """
    count, total = memory.history_count, memory.history_sum
    spread = wide_sub(wide_scale((memory.squares_high, memory.squares_low), count), wide_mul(abs(total), abs(total)))
    if count < ZSCORE_MIN_UPDATES or (spread[0] == 0 and spread[1] == 0):
        return 0
    deviation = count * memory.latest_ofi - total
    score = 1000.0 * abs(deviation) / wide_float(spread) ** 0.5
    whole = int(min(score, float(ZSCORE_LIMIT_X1000)))
    part = score - whole
    if abs(part - 0.5) < _TIE_DOUBT:
        whole += _rounds_up(memory, whole, abs(deviation), spread)
    elif part > 0.5:
        whole += 1
    whole = min(whole, ZSCORE_LIMIT_X1000)
    return whole if deviation >= 0 else -whole


@compiled
def _rounds_up(memory: Memory, whole: int, deviation: int, spread: tuple[int, int]) -> int:
    """Return 1 where 1000 x deviation / sqrt(spread) rounds half-even to whole + 1, else 0."""
    if deviation >= _MAX_EXACT_TIE:
        memory.inexact = 1
        return 0
    doubled = 2 * whole + 1
    above = wide_sub(wide_scale(wide_mul(deviation, deviation), 4_000_000), wide_scale(spread, doubled * doubled))
    if above[0] == 0 and above[1] == 0:
        return whole & 1
    return 0 if above[0] < 0 else 1
