"""Artifacts over plain bytes: publishing does not look into a model, so a child process starts fast."""

from pathlib import Path

from grinder_resources.contracts.artifacts import HeadFacts, Manifest, TrainingMetadata
from grinder_resources.contracts.calibration import Calibration
from grinder_resources.export.artifact import file_facts, publish
from grinder_resources.export.calibration_file import dump_calibration
from grinder_resources.export.strict_json import json_bytes
from grinder_resources.hashing import sha256_bytes, sha256_facts

CREATED_AT = "2025-12-15T10:30:00Z"


def plain(content: bytes, version: str = "v1.0.0", features: tuple[str, ...] = ("a", "b")) -> Manifest:
    """Return a manifest of a regression whose model is `content`."""
    files = plain_files(content)
    return Manifest(
        model_name="plain",
        model_version=version,
        created_at=CREATED_AT,
        files=tuple(file_facts(name, data) for name, data in sorted(files.items())),
        input_features=features,
        heads=(HeadFacts("h", "regression", (), 0),),
        training_metadata=TrainingMetadata(1, 1, None, "0" * 16),
        chain_root=sha256_facts({"model": sha256_bytes(content), "tables": {}}),
    )


def plain_files(content: bytes) -> dict[str, bytes]:
    """Return the files of a model that is `content`."""
    return {
        "model.onnx": content,
        "h.ubj": b"",
        "calibration.json": dump_calibration(Calibration()),
        "chain.json": json_bytes({"model": sha256_bytes(content), "tables": {}}),
    }


def put(models: Path, content: bytes, **manifest: object) -> tuple[str, bool]:
    """Publish a model; return the version it got and whether it was written."""
    settled, written = publish(models, plain(content, **manifest), plain_files(content))
    return settled.model_version, written
