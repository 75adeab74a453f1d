"""What the lake says of a model's worth: the walk-forward, its slices, the promotion check, the importance."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from grinder_resources.contracts.importance import importance_table
from grinder_resources.contracts.monitoring import drift_table
from grinder_resources.contracts.promotion import promotion_table
from grinder_resources.contracts.reports import (
    calibration_table,
    predictions_table,
    reliability_table,
    verdicts_table,
    walk_forward_table,
)
from grinder_resources.contracts.table import Table
from grinder_resources.evaluation.curves import HOURS, reliability_by_group
from grinder_resources.evaluation.judged import judged
from grinder_resources.interpretability.event import Model
from grinder_resources.interpretability.out_of_fold import LEADING_MODE
from grinder_resources.lake import Lake
from grinder_resources.registry.evidence import artifact_of

SAME = "The walk-forward was made from the artifact's own rows and settings."
NONE = "There is no walk-forward in the lake: nothing is known of the model's worth."
OTHER_ROWS = "The walk-forward was made from other rows than the artifact: later days, or changed ones."
OTHER_SETTINGS = "The walk-forward was made with other settings than the artifact, or others are in force by now."


@dataclass(frozen=True, eq=False)
class Evidence:
    """Report tables of a model, empty where the lake has none.

    reliability
        Bands of hours beside days and symbols.
    drift
        Findings of the newest drift report, if it is about this artifact.
    about
        Whether they are about this very artifact, in one sentence.
    """

    scores: pl.DataFrame
    verdicts: pl.DataFrame
    calibration: pl.DataFrame
    reliability: pl.DataFrame
    promotion: pl.DataFrame
    importance: pl.DataFrame
    drift: pl.DataFrame
    about: str


def evidence_of(model: Model, lake: Lake, models_dir: Path) -> Evidence:
    """Return what the lake says of a model. Raises CorruptFile where a table does not verify."""
    name = model.spec.name
    hours = _read(lake, predictions_table(name)).filter(pl.col("mode") == LEADING_MODE)
    reliability = _read(lake, reliability_table(name))
    return Evidence(
        scores=_read(lake, walk_forward_table(name)),
        verdicts=_read(lake, verdicts_table(name)),
        calibration=_read(lake, calibration_table(name)),
        reliability=pl.concat([reliability, reliability_by_group(name, hours, HOURS)]),
        promotion=_read(lake, promotion_table(name)),
        importance=_read(lake, importance_table(name)),
        drift=_read(lake, drift_table(name)).filter(pl.col("model_hash") == model.artifact.manifest.model_hash),
        about=_about(model, lake, models_dir),
    )


def _read(lake: Lake, table: Table) -> pl.DataFrame:
    return lake.read(table) if lake.stamps(table.name) else table.empty()


def _about(model: Model, lake: Lake, models_dir: Path) -> str:
    about, own = judged(model.spec, lake, models_dir), artifact_of(model.folder)
    if about is None or not lake.stamps(walk_forward_table(model.spec.name).name)[""].rows:
        return NONE
    if about.dataset != own.dataset:
        return OTHER_ROWS
    return SAME if about.spec == own.spec else OTHER_SETTINGS
