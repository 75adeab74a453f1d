"""Where a process spends its time, by part of the project: a thread that looks at the main thread's stack.

Every few milliseconds the seconds of processor time that the process has used since the last look (all threads, so polars and XGBoost
count in full) go to one part. A stack is read from the inside out: the first frame that belongs to a part decides. So `lake.read` inside
a Silver asset is the lake's, the assets' own lines are the graph's, and what a library does is its caller's.

Unlike a tracing profiler this costs nothing per call, so it does not make libraries of many small Python functions look slow.
Processor time instead of wall time keeps a busy machine out of the shares; time spent waiting, for a disk say, is not seen.
"""

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

INTERVAL_S = 0.004
IMPORTS, COMPILER, DAGSTER, OTHER = "Imports", "Numba: compile, load", "Dagster", "Other"

_EVERYWHERE = (("<frozen importlib", IMPORTS), ("/numba/core/", COMPILER))
"""Parts that count wherever on the stack they are: whoever imports or compiles did not ask for it."""

_INNERMOST = (
    ("/grinder_resources/simulation/", "Demo market"),
    ("/grinder_resources/ingest/", "Bronze: parse, settle"),
    ("/grinder_resources/market/", "Silver: bars to events"),
    ("/grinder_resources/features/", "Silver: features"),
    ("/grinder_resources/learning/", "Models: datasets, fits"),
    ("/grinder_resources/export/", "Models: export, parity"),
    ("/grinder_resources/evaluation/", "Reports"),
    ("/grinder_resources/contracts/validation", "Checks of contracts"),
    ("/grinder_resources/contracts/", "Lake: conform"),
    ("/grinder_resources/hashing", "Lake: hashing"),
    ("/grinder_resources/lake", "Lake: read, commit"),
    ("/grinder_resources/warehouse", "Warehouse"),
    ("/grinder_assets/", "Asset bodies"),
    ("/grinder_resources/", OTHER),
    ("/dagster", DAGSTER),
)


@dataclass
class Shares:
    """Seconds of processor time by part, and seconds on the clock."""

    seconds: Counter[str] = field(default_factory=Counter)
    wall: float = 0.0

    @property
    def total(self) -> float:
        """Seconds of processor time of all parts."""
        return sum(self.seconds.values())


@contextmanager
def sampled() -> Iterator[Shares]:
    """Fill the yielded Shares while the block runs in this thread."""
    shares, stop = Shares(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(shares, stop, threading.get_ident()), daemon=True)
    started = time.perf_counter()
    watcher.start()
    try:
        yield shares
    finally:
        stop.set()
        watcher.join()
        shares.wall = time.perf_counter() - started


def _watch(shares: Shares, stop: threading.Event, thread: int) -> None:
    before = time.process_time()
    while not stop.wait(INTERVAL_S):
        # A long call into a library may hold the lock of the interpreter: the look comes late and carries all that time.
        part = part_of(list(_files(sys._current_frames()[thread])))  # noqa: SLF001 - the only door to another thread's stack
        now = time.process_time()
        shares.seconds[part] += now - before
        before = now


def _files(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        yield frame.f_code.co_filename
        frame = frame.f_back


def part_of(files: Sequence[str]) -> str:
    """Return the part of a stack, given its files from the inside out."""
    for mark, part in _EVERYWHERE:
        if any(mark in file for file in files):
            return part
    for file in files:
        for mark, part in _INNERMOST:
            if mark in file:
                return part
    return OTHER
