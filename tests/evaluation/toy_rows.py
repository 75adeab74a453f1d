"""Made-up rows with a planted signal, a coin and a regression, and the walk-forward over them in its own folder."""

import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from grinder_resources.evaluation.walk_forward import WalkForwardResult, run_walk_forward
from grinder_resources.learning.fold_store import FoldStore
from grinder_resources.learning.ledger import Ledger
from grinder_resources.learning.model_spec import BoosterParams, Head, ModelSpec
from grinder_resources.learning.selection import FeatureSet

FIRST_DAY = date(2025, 3, 3)
MIDNIGHT_NS = 1_740_960_000_000_000_000
SECOND_NS = 1_000_000_000
DAYS, PER_DAY = 5, 240

SPEC = ModelSpec(
    name="toy",
    doc="Two inputs; one of them matters to some heads.",
    dataset="gold/training/toy",
    select=lambda _: FeatureSet(numeric=("signal", "noise"), categorical=()),
    heads=(
        Head("planted", "binary", "hit", classes=("no", "yes")),
        Head("luck", "binary", "coin", classes=("no", "yes")),
        Head("size", "regression", "amount", unit=1000),
        Head("rare", "binary", "never", classes=("no", "yes")),
        Head("regime", "multiclass", "amount", classes=("LOW", "MID", "HIGH"), label_is="quantile"),
    ),
    row_id=("venue", "symbol", "ts_ns"),
    alarm_auc=1.0,
    params=BoosterParams(max_depth=3, rounds=40, early_stopping=10, min_child_weight=10.0),
)


def toy_rows(days: int = DAYS) -> pl.DataFrame:
    """Return one row six minutes apart for each of `days` days."""
    rng = np.random.default_rng(4)
    rows = days * PER_DAY
    day = np.repeat(np.arange(days), PER_DAY)
    ts = MIDNIGHT_NS + (day * 86_400 + np.tile(np.arange(PER_DAY) * 360, days)) * SECOND_NS
    signal = rng.normal(size=rows)
    return pl.DataFrame(
        {
            "date": [FIRST_DAY + timedelta(days=int(number)) for number in day],
            "venue": "demo",
            "symbol": rng.choice(["A", "B"], rows),
            "ts_ns": ts,
            "label_end_ns": ts + 300 * SECOND_NS,
            "signal": signal,
            "noise": rng.normal(size=rows),
            "hit": (rng.random(rows) < 1.0 / (1.0 + np.exp(-2.0 * signal))).astype(np.int8),
            "coin": rng.integers(0, 2, rows),
            "amount": np.rint(1000 * signal + rng.normal(0, 300, rows)).astype(np.int64),
            "never": 0,
        }
    )


ROWS = toy_rows()


def walk(spec: ModelSpec, rows: pl.DataFrame, **options: Any) -> WalkForwardResult:
    """Return the walk-forward of a spec with nothing to start from and nothing left behind."""
    with tempfile.TemporaryDirectory() as folder:
        store, ledger = FoldStore(Path(folder) / "folds"), Ledger(Path(folder) / "ledger.jsonl")
        return run_walk_forward(spec, rows, store=store, ledger=ledger, code_version="1", **options)


def verdict(result: WalkForwardResult, head: str, output: str) -> dict[str, object]:
    chosen = (pl.col("mode") == "expanding") & (pl.col("head") == head) & (pl.col("class") == output)
    return dict(result.verdicts.filter(chosen).row(0, named=True))
