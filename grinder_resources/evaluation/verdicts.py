"""Verdicts: one sentence per head that a trader can act on, and that says "no edge" when there is none.

An edge here means that the probabilities of a head rank open rows (area under the ROC curve above 0.5) and know more
than the model's reference, what a trader sees without it (skill above 0), each by more than its 95 % interval. They
must clear the base rate of the training days as well, lest a reference that learned noise be an easy one to beat. It is
a statement about calibration, never about the direction of the price.

A head that ranks rows which look alike to the reference too well to be true has no edge but an alarm
(`evaluation.ranking`): somewhere it reads its own answer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from grinder_resources.contracts.reports import POOLED, verdicts_table
from grinder_resources.evaluation.ranking import alarmed, beyond_luck
from grinder_resources.evaluation.scores import MIN_BLOCKS, MIN_ROWS, Estimate, clears
from grinder_resources.learning.model_spec import Head, ModelSpec
from grinder_resources.learning.splits import Mode


@dataclass(frozen=True)
class Evidence:
    """What is known of one class of a head in one mode; all but `settled` is about open rows.

    `reference` is what is to be beaten, in words; `skill` over it, `skill_over_base` over the base rate, `auc` and
    `auc_beyond` are pooled, None if never scored; `alarm_auc` is the spec's.
    """

    rows: int
    settled: int
    positives: int
    folds: int
    folds_scored: int
    folds_above: int
    skill: Estimate | None
    skill_over_base: Estimate | None
    auc: Estimate | None
    auc_beyond: Estimate | None
    alarm_auc: float
    degradation: float | None
    regression: bool
    reference: str
    reason: str

    @property
    def edge(self) -> bool:
        """Whether every interval that must clear chance does, and none is too good to be true."""
        skilled = clears(self.skill, 0.0) and clears(self.skill_over_base, 0.0)
        return skilled and not self.leak_alarm and (self.regression or clears(self.auc, 0.5))

    @property
    def leak_alarm(self) -> bool:
        """Whether the head ranks beyond the reference too well to be believed."""
        return alarmed(self.auc_beyond, self.alarm_auc)

    @property
    def verdict(self) -> str:
        """The sentence a report prints."""
        if self.skill is None:
            return f"not judged: no fold could fit and score it ({self.reason or self._counts})"
        if self.skill.low is None or not (self.regression or (self.auc and self.auc.low is not None)):
            return f"not judged: {self._counts}; an interval needs {self._needed} in {MIN_BLOCKS} hours"
        better = f"better than {self.reference} alone: skill {_interval(self.skill)}{self._ranking}, {self._folds}"
        return self._suspicion or self._shortfall(self.skill) or better

    @property
    def _suspicion(self) -> str:
        if not self.auc_beyond or not self.leak_alarm:
            return ""
        beyond = f"AUC beyond {self.reference} {_interval(self.auc_beyond)}"
        if beyond_luck(self.auc_beyond, self.alarm_auc):
            return f"too good to be true: look for a leak; {beyond} lies above {self.alarm_auc}"
        return f"leak alarm: {beyond} is above {self.alarm_auc}, by luck or by a leak"

    def _shortfall(self, skill: Estimate) -> str:
        if self.auc and self.auc.low is not None and not clears(self.auc, 0.5):
            return f"no edge: lower bound of AUC {self.auc.low:.3f} <= 0.5"
        if not clears(skill, 0.0):
            return f"no edge: no better than {self.reference} alone, skill {_interval(skill)}"
        if not self.edge:
            return f"no edge: better than {self.reference} alone, but no better than {self._base}"
        return ""

    @property
    def _counts(self) -> str:
        of_class = "" if self.regression else f", {self.positives} of the class"
        return f"{self.rows} open test rows{of_class}, {self.settled} settled"

    @property
    def _needed(self) -> str:
        return f"{2 * MIN_ROWS} rows" if self.regression else f"{MIN_ROWS} of each class"

    @property
    def _base(self) -> str:
        return "the training mean" if self.regression else "the base rate"

    @property
    def _ranking(self) -> str:
        return f", AUC {_interval(self.auc)}" if self.auc else ""

    @property
    def _folds(self) -> str:
        return f"above it in {self.folds_above} of {self.folds_scored} scored folds"


def _interval(estimate: Estimate) -> str:
    bounds = f" ({estimate.low:.3f} to {estimate.high:.3f})" if estimate.low is not None else ""
    return f"{estimate.value:.3f}{bounds}"


def verdicts(
    spec: ModelSpec, folds: Mapping[Mode, int], reasons: Mapping[Mode, Mapping[str, str]], scores: pl.DataFrame
) -> pl.DataFrame:
    """Return rows of `reports/verdicts/<model>`: every output of every head in every mode, judged or not.

    folds
        Number of folds by mode.
    reasons
        Why a head could not be fitted in its last failing fold, by mode and head.
    scores
        Rows of `reports/walk_forward/<model>`.
    """
    table = verdicts_table(spec.name)
    records = [
        _record(mode, head, output, _evidence(spec, head, folds[mode], reasons[mode].get(head.name, ""), rows))
        for mode in folds
        for head in spec.heads
        for output, rows in _outputs(head, scores.filter(pl.col("mode") == mode))
    ]
    return table.conform(pl.DataFrame(records, schema=table.schema, orient="row"))


def _outputs(head: Head, scores: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    for output in head.outputs:
        yield output, scores.filter(pl.col("head") == head.name, pl.col("class") == output)


def _evidence(spec: ModelSpec, head: Head, folds: int, reason: str, scores: pl.DataFrame) -> Evidence:
    test, answered = (scores.filter(pl.col("part") == part) for part in ("test", "all"))
    pooled, single = test.filter(pl.col("fold") == POOLED), test.filter(pl.col("fold") != POOLED)
    skills = single.filter(pl.col("metric") == "skill")["value"]
    return Evidence(
        rows=_first(pooled, "rows"),
        settled=_first(answered, "rows") - _first(pooled, "rows"),
        positives=_first(pooled, "positives"),
        folds=folds,
        folds_scored=single["fold"].n_unique(),
        folds_above=int((skills > 0).sum()),
        skill=_estimate(pooled, "skill"),
        skill_over_base=_estimate(pooled, "skill_over_base"),
        auc=_estimate(pooled, "auc"),
        auc_beyond=_estimate(pooled, "auc_beyond"),
        alarm_auc=spec.alarm_auc,
        degradation=_degradation(scores, _estimate(pooled, "skill")),
        regression=head.kind == "regression",
        reference=spec.reference_name,
        reason=reason,
    )


def _first(scores: pl.DataFrame, count: str) -> int:
    return int(scores[count][0]) if scores.height else 0


def _estimate(scores: pl.DataFrame, metric: str) -> Estimate | None:
    rows = scores.filter(pl.col("metric") == metric).select("value", "low", "high").rows()
    return Estimate(*rows[0]) if rows else None


def _degradation(scores: pl.DataFrame, outside: Estimate | None) -> float | None:
    """Return 1 - pooled skill out of sample / mean skill in sample; None where the latter is not positive."""
    inside = scores.filter(pl.col("part") == "train", pl.col("metric") == "skill")["value"].mean()
    if outside is None or not isinstance(inside, float) or inside <= 0.0:
        return None
    return 1.0 - outside.value / inside


def _record(mode: Mode, head: Head, output: str, evidence: Evidence) -> tuple[object, ...]:
    skill, over_base = evidence.skill, evidence.skill_over_base
    auc, beyond = evidence.auc, evidence.auc_beyond
    return (
        mode,
        head.name,
        output,
        evidence.rows,
        evidence.settled,
        evidence.positives,
        evidence.folds,
        evidence.folds_scored,
        evidence.folds_above,
        evidence.reference,
        skill and skill.value,
        skill and skill.low,
        over_base and over_base.value,
        over_base and over_base.low,
        auc and auc.value,
        auc and auc.low,
        auc and auc.high,
        beyond and beyond.value,
        beyond and beyond.low,
        beyond and beyond.high,
        evidence.degradation,
        evidence.edge,
        evidence.leak_alarm,
        evidence.verdict,
    )
