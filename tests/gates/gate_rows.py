"""Gates as the exporter writes them, hand-made or of a random week, brought to Bronze by the reader itself."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from grinder_resources.contracts.bronze import GATES
from grinder_resources.contracts.gates import GATE_HORIZONS_MIN, GATE_LOOK_BACK_DAYS
from grinder_resources.gates.events import gate_events
from grinder_resources.ingest.bronze import bronze_day, stage_landing

MONDAY = date(2025, 3, 3)
MONDAY_MS = 1_740_960_000_000
MINUTE_NS = 60_000_000_000
DAY_MINUTES = 1440

Record = dict[str, Any]


def ns(minute: int) -> int:
    """Return the time of a minute counted from Monday 2025-03-03 00:00 UTC."""
    return MONDAY_MS * 1_000_000 + minute * MINUTE_NS


def gate(minute: int, symbol: str = "EUR_USD", **changes: Any) -> Record:
    """Return a gate of that minute, admitted and neutral, without forward changes."""
    plain = {
        "instrument": symbol,
        "ts_ms": MONDAY_MS + minute * 60_000,
        "hazard": 0.5,
        "hazard_threshold": 0.55,
        "lambda": 0.5,
        "admit": True,
        "reasons": "",
        "regime": "neutral",
        "regime_confidence": 0.5,
        "coherence": 0.02,
        "stability": 0.5,
        "entropy": 0.98,
        "repetitions": 1,
        "price_close": 1.1,
        "roc_prev_pct": 0.0,
    }
    return plain | changes


def written(records: Sequence[Record]) -> str:
    """Return the lines of a gate file."""
    return "".join(json.dumps(record) + "\n" for record in records)


def bronze(folder: Path, records: Sequence[Record]) -> dict[date, pl.DataFrame]:
    """Return the rows of `bronze/gates` by day, for the days from Monday on that have any and those between them."""
    landing = folder / "landing"
    landing.mkdir(parents=True)
    (landing / "gates.jsonl").write_text(written(records))
    staged = stage_landing(landing, folder / "stage", folder / "pins.yaml", None)
    last = max(record["ts_ms"] - MONDAY_MS for record in records) // (DAY_MINUTES * 60_000)
    days = [MONDAY + timedelta(days=number) for number in range(last + 1)]
    return {day: bronze_day(staged, GATES, day) for day in days}


def events(gates: Mapping[date, pl.DataFrame], *, goes_on: bool = True) -> pl.DataFrame:
    """Return the events of every day of one stream; `goes_on` is about the last day, those before it do."""
    days = sorted(gates)
    made = []
    for day in days:
        reach = [one for one in days if day - timedelta(days=GATE_LOOK_BACK_DAYS) <= one < day]
        before = pl.concat([GATES.empty(), *(gates[one] for one in reach)])
        made.append(gate_events(gates[day], before, day, goes_on=goes_on or day < days[-1]))
    return pl.concat(made)


def random_week(seed: int = 0, days: int = 4, symbols: Sequence[str] = ("EUR_USD", "USD_JPY")) -> list[Record]:
    """Return gates every 16 minutes, now and then later, on random walks; forward changes end with the walk."""
    rng = np.random.default_rng(seed)
    records = []
    for symbol in symbols:
        walk = 110_000 + np.cumsum(rng.integers(-8, 9, days * DAY_MINUTES))
        minute = int(rng.integers(0, 16))
        while minute < len(walk):
            ahead = {h: walk[min(minute + h, len(walk) - 1)] for h in GATE_HORIZONS_MIN}
            hazard = int(rng.integers(420_000, 580_000)) / 1e6
            records.append(
                gate(
                    minute,
                    symbol,
                    hazard=hazard,
                    entropy=int(rng.integers(950_000, 1_000_001)) / 1e6,
                    admit=bool(hazard < 0.56),
                    price_close=int(walk[minute]) / 1e5,
                    roc_prev_pct=float(rng.normal(0, 0.01)),
                    roc_forward_pct={str(h): (int(p) / int(walk[minute]) - 1) * 100 for h, p in ahead.items()},
                )
            )
            minute += 16 + int(rng.choice([0, 0, 0, 0, 3, 40]))
    return records
