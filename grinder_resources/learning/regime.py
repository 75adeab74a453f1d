"""The regime dataset: one snapshot a minute, labelled with how far the mid ranges in the minute after it.

The label is a number; which numbers are LOW, MID or HIGH is decided at fitting time, on training days alone.
"""

import polars as pl

from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.gold import REGIME_DATASET, REGIME_HORIZON_S, REGIME_LABEL
from grinder_resources.contracts.instruments import NS_PER_SECOND

_X1000_BPS = 10_000 * 1_000
_INSTRUMENT = ("venue", "symbol")


def regime_rows(snapshots: pl.DataFrame, every_s: int = 60, horizon_s: int = REGIME_HORIZON_S) -> pl.DataFrame:
    """Return rows of `gold/training/regime` from one day of `silver/snapshots` on its one-second grid.

    Which snapshots are kept is said in `clear_ahead`. With every_s >= horizon_s label windows do not overlap. The label
    is (highest - lowest mid of the window) / mid at ts in bps x 1000, rounded half to even.
    """
    kept = clear_ahead(snapshots, every_s, horizon_s)
    spread = (pl.col("highest") - pl.col("lowest")) * _X1000_BPS
    label = half_even(spread, pl.col("mid_half_ticks")).cast(pl.Int32).alias(REGIME_LABEL)
    return REGIME_DATASET.conform(kept.with_columns(label).select(REGIME_DATASET.schema.names()))


def clear_ahead(snapshots: pl.DataFrame, every_s: int, horizon_s: int) -> pl.DataFrame:
    """Return the snapshots that have a whole window before them, with `highest` and `lowest` mid of that window.

    A snapshot is kept if its time is a multiple of `every_s`, a snapshot exists at every second of (ts, ts +
    horizon_s], and neither it nor any of those lies behind a gap in the quotes. `label_end_ns` is the window's end,
    `watermark_ns` the newest of the snapshot's own quote, print and book.
    """
    labelled = snapshots.sort(*_INSTRUMENT, "ts_ns").with_columns(
        _ahead(pl.col("mid_half_ticks").rolling_max(horizon_s), horizon_s).alias("highest"),
        _ahead(pl.col("mid_half_ticks").rolling_min(horizon_s), horizon_s).alias("lowest"),
        _ahead(pl.col("gap").cast(pl.Int8).rolling_max(horizon_s), horizon_s).alias("gap_ahead"),
        _ahead(pl.col("ts_ns"), horizon_s).alias("label_end_ns"),
        pl.max_horizontal("quote_ts_ns", "trade_ts_ns", "book_ts_ns").alias("watermark_ns"),
    )
    return labelled.filter(
        pl.col("ts_ns") % (every_s * NS_PER_SECOND) == 0,
        pl.col("label_end_ns") - pl.col("ts_ns") == horizon_s * NS_PER_SECOND,
        pl.col("gap_ahead") == 0,
        ~pl.col("gap"),
    )


def _ahead(values: pl.Expr, rows: int) -> pl.Expr:
    """Return the value `rows` later within the instrument: a window that ends there covers the rows after this one."""
    return values.shift(-rows).over(_INSTRUMENT)
