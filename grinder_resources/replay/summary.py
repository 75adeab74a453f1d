"""A replay in a few numbers and one sentence: bps a decision, with an interval, and what a constant would have done."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import numpy as np
import polars as pl

from grinder_resources.contracts.calibration import NEUTRAL_X1000, SPACING_LIMITS_X1000
from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.gold import REGIME_LABEL
from grinder_resources.evaluation.cells import number
from grinder_resources.evaluation.scores import Estimate, estimate, resampling, time_blocks
from grinder_resources.policy.grid import MIN_STEP_BPS
from grinder_resources.replay.decisions import NS_PER_MS, digest
from grinder_resources.replay.report import ShadowReplay


@dataclass(frozen=True)
class Constant:
    """One multiplier for every decision of the day, and the sum of the misses with it, bps x 1000."""

    multiplier_x1000: int
    miss_x1000: int


@dataclass(frozen=True)
class Summary:
    """What a replay comes to."""

    replay: ShadowReplay

    @property
    def decisions(self) -> int:
        """Decisions of the day."""
        return self.replay.decisions.height

    @property
    def signals(self) -> int:
        """Decisions with a signal."""
        return self.total("signals")

    def total(self, column: str) -> int:
        """Return one number of the row `all` of the totals."""
        return int(self.replay.totals.filter(pl.col("by") == "all")[column].item())

    def a_decision(self, total_x1000: int) -> float:
        """Return a sum of bps x 1000 as bps a decision."""
        return total_x1000 / 1_000 / self.decisions

    @cached_property
    def closer(self) -> Estimate:
        """How much closer the signal's steps would have been, bps a decision."""
        return mean_difference(self.replay.decisions)

    @cached_property
    def constant(self) -> Constant:
        """The best single multiplier, known only in hindsight."""
        return best_constant(self.replay.decisions)

    @property
    def at_floor(self) -> int:
        """Decisions whose rules ask for the smallest step there is: a signal can only widen those."""
        return int((self.replay.decisions["step_rules_bps"] == MIN_STEP_BPS).sum())

    @property
    def sentence(self) -> str:
        """The replay in one sentence."""
        day = self.replay.day
        if not self.signals:
            codes = ", ".join(self.replay.decisions["refusal"].unique().sort())
            return f"No decision of {day} has a signal: {codes}."
        value, low, high = self.closer.value, self.closer.low, self.closer.high
        bounds = "no interval" if low is None or high is None else f"[{number(low, 2)}, {number(high, 2)}]"
        if low is None or high is None or low <= 0.0 <= high:
            difference = f"{number(value, 2)} {bounds} bps a decision"
            return f"No difference shown on {day}: {difference}, where more is closer to the next minute's range."
        how, size = ("closer to", value) if value > 0 else ("farther from", -value)
        limits = f"[{number(min(abs(low), abs(high)), 2)}, {number(max(abs(low), abs(high)), 2)}]"
        return (
            f"Used on {day}, the signal would have set the grid's step {number(size, 2)} {limits} bps a decision {how} "
            "the next minute's range than the rules did."
        )


def log_line(decisions: pl.DataFrame) -> str:
    """Return a replay in one short line, from rows of `reports/shadow_replay/decisions`, at least one."""
    day = datetime.fromtimestamp(decisions["ts_ms"][0] / 1_000, UTC).date()
    would, done = (decisions[name].sum() / 1_000 / decisions.height for name in ("difference_x1000", "done_x1000"))
    return (
        f"{day}, {decisions.height:,} decisions, {would:+.2f} bps a decision closer had the signal been used, "
        f"{done:+.2f} as done, digest {digest(decisions)[:16]}"
    )


def mean_difference(decisions: pl.DataFrame) -> Estimate:
    """Return the mean difference in bps with a 95 % interval of a bootstrap over hours, all instruments together.

    decisions
        Rows of `reports/shadow_replay/decisions`, at least one.
    """
    difference = decisions["difference_x1000"].to_numpy() / 1_000.0
    blocks = time_blocks(decisions["ts_ms"].to_numpy() * NS_PER_MS)
    weights = resampling(difference, blocks, regression=True)
    drawn = None
    if weights is not None:
        drawn = (weights @ np.bincount(blocks, difference)) / (weights @ np.bincount(blocks))
    return estimate(float(difference.mean()), drawn)


def best_constant(decisions: pl.DataFrame) -> Constant:
    """Return the single multiplier that misses least on the day, the one nearest to 1000 on ties.

    It is picked in hindsight, so no rule could have been that good; a signal that is better knows when, not just how
    much.
    """
    rules = decisions["step_rules_bps"].to_numpy()
    label = decisions[REGIME_LABEL].to_numpy()
    low, high = SPACING_LIMITS_X1000
    multipliers = sorted(range(low, high + 1), key=lambda multiplier: (abs(multiplier - NEUTRAL_X1000), multiplier))
    steps, rows = np.unique(rules, return_inverse=True)
    misses = {}
    for multiplier in multipliers:
        moved = np.maximum(MIN_STEP_BPS, half_even(steps * multiplier, NEUTRAL_X1000))[rows]
        misses[multiplier] = int(np.abs(1_000 * moved - label).sum())
    best = min(multipliers, key=misses.__getitem__)
    return Constant(best, misses[best])
