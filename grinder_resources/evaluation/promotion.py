"""Promotion: whether the evidence carries a model to the bot, and if not, exactly what is missing.

An answer carries if it ranks and knows more than the reference by more than its intervals, is calibrated, was not the
luckiest of many trials, and stands in an unbroken ledger. What is not known does not pass. A head is used only if all
its answers carry; a model is promoted with the heads that carry, and the others are named as not to be used. Two
findings stop the whole model, for they put every answer in doubt: a broken ledger, and on any head a leak alarm that
luck cannot explain.

"No promotion" is a result like any other, and on most days of most markets the right one.
"""

from dataclasses import dataclass

from grinder_resources.evaluation.overfitting import Overfitting
from grinder_resources.evaluation.promotion_gates import BLOCKING, CODES, Gates
from grinder_resources.evaluation.ranking import alarmed, beyond_luck
from grinder_resources.evaluation.scores import Estimate, clears, stays_within
from grinder_resources.evaluation.summary import target_label
from grinder_resources.learning.splits import Mode


@dataclass(frozen=True)
class Answer:
    """Evidence of one class of a head: pooled, out of fold, of open rows and calibrated answers. None = not known.

    blocks
        Hours with open rows.
    skill, skill_over_base
        Over the reference and over the base rate, before calibration as these are: being calibrated is asked for apart.
    recorded
        Whether an unbroken ledger holds the trial that gave these answers.
    sharpe, dsr
        Of what the answers saved hour by hour, and the probability that it is more than the luck of so many trials.
    ceiling
        The spec's `alarm_auc`.
    """

    head: str
    output: str
    rows: int
    blocks: int
    recorded: bool
    auc: Estimate | None
    auc_beyond: Estimate | None
    skill: Estimate | None
    skill_over_base: Estimate | None
    ece: Estimate | None
    sharpe: float | None
    dsr: float | None
    ceiling: float

    @property
    def label(self) -> str:
        """The name people see."""
        return target_label(self.head, self.output)

    def codes(self, gates: Gates, pbo: float | None) -> tuple[str, ...]:
        """Return what speaks against the answer, in the order of CODES."""
        a_class = self.output != ""
        found = {
            "LEDGER_BROKEN": not self.recorded,
            "LEAK_BEYOND_LUCK": beyond_luck(self.auc_beyond, self.ceiling),
            "LEAK_ALARM": alarmed(self.auc_beyond, self.ceiling),
            "NOT_JUDGED": self.skill is None or self.skill.low is None,
            "AUC_LOWER_BOUND": a_class and not clears(self.auc, 0.5),
            "NO_EDGE": not (clears(self.skill, 0.0) and clears(self.skill_over_base, 0.0)),
            "CALIBRATION_ABOVE_GATE": a_class and not stays_within(self.ece, gates.max_ece_upper),
            "DSR_BELOW_GATE": not (self.dsr is not None and self.dsr >= gates.min_dsr),
            "PBO_ABOVE_GATE": pbo is not None and pbo > gates.max_pbo,
        }
        return tuple(code for code in CODES if found[code])


@dataclass(frozen=True)
class Promotion:
    """What a check found.

    trials, effective
        Distinct trials on the dataset, and how many independent ones they amount to.
    sharpe_by_luck
        Sharpe ratio that the best of so many worthless trials would show; None where the ledger is broken.
    overfitting
        CSCV of the trials over the same rows; None where it is not defined.
    ledger_fault
        What is wrong with the ledger, in one line; '' if nothing.
    """

    model: str
    mode: Mode
    gates: Gates
    answers: tuple[Answer, ...]
    trials: int
    effective: float
    sharpe_by_luck: float | None
    overfitting: Overfitting | None
    ledger_fault: str = ""

    @property
    def pbo(self) -> float | None:
        """Probability of backtest overfitting; None where it is not defined."""
        return self.overfitting.probability if self.overfitting else None

    def codes_of(self, answer: Answer) -> tuple[str, ...]:
        """Return what speaks against one answer, in the order of CODES."""
        return answer.codes(self.gates, self.pbo)

    @property
    def codes(self) -> tuple[str, ...]:
        """What speaks against any answer, in the order of CODES."""
        return tuple(self.counts)

    @property
    def heads(self) -> dict[str, bool]:
        """Every head, and whether all its answers carry."""
        carries = dict.fromkeys((answer.head for answer in self.answers), True)
        for answer in self.answers:
            carries[answer.head] &= not self.codes_of(answer)
        return carries

    @property
    def promoted(self) -> bool:
        """Whether at least one head carries and nothing puts all of them in doubt."""
        return any(self.heads.values()) and not BLOCKING & set(self.codes)

    @property
    def sentence(self) -> str:
        """What follows, in plain words."""
        heads = self.heads
        carried, others = ([head for head, carries in heads.items() if carries is kind] for kind in (True, False))
        if self.promoted:
            heads_said = f" with {', '.join(carried)}; not to be used: {', '.join(others)}" if others else ""
            return f"Promote {self.model}{heads_said}."
        blocking = [CODES[code] for code in self.codes if code in BLOCKING]
        if blocking:
            return f"No promotion of {self.model}: {'; '.join(blocking)}."
        unproven = f"carries none of its {len(heads)} heads" if len(heads) > 1 else "does not carry its only head"
        return f"No promotion of {self.model}: the evidence {unproven} yet."

    @property
    def counts(self) -> dict[str, int]:
        """Answers that each code speaks against, in the order of CODES; codes without any are left out."""
        found = [code for answer in self.answers for code in self.codes_of(answer)]
        return {code: found.count(code) for code in CODES if code in found}
