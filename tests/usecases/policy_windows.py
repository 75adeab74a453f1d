"""Made-up windows for policy discoveries: conditions that anyone can see, and what each policy earned."""

from datetime import UTC, datetime

import numpy as np
import polars as pl

from grinder_resources.usecases.policy_discovery.policies import NAMES, Windows

COLUMNS = ("depth", "speed", "swing")
START_NS = int(datetime(2025, 1, 6, tzinfo=UTC).timestamp()) * 1_000_000_000
WINDOW_NS = 300 * 1_000_000_000


def windows(seed: int, days: int = 5, planted: int = 0) -> Windows:
    """Return windows of two instruments whose policies earn noise around 0, `pause` nothing.

    planted
        What `wide` earns more where depth <= 30 and swing > 50, and less elsewhere; all other grids always earn less.
    """
    rng = np.random.default_rng(seed)
    ts = np.repeat(START_NS + np.arange(days * 288) * WINDOW_NS, 2)
    frame = pl.DataFrame(
        {
            "venue": ["demo"] * len(ts),
            "symbol": ["A", "B"] * (len(ts) // 2),
            "ts_ns": ts,
            "label_end_ns": ts + 2 * WINDOW_NS,
            **{name: rng.integers(0, 100, len(ts)) for name in COLUMNS},
        }
    )
    pnl = np.zeros((len(ts), len(NAMES)), dtype=np.int64)
    pnl[:, 1:] = 1_000 * rng.standard_t(3, (len(ts), len(NAMES) - 1)) - planted
    good = (frame["depth"].to_numpy() <= 30) & (frame["swing"].to_numpy() > 50)
    pnl[good, NAMES.index("wide")] += 2 * planted
    return Windows(frame.with_columns(date=pl.from_epoch("ts_ns", time_unit="ns").dt.date()), COLUMNS, pnl)
