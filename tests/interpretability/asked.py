"""Four small days, the regime model that they teach, and its reports: made once, and only read."""

import atexit
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from grinder_resources.contracts.gold import REGIME_DATASET
from grinder_resources.evaluation.promotion_check import commit_promotion, promotion
from grinder_resources.evaluation.reports import calibration_report, walk_forward_report
from grinder_resources.export.build import build_artifact
from grinder_resources.interpretability.importance import importance
from grinder_resources.lake import Lake
from grinder_resources.learning.specs import REGIME
from tests.learning.regime_gold import land

TEST_DAY = date(2025, 1, 9)
NOON = 1_736_380_800_000_000_000 + 2 * 3_600_000_000_000
EVENT = f"demo_A_{NOON}"
"""A row two hours into the test day."""


@cache
def asked() -> Path:
    """Return a folder with `lake` and `models`."""
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    root = Path(folder.name)
    land(root)
    lake, models = Lake(str(root / "lake")), root / "models"
    build_artifact(REGIME, REGIME_DATASET, lake, models, "1")
    walk_forward_report(REGIME, lake, models, code_version="1", facts={})
    calibration_report(REGIME, lake, code_version="1", facts={})
    commit_promotion(lake, promotion(REGIME, lake, models), "1")
    importance(REGIME, lake, models, code_version="1")
    return root


def lake_of(root: Path) -> Lake:
    """Return the lake of such a folder."""
    return Lake(str(root / "lake"))
