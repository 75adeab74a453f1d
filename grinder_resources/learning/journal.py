"""A file of lines that only grows, and whose end is known: the bytes below the trial ledger.

A second file beside it, the head, says how many lines there are and what the newest is called. An append is

    head: all lines, the new ones as pending  ->  log: the new lines written  ->  head: all lines

with an fsync for each step. A writer killed on the way leaves what it announced in the head; readers see those lines,
and the next writer writes the rest of them, so that an announced line is never lost and never half there. Writers take
turns by a lock on the log, which is that of a local file system.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from grinder_resources.errors import LedgerBroken
from grinder_resources.hashing import canonical_json
from grinder_resources.storage import storage_errors

NO_LINE = "0" * 64
"""The name of what comes before the first line."""

HINT = "Restore both files from a copy; trials that cannot be counted cannot be judged."


@dataclass(frozen=True)
class Head:
    """The log as it must be: `count` lines in `size` bytes, the newest called `newest`.

    `pending` holds the last of those lines, ASCII, while the log may not have all of their bytes yet.
    """

    count: int = 0
    newest: str = NO_LINE
    size: int = 0
    pending: str = ""

    @property
    def certain(self) -> int:
        """Bytes that were in the log before the pending lines."""
        return self.size - len(self.pending)


Follow = Callable[[Head], tuple[list[str], str]]
"""Takes the head, returns the lines to come after it, without line ends, and the name of the last."""


class Journal:
    """The log at `path`, and its head beside it with the suffix `.head`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._head_path = path.with_suffix(".head")

    def append(self, follow: Follow) -> None:
        """Add the lines of `follow`, durably and all or none, without reading those before.

        Raises LedgerBroken if the log is not as long as its head says, StorageFull where the disk refuses; lines that
        were announced by then follow with the next append.
        """
        with storage_errors(str(self.path)):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b", buffering=0) as log, _locked(log.fileno(), fcntl.LOCK_EX):
                head = self._finish(log.fileno(), self._read_head())
                lines, newest = follow(head)
                pending = "".join(f"{line}\n" for line in lines)
                announced = Head(head.count + len(lines), newest, head.size + len(pending), pending)
                self._write_head(announced)
                self._finish(log.fileno(), announced)

    def read(self) -> tuple[Head, list[str]]:
        """Return the head and the lines, each with its end; what is wrong with them is left to the caller to find."""
        if not self._head_path.exists() and not self.path.exists():
            return Head(), []
        try:
            with self.path.open("rb") as log, _locked(log.fileno(), fcntl.LOCK_SH):
                data, head = log.read(), self._read_head()
        except FileNotFoundError:
            data, head = b"", self._read_head()
        pending = head.pending.encode()
        if pending.startswith(data[head.certain :]):
            data = data[: head.certain] + pending
        return head, data.decode("ascii", errors="replace").splitlines(keepends=True)

    def _finish(self, log: int, head: Head) -> Head:
        """Write what is missing of the pending lines, and return the head without them."""
        size = os.fstat(log).st_size
        written = os.pread(log, len(head.pending) + 1, head.certain)
        rest = head.pending.encode()
        if size < head.certain or not rest.startswith(written):
            raise LedgerBroken(
                "the log does not end where its head says",
                where=str(self.path),
                got=f"{size} bytes",
                expected=f"{head.size} bytes in {head.count} lines",
                hint="`grinder ledger verify` names the line.",
            )
        if not head.pending:
            return head
        _write_all(log, rest[len(written) :])
        done = replace(head, pending="")
        self._write_head(done)
        return done

    def _read_head(self) -> Head:
        if not self._head_path.exists():
            return Head()
        try:
            return _parsed(self._head_path.read_bytes())
        except (ValueError, TypeError, AttributeError) as error:
            raise LedgerBroken("the head cannot be read", where=str(self._head_path), hint=HINT) from error

    def _write_head(self, head: Head) -> None:
        aside = self._head_path.with_suffix(".head-writing")
        with aside.open("wb", buffering=0) as handle:
            _write_all(handle.fileno(), canonical_json(asdict(head)).encode())
        aside.replace(self._head_path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _parsed(data: bytes) -> Head:
    facts = json.loads(data)
    types = {name: type(value) for name, value in vars(Head()).items()}
    if {name: type(value) for name, value in facts.items()} != types:
        raise TypeError(facts)
    return Head(**facts)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
    os.fsync(descriptor)


@contextmanager
def _locked(descriptor: int, operation: int) -> Iterator[None]:
    """Hold a lock inside the block; it ends with the process that holds it, however that ends."""
    fcntl.flock(descriptor, operation)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
