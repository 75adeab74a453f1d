"""From probabilities to a transition: the regime that is in force, the one most likely to follow, and how sure that is.

A regime is a tercile of volatility. Which volatility begins which tercile is decided on the model's training days and
stands in its artifact: `cuts` of `config.json`, under the name of the head.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grinder_resources.contracts.calibration import CERTAIN_BPS
from grinder_resources.contracts.signals import REGIMES
from grinder_resources.errors import OutOfRange, UnknownName


@dataclass(frozen=True)
class Transition:
    """What is most likely to follow, and its probability, 10000 = certain."""

    current_regime: str
    next_regime: str
    confidence_bps: int

    @property
    def is_change(self) -> bool:
        """Whether another regime than the current one is the most likely."""
        return self.next_regime != self.current_regime


def regime_of(volatility_x1000: int, cuts: Sequence[float]) -> str:
    """Return the regime of a volatility: one equal to a cut belongs below it, as in training.

    cuts
        Upper ends of LOW and MID, ascending.
    """
    return REGIMES[sum(volatility_x1000 > cut for cut in cuts)]


def predict_transition(current_regime: str, probs_bps: Mapping[str, int]) -> Transition:
    """Return the most likely next regime with its probability; of equals the lowest.

    probs_bps
        Probability of each regime of the next minute, bps. Raises UnknownName for another regime, OutOfRange unless
        they are 0 or more and sum to 10000.
    """
    for name in (current_regime, *probs_bps):
        if name not in REGIMES:
            raise UnknownName("no such regime", where="predict_transition", got=name, expected=", ".join(REGIMES))
    probs = [probs_bps.get(name, 0) for name in REGIMES]
    if min(probs) < 0 or sum(probs) != CERTAIN_BPS:
        got = ", ".join(map(str, probs))
        raise OutOfRange("probabilities of regimes", where="predict_transition", got=got, expected="they sum to 10000")
    most = max(probs)
    return Transition(current_regime, REGIMES[probs.index(most)], most)
