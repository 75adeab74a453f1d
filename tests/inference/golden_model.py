"""The golden model: a small regime model over the bot's own features, made the same way on every machine.

`python -m tests.inference.golden_model DIR` writes it anew; the copy in `tests/inference/golden` is what tests load, so
that a change of the exporter, of XGBoost or of the artifact's form shows as a test that fails.
"""

import sys
from pathlib import Path

import numpy as np
import xgboost  # noqa: TID253 - what makes the model

from grinder_resources.contracts.artifacts import ExportableHead, TrainingMetadata
from grinder_resources.contracts.calibration import Calibration, Spacing
from grinder_resources.contracts.signals import REGIMES
from grinder_resources.export.artifact import ArtifactDraft, write_artifact
from grinder_resources.learning.calibration import softmax_table
from grinder_resources.learning.model_spec import Head
from grinder_resources.learning.snapping import snap_leaves
from tests.export.small_models import CHAIN, Rows

CREATED_AT = "2026-01-10T00:00:00Z"
FEATURES = (
    "spread_bps",
    "imbalance_l1_bps",
    "natr_bps",
    "range_score",
    "depth_imbalance_topN_bps",
    "impact_buy_topN_bps",
    "impact_sell_topN_bps",
)
"""The specification's example, in the order of the two snapshots; the book may be missing."""

SETTINGS = {"objective": "multi:softprob", "num_class": 3, "max_depth": 3, "eta": 0.3, "nthread": 1, "seed": 1}
ROUNDS = 6


def golden_rows() -> Rows:
    """Return [2000, 7] float32 of integers; the three columns of the book are missing together in a tenth."""
    rng = np.random.default_rng(11)
    highest = (60, 0, 300, 40, 0, 80, 80)
    lowest = (0, -10_000, 0, 0, -10_000, 0, 0)
    rows = np.column_stack(
        [rng.integers(low, high or 10_000, 2_000) for low, high in zip(lowest, highest, strict=True)]
    ).astype(np.float32)
    rows[rng.random(2_000) < 0.1, 4:] = np.nan
    return rows


def golden_classes(rows: Rows) -> Rows:
    """Return which third a mix of volatility, spread and noise falls into."""
    noise = np.random.default_rng(12).integers(0, 60, len(rows))
    mix = rows[:, 2] + 2 * rows[:, 0] + noise
    return np.digitize(mix, np.sort(mix)[[len(mix) // 3, 2 * len(mix) // 3]]).astype(np.float32)


def write_golden_model(models: Path) -> Path:
    """Publish the golden model into a folder of artifacts; return its own folder."""
    rows = golden_rows()
    data = xgboost.DMatrix(rows, golden_classes(rows), feature_names=list(FEATURES), nthread=1)
    booster = bytes(xgboost.train(SETTINGS, data, ROUNDS).save_raw("json"))
    snapped = snap_leaves(booster, Head("regime", "multiclass", "regime", classes=REGIMES))
    draft = ArtifactDraft(
        name="regime",
        heads=(ExportableHead("regime", "multiclass", REGIMES, snapped),),
        input_features=FEATURES,
        calibration=Calibration(
            tables={"regime": (softmax_table(),) * 3}, spacing=Spacing("regime", (700, 1_000, 1_600))
        ),
        chain=CHAIN,
        training=TrainingMetadata(2_000, 0, None, "0" * 16),
        config={"spec": "golden"},
        train_report={},
        train_rows=rows,
        trained_until="2026-01-09",
    )
    return write_artifact(models, draft, rows, created_at=CREATED_AT).directory


if __name__ == "__main__":
    sys.stdout.write(f"{write_golden_model(Path(sys.argv[1]))}\n")
