"""One small market with a real model, judged once."""

from pathlib import Path

import pytest

from grinder_resources.datasets import gold_table
from grinder_resources.evaluation.reports import walk_forward_report
from grinder_resources.export.build import build_artifact
from grinder_resources.lake import Lake
from grinder_resources.learning.specs import REGIME
from tests.learning import regime_gold


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a lake of four days and a regime model of noise, and its walk-forward; not to be changed."""
    folder = tmp_path_factory.mktemp("judged")
    regime_gold.land(folder)
    lake = Lake(str(folder / "lake"))
    build_artifact(REGIME, gold_table(lake, REGIME.dataset), lake, folder / "models", "1")
    walk_forward_report(REGIME, lake, folder / "models", code_version="1", facts={})
    return folder
