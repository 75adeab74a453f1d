"""From a day's frame to one instrument's rows and arrays, without copying where the rows already lie together."""

import numpy as np
import numpy.typing as npt
import polars as pl

Key = tuple[str, str]
"""(venue, symbol): what identifies an instrument everywhere."""

BY_TIME = ("venue", "symbol", "ts_ns", "seq")


def instrument_slices(frame: pl.DataFrame) -> dict[Key, pl.DataFrame]:
    """Return the rows of each instrument in time order, keyed by (venue, symbol) in sorted order.

    A Bronze frame is stored in that order, so its slices share its memory; any other order is sorted first.
    """
    runs = _runs(frame)
    keys = [key for key, _ in runs]
    if keys == sorted(set(keys)) and all(_is_ordered(rows) for _, rows in runs):
        return dict(runs)
    return dict(_runs(frame.sort(BY_TIME, maintain_order=True)))


def _runs(frame: pl.DataFrame) -> list[tuple[Key, pl.DataFrame]]:
    """Return the stretches of rows of one instrument, in the frame's order."""
    runs = frame.select(pl.struct("venue", "symbol").rle().alias("run")).unnest("run")
    stretches: list[tuple[Key, pl.DataFrame]] = []
    offset = 0
    for length, key in runs.iter_rows():
        stretches.append(((key["venue"], key["symbol"]), frame.slice(offset, length)))
        offset += length
    return stretches


def _is_ordered(rows: pl.DataFrame) -> bool:
    """Return whether the rows follow each other in time, ties by `seq`."""
    later, next_in_source = np.diff(int64(rows["ts_ns"])), np.diff(int64(rows["seq"]))
    return bool(((later > 0) | ((later == 0) & (next_in_source >= 0))).all())


def int64(values: pl.Series) -> npt.NDArray[np.int64]:
    """Return the values as a contiguous, read-only int64 array: the one array type the kernels are compiled for."""
    return frozen(values.to_numpy())


def frozen(values: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return `values` as a contiguous, read-only int64 array, copied only if it is not one yet."""
    array = np.ascontiguousarray(values, dtype=np.int64).view()
    array.setflags(write=False)
    return array
