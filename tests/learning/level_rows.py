"""Made-up rows of a level feature table: a few inputs, every label of the level heads, one planted signal."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from grinder_resources.contracts.events import BARRIER_STATES, DIRECTIONS, LEVEL_KINDS

FIRST_DAY = date(2025, 3, 3)
MIDNIGHT_NS = 1_740_960_000_000_000_000
SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS


def level_rows(days: int = 3, per_day: int = 400, seed: int = 1) -> pl.DataFrame:
    """Return open rows whose chance to break is logistic in `dist_to_vwap_x1000`; the other inputs are noise."""
    rng = np.random.default_rng(seed)
    rows = days * per_day
    day = np.repeat(np.arange(days), per_day)
    ts = MIDNIGHT_NS + day * DAY_NS + np.sort(rng.integers(0, 86_000, (days, per_day))).ravel() * SECOND_NS
    distance = rng.integers(-5000, 5000, rows)
    chance = 1.0 / (1.0 + np.exp(-distance / 1000.0))
    tradeable = rng.random(rows) < 0.6
    outcome = np.where(tradeable, np.where(rng.random(rows) < chance, "BREAK", "BOUNCE"), "CHOP")
    identity = {
        "date": [FIRST_DAY + timedelta(days=int(number)) for number in day],
        "venue": ["demo"] * rows,
        "symbol": rng.choice(["A", "B"], rows),
        "ts_ns": ts,
        "confirm_ts_ns": ts + 120 * SECOND_NS,
        "watermark_ns": ts + 119 * SECOND_NS,
        "event_id": [f"event_{number}" for number in range(rows)],
    }
    context = {
        "level_kind_name": rng.choice(list(LEVEL_KINDS), rows),
        "direction": rng.choice(DIRECTIONS, rows),
        "spot_half_ticks": rng.integers(1, 10**9, rows),
    }
    features = {
        "dist_to_vwap_x1000": distance,
        "approach_velocity_x1000": rng.integers(-100, 100, rows),
        "tape_imbalance_bps": rng.integers(-9999, 9999, rows),
        "barrier_state": rng.choice(BARRIER_STATES, rows),
    }
    labels = {
        "label_end_ns": ts + 600 * SECOND_NS,
        "outcome": outcome,
        "tradeable_2": tradeable.astype(np.int8),
        "strength_signed": np.rint(distance + rng.normal(0, 500, rows)).astype(np.int32),
    }
    reach = {
        f"t{threshold}{side}_{horizon}": (rng.random(rows) < (1.0 - chance if side == "_bounce" else chance)).astype(
            np.int8
        )
        for threshold in (1, 2)
        for side in ("", "_break", "_bounce")
        for horizon in (60, 120)
    }
    times = {f"time_to_{side}_{k}_ms": [45_000] * rows for side in ("break", "bounce", "threshold") for k in (1, 2)}
    unknown = pl.col("tape_imbalance_bps") > 8000
    return pl.DataFrame(identity | context | features | labels | reach | times).with_columns(
        pl.when(~unknown).then("tape_imbalance_bps").alias("tape_imbalance_bps")
    )
