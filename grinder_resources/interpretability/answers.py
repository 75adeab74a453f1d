"""What every head said of one row, and why: contributions, the ways through its trees, the calibration step."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from grinder_resources.contracts.artifacts import LEAF_GRID_BITS, ExportableHead
from grinder_resources.export.answers import expected_answers
from grinder_resources.export.boosters import read_heads
from grinder_resources.export.trees import read_ensemble
from grinder_resources.interpretability.contributions import contributions
from grinder_resources.interpretability.event import Event
from grinder_resources.interpretability.out_of_fold import Evidence, evidence_of, out_of_fold
from grinder_resources.interpretability.paths import LeafPath, leaf_paths, strongest
from grinder_resources.interpretability.steps import CalibrationStep, step_of
from grinder_resources.lake import Lake
from grinder_resources.learning.boosters import Floats, Values, margins
from grinder_resources.learning.calibration import class_gaps_q16, margins_q16
from grinder_resources.learning.model_spec import Head
from grinder_resources.learning.targets import coded_target

SHOWN_PATHS = 3


@dataclass(frozen=True)
class Input:
    """One input of the row.

    value
        As the model reads it; None = missing.
    quantile
        Share of the training rows with a value that lie at or below it; None where it is missing or they all are.
    contribution
        How far it moved the margin.
    """

    name: str
    value: float | None
    quantile: float | None
    contribution: float


@dataclass(frozen=True)
class Answer:
    """One class of a head, or a regression.

    output
        The class whose probability it is; '' for a regression.
    margin
        The exact sum of the leaves.
    expected
        The margin before any input is known.
    inputs
        By the size of their contribution, largest first; with `expected` they sum to the margin, up to float32.
    paths, trees
        The ways through the trees that add or take away most, and how many trees there are.
    scale
        What the step is looked up at: the margin, or the lead over the best other class of a multiclass head.
    step
        None for a regression, which has no calibration.
    said
        The answer: bps of the probability, or the regression in units of its label.
    evidence
        What the walk-forward says, with models that had not seen the day.
    """

    output: str
    margin: float
    expected: float
    inputs: tuple[Input, ...]
    paths: tuple[LeafPath, ...]
    trees: int
    scale: float
    step: CalibrationStep | None
    said: int
    evidence: Evidence

    @property
    def movers(self) -> tuple[Input, ...]:
        """The inputs that moved the margin at all."""
        return tuple(one for one in self.inputs if one.contribution)


@dataclass(frozen=True)
class HeadAnswer:
    """A head's answers, and what happened.

    settled
        Whether the answer was known at decision time already: then nobody needs a model for it.
    happened
        The class that came true, or the label of a regression as text; '' where there is no label.
    """

    head: Head
    answers: tuple[Answer, ...]
    settled: bool
    happened: str

    @property
    def leading(self) -> Answer:
        """The answer to speak about: the likeliest class of a multiclass head, the only one of any other."""
        return max(self.answers, key=lambda answer: answer.said)


def head_answers(event: Event, lake: Lake) -> tuple[HeadAnswer, ...]:
    """Return what every head of the event's model said, in the manifest's order."""
    artifact, row = event.model.artifact, event.prepared.matrix.values[event.row]
    heads = {head.name: head for head in event.model.spec.heads}
    asked = _Asked(event, row, out_of_fold(event.model.spec, lake), training_quantiles(event))
    boosters = {booster.name: booster for booster in read_heads(artifact)}
    exact = {name: margins(booster.booster_json, row[None]) for name, booster in boosters.items()}
    said = expected_answers(
        artifact.manifest.heads,
        artifact.calibration,
        {name: margin.astype(np.float32) for name, margin in exact.items()},
    )
    return tuple(
        HeadAnswer(
            heads[name],
            asked.answers(heads[name], booster, exact[name], said[name][0].tolist()),
            bool(event.prepared.settled[name][event.row]),
            outcome(event, heads[name], event.row),
        )
        for name, booster in boosters.items()
    )


def outcome(event: Event, head: Head, row: int) -> str:
    """Return what came of a row in a head's words: a class, or the label's number; '' where there is no label."""
    raw = event.prepared.raw[head.name][[row]]
    (code,) = coded_target(raw, tuple(event.model.config["cuts"].get(head.name, ()))).tolist()
    if np.isnan(code):
        return ""
    return plain(code) if head.kind == "regression" else head.classes[int(code)]


def plain(number: float) -> str:
    """Return a number with thousands apart: a whole one as such, any other with three decimals."""
    return f"{number:,.0f}" if number == round(number) else f"{number:,.3f}"


def training_quantiles(event: Event) -> Floats:
    """Return [inputs]: the share of the training rows with a value that lie at or below the event's; NaN where none."""
    prepared = event.prepared
    fitted = prepared.frame["date"].is_in(list(event.model.days("train"))).to_numpy()
    rows, own = prepared.matrix.values[fitted], prepared.matrix.values[event.row]
    held, below = (~np.isnan(rows)).sum(axis=0), (rows <= own).sum(axis=0)
    return np.where((held > 0) & ~np.isnan(own), below / np.maximum(held, 1), np.nan)


@dataclass(frozen=True, eq=False)
class _Asked:
    """The row that is asked about, float32 [inputs], with what is known around it."""

    event: Event
    row: Values
    walk_forward: pl.DataFrame
    quantiles: Floats

    def answers(self, head: Head, booster: ExportableHead, margin: Floats, said: list[int]) -> tuple[Answer, ...]:
        """Return a head's answers from its margins, float64 [1, outputs], and what was made of them."""
        moved, trees = contributions(booster.booster_json, self.row[None]), read_ensemble(booster).trees
        tables, scales = self.event.model.artifact.calibration.tables.get(head.name, ()), _scales_q16(head, margin)
        found = []
        for place, output in enumerate(head.outputs):
            step = step_of(tables[place], scales[place]) if tables else None
            paths = leaf_paths(trees, place, self.row)
            answer = Answer(
                output=output,
                margin=float(margin[0, place]),
                expected=float(moved.expected[place]),
                inputs=self._inputs(moved.values[0, place]),
                paths=strongest(paths, SHOWN_PATHS),
                trees=len(paths),
                scale=scales[place] / (1 << LEAF_GRID_BITS),
                step=step,
                said=said[place],
                evidence=evidence_of(self.walk_forward, self.event.event_id, head.name, output, step),
            )
            found.append(answer)
        return tuple(found)

    def _inputs(self, moved: Floats) -> tuple[Input, ...]:
        names, order = self.event.prepared.matrix.columns, np.argsort(-np.abs(moved), kind="stable").tolist()
        return tuple(
            Input(names[place], _known(self.row[place]), _known(self.quantiles[place]), float(moved[place]))
            for place in order
        )


def _scales_q16(head: Head, margin: Floats) -> list[int]:
    """Return what the tables of a head are looked up at, in units of 2^-16."""
    exact = margins_q16(margin)
    scales: list[int] = (class_gaps_q16(exact) if head.kind == "multiclass" else exact)[0].tolist()
    return scales


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
