"""What the export tests fit: small real boosters on six columns."""

from dataclasses import dataclass

import numpy as np
import xgboost  # noqa: TID253 - the reference
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import ExportableHead, HeadKind

FEATURES = ("natr_bps", "spread_bps", "imbalance_l1_bps", "range_score", "depth", "kind=vwap")

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
    unit: float = 1.0


def fit(task: Task, rows: Rows, rounds: int = 30) -> xgboost.Booster:
    """Return the task's booster, trained with named columns and one thread."""
    data = xgboost.DMatrix(rows, task.target, feature_names=list(FEATURES), nthread=1)
    return xgboost.train({"nthread": 1, "eta": 0.2, "seed": 1, **task.settings}, data, rounds)


def exportable(task: Task, booster_json: bytes) -> ExportableHead:
    """Return what the exporter takes."""
    return ExportableHead(task.name, task.kind, task.classes, booster_json, task.unit)
