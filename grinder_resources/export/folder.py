"""Reading files of a folder that someone else may write to: once, bounded, without following links, without blocking.

Files are opened relative to the folder's own descriptor, so a folder that is swapped for another in between changes
nothing; each must be a regular file with one name. What is hashed is what is returned.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grinder_resources.errors import ArtifactRejected
from grinder_resources.hashing import sha256_bytes

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PLAIN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def opened_folder(path: str | Path, *, within: int | None = None, follow: bool = False) -> Iterator[int]:
    """Yield a descriptor of a folder; it is closed afterwards.

    within
        Descriptor of the folder that a relative path starts from; None = the working directory.
    follow
        Whether the folder may itself be a symbolic link. Links further up in the path are always followed.

    Raises ArtifactRejected where there is no such folder.
    """
    with _opened(path, _FOLDER if follow else _FOLDER | os.O_NOFOLLOW, within) as descriptor:
        yield descriptor


def read_plain(folder: int, name: str, limit: int) -> bytes:
    """Return a file's bytes, read from one descriptor; of a file that grows meanwhile never more than `limit` + 1.

    Raises ArtifactRejected for a link, a second name, anything but a regular file, or more than `limit` bytes.
    """
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


def read_verified(folder: int, name: str, sha256: str, *, limit: int, size: int | None = None) -> bytes:
    """Return a file's bytes, which have this sha256 and, where one is stated, this size.

    Raises ArtifactRejected where they differ, and what `read_plain` raises; a stated size is a limit as well.
    """
    data = read_plain(folder, name, limit if size is None else min(limit, size))
    digest = sha256_bytes(data)
    if digest != sha256 or (size is not None and len(data) != size):
        stated = "" if size is None else f"{size} bytes, "
        raise ArtifactRejected(
            "a file's bytes differ from its manifest",
            where=name,
            got=f"{len(data)} bytes, sha256 {digest[:16]}",
            expected=f"{stated}sha256 {sha256[:16]}",
        )
    return data


@contextmanager
def _opened(path: str | Path, flags: int, within: int | None) -> Iterator[int]:
    try:
        descriptor = os.open(path, flags, dir_fd=within)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ArtifactRejected(
            "this cannot be opened as a plain file or folder", where=str(path), got=reason
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)
