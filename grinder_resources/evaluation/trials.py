"""Trials of a dataset as the ledger holds them: how many were tried, how much they differ, and what each earned.

Counted are distinct tries at answering something from a dataset: other features, settings, code, mode or threshold make
another try. The same try over more days is not another one but has more evidence, so of those the newest speaks. Fits
are not tries by themselves; what they answered is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from grinder_resources.evaluation.overfitting import sharpe_ratio
from grinder_resources.learning.ledger import Record, Trial
from grinder_resources.learning.metrics import Floats

TRIED = ("walk_forward", "tuning", "backtest", "threshold")
"""Kinds of record that are tries."""

EVIDENCE = frozenset({"data", "folds", "outcome", "passed", "refused"})
"""Facts that say what a try was judged on and how it went, not what was tried."""


@dataclass(frozen=True)
class Trials:
    """Distinct trials on one dataset, in the order of their last records."""

    distinct: tuple[Trial, ...]

    @property
    def count(self) -> int:
        """N: how many were tried, whatever came of them."""
        return len(self.distinct)

    @cached_property
    def sharpe_variance(self) -> float:
        """Sample variance of the trials' Sharpe ratios, and no less than that of worthless ones; 0 if none has a ratio.

        Trials of every question count, so that a dataset with one easy question raises the bar for the others: a head
        that clears it is better than luck by any reading. A worthless trial over T blocks has a ratio of variance
        1 / (T - 1): with one ratio, or many of near copies, that is the least luck to reckon with.
        """
        ratios = [ratio for trial in self.distinct if (ratio := sharpe_ratio(floats(trial.returns)))]
        if not ratios:
            return 0.0
        worthless = 1.0 / (max(ratio.blocks for ratio in ratios) - 1)
        seen = float(np.var([ratio.value for ratio in ratios], ddof=1)) if len(ratios) > 1 else 0.0
        return max(seen, worthless)

    def behind(self, subject: str, question: str, mode: str, returns: Mapping[int, int]) -> Trial | None:
        """Return the newest walk-forward of that question and mode that earned exactly `returns`, by block."""
        for trial in reversed(self.distinct):
            asked = (trial.kind, trial.subject, trial.question, trial.facts.get("mode"))
            earned = dict(zip(trial.blocks, trial.returns, strict=True))
            if asked == ("walk_forward", subject, question, mode) and earned == returns:
                return trial
        return None

    def matrix(self, data: str) -> Floats:
        """Return float64 [blocks, trials] of the trials over the same rows, those whose fact `data` equals `data`.

        Blocks are all in which one of them was asked anything, in time order; a trial that had nothing open in a block
        earned 0 there, as a strategy does that does not trade. Trials without returns are left out.
        """
        earning = [trial for trial in self.distinct if trial.returns and trial.facts.get("data") == data]
        blocks = sorted({block for trial in earning for block in trial.blocks})
        place = {block: row for row, block in enumerate(blocks)}
        returns = np.zeros((len(blocks), len(earning)))
        for column, trial in enumerate(earning):
            returns[[place[block] for block in trial.blocks], column] = trial.returns
        return returns


def trials_on(records: Iterable[Record], dataset: str) -> Trials:
    """Return the distinct trials whose fact `dataset` is that table, of equal ones the newest."""
    newest: dict[str, Trial] = {}
    for record in records:
        trial = record.trial
        if trial.kind in TRIED and trial.facts.get("dataset") == dataset:
            tried = {name: value for name, value in trial.facts.items() if name not in EVIDENCE}
            key = replace(trial, facts=tried).key
            newest.pop(key, None)
            newest[key] = trial
    return Trials(tuple(newest.values()))


def floats(returns: Iterable[int]) -> Floats:
    """Return whole returns as float64, in the order given."""
    return np.array(list(returns), dtype=np.float64)
