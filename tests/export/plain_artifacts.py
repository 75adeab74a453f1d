"""Artifacts over plain bytes: publishing does not look into a model, so a child process starts fast."""

from pathlib import Path

from grinder_resources.contracts.artifacts import HeadFacts, Manifest, TrainingMetadata
from grinder_resources.export.artifact import file_facts, publish

CREATED_AT = "2025-12-15T10:30:00Z"


def plain(content: bytes, version: str = "v1.0.0", features: tuple[str, ...] = ("a", "b")) -> Manifest:
    """Return a manifest over one file."""
    return Manifest(
        model_name="plain",
        model_version=version,
        created_at=CREATED_AT,
        files=(file_facts("model.onnx", content),),
        input_features=features,
        heads=(HeadFacts("h", "binary", ("no", "yes")),),
        training_metadata=TrainingMetadata(1, 1, None, "0" * 16),
    )


def put(models: Path, content: bytes, **manifest: object) -> tuple[str, bool]:
    """Publish one file; return the version it got and whether it was written."""
    settled, written = publish(models, plain(content, **manifest), {"model.onnx": content})
    return settled.model_version, written
