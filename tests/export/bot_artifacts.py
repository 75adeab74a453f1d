"""Artifacts of the bot over plain bytes: reading one does not look into its model."""

import json
from pathlib import Path
from typing import Any

from grinder_resources.contracts.bot import FEATURE_ORDER
from grinder_resources.hashing import sha256_bytes

MODEL = b"a model"
REPORT = b"{}\n"
GIT_SHA = "0123456789abcdef0123456789abcdef01234567"

FULL: dict[str, Any] = {
    "schema_version": "v1.1",
    "model_file": "model.onnx",
    "sha256": {"model.onnx": sha256_bytes(MODEL), "train_report.json": sha256_bytes(REPORT)},
    "created_at": "2026-02-15T01:20:31Z",
    "created_at_utc": "2026-02-15T01:20:31Z",
    "git_sha": GIT_SHA,
    "dataset_id": "golden_test",
    "feature_order": list(FEATURE_ORDER),
    "notes": "made by hand",
}
"""A "v1.1" manifest with every field."""

SHORT: dict[str, Any] = {
    "schema_version": "v1",
    "model_file": "model.onnx",
    "sha256": {"model.onnx": sha256_bytes(MODEL)},
    "created_at": "2026-02-15T01:20:31Z",
}
"""A "v1" manifest with what is required."""


def manifest_bytes(base: dict[str, Any], **fields: Any) -> bytes:
    """Return a manifest with top-level fields replaced."""
    return json.dumps(base | fields).encode()


def put_artifact(directory: Path, base: dict[str, Any] = FULL, **fields: Any) -> Path:
    """Write an artifact folder; its files are MODEL and REPORT whatever the manifest says."""
    directory.mkdir(parents=True)
    (directory / "manifest.json").write_bytes(manifest_bytes(base, **fields))
    (directory / "model.onnx").write_bytes(MODEL)
    (directory / "train_report.json").write_bytes(REPORT)
    return directory
