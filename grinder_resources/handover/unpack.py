"""Unpacking: every byte of the file is accounted for, everything in it verified, before the folder appears.

    length of the file -> manifest -> each member: header, bytes, sha256 -> lake and models verified -> one rename

A file that is torn, longer or larger than allowed is refused before anything is written. Whoever is killed on the way
leaves a folder that no reader looks at and that the next one removes.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from grinder_resources.errors import BundleRejected, InputRefused, LimitExceeded
from grinder_resources.export.durable import sync_folder, write_new
from grinder_resources.handover.archive import archive_size, read_end, read_first, read_member
from grinder_resources.handover.arrival import verify_arrival
from grinder_resources.handover.manifest import BUNDLE_FILE, MAX_MANIFEST_BYTES, Manifest, dump_manifest, parse_manifest
from grinder_resources.handover.workspace import workspace


@dataclass(frozen=True)
class Limits:
    """What a bundle may be.

    members
        Files.
    total_bytes
        Bytes of all files together, and so of disk space.
    """

    members: int = 100_000
    total_bytes: int = 64 << 30


@dataclass(frozen=True)
class Unpacked:
    """What a folder holds that came out of a bundle: its manifest, and a line on each part that was verified."""

    folder: Path
    manifest: Manifest
    lines: tuple[str, ...]


def unpack(bundle: Path, into: Path, *, root: str = "", limits: Limits | None = None) -> Unpacked:
    """Make the folder `into` of a bundle.

    root
        What the bundle's root must be, where the sender told it by another way; at least 16 of its characters.

    Raises InputRefused if `into` exists or there is no such file, LimitExceeded, BundleRejected, and what verifying a
    lake, an artifact, a ledger or a registry raises; then no folder appears. StorageFull where the disk refuses.
    """
    with _opened(bundle) as source, workspace(into) as folder:
        if os.path.lexists(into):
            raise InputRefused(
                "nothing is written over", where=str(into), got="something there", hint="Name another place"
            )
        content = folder / "content"
        manifest = _manifest(source, root, limits or Limits())
        _extract(source, manifest, content)
        write_new(content / BUNDLE_FILE, dump_manifest(manifest))
        lines = verify_arrival(content, manifest)
        for place, _, _ in os.walk(content):
            sync_folder(Path(place))
        content.rename(into)
        sync_folder(into.absolute().parent)
    return Unpacked(into, manifest, lines)


def _manifest(source: IO[bytes], root: str, limits: Limits) -> Manifest:
    """Return the manifest of a file that is as long as it says. Raises BundleRejected or LimitExceeded."""
    data = read_first(source, BUNDLE_FILE, MAX_MANIFEST_BYTES)
    manifest = parse_manifest(data)
    if len(manifest.members) > limits.members:
        raise LimitExceeded("a bundle of too many files", got=f"{len(manifest.members)}", expected=f"{limits.members}")
    if manifest.total_bytes > limits.total_bytes:
        raise LimitExceeded(
            "a bundle is too large", got=f"{manifest.total_bytes} bytes", expected=f"at most {limits.total_bytes}"
        )
    if root and (len(root) < 16 or not manifest.root.startswith(root)):
        raise BundleRejected("this is another bundle than was asked for", got=manifest.root, expected=root)
    size = os.fstat(source.fileno()).st_size
    expected = archive_size([len(data), *(member.size_bytes for member in manifest.members)])
    if size != expected:
        raise BundleRejected(
            "the file is not as long as its manifest says", got=f"{size} bytes", expected=f"{expected}"
        )
    return manifest


def _extract(source: IO[bytes], manifest: Manifest, content: Path) -> None:
    for member in manifest.members:
        place = content / member.path
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as sink:
            read_member(source, member.path, member.size_bytes, member.sha256, sink)
            sink.flush()
            os.fsync(sink.fileno())
    read_end(source)


@contextmanager
def _opened(bundle: Path) -> Iterator[IO[bytes]]:
    """Open a file once, without waiting for a pipe. Raises InputRefused where there is none."""
    try:
        descriptor = os.open(bundle, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise InputRefused("the bundle cannot be opened", where=str(bundle), got=error.strerror or "") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputRefused("a bundle is a plain file", where=str(bundle))
    with os.fdopen(descriptor, "rb") as source:
        yield source
