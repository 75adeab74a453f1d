"""Small made-up toxicity datasets and answers: numbers chosen so that every regime and every change can be counted."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from grinder_resources.contracts.gold_toxicity import TOXICITY_DATASET, VOLATILITY, VOLATILITY_LABEL
from grinder_resources.contracts.reports import predictions_table
from grinder_resources.contracts.signals import REGIMES

SECOND = 1_000_000_000
FIRST_DAY = date(2025, 3, 3)
FIRST_NS = 1_740_960_000 * SECOND


def dataset(days: int = 4, minutes: int = 600, seed: int = 1) -> pl.DataFrame:
    """Return rows of `gold/training/toxicity`: a persistent volatility in two instruments, every other input 1."""
    rng = np.random.default_rng(seed)
    parts = []
    for symbol in ("A", "B"):
        for number in range(days):
            walk = np.cumsum(rng.normal(0.0, 0.3, minutes + 1))
            volatility = np.rint(3_000 * np.exp(walk - walk.mean())).astype(np.int64)
            ts_ns = FIRST_NS + (number * 86_400 + np.arange(minutes) * 60) * SECOND
            facts = {
                "date": FIRST_DAY + timedelta(days=number),
                "venue": "demo",
                "symbol": symbol,
                "ts_ns": ts_ns,
                "label_end_ns": ts_ns + 60 * SECOND,
                VOLATILITY: volatility[:-1],
                VOLATILITY_LABEL: volatility[1:],
            }
            filled = {name: facts.get(name, 1) for name in TOXICITY_DATASET.schema}
            parts.append(pl.DataFrame(filled, schema=TOXICITY_DATASET.schema))
    return TOXICITY_DATASET.conform(pl.concat(parts))


def answers(rows: pl.DataFrame, cuts: pl.DataFrame, seed: int = 2) -> pl.DataFrame:
    """Return rows of `reports/predictions/toxicity` for the test days of `cuts`: what comes gets 6000 bps or 2000."""
    known = rows.join(cuts.rename({"day": "date"}), on="date")
    above = sum((known[VOLATILITY_LABEL] > known[name]).cast(pl.Int64) for name in ("low_x1000", "mid_x1000"))
    rng = np.random.default_rng(seed)
    chosen = np.where(rng.random(known.height) < 0.8, above.to_numpy(), rng.integers(0, 3, known.height))
    parts = []
    for code, name in enumerate(REGIMES):
        bps = np.where(chosen == code, 6_000, 2_000)
        facts = {
            **{column: known[column] for column in ("date", "venue", "symbol", "ts_ns", "label_end_ns", "fold")},
            "row_id": known["ts_ns"].cast(pl.String),
            "mode": "expanding",
            "head": "toxicity",
            "class": name,
            "settled": False,
            "label": (above == code).cast(pl.Float64),
            "base_rate": 1 / 3,
            "baseline": [0.2, 0.5, 0.3][code],
            "prediction": bps / 10_000,
            "margin_q16": 0,
            "calibrated_bps": bps,
        }
        schema = predictions_table("toxicity").schema
        parts.append(pl.DataFrame({column: facts[column] for column in schema}, schema=schema))
    return predictions_table("toxicity").conform(pl.concat(parts))
