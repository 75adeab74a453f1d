"""An artifact of the bot: one reader and one canonical writer of its manifest, and the verified bytes it names.

The reader is as lenient as the bot's where that is safe (unknown fields are ignored, hex in either case), and laws are
`parse(dump(manifest)) == manifest` and `dump(parse(dump(manifest))) == dump(manifest)`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeVar, cast

from grinder_resources.contracts.artifacts import MANIFEST_FILE, SCHEMA_VERSION
from grinder_resources.contracts.bot import BOT_SCHEMAS, BotManifest, BotSchema, relative_parts
from grinder_resources.export.folder import opened_folder, read_plain, read_verified
from grinder_resources.export.manifest import MAX_MANIFEST_BYTES
from grinder_resources.export.strict_json import json_bytes, mapping, reject, strict_json, text, texts

REQUIRED = ("schema_version", "model_file", "sha256", "created_at")
OPTIONAL = ("created_at_utc", "git_sha", "dataset_id", "feature_order", "notes")

MAX_ARTIFACT_BYTES = 512 << 20
"""Most that the files of an artifact hold together."""

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class VerifiedBotArtifact:
    """A manifest and, by path, the bytes of every file it names, already equal to their sha256."""

    manifest: BotManifest
    files: Mapping[str, bytes]


def schema_of(data: bytes) -> Literal["1", "v1", "v1.1"]:
    """Return the schema of a manifest: `1` of ours, where it is an integer, `v1` or `v1.1` of the bot's.

    Raises ManifestRejected, naming what it got, for any other; nothing else of the manifest is looked at.
    """
    document = mapping(strict_json(data, MANIFEST_FILE, MAX_MANIFEST_BYTES), MANIFEST_FILE)
    got = document.get("schema_version", "none")
    if type(got) is int and got == SCHEMA_VERSION:
        return "1"
    known = next((schema for schema in BOT_SCHEMAS if schema == got), None)
    if known:
        return known
    expected = f"{SCHEMA_VERSION}, 'v1' or 'v1.1'"
    return reject("this manifest's schema_version has no reader", MANIFEST_FILE, repr(got), expected)


def parse_bot_manifest(data: bytes) -> BotManifest:
    """Return the manifest in `data`.

    Raises ManifestRejected, naming the field, for other schemas than "v1" and "v1.1", a required field that is missing,
    a value of another type, a path that leads out of the folder, a digest that is none, or inputs the bot does not
    feed.
    """
    document = mapping(strict_json(data, MANIFEST_FILE, MAX_MANIFEST_BYTES), MANIFEST_FILE)
    missing = [name for name in REQUIRED if name not in document]
    if missing:
        reject("a field is missing", MANIFEST_FILE, f"no {', '.join(missing)}", ", ".join(REQUIRED))
    files = mapping(document["sha256"], "sha256")
    git_sha = _optional(document, "git_sha", text)
    return BotManifest(
        schema_version=cast(BotSchema, text(document["schema_version"], "schema_version")),
        model_file=text(document["model_file"], "model_file"),
        sha256={path: text(digest, f"sha256[{path!r}]").lower() for path, digest in sorted(files.items())},
        created_at=text(document["created_at"], "created_at"),
        created_at_utc=_optional(document, "created_at_utc", text),
        git_sha=None if git_sha is None else git_sha.lower(),
        dataset_id=_optional(document, "dataset_id", text),
        feature_order=_optional(document, "feature_order", texts),
        notes=_optional(document, "notes", text),
    )


def dump_bot_manifest(manifest: BotManifest) -> bytes:
    """Return the canonical bytes of a manifest: sorted, and without the fields that say nothing."""
    said = {name: getattr(manifest, name) for name in (*REQUIRED, *OPTIONAL)}
    return json_bytes({name: _plain(value) for name, value in said.items() if value is not None})


def read_bot_artifact(directory: Path) -> VerifiedBotArtifact:
    """Return the verified bytes of an artifact folder of the bot; other files in it are not looked at, as by the bot.

    Raises ManifestRejected where the manifest breaks its schema; ArtifactRejected where the folder or a name inside it
    is a link, a file is missing, not regular, or of another sha256, or all are more than 512 MiB together.
    """
    files: dict[str, bytes] = {}
    with opened_folder(directory) as folder:
        manifest = parse_bot_manifest(read_plain(folder, MANIFEST_FILE, MAX_MANIFEST_BYTES))
        left = MAX_ARTIFACT_BYTES
        for path, digest in manifest.sha256.items():
            files[path] = _read_below(folder, relative_parts(path) or (), digest, left)
            left -= len(files[path])
    return VerifiedBotArtifact(manifest, MappingProxyType(files))


def _read_below(folder: int, parts: tuple[str, ...], sha256: str, limit: int) -> bytes:
    """Return the bytes of a file in the folder or below it; no name on the way is followed where it is a link."""
    name, *rest = parts
    if not rest:
        return read_verified(folder, name, sha256, limit=limit)
    with opened_folder(name, within=folder) as below:
        return _read_below(below, tuple(rest), sha256, limit)


def _optional(document: Mapping[str, object], name: str, read: Callable[[object, str], _Value]) -> _Value | None:
    value = document.get(name)
    return None if value is None else read(value, name)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
