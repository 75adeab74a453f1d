"""Six small real boosters, and what an artifact made of them holds."""

from functools import cache

import numpy as np

from grinder_resources.contracts.artifacts import ExportableHead, TrainingMetadata
from grinder_resources.export.artifact import ArtifactDraft
from grinder_resources.learning.model_spec import Head
from grinder_resources.learning.snapping import snap_leaves
from tests.export.small_models import CALIBRATION, CHAIN, FEATURES, Heads, Rows, Task, exportable, fit

SNAPPING = {"head": "strength", "metric": "rmse", "before": 0.25, "after": 0.2500001, "difference": 1e-7}


@cache
def small_rows() -> Rows:
    """Return [1500, 6] float32: normal, integer, constant-ish and binary columns, a tenth of the values missing."""
    rng = np.random.default_rng(7)
    values = rng.normal(size=(1500, len(FEATURES))).astype(np.float32)
    values[:, 1] = np.round(values[:, 1] * 3)
    values[:, 4] *= 1e6
    values[:, 5] = values[:, 5] > 1
    values[rng.random(values.shape) < 0.1] = np.nan
    return values


@cache
def small_tasks() -> tuple[Task, ...]:
    """Return a binary, a regression, a three-class and three more binary tasks.

    Missing values carry information in the first; the last three are noisy, so that they contradict each other.
    """
    rows = small_rows()
    known = np.nan_to_num(rows).astype(np.float64)
    noise = np.random.default_rng(8).normal(size=(len(rows), 3))
    classes = np.digitize(known[:, 0] + known[:, 3], [-0.7, 0.7]).astype(np.float64)
    binary = ((known[:, 0] + known[:, 1] * known[:, 2] > 0) ^ np.isnan(rows[:, 3])).astype(np.float64)
    moved = known[:, 0] * 2 + 0.7
    three = {"objective": "multi:softprob", "max_depth": 3, "num_class": 3}
    return (
        Task("tradeable_2", "binary", {"objective": "binary:logistic", "max_depth": 4}, binary, ("no", "yes")),
        Task("strength", "regression", {"objective": "reg:squarederror", "max_depth": 5}, moved, unit=1000),
        Task("regime", "multiclass", three, classes, ("LOW", "MID", "HIGH")),
        *(
            Task(name, "binary", {"objective": "binary:logistic"}, (known[:, 0] + own > 0.5) * 1.0, ("no", "yes"))
            for name, own in zip(("t2_60s", "t2_break_60s", "t2_bounce_60s"), noise.T, strict=True)
        ),
    )


@cache
def fitted_heads() -> Heads:
    """Return the heads as XGBoost leaves them: leaves and base anywhere."""
    return tuple(exportable(task, bytes(fit(task, small_rows()).save_raw("json"))) for task in small_tasks())


@cache
def small_heads() -> Heads:
    """Return the same heads with leaves on the 2^-16 grid and a base margin of 0."""
    return tuple(
        ExportableHead(
            head.name,
            head.kind,
            head.classes,
            snap_leaves(head.booster_json, Head(head.name, head.kind, head.name, classes=head.classes)),
            head.unit,
        )
        for head in fitted_heads()
    )


def small_draft() -> ArtifactDraft:
    """Return an artifact that could be published."""
    return ArtifactDraft(
        name="level_signals",
        heads=small_heads(),
        input_features=FEATURES,
        calibration=CALIBRATION,
        chain=CHAIN,
        training=TrainingMetadata(1200, 300, 7250, "d4e5f67890123456"),
        config={"spec": "level_signals", "max_depth": 4},
        train_report={"snapping": [SNAPPING]},
        train_rows=small_rows(),
        trained_until="2024-01-01",
    )
