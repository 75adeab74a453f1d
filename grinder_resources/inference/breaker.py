"""A circuit breaker: what fails too often in a short time is left alone for a while, then tried once."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Breaker:
    """How much failing is too much.

    failures
        Failures that open the breaker, when no more than `window_s` lies between the first and the last of them.
    window_s
        Seconds; also how long an open breaker stays open before one trial.
    """

    failures: int = 3
    window_s: float = 60


class BreakerState:
    """What has failed so far, by a monotonic clock the caller reads, in seconds.

    After the open time the breaker is half-open: a failure opens it again at once, a success forgets all failures.
    """

    def __init__(self, breaker: Breaker) -> None:
        self._window_s = breaker.window_s
        self._failed: deque[float] = deque(maxlen=breaker.failures)
        self._opened: float | None = None

    def is_open(self, now: float) -> bool:
        """Return whether nothing should be tried at `now`."""
        return self._opened is not None and now - self._opened < self._window_s

    def failed(self, now: float) -> None:
        """Count a failure."""
        self._failed.append(now)
        many = len(self._failed) == self._failed.maxlen and now - self._failed[0] <= self._window_s
        if many or self._opened is not None:
            self._opened = now

    def succeeded(self) -> None:
        """Close a half-open breaker; a success between failures forgives none of them."""
        if self._opened is not None:
            self._opened = None
            self._failed.clear()
