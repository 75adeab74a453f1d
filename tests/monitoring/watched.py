"""A lake in which one model is watched: two inputs and an answer, by the contracts of the tables."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from grinder_resources.contracts.monitoring import HOUR_NS, predictions_log_table, references_table, sketches_table
from grinder_resources.contracts.operations import MonitoringSettings
from grinder_resources.lake import Lake
from grinder_resources.learning.specs import REGIME
from grinder_resources.monitoring.drift import DriftReport
from grinder_resources.monitoring.report import report_on

MODEL, OTHER = "0123456789abcdef", "fedcba9876543210"
SUNDAY, MONDAY = date(2025, 6, 1), date(2025, 6, 2)
MONDAY_NS = 1_748_822_400_000_000_000
ANSWER = "answer:regime/HIGH"

CALM, MOVED = (50, 50), (100, 0)
"""A hundred rows in two bins: as in training, and all of them low."""

Hours = Mapping[tuple[date, int], Mapping[str, tuple[int, ...]]]


def watched(folder: Path, hours: Hours, model: str = MODEL, days: Sequence[tuple[int, int]] = ()) -> Lake:
    """Return a lake with the reference of a model and these sketches of it, by day, hour and name.

    days
        Rows of each training day in the two bins, which are the third and the eighth decile.
    """
    by_decile = [[0, 0, 0, low, 0, 0, 0, 0, high, 0, 0] for low, high in days]
    lake = Lake(str(folder))
    references = [
        {"model_hash": MODEL, "feature": name, "cuts": [1.0], "counts": [500, 500], "missing": 0, "days": by_decile}
        for name in ("depth", "spread", ANSWER)
    ]
    _commit(lake, references_table(REGIME.name), references, None)
    for day in sorted({day for day, _ in hours}):
        records = [
            {"date": day, "hour": hour, "model_hash": model, "feature": name, "counts": list(counts), "missing": 0}
            for (of_day, hour), sketches in hours.items()
            if of_day == day
            for name, counts in sketches.items()
        ]
        _commit(lake, sketches_table(REGIME.name), records, day)
    return lake


def answered(lake: Lake, day: date, rows: list[dict[str, Any]]) -> None:
    """Commit a day of answers; what a row does not say is usual."""
    usual = {"date": day, "venue": "demo", "symbol": "A", "source": "logged", "model_hash": MODEL}
    usual |= {"features_hash": "1", "recomputed_hash": "1", "head": "regime", "class": "HIGH", "answer": 5000}
    records = [{"row_id": str(number), "outcome": None, **usual, **row} for number, row in enumerate(rows)]
    _commit(lake, predictions_log_table(REGIME.name), records, day)


def report(lake: Lake, settings: MonitoringSettings | None = None) -> DriftReport:
    """Return the report on the watched model."""
    return report_on(REGIME, lake, settings or MonitoringSettings(), version="regime_v1.0.0", model_hash=MODEL)


def states(found: DriftReport) -> dict[str, str]:
    """Return the state of every finding by kind and name."""
    return {f"{one.measured.kind} {one.measured.name}": one.state for one in found.findings}


def at_hour(hour: int) -> int:
    """Return a time within an hour of Monday, ns."""
    return MONDAY_NS + hour * HOUR_NS + 1


def _commit(lake: Lake, table: Any, records: list[dict[str, Any]], day: date | None) -> None:
    lake.commit(table, pl.DataFrame(records, schema=table.schema, orient="row"), day=day, code_version="1")
