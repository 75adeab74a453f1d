"""The parent's end of a worker process: start it, ask it within a time, end it. POSIX sockets and Linux memory files.

The model travels as a sealed file in memory that the child inherits, so starting never waits for a slow reader, and
nobody can change bytes that were verified.
"""

import fcntl
import os
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from numpy.typing import NDArray

from grinder_resources.errors import NoAnswer
from grinder_resources.inference.frames import MAX_FRAME_BYTES, READY, unpack

REAP_S = 0.1
"""How long ending a child may wait for it to be gone; what takes longer is reaped at the next start of any child."""

_LEAST_S = 1e-3
_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


def sealed(data: bytes) -> int:
    """Return a descriptor of a file in memory that holds `data` and that nobody can change any more."""
    descriptor = os.memfd_create("model", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(data)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    return descriptor


class Child:
    """A process that holds a session. It ends when it is killed, dropped, or left behind by its parent.

    model
        Descriptor from `sealed`.
    memory_mib
        Address space the process may map.
    pid, owner
        Process ids of the child and of the process that started it. Only the owner may ask: answers of two askers
        would cross on the one socket they share.

    Raises OSError where no process can be started.
    """

    def __init__(self, model: int, memory_mib: int, input_name: str, output_names: Sequence[str]) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            descriptors = (theirs.fileno(), model)
            arguments = [*map(str, (*descriptors, os.getpid(), memory_mib)), input_name, *output_names]
            try:
                process = _popen(arguments, descriptors)
            except OSError:
                ours.close()
                raise
        self.pid = process.pid
        self.owner = os.getpid()
        self._link = ours
        self._is_ready = False
        self.kill = weakref.finalize(self, _end, process, ours)

    def ready(self, timeout_s: float) -> bool:
        """Return whether the session is open, after waiting for that at most `timeout_s`.

        Raises NoAnswer if the process ended instead; it says why if it could.
        """
        if not self._is_ready:
            with suppress(TimeoutError), _broken_is_no_answer():
                frame = self._receive(timeout_s)
                if frame != READY:
                    raise NoAnswer("the model's process could not start", got=str(unpack(frame)))
                self._is_ready = True
        return self._is_ready

    def ask(self, row: NDArray[Any], until: float) -> list[NDArray[Any]] | str:
        """Return the outputs for a float32 row [1, features], or on one line what the model raised.

        Raises TimeoutError at `until` by time.monotonic; NoAnswer if the process is dead or answers with nonsense.
        After either the child has to be killed: a late answer must never be taken for that of the next row.
        """
        with _broken_is_no_answer():
            self._link.settimeout(max(_LEAST_S, until - time.monotonic()))
            self._link.send(row.astype("<f4", copy=False).tobytes())
            return unpack(self._receive(until - time.monotonic()))

    def _receive(self, timeout_s: float) -> bytes:
        self._link.settimeout(max(_LEAST_S, timeout_s))
        frame = self._link.recv(MAX_FRAME_BYTES)
        if not frame:
            raise NoAnswer("the model's process ended")
        return frame


@contextmanager
def _broken_is_no_answer() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise
    except (OSError, ValueError) as error:
        raise NoAnswer("the model's process broke off", got=str(error)) from error


def _popen(arguments: Sequence[str], descriptors: Sequence[int]) -> "subprocess.Popen[bytes]":
    """Start the worker: it sees these descriptors and no other, and finds the modules that this process finds."""
    _reap()
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module, and names of a verified manifest
        [sys.executable, "-P", "-m", "grinder_resources.inference.worker", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=descriptors,
    )


_dying: list["subprocess.Popen[bytes]"] = []
"""Killed children that were not gone yet; kept here, for a child that is forgotten alive is a warning of Python's."""


def _end(process: "subprocess.Popen[bytes]", link: socket.socket) -> None:
    link.close()
    process.kill()
    try:
        process.wait(REAP_S)
    except subprocess.TimeoutExpired:
        _dying.append(process)


def _reap() -> None:
    _dying[:] = [process for process in _dying if process.poll() is None]
