"""The canary: a stable share of symbols, and the rule that takes it back by itself.

A rollback is latched: what was rolled back stays so until the process starts again, for a canary that flaps between
two states teaches nothing. Rolling it back needs no outcome, no operator and no network.
"""

from collections import deque
from dataclasses import dataclass, fields

from grinder_resources.contracts.calibration import CERTAIN_BPS
from grinder_resources.contracts.signals import REGIMES
from grinder_resources.errors import ConfigRejected
from grinder_resources.hashing import sha256_bytes


@dataclass(frozen=True)
class CanaryRule:
    """When a canary is rolled back, judged over the last `window` signals of its symbols, or outcomes.

    min_rows
        Signals, or outcomes, before anything is judged.
    max_error_rate_bps
        Share of snapshots without a signal of their own; 500 = 5 %, the error budget of the bot.
    max_p99_latency_ms
        Largest 99 % quantile of the time an answer took: more than one in a hundred above it is too many.
    max_calibration_gap_bps
        Largest difference, over the regimes, between the mean probability and the share that came true.
    """

    window: int = 200
    min_rows: int = 50
    max_error_rate_bps: int = 500
    max_p99_latency_ms: int = 10
    max_calibration_gap_bps: int = 1_500

    def __post_init__(self) -> None:
        if any(type(getattr(self, one.name)) is not int for one in fields(self)):
            raise ConfigRejected("a canary's rule consists of whole numbers", got=str(self))
        positive = all(getattr(self, one.name) >= 0 for one in fields(self)) and self.min_rows >= 1
        if not positive or self.min_rows > self.window:
            raise ConfigRejected("a canary judges 1 <= min_rows <= window rows, by limits >= 0", got=str(self))


def in_canary(symbol: str, pct: int) -> bool:
    """Return whether a symbol belongs to the share: the same on every machine, and for every larger share too."""
    return int(sha256_bytes(symbol.encode())[:8], 16) % 100 < pct


class Canary:
    """What the signals of a canary's symbols were like lately, and whether it was rolled back.

    Memory is bounded by the rule's window.
    """

    def __init__(self, rule: CanaryRule) -> None:
        self._rule = rule
        self._answers: deque[tuple[int, int]] = deque()
        self._errors = self._slow = 0
        self._outcomes: deque[tuple[int, ...]] = deque()
        self._gaps = [0] * len(REGIMES)
        self.rolled_back = ""

    def record(self, *, failed: bool, latency_us: int) -> None:
        """Take note of one answer: whether it failed, and how long it took."""
        slow = latency_us > 1_000 * self._rule.max_p99_latency_ms
        self._answers.append((int(failed), int(slow)))
        self._errors += failed
        self._slow += slow
        if len(self._answers) > self._rule.window:
            old_failed, old_slow = self._answers.popleft()
            self._errors -= old_failed
            self._slow -= old_slow
        self._judge_answers()

    def observe(self, probs_bps: tuple[int, int, int], regime: int) -> None:
        """Take note of what came true: the regime's place in REGIMES, beside what was said of it."""
        gap = tuple(probs_bps[k] - CERTAIN_BPS * (k == regime) for k in range(len(REGIMES)))
        self._outcomes.append(gap)
        self._add(gap, 1)
        if len(self._outcomes) > self._rule.window:
            self._add(self._outcomes.popleft(), -1)
        rows, worst = len(self._outcomes), max(map(abs, self._gaps))
        if rows >= self._rule.min_rows and worst > self._rule.max_calibration_gap_bps * rows:
            self._roll_back(f"probabilities are off by {worst // rows} bps over {rows} outcomes")

    def _judge_answers(self) -> None:
        rows = len(self._answers)
        if rows < self._rule.min_rows:
            return
        if CERTAIN_BPS * self._errors > self._rule.max_error_rate_bps * rows:
            self._roll_back(f"{self._errors} of {rows} snapshots got no signal")
        elif 100 * self._slow > rows:
            self._roll_back(f"{self._slow} of {rows} answers took more than {self._rule.max_p99_latency_ms} ms")

    def _add(self, gap: tuple[int, ...], sign: int) -> None:
        for k, value in enumerate(gap):
            self._gaps[k] += sign * value

    def _roll_back(self, why: str) -> None:
        self.rolled_back = self.rolled_back or why
