"""A few minutes of two instruments whose numbers can be followed by hand, and runtimes to replay them through."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from grinder_resources.contracts.gold import REGIME_DATASET, REGIME_LABEL
from grinder_resources.contracts.instruments import Instrument
from grinder_resources.hashing import sha256_file
from grinder_resources.inference.config import MlConfig
from grinder_resources.inference.engine import open_engine
from grinder_resources.inference.gates import ACK
from grinder_resources.replay.decisions import Decide
from tests.learning.regime_gold import gold_day

MINUTE_MS = 60_000
START_MS = 1_736_121_600_000
"""Midnight of 2025-01-06 UTC."""

INSTRUMENTS = {("demo", symbol): Instrument("demo", symbol, Decimal("0.01"), Decimal("0.1")) for symbol in "AB"}
CALM = {
    "natr_bps": 100,
    "spread_bps": 2,
    "net_return_bps": 10,
    "range_score": 9,
    "warmup_bars": 20,
    "thin_l1_lots": 7,
    "ret_5s_x1000": 0,
}


@cache
def _any_row() -> dict[str, Any]:
    return gold_day(0).row(0, named=True)


def row(symbol: str, minute: int, label: int, **features: int | None) -> dict[str, Any]:
    """Return one row of `gold/training/regime` of 2025-01-06: CALM but for `features`."""
    ts = (START_MS + minute * MINUTE_MS) * 1_000_000
    when = {"ts_ns": ts, "watermark_ns": ts, "label_end_ns": ts + MINUTE_MS * 1_000_000}
    return _any_row() | CALM | features | when | {"symbol": symbol, REGIME_LABEL: label}


def gold(*rows: dict[str, Any]) -> pl.DataFrame:
    """Return rows as they lie in the lake."""
    return REGIME_DATASET.conform(pl.DataFrame(rows, schema=REGIME_DATASET.schema, orient="row"))


def by_hand() -> pl.DataFrame:
    """Return four rows: a signal that helps, one that cannot, none at all, and one that hurts."""
    return gold(
        row("B", 1, 50_000, thin_l1_lots=0),
        row("A", 0, 45_000),
        row("A", 1, 2_000, natr_bps=10),
        row("B", 0, 31_000),
    )


SIGNALS = (
    {"symbol": "A", "minute": 0, "probs": (1_000, 2_000, 7_000), "spacing": 1_500},
    {"symbol": "A", "minute": 1, "probs": (8_000, 1_500, 500), "spacing": 500},
    {"symbol": "B", "minute": 1, "probs": (500, 500, 9_000), "spacing": 2_000},
)
ACTIVE = {"shadow_only": False, "ml_infer_enabled": True, "ml_active_enabled": True, "ml_active_ack": ACK}


@contextmanager
def runtime(
    path: Path,
    signals: tuple[Mapping[str, Any], ...] = SIGNALS,
    environment: Mapping[str, str] | None = None,
    **settings: Any,
) -> Iterator[Decide]:
    """Open the real runtime on a file of signals: no model, so the numbers are the same on every machine."""
    path.write_text(json.dumps([_bot_signal(**signal) for signal in signals]))
    file = {"signal_file": str(path), "signal_sha256": sha256_file(path)}
    wanted = {"enabled": True, "shadow_only": True, "max_inference_latency_ms": MINUTE_MS, **file, **settings}
    with open_engine(MlConfig(**wanted), environment or {}) as engine:
        yield engine.decide


def _bot_signal(symbol: str, minute: int, probs: tuple[int, int, int], spacing: int) -> dict[str, Any]:
    named = dict(zip(("LOW", "MID", "HIGH"), probs, strict=True))
    return {
        "ts_ms": START_MS + minute * MINUTE_MS,
        "symbol": symbol,
        "regime_probs_bps": named,
        "predicted_regime": max(named, key=named.__getitem__),
        "spacing_multiplier_x1000": spacing,
    }
