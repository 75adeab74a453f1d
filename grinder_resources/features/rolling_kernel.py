# ruff: noqa: PLR0917 - compiled functions pass their arguments by position
"""The compiled half of `features.rolling`: columns in blocks of rows, one pass of plain loops a statistic.

Window sums are differences of running sums; extremes are extremes of extremes of half the width. Floating point guesses
quotients and roots, all rows of a block at once; remainders and squares, which are integers, decide the rounding, so
that a guess never shows in a result.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grinder_resources.market.compiled import compiled
from grinder_resources.market.rounding import Wide, wide, wide_mul, wide_scale, wide_sub
from grinder_resources.market.state import NEVER
from grinder_resources.market.windows import NULL

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

STATISTICS = ("mean", "variance", "std", "range", "slope", "zscore", "roc")
"""Names of the statistics, in the order of their codes."""

_MEAN, _VARIANCE, _STD, _RANGE, _SLOPE, _ZSCORE, _ROC = range(len(STATISTICS))
_BLOCK = 1024
_DOUBT = 2.0**-46
"""A root this near to a tie, as a share of itself, is settled by squares; float64 is wrong by less than 2^-50 of it."""


class Block(NamedTuple):
    """Rows of one column, the window - 1 rows before them first, and what their windows add up to.

    x, run
        Values, 0 where there is none, and how many rows without a break end at each.
    totals
        (3, 1 + rows) running sums of x, x^2 and k x over the rows before.
    extremes
        (4, rows) room for running extremes.
    sums, spreads
        S and n Q - S^2 of the window that ends at each row of the block proper.
    """

    x: Ints
    run: Ints
    totals: Ints
    extremes: Ints
    sums: Ints
    spreads: Ints


@compiled
def extremes_of(values: Ints, valid: Bools) -> tuple[int, int]:
    """Return the lowest and the highest valid value; 0 and 0 if there is none."""
    lowest, highest = NEVER, NULL
    for row in range(values.size):
        lowest = min(lowest, values[row] if valid[row] else NEVER)
        highest = max(highest, values[row] if valid[row] else NULL)
    return (lowest, highest) if lowest <= highest else (0, 0)


@compiled
def roll(values: Ints, valid: Bools, starts: Bools, window: int, scale: int, wanted: Ints, out: Ints) -> None:
    """Fill `out` (wanted, columns, rows) block by block; see `features.rolling.rolling`.

    Every block reads the window - 1 rows before it again and begins its sums anew, so nothing is carried along.
    """
    rows = _BLOCK + window - 1
    block = Block(
        np.empty(rows, np.int64),
        np.empty(rows, np.int64),
        np.zeros((3, rows + 1), np.int64),
        np.empty((4, rows), np.int64),
        np.empty(_BLOCK, np.int64),
        np.empty(_BLOCK, np.int64),
    )
    for column in range(values.shape[0]):
        for begin in range(0, values.shape[1], _BLOCK):
            size = min(_BLOCK, values.shape[1] - begin)
            x = block.x[: size + window - 1]
            _load(values[column], valid[column], starts, begin - window + 1, x, block.run)
            _add_up(x, block.totals)
            _windows(block.totals[:, window:], block.totals, window, block.sums[:size], block.spreads)
            for place in range(wanted.size):
                _write(wanted[place], block, window, scale, out[place, column, begin : begin + size])


@compiled
def _write(statistic: int, block: Block, window: int, scale: int, out: Ints) -> None:
    """Write one statistic of the windows of a block."""
    x, run, totals, extremes, sums, spreads = block
    last, full = x[window - 1 :], run[window - 1 :]
    if statistic == _MEAN:
        _means(sums, full, window, scale, out)
    elif statistic == _VARIANCE:
        _variances(spreads, full, window, scale, out)
    elif statistic == _STD:
        _deviations(spreads, full, window, scale, out)
    elif statistic == _RANGE:
        _ranges(x[: out.size + window - 1], extremes, full, window, out)
    elif statistic == _SLOPE:
        _slopes(totals[2, window:], totals[2], sums, full, window, scale, out)
    elif statistic == _ZSCORE:
        _zscores(last, sums, spreads, full, window, scale, out)
    elif statistic == _ROC:
        _changes(last, x, full, window, scale, out)


@compiled
def _load(values: Ints, valid: Bools, starts: Bools, first: int, x: Ints, run: Ints) -> None:
    """Take the rows from `first` on, 0 where there is none, and count how many rows without a break end at each."""
    missing = max(0, -first)
    x[:missing] = 0
    run[:missing] = 0
    begin, count = first + missing, 0
    for k in range(x.size - missing):
        known = valid[begin + k]
        x[missing + k] = values[begin + k] if known else 0
        count = (0 if starts[begin + k] else count) + 1 if known else 0
        run[missing + k] = count


@compiled
def _add_up(x: Ints, totals: Ints) -> None:
    """Write the running sums of x, x^2 and k x; what wraps at 2^64 is whole again in a window's difference."""
    total = squares = moments = 0
    for k in range(x.size):
        total += x[k]
        squares += x[k] * x[k]
        moments += k * x[k]
        totals[0, k + 1] = total
        totals[1, k + 1] = squares
        totals[2, k + 1] = moments


@compiled
def _windows(ends: Ints, begins: Ints, window: int, sums: Ints, spreads: Ints) -> None:
    """Write S and n Q - S^2 of every window."""
    for k in range(sums.size):
        total = ends[0, k] - begins[0, k]
        sums[k] = total
        spreads[k] = window * (ends[1, k] - begins[1, k]) - total * total


@compiled
def _half_even(numerator: int, denominator: int, reciprocal: float) -> int:
    """Return numerator / denominator rounded half-even; the guess is off by one at most."""
    guess = int(np.rint(numerator * reciprocal))
    twice = 2 * (numerator - guess * denominator)
    odd = guess & 1
    return guess + (twice + odd > denominator) - (twice - odd < -denominator)


@compiled
def _means(sums: Ints, run: Ints, window: int, scale: int, out: Ints) -> None:
    reciprocal = 1.0 / window
    for k in range(out.size):
        value = _half_even(scale * sums[k], window, reciprocal)
        out[k] = value if run[k] >= window else NULL


@compiled
def _variances(spreads: Ints, run: Ints, window: int, scale: int, out: Ints) -> None:
    square = window * window
    reciprocal = 1.0 / square
    for k in range(out.size):
        value = _half_even(scale * spreads[k], square, reciprocal)
        out[k] = value if run[k] >= window else NULL


@compiled
def _slopes(ends: Ints, begins: Ints, sums: Ints, run: Ints, window: int, scale: int, out: Ints) -> None:
    """Count the rows of a window from its own first one: that one is row k of the block."""
    spread = window * (window * window - 1)
    reciprocal = 1.0 / spread
    for k in range(out.size):
        moment = ends[k] - begins[k] - k * sums[k]
        value = _half_even(6 * scale * (2 * moment - (window - 1) * sums[k]), spread, reciprocal)
        out[k] = value if run[k] >= window else NULL


@compiled
def _ranges(x: Ints, extremes: Ints, run: Ints, window: int, out: Ints) -> None:
    """Double the width of running extremes as often as it fits; two such windows that overlap cover the whole."""
    high, low, next_high, next_low = extremes[0], extremes[1], extremes[2], extremes[3]
    high[: x.size] = x
    low[: x.size] = x
    width = 1
    while 2 * width <= window:
        _widen(high[width : x.size], high, low[width:], low, next_high[width:], next_low[width:])
        high, next_high = next_high, high
        low, next_low = next_low, low
        width *= 2
    last_high, first_high = high[window - 1 :], high[width - 1 :]
    last_low, first_low = low[window - 1 :], low[width - 1 :]
    for k in range(out.size):
        value = max(last_high[k], first_high[k]) - min(last_low[k], first_low[k])
        out[k] = value if run[k] >= window else NULL


@compiled
def _widen(high: Ints, high_before: Ints, low: Ints, low_before: Ints, next_high: Ints, next_low: Ints) -> None:
    for k in range(high.size):
        next_high[k] = max(high[k], high_before[k])
        next_low[k] = min(low[k], low_before[k])


@compiled
def _changes(last: Ints, first: Ints, run: Ints, window: int, scale: int, out: Ints) -> None:
    for k in range(out.size):
        known = run[k] >= window and first[k] != 0
        base = first[k] if known else 1
        rise = scale * (last[k] - base)
        value = _half_even(rise if base > 0 else -rise, abs(base), 1.0 / abs(base))
        out[k] = value if known else NULL


@compiled
def _deviations(spreads: Ints, run: Ints, window: int, scale: int, out: Ints) -> None:
    factor = scale / window
    doubtful = 0
    for k in range(out.size):
        score = factor * np.sqrt(float(spreads[k]))
        value = np.rint(score)
        doubtful += abs(abs(score - value) - 0.5) <= _DOUBT * score
        out[k] = int(value) if run[k] >= window else NULL
    if doubtful:
        for k in range(out.size):
            if run[k] >= window:
                score = factor * np.sqrt(float(spreads[k]))
                out[k] = _nearest_root(score, wide_scale(wide(spreads[k]), scale * scale), window * window)


@compiled
def _zscores(x: Ints, sums: Ints, spreads: Ints, run: Ints, window: int, scale: int, out: Ints) -> None:
    doubtful = 0
    for k in range(out.size):
        score = float(scale * (window * x[k] - sums[k])) / np.sqrt(float(spreads[k]))
        value = np.rint(score)
        doubtful += abs(abs(score - value) - 0.5) <= _DOUBT * abs(score)
        out[k] = int(value) if (run[k] >= window) & (spreads[k] > 0) else NULL
    if doubtful:
        for k in range(out.size):
            if run[k] >= window and spreads[k] > 0:
                distance = scale * (window * x[k] - sums[k])
                score = float(abs(distance)) / np.sqrt(float(spreads[k]))
                root = _nearest_root(score, wide_mul(abs(distance), abs(distance)), spreads[k])
                out[k] = root if distance >= 0 else -root


@compiled
def _nearest_root(guess: float, square: Wide, divisor: int) -> int:
    """Return sqrt(square / divisor) rounded half-even, from a guess that is off by less than half."""
    doubled = 2 * int(guess) + 1
    above = wide_sub(wide_scale(square, 4), wide_scale(wide_mul(doubled, doubled), divisor))
    if above[0] == 0 and above[1] == 0:
        return int(guess) + (int(guess) & 1)
    return int(guess) + (above[0] >= 0)
