"""Writing so that a reader, and a machine that loses power in between, meets the old state or the new one.

A rename on one local file system is the moment at which things appear; bytes are on disk before it, the name after it.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from grinder_resources.errors import StorageFull

TEMPORARY = ".tmp-"
"""Start of the names of files and folders that are not complete yet."""


@contextmanager
def written(where: Path) -> Iterator[None]:
    """Raise StorageFull for whatever the operating system has against writing inside the block."""
    try:
        yield
    except OSError as error:
        raise StorageFull("this could not be written", where=str(where), got=str(error)) from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which is made if it is not there; writers take turns by it. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_new(path: Path, data: bytes) -> None:
    """Write a file that does not exist yet, to the disk. Raises OSError."""
    with path.open("xb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())


def write_folder(directory: Path, files: Mapping[str, bytes], verify: Callable[[Path], object]) -> None:
    """Write a folder that does not exist yet, let `verify` refuse it by raising, and let it appear in one rename.

    Raises OSError, and what `verify` raises; then no folder is left.
    """
    temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=directory.parent))
    try:
        for name, data in files.items():
            write_new(temporary / name, data)
        verify(temporary)
        temporary.chmod(0o755)  # mkdtemp's folders are closed to other users, and the bot is one
        sync_folder(temporary)
        temporary.rename(directory)
        sync_folder(directory.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def replace_file(path: Path, data: bytes) -> None:
    """Make `data` the content of a file in one rename. Raises OSError; the old content then still stands."""
    with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=path.parent) as aside:
        write_new(Path(aside) / path.name, data)
        (Path(aside) / path.name).replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Bring the names in a folder to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
