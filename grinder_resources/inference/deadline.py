"""A model that answers in time or not at all: its session lives in another process, which is killed when it is late."""

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from grinder_resources.errors import NoAnswer
from grinder_resources.inference.breaker import Breaker, BreakerState
from grinder_resources.inference.child import Child, sealed
from grinder_resources.inference.reasons import Refusal, RefusalCode

THREE_A_MINUTE = Breaker(failures=3, window_s=60)

START_S = 30.0
"""A process whose session is not open after so many seconds is as good as dead."""


class DeadlineWorker:
    """Ask a model in a process of its own. The first one is started here, and not waited for.

    Several threads may share a worker; their calls queue. A forked process starts a child of its own; one that was
    forked while another thread was asking is refused, each time after the deadline.

    model
        Verified bytes of a graph.
    deadline_ms
        Longest time from a call to its answer. A late process is killed, and another one started.
    memory_mib
        Address space of the process; some 200 are needed before the first row.
    breaker
        How many late or dead processes are too many. While it is open none is started.
    clock
        Seconds that never go back, for the breaker and for processes that never become ready.
    """

    def __init__(
        self,
        model: bytes,
        input_name: str,
        output_names: Sequence[str],
        *,
        deadline_ms: int,
        memory_mib: int = 1024,
        breaker: Breaker = THREE_A_MINUTE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._deadline_s = deadline_ms / 1000
        descriptor = sealed(model)
        self._new_child = partial(Child, descriptor, memory_mib, input_name, tuple(output_names))
        self._forget_model = weakref.finalize(self, os.close, descriptor)
        self._breaker = BreakerState(breaker)
        self._clock = clock
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._closed = False
        self._start()

    @property
    def pid(self) -> int:
        """Id of the model's process; 0 where there is none at the moment."""
        return self._child.pid if self._child else 0

    def run(self, row: NDArray[np.float32]) -> list[NDArray[Any]] | Refusal:
        """Return the outputs for a row [1, features], read-only, in the order of `output_names`; or why there are none.

        Never raises, and returns within the deadline and a few ms: WORKER_STARTING and BREAKER_OPEN at once; DEADLINE
        after killing the process; INFERENCE_FAILED where the model raised, which its process survives, or that died.
        """
        until = time.monotonic() + self._deadline_s
        if not self._lock.acquire(timeout=self._deadline_s):
            return Refusal(RefusalCode.DEADLINE, "another call holds the model's process")
        try:
            return self._unready(0) or self._ask(row, until)
        finally:
            self._lock.release()

    def wait_ready(self, timeout_s: float) -> bool:
        """Return whether a process is ready to be asked, after waiting for that at most `timeout_s`."""
        until = time.monotonic() + timeout_s
        if not self._lock.acquire(timeout=timeout_s):
            return False
        try:
            return self._unready(until - time.monotonic()) is None
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the process; every later call is refused with INFERENCE_FAILED.

        A call that holds the lock is given its deadline; in a forked process nobody may be left to release it. Then the
        model's descriptor stays until the worker is dropped: that call may be about to start a process with it.
        """
        self._closed = True
        held = self._lock.acquire(timeout=self._deadline_s)
        try:
            self._keep(self._child)
            if held:
                self._forget_model()
        finally:
            if held:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _unready(self, timeout_s: float) -> Refusal | None:
        """Return why no process can be asked, after waiting at most `timeout_s` for one that starts."""
        child = self._current()
        if isinstance(child, Refusal):
            return child
        try:
            if child.ready(timeout_s):
                return None
        except NoAnswer as error:
            return self._failed(child, RefusalCode.INFERENCE_FAILED, error.line())
        if self._clock() - self._started > START_S:
            return self._failed(child, RefusalCode.DEADLINE, f"no session after {START_S:g} s")
        return Refusal(RefusalCode.WORKER_STARTING)

    def _current(self) -> Child | Refusal:
        """Return this process's own child, started if there is none and the breaker allows it."""
        if self._closed:
            return Refusal(RefusalCode.INFERENCE_FAILED, "the worker is closed")
        if self._child is None or self._child.owner != os.getpid():
            if self._breaker.is_open(self._clock()):
                return Refusal(RefusalCode.BREAKER_OPEN)
            self._start()
        return self._child or Refusal(RefusalCode.INFERENCE_FAILED, "no process can be started")

    def _ask(self, row: NDArray[np.float32], until: float) -> list[NDArray[Any]] | Refusal:
        # taken out while it owes an answer: should this call be interrupted, the next one must not be given that answer
        child, self._child = self._child, None
        assert child is not None
        try:
            answer = child.ask(row, until)
        except TimeoutError:
            return self._failed(child, RefusalCode.DEADLINE, f"no answer in {self._deadline_s * 1000:g} ms")
        except NoAnswer as error:
            return self._failed(child, RefusalCode.INFERENCE_FAILED, error.line())
        self._keep(child)
        if isinstance(answer, str):
            return Refusal(RefusalCode.INFERENCE_FAILED, answer)
        self._breaker.succeeded()
        return answer

    def _failed(self, child: Child, code: RefusalCode, detail: str) -> Refusal:
        child.kill()
        self._child = None
        self._breaker.failed(self._clock())
        if not self._breaker.is_open(self._clock()):
            self._start()
        return Refusal(code, detail)

    def _start(self) -> None:
        try:
            self._keep(None if self._closed else self._new_child())
        except OSError:
            self._child = None
            self._breaker.failed(self._clock())
        self._started = self._clock()

    def _keep(self, child: Child | None) -> None:
        self._child = child
        if self._closed and child is not None:  # closed by a thread that did not wait for the lock
            child.kill()
            self._child = None
