"""Rolling statistics: the exact integer kernel against polars expressions and a plain float kernel in numba.

    python benchmarks/bench_rolling.py [--quick]

Nine columns of a million rows, a value in a thousand missing; over the last ten rows of each: mean, population
standard deviation, range, slope and z-score. That is 45 feature cells a row. All three answer all of them:

ours       features.rolling: integers x1000, half-even, checked against overflow first
polars     rolling_mean, rolling_std, rolling_max and rolling_min, and rolling_sum for the slope; float64
numba      one loop over the rows that slides float64 sums along, and looks for extremes window by window

Seconds are processor time of all threads together, so cells a second are per core whatever polars does with them. The
float answers, rounded, must equal ours but for one in the last place, and be missing in the same rows.
Then ours statistic by statistic: the profile behind the number.
"""

import argparse
from collections.abc import Callable
from time import process_time

import numba
import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.table import print_table
from grinder_resources.features.rolling import rolling
from grinder_resources.market.windows import NULL

COLUMNS, WINDOW, SCALE = 9, 10, 1000
STATISTICS = ("mean", "std", "range", "slope", "zscore")
Ints, Floats, Bools = NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]


def columns_of(rows: int) -> tuple[Ints, Bools]:
    """Return (columns, rows) of numbers that wander within +-10000, as features in bps do, and which are there."""
    rng = np.random.default_rng(0)
    values = np.cumsum(rng.integers(-300, 301, (COLUMNS, rows)), axis=1)
    return np.abs(values % 40_000 - 20_000) - 10_000, rng.random((COLUMNS, rows)) >= 0.001


def by_polars(frame: pl.DataFrame) -> Floats:
    """Return (statistics, columns, rows) of the frame's rolling expressions; NaN for null."""
    row = pl.int_range(pl.len())
    middle = (WINDOW - 1) / 2
    spread = sum((k - middle) ** 2 for k in range(WINDOW))
    expressions = []
    for name in frame.columns:
        x = pl.col(name)
        mean, std = x.rolling_mean(WINDOW), x.rolling_std(WINDOW, ddof=0)
        moment = (row * x).rolling_sum(WINDOW) - (row - (WINDOW - 1)) * x.rolling_sum(WINDOW)
        slope = (moment - middle * WINDOW * mean) / spread
        answers = (mean, std, x.rolling_max(WINDOW) - x.rolling_min(WINDOW), slope, (x - mean) / std)
        expressions += [answer.alias(f"{name} {what}") for what, answer in zip(STATISTICS, answers, strict=True)]
    table = frame.select(expressions).cast(pl.Float64).to_numpy().T
    return table.reshape(len(frame.columns), len(STATISTICS), -1).swapaxes(0, 1)


@numba.njit(error_model="numpy")
def by_numba(values: Floats, valid: Bools, window: int) -> Floats:
    """Return (statistics, columns, rows) of float64 sums that slide along; NaN for null."""
    out = np.full((5, *values.shape), np.nan)
    middle, spread = (window - 1) / 2, window * (window * window - 1) / 12
    for column in range(values.shape[0]):
        x, known = values[column], valid[column]
        total = squares = moment = 0.0
        missing = 0
        for row in range(x.size):
            new = x[row] if known[row] else 0.0
            old = x[row - window] if row >= window and known[row - window] else 0.0
            missing += not known[row]
            missing -= row >= window and not known[row - window]
            moment += (window - 1) * new - (total - old)
            total += new - old
            squares += new * new - old * old
            if row < window - 1 or missing:
                continue
            mean = total / window
            std = max(squares / window - mean * mean, 0.0) ** 0.5
            high = low = x[row]
            for place in range(row - window + 1, row):
                high, low = max(high, x[place]), min(low, x[place])
            out[0, column, row] = mean
            out[1, column, row] = std
            out[2, column, row] = high - low
            out[3, column, row] = (moment - middle * total) / spread
            out[4, column, row] = (new - mean) / std
    return out


def timed(answer: Callable[[], NDArray[np.number]], times: int) -> tuple[float, NDArray[np.number]]:
    """Return the fewest seconds of processor time of several calls, and what the last one answered."""
    seconds = []
    for _ in range(times):
        started = process_time()
        result = answer()
        seconds.append(process_time() - started)
    return min(seconds), result


def check(name: str, exact: Ints, floats: NDArray[np.number]) -> None:
    """Refuse answers that differ from the exact ones by more than rounding; raises SystemExit."""
    for what, ours, theirs in zip(STATISTICS, exact, floats, strict=True):
        there = ours != NULL
        scaled = theirs * (1 if what == "range" else SCALE)
        if not np.array_equal(there, np.isfinite(theirs)) or np.abs(ours[there] - scaled[there]).max() > 1:
            raise SystemExit(f"{name} differs in {what}")


def profile(values: Ints, valid: Bools, starts: Bools, times: int) -> list[list[str]]:
    """Return ns a cell of every statistic on its own, which carries loading and summing alone."""
    rows = []
    for what in STATISTICS:
        seconds, _ = timed(lambda what=what: rolling(values, valid, starts, WINDOW, [what]), times)
        rows.append([what, f"{seconds / values.size * 1e9:.1f}"])
    return rows


def main() -> None:
    """Compute, check, measure, print."""
    parser = argparse.ArgumentParser(description="Rolling statistics: exact integers against float kernels.")
    parser.add_argument("--quick", action="store_true", help="100,000 rows: a smoke test")
    rows, times = (100_000, 2) if parser.parse_args().quick else (1_000_000, 5)
    values, valid = columns_of(rows)
    starts = np.zeros(rows, np.bool_)
    frame = pl.DataFrame({f"c{place}": column for place, column in enumerate(values)})
    frame = frame.with_columns(
        pl.when(pl.Series(there)).then(pl.col(name)) for name, there in zip(frame.columns, valid, strict=True)
    )
    floats = values.astype(np.float64)
    ways = {
        "ours, exact integers": lambda: rolling(values, valid, starts, WINDOW, STATISTICS),
        "polars, rolling expressions": lambda: by_polars(frame),
        "numba, sliding float sums": lambda: by_numba(floats, valid, WINDOW),
    }
    by_numba(floats[:, :100], valid[:, :100], WINDOW)
    measured = {name: timed(way, times) for name, way in ways.items()}
    (_, exact), *others = measured.values()
    for name, (_, answer) in zip(list(ways)[1:], others, strict=True):
        check(name, exact, answer)
    cells = exact.size
    best = next(iter(measured.values()))[0]
    print_table(
        ["way", "s", "M cells/s/core", "times slower"],
        [
            [name, f"{seconds:.3f}", f"{cells / seconds / 1e6:.0f}", f"{seconds / best:.1f}"]
            for name, (seconds, _) in measured.items()
        ],
        f"{COLUMNS} columns x {rows:,} rows x {len(STATISTICS)} statistics over {WINDOW} rows, answers equal",
    )
    print_table(["ours, alone", "ns a cell"], profile(values, valid, starts, times))


if __name__ == "__main__":
    main()
