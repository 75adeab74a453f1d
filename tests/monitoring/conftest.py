"""One small market with a real model, to be watched."""

from pathlib import Path

import pytest

from grinder_resources.datasets import gold_table
from grinder_resources.export.build import build_artifact
from grinder_resources.lake import Lake
from grinder_resources.learning.specs import REGIME
from tests.learning import regime_gold


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with four days of Gold and a regime model made of them; tests add tables of monitoring."""
    folder = tmp_path_factory.mktemp("watched")
    regime_gold.land(folder)
    lake = Lake(str(folder / "lake"))
    build_artifact(REGIME, gold_table(lake, REGIME.dataset), lake, folder / "models", "1")
    return folder
