"""Where work is done that is not complete yet, beside its place. Whoever is killed leaves it, the next removes it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grinder_resources.export.durable import TEMPORARY, locked, written
from grinder_resources.handover.manifest import Member
from grinder_resources.hashing import sha256_bytes

_PREFIX = f"{TEMPORARY}handover-"


@contextmanager
def workspace(beside: Path) -> Iterator[Path]:
    """Yield an empty folder in the folder that `beside` lies in, and remove it afterwards.

    Others who work there wait meanwhile, so that what is found there was left by someone who died. Raises StorageFull
    for whatever the operating system has against writing.
    """
    parent = beside.absolute().parent
    with written(beside), locked(parent):
        for leftover in parent.glob(f"{_PREFIX}*"):
            shutil.rmtree(leftover)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


class Spool:
    """Where members wait on the disk, each hashed from the very bytes that were verified, until all are known."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.members: list[Member] = []

    def add(self, path: str, data: bytes, kind: str, what: str) -> None:
        """Keep one member. Raises BundleRejected for a name that a bundle cannot hold, OSError from the disk."""
        self.members.append(Member(path, len(data), sha256_bytes(data), kind, what))
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
