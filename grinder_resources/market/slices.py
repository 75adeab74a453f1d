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
    ordered = frame if _is_ordered(frame) else frame.sort(BY_TIME, maintain_order=True)
    runs = ordered.select(pl.struct("venue", "symbol").rle().alias("run")).unnest("run")
    slices: dict[Key, pl.DataFrame] = {}
    offset = 0
    for length, key in runs.iter_rows():
        slices[key["venue"], key["symbol"]] = ordered.slice(offset, length)
        offset += length
    return slices


def _is_ordered(frame: pl.DataFrame) -> bool:
    keys = frame.select(BY_TIME)
    before = keys.shift(1)
    later = pl.lit(value=False)
    for name in reversed(BY_TIME):
        later = (pl.col(name) < pl.col(f"{name}_before")) | ((pl.col(name) == pl.col(f"{name}_before")) & later)
    pairs = pl.concat([keys, before.rename(lambda name: f"{name}_before")], how="horizontal")
    return not pairs.select(later.any()).item()


def int64(values: pl.Series) -> npt.NDArray[np.int64]:
    """Return the values as a contiguous, read-only int64 array: the one array type the kernels are compiled for."""
    return frozen(values.to_numpy())


def frozen(values: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return `values` as a contiguous, read-only int64 array, copied only if it is not one yet."""
    array = np.ascontiguousarray(values, dtype=np.int64).view()
    array.setflags(write=False)
    return array
