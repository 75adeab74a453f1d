"""A file of lines that only grows, and whose end is known: the bytes below the trial ledger and the model registry.

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
from typing import IO, NoReturn

from grinder_resources.errors import GrinderError, LedgerBroken
from grinder_resources.hashing import canonical_json
from grinder_resources.storage import storage_errors

NO_LINE = "0" * 64
"""The name of what comes before the first line."""

HINT = "Restore both files from a copy; trials that cannot be counted cannot be judged."
VERIFY = "`grinder ledger verify` names the line."


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

Decide = Callable[[Head, list[str]], tuple[list[str], str]]
"""As Follow, but takes the lines before as well, each with its end; what it raises leaves everything as it is."""


class Journal:
    """The log at `path`, and its head beside it with the suffix `.head`.

    error, hint, verify
        What is raised where the two files do not fit, what to do then, and which command says more.
    starts
        Whether the first append makes the files. Where it does not, `start` made them, and a missing one is an error.
    """

    def __init__(
        self,
        path: Path,
        *,
        error: type[GrinderError] = LedgerBroken,
        hint: str = HINT,
        verify: str = VERIFY,
        starts: bool = True,
    ) -> None:
        self.path = path
        self._head_path = path.with_suffix(".head")
        self._error, self._hint, self._verify, self._starts = error, hint, verify, starts

    @staticmethod
    def beginning(name: str) -> dict[str, bytes]:
        """Return the two files of a journal without lines, by name, for those who make a folder of them at once."""
        return {name: b"", Path(name).with_suffix(".head").name: _encoded(Head())}

    def append(self, follow: Follow) -> None:
        """Add the lines of `follow`, durably and all or none, without reading those before.

        Raises LedgerBroken if the log is not as long as its head says, StorageFull where the disk refuses; lines that
        were announced by then follow with the next append.
        """
        self._append(lambda _, head: follow(head))

    def decide(self, decide: Decide) -> None:
        """Add the lines of `decide`, which has read all those before and nobody adds any meanwhile; as `append` does.

        Where it returns none, nothing is written.
        """
        self._append(lambda log, head: decide(head, _lines(os.pread(log, head.size + 1, 0))))

    def _append(self, follow: Callable[[int, Head], tuple[list[str], str]]) -> None:
        with storage_errors(str(self.path)):
            if self._starts:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._opened() as log, _locked(log.fileno(), fcntl.LOCK_EX):
                head = self._finish(log.fileno(), self._read_head())
                lines, newest = follow(log.fileno(), head)
                if not lines:
                    return
                pending = "".join(f"{line}\n" for line in lines)
                announced = Head(head.count + len(lines), newest, head.size + len(pending), pending)
                self._write_head(announced)
                self._finish(log.fileno(), announced)

    def _opened(self) -> IO[bytes]:
        if not self._starts and not self.path.exists():
            self._refuse("the log is missing", self.path)
        return self.path.open("a+b", buffering=0)

    def read(self) -> tuple[Head, list[str]]:
        """Return the head and the lines, each with its end; what is wrong with them is left to the caller to find."""
        if self._starts and not self._head_path.exists() and not self.path.exists():
            return Head(), []
        try:
            with self.path.open("rb") as log, _locked(log.fileno(), fcntl.LOCK_SH):
                data, head = log.read(), self._read_head()
        except FileNotFoundError:
            if not self._starts:
                self._refuse("the log is missing", self.path)
            data, head = b"", self._read_head()
        pending = head.pending.encode()
        if pending.startswith(data[head.certain :]):
            data = data[: head.certain] + pending
        return head, _lines(data)

    def snapshot(self) -> dict[str, bytes]:
        """Return the two files by name as they are once every announced line is written, read at one moment.

        Raises what `read` raises; what is wrong with the lines goes along.
        """
        head, lines = self.read()
        log = "".join(lines).encode("ascii", errors="replace")
        return {self.path.name: log, self._head_path.name: _encoded(replace(head, pending=""))}

    def _finish(self, log: int, head: Head) -> Head:
        """Write what is missing of the pending lines, and return the head without them."""
        size = os.fstat(log).st_size
        written = os.pread(log, len(head.pending) + 1, head.certain)
        rest = head.pending.encode()
        if size < head.certain or not rest.startswith(written):
            raise self._error(
                "the log does not end where its head says",
                where=str(self.path),
                got=f"{size} bytes",
                expected=f"{head.size} bytes in {head.count} lines",
                hint=self._verify,
            )
        if not head.pending:
            return head
        _write_all(log, rest[len(written) :])
        done = replace(head, pending="")
        self._write_head(done)
        return done

    def _read_head(self) -> Head:
        if not self._head_path.exists():
            return Head() if self._starts else self._refuse("the head is missing", self._head_path)
        try:
            return _parsed(self._head_path.read_bytes())
        except (ValueError, TypeError, AttributeError) as error:
            raise self._error("the head cannot be read", where=str(self._head_path), hint=self._hint) from error

    def _refuse(self, what: str, where: Path) -> NoReturn:
        raise self._error(what, where=str(where), hint=self._hint)

    def _write_head(self, head: Head) -> None:
        aside = self._head_path.with_suffix(".head-writing")
        with aside.open("wb", buffering=0) as handle:
            _write_all(handle.fileno(), _encoded(head))
        aside.replace(self._head_path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _encoded(head: Head) -> bytes:
    return canonical_json(asdict(head)).encode()


def _lines(data: bytes) -> list[str]:
    return data.decode("ascii", errors="replace").splitlines(keepends=True)


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
