"""The artifact gate says which of its steps failed, and never raises."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from grinder_resources.contracts.bot_registry import Pointer
from grinder_resources.export.bot_registry import promoted, write_registry
from grinder_resources.inference import MlBlockReason, MlConfig
from grinder_resources.inference.loading import Obstacle, load_source
from grinder_resources.inference.snapshot import Snapshot
from tests.contracts.test_signals import BOT_TEXT, SIGNAL


def obstacle(**settings: Any) -> str:
    """Return the reason and the detail of what stands in the way."""
    found = load_source(MlConfig(enabled=True, **settings))
    assert isinstance(found, Obstacle), found
    return f"{found.reason}: {found.detail}"


def test_a_model_folder_is_loaded(regime_artifact: Path) -> None:
    """Named by its folder, its version and its hash; inputs are watched for drift."""
    source = load_source(MlConfig(enabled=True, model_dir=str(regime_artifact)))
    assert not isinstance(source, Obstacle)
    assert (source.name, source.version, source.model_hash) == (str(regime_artifact), "v1.0.0", "c8bb8be00c104784")
    assert source.drift is not None  # type: ignore[union-attr]


def test_each_obstacle_is_told(regime_copy: Path, tmp_path: Path) -> None:
    """No folder, no manifest, a manifest that is none, bytes that differ."""
    assert obstacle(model_dir=str(tmp_path / "none")) == f"ARTIFACT_DIR_MISSING: {tmp_path / 'none'}"
    (tmp_path / "empty").mkdir()
    assert obstacle(model_dir=str(tmp_path / "empty")).startswith("MANIFEST_INVALID: no manifest.json")
    model = regime_copy / "model.onnx"
    model.write_bytes(model.read_bytes() + b"\0")
    assert obstacle(model_dir=str(regime_copy)).startswith("MODEL_NOT_LOADED: ARTIFACT_REJECTED")
    (regime_copy / "manifest.json").write_text("{")
    assert obstacle(onnx_artifact_dir=str(regime_copy)).startswith("MANIFEST_INVALID: MANIFEST_REJECTED")


def test_toggles_reach_the_model(regime_artifact: Path, golden_snapshots: list[Snapshot]) -> None:
    """Without the book's features, or without the best prices', this model can say nothing."""
    for setting, name in (("use_l1_features", "spread_bps"), ("use_l2_features", "depth_imbalance_topN_bps")):
        source = load_source(MlConfig(enabled=True, model_dir=str(regime_artifact), **{setting: False}))
        assert not isinstance(source, Obstacle)
        assert source.signal(golden_snapshots[0]).detail == name  # type: ignore[union-attr]


@pytest.fixture
def registry(regime_copy: Path) -> Path:
    """Return a registry whose shadow stage points to the golden model."""
    path = regime_copy.parents[1] / "models.json"
    pointer = Pointer(artifact_dir=f"models/{regime_copy.name}", artifact_id="regime_v2026_01_10_1")
    write_registry(path, promoted(None, "regime", "shadow", pointer, at="2026-01-10T00:00:00Z"))
    return path


def test_a_registry_wins_over_a_folder(registry: Path, tmp_path: Path) -> None:
    """Its stage says which artifact; a stage with nothing in it, and a torn file, are obstacles and not 'no model'."""
    settings = {"ml_registry_path": str(registry), "ml_model_name": "regime", "model_dir": str(tmp_path / "none")}
    source = load_source(MlConfig(enabled=True, **settings))
    assert not isinstance(source, Obstacle)
    assert source.name.endswith("models/regime_v1.0.0")
    assert obstacle(**settings, ml_stage="active").startswith("MANIFEST_INVALID: REGISTRY_REJECTED")
    registry.write_bytes(registry.read_bytes()[:-20])
    assert obstacle(**settings).startswith("MANIFEST_INVALID: REGISTRY_REJECTED")
    registry.unlink()
    assert obstacle(**settings).startswith("MANIFEST_INVALID: REGISTRY_REJECTED")


def test_a_signal_file_takes_the_place_of_a_model(tmp_path: Path) -> None:
    """Its hash is its manifest, and its age is limited."""
    path = tmp_path / "signal.json"
    path.write_text(BOT_TEXT)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    source = load_source(MlConfig(enabled=True, signal_file=str(path), signal_sha256=sha256, max_signal_age_ms=10))
    assert not isinstance(source, Obstacle)
    assert source.signal(Snapshot(SIGNAL.ts + 10, "BTCUSDT", {})).symbol == "BTCUSDT"  # type: ignore[union-attr]
    assert source.signal(Snapshot(SIGNAL.ts + 11, "BTCUSDT", {})).code == "STALE_SIGNAL"  # type: ignore[union-attr]
    assert obstacle(signal_file=str(path), signal_sha256="0" * 64).startswith("MODEL_NOT_LOADED: ARTIFACT_REJECTED")


def test_without_onnxruntime_there_is_no_model(regime_artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The third of the obstacles, told before a file is touched."""
    monkeypatch.setattr("grinder_resources.inference.loading.onnx_available", lambda: False)
    assert obstacle(model_dir=str(regime_artifact)).startswith(MlBlockReason.ONNX_UNAVAILABLE)


def test_a_document_that_is_too_deep_is_an_obstacle(regime_copy: Path) -> None:
    """And not a recursion without end."""
    (regime_copy / "manifest.json").write_text("[" * 100_000)
    assert obstacle(model_dir=str(regime_copy)).startswith("MANIFEST_INVALID")
    (regime_copy / "manifest.json").write_text(json.dumps({"schema_version": [[[]]]}))
    assert obstacle(model_dir=str(regime_copy)).startswith("MANIFEST_INVALID")
