"""The one way to read an artifact: bytes are taken once, hashed against the manifest, and only those bytes are used.

Files are opened relative to the folder's own descriptor, without following links and without blocking; each must be a
regular file with one name, of the size the manifest states, and the folder must hold nothing else. A file that is
swapped after it was read changes nothing.

A manifest stops accidents and edits of single files. Whoever may rewrite the whole folder can also rewrite the
manifest; only a signature kept elsewhere would stop that.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from grinder_resources.contracts.artifacts import INPUT, MANIFEST_FILE, MODEL_FILE, FileFacts, Manifest
from grinder_resources.errors import ArtifactRejected
from grinder_resources.export.manifest import MAX_MANIFEST_BYTES, parse_manifest

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PLAIN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class ArtifactFacts:
    """What was verified: the manifest, the number of files with it, and their bytes in total."""

    manifest: Manifest
    n_files: int
    total_bytes: int

    def line(self) -> str:
        """Return the verdict on one line."""
        manifest = self.manifest
        return (
            f"OK {manifest.folder}: model {manifest.model_hash}, {self.n_files} files, {self.total_bytes} bytes, "
            f"{len(manifest.heads)} heads, {len(manifest.input_features)} features"
        )


@dataclass(frozen=True)
class VerifiedArtifact:
    """A manifest and the bytes of every file it names, already equal to its sha256."""

    manifest: Manifest
    files: Mapping[str, bytes]


def verify_artifact(directory: Path) -> ArtifactFacts:
    """Re-hash everything in an artifact folder. Raises ManifestRejected or ArtifactRejected, each with one line."""
    artifact = read_artifact(directory)
    sizes = [facts.size_bytes for facts in artifact.manifest.files]
    return ArtifactFacts(artifact.manifest, len(sizes) + 1, sum(sizes))


def read_artifact(directory: Path) -> VerifiedArtifact:
    """Return the verified bytes of an artifact folder.

    Raises ManifestRejected where the manifest breaks its schema; ArtifactRejected where the folder is a link, or a file
    is missing, extra, linked, not regular, of another size, or of another sha256.
    """
    with _opened(directory, _FOLDER) as folder:
        manifest = parse_manifest(_read(folder, MANIFEST_FILE, MAX_MANIFEST_BYTES))
        _require_listing(folder, manifest, directory)
        files = {facts.name: _read_verified(folder, facts) for facts in manifest.files}
    return VerifiedArtifact(manifest, MappingProxyType(files))


def open_session(artifact: VerifiedArtifact) -> "InferenceSession":
    """Return a session on the verified model bytes.

    Raises ArtifactRejected if the graph's input or outputs are not the manifest's.
    """
    manifest = artifact.manifest
    session = start_session(artifact.files[MODEL_FILE])
    got = [tuple(put.shape) for put in session.get_inputs()], {put.name for put in session.get_outputs()}
    names = {name for head in manifest.heads for name in (head.name, head.margin_name)}
    if got != ([("N", len(manifest.input_features))], names) or session.get_inputs()[0].name != INPUT:
        raise ArtifactRejected("the graph's input or outputs are not the manifest's", where=manifest.folder)
    return session


def start_session(model: bytes) -> "InferenceSession":
    """Return an ONNX Runtime session on the CPU with one thread. The bytes must be trusted: verified, or just built."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@contextmanager
def _opened(path: str | Path, flags: int, folder: int | None = None) -> Iterator[int]:
    try:
        descriptor = os.open(path, flags, dir_fd=folder)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ArtifactRejected(
            "this cannot be opened as a plain file or folder", where=str(path), got=reason
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _require_listing(folder: int, manifest: Manifest, directory: Path) -> None:
    expected = {MANIFEST_FILE, *(facts.name for facts in manifest.files)}
    found = set(os.listdir(folder))
    if found != expected:
        missing, extra = sorted(expected - found)[:3], sorted(found - expected)[:3]
        raise ArtifactRejected(
            "the folder holds other files than its manifest names",
            where=str(directory),
            got=f"missing {missing}, extra {extra}",
        )


def _read(folder: int, name: str, limit: int) -> bytes:
    """Return a file's bytes from one descriptor, never more than `limit` + 1 of them."""
    with _opened(name, _PLAIN, folder) as descriptor:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise ArtifactRejected("a file of an artifact is a regular file with one name", where=name)
        if status.st_size > limit:
            raise ArtifactRejected(
                "a file is too large", where=name, got=f"{status.st_size} bytes", expected=f"{limit}"
            )
        with os.fdopen(descriptor, "rb", closefd=False) as handle:
            return handle.read(limit + 1)


def _read_verified(folder: int, facts: FileFacts) -> bytes:
    data = _read(folder, facts.name, facts.size_bytes)
    digest = hashlib.sha256(data).hexdigest()
    if (len(data), digest) != (facts.size_bytes, facts.sha256):
        raise ArtifactRejected(
            "a file's bytes differ from its manifest",
            where=facts.name,
            got=f"{len(data)} bytes, sha256 {digest[:16]}",
            expected=f"{facts.size_bytes} bytes, sha256 {facts.sha256[:16]}",
        )
    return data
