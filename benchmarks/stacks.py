"""Where a process spends its time, by part of the project: a timer looks at the main thread's stack.

Every few milliseconds the seconds since the last look go to one part: those on the clock, and the processor time of all
threads, so that polars and XGBoost count in full. A stack is read from the inside out: the first frame that belongs to
a part decides. So `lake.read` inside a Silver asset is the lake's, an asset's own lines are the graph's, and what a
library does is its caller's. A long call into a library delays the look, which then carries all that time.

Unlike a tracing profiler this costs nothing per call, so libraries of many small Python functions do not look slow. A
busy machine disturbs the clock more than processor time; waiting, for a disk say, is seen on the clock alone.
"""

import signal
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

INTERVAL_S = 0.005
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
    ("/grinder_resources/evaluation/", "Reports, their fits"),
    ("/grinder_resources/contracts/validation", "Checks of contracts"),
    ("/grinder_resources/contracts/", "Lake: conform"),
    ("/grinder_resources/hashing", "Hashing"),
    ("/grinder_resources/lake", "Lake: read, commit"),
    ("/grinder_resources/warehouse", "Warehouse"),
    ("/grinder_assets/", "Asset bodies"),
    ("/grinder_resources/", OTHER),
    ("/dagster", DAGSTER),
)


@dataclass
class Shares:
    """Seconds of processor time and seconds on the clock, by part."""

    cpu: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    clock: dict[str, float] = field(default_factory=lambda: defaultdict(float))


@contextmanager
def sampled() -> Iterator[Shares]:
    """Fill the yielded Shares while the block runs; for the main thread only, on systems with SIGALRM."""
    shares = Shares()
    cpu, clock = time.process_time(), time.perf_counter()

    def look(_signal: int, frame: FrameType | None) -> None:
        nonlocal cpu, clock
        part = part_of(list(_files(frame)))
        before, cpu, clock = (cpu, clock), time.process_time(), time.perf_counter()
        shares.cpu[part] += cpu - before[0]
        shares.clock[part] += clock - before[1]

    previous = signal.signal(signal.SIGALRM, look)
    # System calls that the timer interrupts are started again by the kernel: no library has to expect it.
    signal.siginterrupt(signal.SIGALRM, False)
    signal.setitimer(signal.ITIMER_REAL, INTERVAL_S, INTERVAL_S)
    try:
        yield shares
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


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
