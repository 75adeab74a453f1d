"""Rolling statistics of integer columns, exact: integer sums over the window and one half-even rounding at the end.

Over the n values x of a window, oldest first and k = 0 .. n - 1, with S = sum x, Q = sum x^2 and A = sum k x:

    mean       scale S / n
    variance   scale (n Q - S^2) / n^2                      of the population, in squared units
    std        scale sqrt(n Q - S^2) / n
    range      max - min
    slope      scale 6 (2 A - (n - 1) S) / (n (n^2 - 1))    least squares, a row
    zscore     scale (n x_last - S) / sqrt(n Q - S^2)       null where all values are equal
    roc        scale (x_last - x_first) / x_first           null where x_first is 0

A window is the n rows that end at a row. It has a value if all n are valid and no run starts behind its first;
anything else is null, and nothing is filled in. A value depends on its n rows alone: not on where the column begins,
how it is cut or how many threads there are.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from grinder_resources.errors import OutOfRange, UnknownName
from grinder_resources.features.rolling_kernel import STATISTICS, extremes_of, roll

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MOST_ROWS = 1024
"""The longest window."""

MOST_SCALE = 1000


def rolling(
    values: Ints, valid: Bools, starts: Bools, window: int, statistics: Sequence[str], *, scale: int = MOST_SCALE
) -> Ints:
    """Return (statistics, columns, rows) of the trailing windows, NULL for null.

    values, valid
        (columns, rows); what is not valid is never looked at.
    starts
        (rows,) True where a run begins: the first row of a group, the first after a gap. No window reaches over it.
    window
        Rows in a window, 2 to MOST_ROWS.
    statistics
        Names in STATISTICS.
    scale
        1 to MOST_SCALE: every statistic but `range` is in this fraction of its unit.

    Raises UnknownName for another statistic, OutOfRange for a window or scale beyond its bounds and for a column whose
    sums could leave the exact range: scale * |value| < 2^50 and window * (max - min) < 2^31; for a variance also
    scale * (max - min)^2 < 2^52 and scale * (window * (max - min))^2 < 2^63.
    """
    values, valid, starts = (_as_compiled(array) for array in (values, valid, starts))
    unknown = [name for name in statistics if name not in STATISTICS]
    if unknown:
        raise UnknownName("no such statistic", where="rolling", got=", ".join(unknown), expected=", ".join(STATISTICS))
    if not (2 <= window <= MOST_ROWS and 1 <= scale <= MOST_SCALE):
        raise OutOfRange(
            "window or scale", where="rolling", got=f"{window}, {scale}", expected=f"2..{MOST_ROWS}, 1..{MOST_SCALE}"
        )
    for column in range(len(values)):
        lowest, highest = extremes_of(values[column], valid[column])
        if not _is_exact(lowest, highest, window, scale, squared="variance" in statistics):
            raise OutOfRange(
                "sums could leave the exact range",
                where=f"rolling, column {column}",
                got=f"{lowest} to {highest} over {window} rows, scale {scale}",
                hint="Coarser units, a smaller scale or a shorter window make the sums smaller.",
            )
    out = np.empty((len(statistics), *values.shape), np.int64)
    wanted = np.array([STATISTICS.index(name) for name in statistics], np.int64)
    roll(values, valid, starts, window, scale, wanted, out)
    return out


def _as_compiled(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a read-only view in one piece: the one kind of array the kernel is compiled for."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def _is_exact(lowest: int, highest: int, window: int, scale: int, *, squared: bool) -> bool:
    """Return whether numerators stay below 2^63 and quotients below 2^50, where a guess is off by one at most."""
    spread = highest - lowest
    small = scale * max(abs(lowest), abs(highest)) < 1 << 50 and window * spread < 1 << 31
    return small and (not squared or (scale * spread**2 < 1 << 52 and scale * (window * spread) ** 2 < 1 << 63))
