"""Telemetry of calls: how long each took, and how many rows went through, as the metrics a trial reports."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np


@dataclass
class CallTelemetry:
    """Calls that were measured since the last reset."""

    _seconds: list[float] = field(default_factory=list)
    _rows: int = 0

    @contextmanager
    def call(self, rows: int) -> Iterator[None]:
        """Measure the block as one call about so many rows."""
        begun = time.perf_counter()
        yield
        self._seconds.append(time.perf_counter() - begun)
        self._rows += rows

    def reset(self) -> None:
        """Forget all calls."""
        self._seconds.clear()
        self._rows = 0

    def metrics(self) -> dict[str, float]:
        """Return rows_per_second, and the quantiles p50_us, p95_us and p99_us of a call; none without calls."""
        if not self._seconds:
            return {}
        quantiles = np.quantile(self._seconds, [0.5, 0.95, 0.99]) * 1e6
        names = ("p50_us", "p95_us", "p99_us")
        rate = self._rows / sum(self._seconds)
        return {"rows_per_second": rate, **dict(zip(names, quantiles.tolist(), strict=True))}
