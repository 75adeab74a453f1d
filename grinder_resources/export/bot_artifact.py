"""Writing an artifact folder the bot loads: a model, its report, and a manifest with the sha256 of both."""

from collections.abc import Mapping
from pathlib import Path

from grinder_resources.contracts.artifacts import MANIFEST_FILE, MODEL_FILE
from grinder_resources.contracts.bot import FEATURE_ORDER, BotManifest, BotSchema
from grinder_resources.errors import InputRefused
from grinder_resources.export.bot_manifest import dump_bot_manifest, read_bot_artifact
from grinder_resources.export.durable import write_folder, written
from grinder_resources.hashing import sha256_bytes


def manifest_of(
    files: Mapping[str, bytes],
    *,
    schema: BotSchema,
    created_at: str,
    dataset_id: str,
    git_sha: str | None,
    notes: str | None,
) -> BotManifest:
    """Return the manifest of files with `model.onnx` among them.

    Schema "v1" says when and what; "v1.1" also from which data, by which code and for which inputs.
    """
    digests = {name: sha256_bytes(data) for name, data in sorted(files.items())}
    if schema == "v1":
        return BotManifest(schema, MODEL_FILE, digests, created_at, notes=notes)
    return BotManifest(
        schema,
        MODEL_FILE,
        digests,
        created_at,
        created_at,
        git_sha,
        dataset_id,
        feature_order=FEATURE_ORDER,
        notes=notes,
    )


def write_bot_artifact(directory: Path, files: Mapping[str, bytes], manifest: BotManifest) -> None:
    """Write an artifact's folder, verified, in one rename.

    Raises InputRefused where the folder exists, StorageFull where the disk refuses; then nothing is written.
    """
    if directory.exists():
        raise InputRefused("a folder is never written again", where=str(directory), hint="Name one that does not exist")
    with written(directory):
        directory.parent.mkdir(parents=True, exist_ok=True)
        write_folder(directory, {**files, MANIFEST_FILE: dump_bot_manifest(manifest)}, read_bot_artifact)
