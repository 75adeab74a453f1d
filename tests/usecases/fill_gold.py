"""Made-up days of `gold/training/fill_probability`: a price that wanders as far as NATR says, and orders that wait."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from grinder_resources.contracts.gold_fills import (
    CROSS_LABEL,
    FILL_DATASET,
    FILL_HORIZONS_S,
    PROBE,
    PROBE_DISTANCES_BPS,
    TIME_TO_FILL,
    filled_label,
)
from grinder_resources.lake import Lake

FIRST, MOMENTS = date(2025, 1, 6), 60
SECOND_NS = 1_000_000_000
WATCH_MS = 300_000


def fill_day(number: int) -> pl.DataFrame:
    """Return one day of one instrument: an order at every distance at each of MOMENTS moments, six minutes apart."""
    rng = np.random.default_rng(number)
    midnight = datetime.combine(FIRST + timedelta(days=number), datetime.min.time(), UTC)
    moments = int(midnight.timestamp()) * SECOND_NS + np.arange(MOMENTS) * 360 * SECOND_NS
    asked, ts = np.tile(PROBE_DISTANCES_BPS, MOMENTS), np.repeat(moments, len(PROBE_DISTANCES_BPS))
    natr = np.repeat(rng.integers(2_000, 20_000, MOMENTS), len(PROBE_DISTANCES_BPS))
    distance = 1_000 * asked + rng.integers(0, 900, len(asked))
    # The first time a random walk reaches a distance goes with its square over the variance.
    waited = np.ceil(20_000 * (distance / natr) ** 2 * rng.exponential(1.0, len(asked)) + 1).astype(np.int64)
    filled = waited <= WATCH_MS
    columns: dict[str, Any] = {
        name: rng.integers(column.at_least or 0, 1_000, len(asked))
        for name, column in ((column.name, column) for column in FILL_DATASET.columns)
        if column.dtype == pl.Int64()
    }
    columns |= {"date": midnight.date(), "venue": "demo", "symbol": "A", "ts_ns": ts, "watermark_ns": ts}
    columns |= {"source": PROBE, "order_id": [f"B{bps}" for bps in asked], "side": 1, "asked_bps": asked}
    columns |= {"distance_bps_x1000": distance, "natr_14_5m_x1000": natr, "spread_bps_x1000": 2_000}
    columns |= {filled_label(h): (waited <= 1_000 * h).astype(np.int64) for h in FILL_HORIZONS_S}
    columns |= {"label_watched_ms": WATCH_MS, "label_end_ns": ts + WATCH_MS * 1_000_000, CROSS_LABEL: 1_000 + natr // 8}
    frame = pl.DataFrame({name: columns[name] for name in FILL_DATASET.schema if name != TIME_TO_FILL})
    late = frame.with_columns(pl.when(pl.Series(filled)).then(pl.Series(waited)).alias(TIME_TO_FILL))
    return FILL_DATASET.conform(late.cast(dict(FILL_DATASET.schema)).select(FILL_DATASET.schema.names()))  # type: ignore[arg-type]


def land(root: Path, days: int) -> Lake:
    """Commit the days of the dataset."""
    lake = Lake(str(root / "lake"))
    for number in range(days):
        rows = fill_day(number)
        lake.commit(FILL_DATASET, rows, day=FIRST + timedelta(days=number), code_version="1", upstream={})
    return lake
