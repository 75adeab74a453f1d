"""Guarded against heuristic: what the guard earned more, how sure that is, and what follows.

A guard is promoted only where the guarded policy earns something, and by more than the interval more than the heuristic
and more than a guard that closes as much at random; with no deeper drawdown, on scores out of sample. Where many guards
were tried, it has to be more than the luckiest of them (`evaluation.overfitting`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

import numpy as np

from grinder_resources.evaluation.overfitting import deflated_sharpe_ratio, sharpe_ratio
from grinder_resources.evaluation.promotion_gates import Gates
from grinder_resources.evaluation.scores import MIN_BLOCKS, SEED, Estimate, clears, estimate
from grinder_resources.evaluation.trials import Trials, floats
from grinder_resources.learning.metrics import Floats
from grinder_resources.usecases.score_guard.policies import HOUR_NS, Policy, earned
from grinder_resources.usecases.score_guard.scores import OUT_OF_SAMPLE

RESAMPLES = 2_000
MIN_DSR = Gates.min_dsr

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "NOT_OUT_OF_SAMPLE": "the scores are not out of sample",
        "NOT_JUDGED": f"fewer than {MIN_BLOCKS} hours, too little for an interval",
        "MAY_BE_NOTHING": "what the guard earns more may be 0",
        "AS_GOOD_AT_RANDOM": "closing as much at random may be as good",
        "NOTHING_EARNED": "after all costs it earns nothing, and not to trade costs nothing",
        "DEEPER_DRAWDOWN": "its drawdown is deeper",
        "LUCKIEST_TRY": f"may be the luckiest of the tries: deflated Sharpe ratio below {MIN_DSR:g}",
    }
)
"""What can speak against a promotion, in the order in which it is said."""


@dataclass(frozen=True)
class Openness:
    """How much of what the heuristic did the guard left: of how many `unit`, decisions or trades."""

    asked: int
    opened: int
    unit: str = "decisions"

    @property
    def share(self) -> Fraction:
        """Share that was left, at most 1; 0 of nothing."""
        return min(Fraction(1), Fraction(self.opened, self.asked)) if self.asked else Fraction(0)

    def __str__(self) -> str:
        return f"{self.opened:,} of {self.asked:,} {self.unit}"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two policies over the same time.

    sample
        'out of sample', 'in sample' or 'of unknown sample', as `Scores.sample` says.
    differences
        Hour since 1970 -> what the guard earned more in it, bps x 1000 of capital.
    difference, beyond_random
        Bps of capital: earned more than the heuristic; and more than a guard that leaves as much of it, at random.
    tries, dsr
        Distinct tries so far, this one included; and the probability that it is more than the luckiest of them, None
        where no hour differs.
    """

    heuristic: Policy
    guarded: Policy
    openness: Openness
    sample: str
    differences: Mapping[int, int]
    difference: Estimate
    beyond_random: Estimate
    tries: int
    dsr: float | None

    @property
    def codes(self) -> tuple[str, ...]:
        """What speaks against a promotion, in the order of REASONS."""
        judged = self.difference.low is not None
        found = {
            "NOT_OUT_OF_SAMPLE": self.sample != OUT_OF_SAMPLE,
            "NOT_JUDGED": not judged,
            "MAY_BE_NOTHING": judged and not clears(self.difference, 0.0),
            "AS_GOOD_AT_RANDOM": judged and not clears(self.beyond_random, 0.0),
            "NOTHING_EARNED": self.guarded.pnl_x1000 <= 0,
            "DEEPER_DRAWDOWN": self.guarded.max_drawdown_x1000 > self.heuristic.max_drawdown_x1000,
            "LUCKIEST_TRY": not (self.dsr is not None and self.dsr >= MIN_DSR),
        }
        return tuple(code for code in REASONS if found[code])

    @property
    def promoted(self) -> bool:
        """Whether nothing speaks against the guard."""
        return not self.codes

    @property
    def numbers(self) -> str:
        """What was found, in numbers."""
        falls = (policy.max_drawdown_x1000 / 1_000 for policy in (self.guarded, self.heuristic))
        dsr = "not defined" if self.dsr is None else f"{self.dsr:.2f}"
        return (
            f"the guard earns {_signed(self.difference)} bps of capital more over {len(self.differences)} hours, "
            f"{_signed(self.beyond_random)} more than at random, {self.sample}; "
            "drawdown {:.1f} instead of {:.1f} bps; ".format(*falls)
            + f"deflated Sharpe ratio {dsr} after {self.tries} {'try' if self.tries == 1 else 'tries'}"
        )

    @property
    def headline(self) -> str:
        """The verdict and what speaks against it."""
        against = "; ".join(REASONS[code] for code in self.codes)
        return f"No promotion: {against}" if against else "Promote: nothing speaks against the guard"

    @property
    def sentence(self) -> str:
        """The verdict with its numbers, on one line."""
        if self.promoted:
            return f"promote: {self.numbers}"
        return f"no promotion: {self.numbers}. Against it: {'; '.join(REASONS[code] for code in self.codes)}"


def differences_of(heuristic: Policy, guarded: Policy) -> dict[int, int]:
    """Return hour -> what the guarded policy earned more in it, bps x 1000; every hour that either has."""
    one, other = earned(heuristic.equity, HOUR_NS), earned(guarded.equity, HOUR_NS)
    return {hour: other.get(hour, 0) - one.get(hour, 0) for hour in sorted(one.keys() | other.keys())}


def compare(heuristic: Policy, guarded: Policy, openness: Openness, *, sample: str, tried: Trials) -> Comparison:
    """Return the comparison.

    tried
        Every distinct try so far, this one included.
    """
    differences = differences_of(heuristic, guarded)
    hourly = earned(heuristic.equity, HOUR_NS)
    more = floats(differences.values()) / 1_000
    # a guard that leaves as much at random keeps that share of what the heuristic earns; in whole numbers, or what is
    # exactly as good would be better by a rounding
    part, whole = (1 - openness.share).as_integer_ratio()
    beyond = (more_by * whole + part * hourly.get(hour, 0) for hour, more_by in differences.items())
    random = floats(beyond) / (1_000 * whole)
    ratio = sharpe_ratio(more)
    dsr = deflated_sharpe_ratio(ratio, tried.count, tried.sharpe_variance) if ratio else None
    return Comparison(
        heuristic, guarded, openness, sample, differences, _total(more), _total(random), max(1, tried.count), dsr
    )


def _total(hours: Floats) -> Estimate:
    """Return the sum over the hours with the interval of a bootstrap that draws whole hours."""
    count, total = len(hours), float(hours.sum())
    if count < MIN_BLOCKS:
        return Estimate(total)
    drawn = np.random.default_rng(SEED).multinomial(count, np.full(count, 1.0 / count), size=RESAMPLES)
    return estimate(total, drawn @ hours)


def _signed(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return f"{found.value:+.1f} [no interval]"
    return f"{found.value:+.1f} [{found.low:+.1f}, {found.high:+.1f}]"
