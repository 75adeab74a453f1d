"""What a report page is made of: the report tables, the folds, and the few sentences that are drawn from them.

Plain facts in, plain sentences out; how they look is `evaluation.html`'s business, what they are worth was decided in
`evaluation.verdicts`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import polars as pl

from grinder_resources.contracts.reports import POOLED
from grinder_resources.learning.splits import MODES, Mode, Split

Standing = Literal["edge", "no edge", "not judged", "leak alarm"]

RAW, CALIBRATED = "test", "calibrated"
"""Parts of the scores: of answers before calibration, and after it."""

NO_INTERVAL = "no interval"
"""What stands for bounds where there is too little data."""

NO_DIRECTION = "An edge is calibration skill: it says nothing about where the price goes."


@dataclass(frozen=True)
class Fold:
    """One fold: what was fitted on, what stopped the fit, and what was asked. `number` counts from 1 within a mode."""

    mode: str
    number: int
    train: tuple[date, ...]
    val: tuple[date, ...]
    test: tuple[date, ...]


@dataclass(frozen=True)
class Report:
    """Everything a page shows of one model.

    model, doc
        Name of the spec and its one-line description.
    scores, verdicts, calibration, reliability
        Rows of `reports/walk_forward/<model>`, `reports/verdicts/<model>`, `reports/calibration/<model>` and
        `reports/reliability/<model>`, or none.
    folds
        Every fold of every mode.
    facts
        Provenance as label and text, shown in the given order: data hash, model hash, code version, days, ...
    limits
        What could not be done, one sentence each.
    caveat
        What a reader has to know before believing the scores; shown beside the verdict.
    """

    model: str
    doc: str
    scores: pl.DataFrame
    verdicts: pl.DataFrame
    calibration: pl.DataFrame
    reliability: pl.DataFrame
    folds: tuple[Fold, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    caveat: str = ""


def folds_of(splits: Mapping[Mode, Sequence[Split]]) -> tuple[Fold, ...]:
    """Return the folds of `WalkForwardResult.splits`, mode by mode, in time order."""
    return tuple(
        Fold(mode, number, split.train, split.val, split.test)
        for mode, of_mode in splits.items()
        for number, split in enumerate(of_mode, start=1)
    )


def modes_of(frame: pl.DataFrame) -> tuple[str, ...]:
    """Return the walk-forward modes a report table holds, the one that pages lead with first."""
    held = set(frame["mode"])
    return tuple(mode for mode in MODES if mode in held)


def target_label(head: str, output: str) -> str:
    """Return the name people see: the head alone where its class is plain from it, else `head: class`."""
    return head if output in ("", "yes") else f"{head}: {output}"


def standing(verdict: Mapping[str, object]) -> Standing:
    """Return where one row of a verdicts table stands, from its numbers."""
    if verdict["leak_alarm"]:
        return "leak alarm"
    if verdict["edge"]:
        return "edge"
    unknown = verdict["skill_low"] is None or (verdict["class"] != "" and verdict["auc_low"] is None)
    return "not judged" if unknown else "no edge"


def reference_of(verdicts: pl.DataFrame) -> str:
    """Return what the answers of a verdicts table have to beat, in words; empty without rows."""
    return str(verdicts["reference"][0]) if verdicts.height else ""


def headline(verdicts: pl.DataFrame) -> str:
    """Return the verdict over all heads of the leading mode in one sentence."""
    modes = modes_of(verdicts)
    if not modes:
        return "Not judged: there is no out-of-fold answer to judge."
    standings = [standing(row) for row in verdicts.filter(pl.col("mode") == modes[0]).iter_rows(named=True)]
    edges, none, unknown, alarms = (standings.count(name) for name in ("edge", "no edge", "not judged", "leak alarm"))
    reference = reference_of(verdicts)
    judged = f"{edges} of {len(standings)} answers beat{'s' * (edges == 1)} {reference} out of sample"
    rest = [
        f"{alarms} {'is' if alarms == 1 else 'are'} too good to be true: look for a leak" if alarms else "",
        f"{none} show{'s' * (none == 1)} no edge" if none else "",
        f"{unknown} could not be judged" if unknown else "",
    ]
    if edges:
        return f"{'; '.join([judged, *filter(None, rest)])}."
    return f"No promotion: {'; '.join([f'no answer beats {reference} out of sample', *filter(None, rest)])}."


def pooled(scores: pl.DataFrame, mode: str, part: str = "test") -> pl.DataFrame:
    """Return the scores of the open out-of-fold rows of all folds of a mode together."""
    return scores.filter(pl.col("mode") == mode, pl.col("part") == part, pl.col("fold") == POOLED)


def by_fold(scores: pl.DataFrame, mode: str) -> pl.DataFrame:
    """Return the scores of the open out-of-fold rows of each fold of a mode, answer by answer in time order."""
    single = scores.filter(pl.col("mode") == mode, pl.col("part") == "test", pl.col("fold") != POOLED)
    return single.sort("head", "class", "fold")


def equal_mass_bins(calibration: pl.DataFrame, mode: str) -> pl.DataFrame:
    """Return the bins of equal counts of a mode, answer by answer in order of probability."""
    bins = calibration.filter(pl.col("mode") == mode, pl.col("binning") == "equal_mass")
    return bins.sort("head", "class", "answer", "bin")


def by_group(reliability: pl.DataFrame, mode: str, by: str) -> pl.DataFrame:
    """Return the rows of each day, or of each symbol, of a mode, answer by answer in order of the group."""
    return reliability.filter(pl.col("mode") == mode, pl.col("by") == by).sort("head", "class", "group", "answer")


def unjudged(verdicts: pl.DataFrame) -> tuple[str, ...]:
    """Return one sentence for every answer that could not be judged in the leading mode."""
    modes = modes_of(verdicts)
    rows = verdicts.filter(pl.col("mode") == modes[0]).iter_rows(named=True) if modes else ()
    return tuple(
        f"{target_label(row['head'], row['class'])}: {row['verdict']}" for row in rows if standing(row) == "not judged"
    )
