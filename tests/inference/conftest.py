"""The golden model as it is kept, what it can be asked, and engines around it."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from grinder_resources.inference import MlConfig, SignalEngine, Snapshot, open_engine
from grinder_resources.proofs.determinism import read_snapshots

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="session")
def regime_artifact() -> Path:
    """Return the golden model's folder; nobody changes it."""
    return GOLDEN / "regime_v1.0.0"


@pytest.fixture
def regime_copy(regime_artifact: Path, tmp_path: Path) -> Path:
    """Return a copy of the golden model that a test may break."""
    return Path(shutil.copytree(regime_artifact, tmp_path / "models" / regime_artifact.name))


@pytest.fixture(scope="session")
def golden_snapshots() -> list[Snapshot]:
    """Return the sixteen snapshots of the quiet fixture, which the golden model can read."""
    return read_snapshots(GOLDEN / "sixteen")


@pytest.fixture
def shadow(regime_artifact: Path) -> Callable[[], SignalEngine]:
    """Return what opens an engine on the golden model in shadow, with all the time it needs."""
    config = MlConfig(enabled=True, shadow_only=True, model_dir=str(regime_artifact), max_inference_latency_ms=60_000)
    return partial(open_engine, config, {})
