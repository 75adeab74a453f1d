"""What the bot's own tools ask of a bundle, written down a second time from their rules, without any of our readers."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

INPUTS = [
    *("price_mid", "price_bid", "price_ask", "spread_bps", "volume_24h", "volume_1h"),
    *("volatility_1h_bps", "volatility_24h_bps", "position_size", "position_notional", "position_pnl_bps"),
    *("grid_levels_active", "grid_utilization_pct", "trend_strength", "momentum_1h"),
]


def _inside(base: Path, path: str) -> Path:
    assert not path.startswith("/")
    assert ".." not in path.split("/")
    found = base / path
    assert found.resolve() == found.absolute(), "no link on the way"
    assert found.resolve().is_relative_to(base.resolve())
    return found


def check_dataset(folder: Path) -> dict[str, Any]:
    """Ask what the bot's data set verifier asks; return the manifest."""
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    assert manifest["schema_version"] == "v1"
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{2,64}", manifest["dataset_id"])
    assert manifest["dataset_id"] == folder.name
    assert manifest["source"] in ("synthetic", "backtest", "export", "manual")
    assert set(manifest["time_range"]) == {"start_utc", "end_utc"}
    assert 10 <= manifest["row_count"] <= 10_000_000
    assert manifest["feature_order"] == INPUTS
    assert manifest["feature_order_hash"] == hashlib.sha256(json.dumps(INPUTS).encode()).hexdigest()[:16]
    assert manifest["label_columns"] == ["regime", "spacing_multiplier"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", manifest["created_at_utc"])
    assert set(manifest["sha256"]) == {"data.parquet"}
    _check_files(folder, manifest["sha256"])
    return manifest


def check_artifact(folder: Path) -> dict[str, Any]:
    """Ask what the bot's artifact loader asks; return the manifest."""
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    assert manifest["schema_version"] in ("v1", "v1.1")
    assert manifest["model_file"] in manifest["sha256"]
    assert manifest["created_at"]
    assert re.fullmatch(r"[0-9a-fA-F]{40}", manifest.get("git_sha", "0" * 40))
    assert manifest.get("feature_order", INPUTS) == INPUTS
    _check_files(folder, manifest["sha256"])
    return manifest


def check_registry(path: Path) -> dict[str, Any]:
    """Follow every pointer of a registry from its own folder; return the registry."""
    registry: dict[str, Any] = json.loads(path.read_text())
    assert registry["schema_version"] == "v1"
    for name, model in registry["models"].items():
        assert re.fullmatch(r"[a-z0-9_]+", name)
        assert len(model["history"]) <= 50
        events = [event["pointer"] for event in model["history"]]
        for pointer in [*filter(None, (model[stage] for stage in ("shadow", "staging", "active"))), *events]:
            artifact = check_artifact(_inside(path.parent, pointer["artifact_dir"]))
            assert artifact.get("dataset_id", pointer["dataset_id"]) == pointer["dataset_id"]
            assert pointer["promoted_at_utc"].endswith("Z")
            assert pointer["artifact_id"]
            check_dataset(_inside(path.parent, f"datasets/{pointer['dataset_id']}"))
        assert all(event["ts_utc"].endswith("Z") and event["to_stage"] for event in model["history"])
    return registry


def predict(session: Any, features: dict[str, float]) -> tuple[list[int], str, int]:
    """Return bps, regime and spacing x 1000 as the bot's runtime computes them from one row of named numbers."""
    row = np.zeros((1, 15), dtype=np.float32)
    for place, name in enumerate(INPUTS):
        row[0, place] = features.get(name, 0.0)
    outputs = dict(zip([put.name for put in session.get_outputs()], session.run(None, {"input": row}), strict=True))
    probs = outputs["regime_probs"].flatten()
    bps = [round(float(share)) for share in probs / probs.sum() * np.float32(10_000)]
    bps[bps.index(max(bps))] += 10_000 - sum(bps)
    spacing = outputs["spacing_multiplier"].flatten()[0] if "spacing_multiplier" in outputs else 1.0
    return bps, ("LOW", "MID", "HIGH")[int(probs.argmax())], max(1, round(float(spacing) * 1_000))


def _check_files(folder: Path, digests: dict[str, str]) -> None:
    for path, digest in digests.items():
        data = _inside(folder, path).read_bytes()
        assert len(data) <= 100 << 20
        assert hashlib.sha256(data).hexdigest() == digest.lower()
