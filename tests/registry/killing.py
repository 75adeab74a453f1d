"""Children that are killed at one call that writes: a write, a sync, a rename, a folder or a file that is made."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

_NAMES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class _Killing:
    """Counts calls that write, and ends the process at number `limit`."""

    def __init__(self, limit: int) -> None:
        self.calls, self.limit = 0, limit

    def watch(self) -> None:
        """Count from now on; a write is cut in half before its process ends."""
        write, fsync = os.write, os.fsync

        def half(descriptor: int, data: bytes) -> int:
            if self.calls + 1 == self.limit:
                write(descriptor, data[: len(data) // 2])
            self.call()
            return write(descriptor, data)

        def synced(descriptor: int) -> None:
            self.call()
            fsync(descriptor)

        os.write, os.fsync = half, synced
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _NAMES or (event == "open" and (arguments[2] or 0) & _WRITES):
            self.call()

    def call(self) -> None:
        self.calls += 1
        if self.calls == self.limit:
            os.kill(os.getpid(), signal.SIGKILL)


def killed_at(limit: int, act: Callable[[], object]) -> bool:
    """Run `act` in a child that is killed at its write call number `limit`; return whether it got that far."""
    child = os.fork()
    if child == 0:
        try:
            _Killing(limit).watch()
            act()
        except BaseException as error:  # noqa: BLE001 - a child must not go on as its parent
            sys.stderr.write(f"{error!r}\n")
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status):
        raise RuntimeError(f"failed before call {limit}")
    return os.WIFSIGNALED(status)
