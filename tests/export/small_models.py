"""What the export tests fit: small real boosters on six columns, and what lies between their margins and an answer."""

from dataclasses import dataclass

import numpy as np
import xgboost  # noqa: TID253 - the reference
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import ExportableHead, HeadKind
from grinder_resources.contracts.calibration import AtLeast, AtMost, Calibration, Either, Spacing, StepTable
from grinder_resources.learning.calibration import logistic_table

FEATURES = ("natr_bps", "spread_bps", "imbalance_l1_bps", "range_score", "depth", "kind=vwap")

STEPS = StepTable((-40_000, 0, 40_000), (700, 2_500, 6_000, 9_300), "isotonic", 1_500)
"""Four steps that part at -0.61, 0 and 0.61."""

NEVER = StepTable((50_000,), (0, 4_000), "isotonic", 1_200)
"""0 below 0.76, so that all weights of a row can be 0."""

CALIBRATION = Calibration(
    tables={
        "tradeable_2": (logistic_table(),),
        "regime": (NEVER, NEVER, NEVER),
        "t2_60s": (STEPS,),
        "t2_break_60s": (logistic_table(),),
        "t2_bounce_60s": (STEPS,),
    },
    rules=(
        AtMost("t2_bounce_60s", ("t2_60s",)),
        Either("t2_60s", ("t2_break_60s", "t2_bounce_60s")),
        AtLeast("tradeable_2", ("t2_60s",)),
    ),
    spacing=Spacing("regime", (400, 1_001, 2_600)),
)

CHAIN = {"gold/training/regime": {"2024-01-02": "2" * 64}, "silver/snapshots": {"2024-01-02": "1" * 64}}

Rows = NDArray[np.float32]
Heads = tuple[ExportableHead, ...]


@dataclass(frozen=True)
class Task:
    """One head to fit: XGBoost settings, the target, and what the exporter is told."""

    name: str
    kind: HeadKind
    settings: dict[str, object]
    target: NDArray[np.float64]
    classes: tuple[str, ...] = ()
    unit: int = 1


def fit(task: Task, rows: Rows, rounds: int = 30) -> xgboost.Booster:
    """Return the task's booster, trained with named columns and one thread."""
    data = xgboost.DMatrix(rows, task.target, feature_names=list(FEATURES), nthread=1)
    return xgboost.train({"nthread": 1, "eta": 0.2, "seed": 1, **task.settings}, data, rounds)


def exportable(task: Task, booster_json: bytes) -> ExportableHead:
    """Return what the exporter takes."""
    return ExportableHead(task.name, task.kind, task.classes, booster_json, task.unit)


def only(*names: str) -> Calibration:
    """Return the tables of these heads, without rules or spacing."""
    return Calibration({name: tables for name, tables in CALIBRATION.tables.items() if name in names})
