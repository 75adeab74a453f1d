"""What a promotion asks for: thresholds, and codes of what can be missing. Facts only, so that a parser is quick."""

from dataclasses import dataclass
from types import MappingProxyType

CODES = MappingProxyType(
    {
        "LEDGER_BROKEN": "the ledger is broken, or does not hold the trial of this spec behind the answers",
        "LEAK_BEYOND_LUCK": "ranks beyond the reference too well for luck: look for a leak",
        "LEAK_ALARM": "ranks beyond the reference better than can be believed",
        "NOT_JUDGED": "too few open rows or hours for an interval",
        "AUC_LOWER_BOUND": "the lower bound of its AUC is not above 0.5",
        "NO_EDGE": "its skill over the reference, or over the base rate, may be 0",
        "CALIBRATION_ABOVE_GATE": "its calibration error may be above the gate",
        "DSR_BELOW_GATE": "may be the luckiest of the trials: its deflated Sharpe ratio is below the gate",
        "PBO_ABOVE_GATE": "the best of the trials rarely stays the best",
    }
)
"""What can speak against an answer, in the order in which it is said."""

BLOCKING = frozenset({"LEDGER_BROKEN", "LEAK_BEYOND_LUCK"})
"""Codes on any answer that stop the whole model."""


@dataclass(frozen=True)
class Gates:
    """Thresholds of a promotion.

    min_dsr
        Least deflated Sharpe ratio, a probability.
    max_pbo
        Largest probability of backtest overfitting; not asked where it is not defined.
    max_ece_upper
        Largest upper bound of the expected calibration error of a probability.
    """

    min_dsr: float = 0.95
    max_pbo: float = 0.5
    max_ece_upper: float = 0.03
