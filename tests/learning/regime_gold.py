"""Made-up days of `gold/training/regime`: inputs of any kind, and a label that leans on the last minute's range."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from grinder_resources.contracts.gold import REGIME_DATASET, REGIME_LABEL
from grinder_resources.lake import Lake

FIRST, DAYS, MINUTES = date(2025, 1, 6), 4, 240
SECOND_NS = 1_000_000_000

Poison = Callable[[pl.DataFrame], pl.DataFrame]


def gold_day(number: int) -> pl.DataFrame:
    """Return one clean day of one instrument."""
    rng = np.random.default_rng(number)
    midnight = datetime.combine(FIRST + timedelta(days=number), datetime.min.time(), UTC)
    ts = int(midnight.timestamp()) * SECOND_NS + np.arange(MINUTES) * 60 * SECOND_NS
    columns: dict[str, Any] = {}
    for column in REGIME_DATASET.columns:
        most = column.at_most if column.at_most is not None else 9_000
        columns[column.name] = rng.integers(column.at_least or 0, most + 1, MINUTES)
    columns |= {"date": [midnight.date()] * MINUTES, "venue": ["demo"] * MINUTES, "symbol": ["A"] * MINUTES}
    columns |= {"ts_ns": ts, "watermark_ns": ts, "label_end_ns": ts + 60 * SECOND_NS}
    columns[REGIME_LABEL] = columns["range_60s_x1000"] // 2 + rng.integers(0, 4_000, MINUTES)
    return pl.DataFrame(columns, schema=REGIME_DATASET.schema)


def land(root: Path, poison: Poison = lambda rows: rows) -> None:
    """Commit the days of the dataset, the third of them poisoned."""
    lake = Lake(str(root / "lake"))
    for number in range(DAYS):
        rows = gold_day(number)
        rows = REGIME_DATASET.conform(poison(rows) if number == 2 else rows)
        lake.commit(REGIME_DATASET, rows, day=FIRST + timedelta(days=number), code_version="1")
