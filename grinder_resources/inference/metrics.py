"""What a trading process counts about its signals: plain integers in memory, nothing imported, a fraction of a us each.

The engine writes from one thread; `exposition` may read from another. Every number is read whole, and two numbers that
were read a moment apart may differ by what happened in between, as in any scrape.
"""

from bisect import bisect_left

from grinder_resources.inference.decision import Mode
from grinder_resources.inference.reasons import MlBlockReason, RefusalCode

BUCKETS_MS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 25, 50, 100, 250, 500)
"""Upper ends of the latency histogram, included: the bot's own from 1 ms on, and finer ones below."""

SHADOW, ACTIVE = "shadow", "active"
PATHS = (SHADOW, ACTIVE)
"""Whether a signal was scored to be looked at, or to be used."""

_BUCKETS_US = tuple(int(1_000 * bucket) for bucket in BUCKETS_MS)


class Latencies:
    """A histogram of microseconds; `counts` has one more bucket than BUCKETS_MS, for everything above."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_MS) + 1)
        self.sum_us = 0

    def add(self, latency_us: int) -> None:
        """Count one answer."""
        self.counts[bisect_left(_BUCKETS_US, latency_us)] += 1
        self.sum_us += latency_us


class MlMetrics:
    """Counters and gauges of one engine.

    inferences, errors
        Snapshots that got a signal of their own, and those that should have but did not, in shadow too.
    logged, log_lost
        Decisions that were written to the prediction log, and those that could not be.
    """

    def __init__(self) -> None:
        self.mode = Mode.OFF
        self.active_on = False
        self.canary_rolled_back = False
        self.inferences = 0
        self.errors = 0
        self.logged = 0
        self.log_lost = 0
        self.blocks = dict.fromkeys(MlBlockReason, 0)
        self.refusals = dict.fromkeys(RefusalCode, 0)
        self.latencies = {path: Latencies() for path in PATHS}

    def inferred(self, path: str, latency_us: int) -> None:
        """Count a signal."""
        self.inferences += 1
        self.latencies[path].add(latency_us)

    def failed(self, path: str, latency_us: int) -> None:
        """Count a snapshot that got no signal."""
        self.errors += 1
        self.latencies[path].add(latency_us)

    def refused(self, code: MlBlockReason | RefusalCode) -> None:
        """Count a reason why a signal was not used."""
        if isinstance(code, MlBlockReason):
            self.blocks[code] += 1
        else:
            self.refusals[code] += 1

    def defect(self) -> None:
        """Count a snapshot at which the runtime itself failed; how long that took is not known."""
        self.active_on = False
        self.errors += 1
        self.refusals[RefusalCode.DEFECT] += 1
