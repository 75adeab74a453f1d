"""Training: every head of a spec on one split, with nothing decided by looking at the test days.

The inputs become one matrix; heads that are asked of the same rows share its quantized form. Fitting, stopping and
scores use open rows alone (`model_spec.Head.settled_when_zero`): what was known at decision time is no evidence of
anything. A head whose labels hold nothing to learn is set aside with its counts and the others go on. Same rows, same
spec: same booster bytes. Every fit, and every head that could not be fitted, is on the trial ledger before fitting
returns.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
import polars as pl

from grinder_resources.contracts.artifacts import ExportableHead
from grinder_resources.errors import NothingTrainable
from grinder_resources.hashing import sha256_bytes, sha256_facts
from grinder_resources.learning.boosters import Floats, Snapping, Values, answers, fit, margins, row_set
from grinder_resources.learning.ledger import Ledger, Trial
from grinder_resources.learning.matrix import Matrix, design_matrix
from grinder_resources.learning.metrics import point_scores
from grinder_resources.learning.model_spec import BoosterParams, Head, ModelSpec
from grinder_resources.learning.selection import FeatureSet
from grinder_resources.learning.splits import Parts, Rows, Split, split_rows
from grinder_resources.learning.targets import Cuts, Flags, coded_target, label_of, raw_target, settled_rows
from grinder_resources.learning.tasks import Task, task_of


@dataclass(frozen=True)
class PartScore:
    """Point scores of one class of a head (or of a regression, class '') on the open train, val or test rows."""

    part: str
    output: str
    rows: int
    positives: int
    scores: dict[str, float]


@dataclass(frozen=True)
class FittedHead:
    """A head and its booster.

    booster
        XGBoost's model JSON, leaves on the 2^-16 grid, base margin 0; columns by position, as in the model's `columns`.
    rounds
        Boosting rounds kept; a multiclass head has one tree a class in each.
    cuts
        Cut points of a quantile label, from the train rows; a value equal to a cut belongs to the lower class. Else
        empty.
    base_rates
        What the open train rows say without inputs: the share of each output's class, or the mean label.
    snapping
        What moving the leaves to the grid cost.
    data_sha256
        Of the numbers and targets it was fitted on and stopped by.
    """

    head: Head
    booster: bytes
    rounds: int
    cuts: Cuts
    base_rates: tuple[float, ...]
    snapping: Snapping
    data_sha256: str
    scores: tuple[PartScore, ...] = ()

    @property
    def exportable(self) -> ExportableHead:
        """The head as the exporter takes it."""
        head = self.head
        return ExportableHead(head.name, head.kind, head.classes, self.booster, head.unit)

    def predict(self, values: Values) -> tuple[Floats, Floats]:
        """Return margins and answers, float64 [rows, outputs], of float32 [rows, columns]."""
        margin = margins(self.booster, values) if len(values) else np.empty((0, len(self.head.outputs)))
        return margin, answers(self.head, margin)


@dataclass(frozen=True)
class UntrainableHead:
    """A head that was left out, and why, with the label counts that say so."""

    name: str
    reason: str


@dataclass(frozen=True)
class TrainedModel:
    """Every head of a spec fitted on one split; `rows` counts the rows of each part and those purged."""

    name: str
    dataset: str
    features: FeatureSet
    columns: tuple[str, ...]
    params: BoosterParams
    split: Split
    rows: dict[str, int]
    heads: tuple[FittedHead, ...]
    untrainable: tuple[UntrainableHead, ...]


@dataclass(frozen=True)
class Prepared:
    """A dataset in time order with what no split changes: inputs, and by head its raw targets and settled rows.

    subject
        Who is fitted, as the ledger calls it: the spec, or its reference.
    """

    subject: str
    spec: ModelSpec
    frame: pl.DataFrame
    features: FeatureSet
    matrix: Matrix
    raw: dict[str, Floats]
    settled: dict[str, Flags]


def prepare(spec: ModelSpec, frame: pl.DataFrame) -> Prepared:
    """Return the dataset rows in time order, ready to be fitted on any split."""
    ordered = in_time_order(spec, frame)
    features = spec.select(frame.schema)
    return Prepared(
        subject=spec.name,
        spec=spec,
        frame=ordered,
        features=features,
        matrix=design_matrix(ordered, features, spec.categories),
        raw={head.name: raw_target(ordered, head) for head in spec.heads},
        settled={head.name: settled_rows(ordered, head) for head in spec.heads},
    )


def in_time_order(spec: ModelSpec, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the dataset rows sorted by time, then venue, symbol and row id."""
    return frame.sort(*dict.fromkeys(("ts_ns", "venue", "symbol", *spec.row_id)))


def train(spec: ModelSpec, frame: pl.DataFrame, split: Split, ledger: Ledger) -> TrainedModel:
    """Return every trainable head of `spec`, fitted on the split's train days and stopped by its validation days.

    `frame` holds rows of the spec's dataset in any order. Raises NothingTrainable if no head has labels to learn from.
    """
    prepared = prepare(spec, frame)
    parts = split_rows(prepared.frame, split)
    heads, untrainable = fit_heads(prepared, parts, ledger)
    if not heads:
        reasons = "; ".join(f"{head.name}: {head.reason}" for head in untrainable)
        raise NothingTrainable(
            "no head has labels to learn from", where=spec.name, got=reasons, hint="Materialize more days."
        )
    return TrainedModel(
        name=spec.name,
        dataset=spec.dataset,
        features=prepared.features,
        columns=prepared.matrix.columns,
        params=spec.params,
        split=split,
        rows={"train": len(parts.train), "val": len(parts.val), "test": len(parts.test), "purged": parts.purged},
        heads=tuple(_scored(head, prepared, parts) for head in heads),
        untrainable=untrainable,
    )


def fit_heads(
    prepared: Prepared, parts: Parts, ledger: Ledger
) -> tuple[tuple[FittedHead, ...], tuple[UntrainableHead, ...]]:
    """Return the fitted heads and those left out, each in the spec's order; both are trials on the ledger."""
    raw, settled = prepared.raw, prepared.settled
    tasks = [task_of(head, raw[head.name], settled[head.name], parts) for head in prepared.spec.heads]
    fitted = {head.head.name: head for head in _fit_tasks(prepared, [task for task in tasks if not task.obstacle])}
    days = {part: _days(prepared, getattr(parts, part)) for part in ("train", "val", "test")}
    ledger.append([_trial(prepared, task, fitted.get(task.head.name), days) for task in tasks])
    heads = tuple(fitted[head.name] for head in prepared.spec.heads if head.name in fitted)
    return heads, tuple(UntrainableHead(task.head.name, task.obstacle) for task in tasks if task.obstacle)


def _fit_tasks(prepared: Prepared, tasks: list[Task]) -> Iterator[FittedHead]:
    """Fit tasks on the same rows one after the other on one pair of quantized matrices."""
    params, values = prepared.spec.params, prepared.matrix.values
    monotone = tuple(prepared.spec.monotone.get(column, 0) for column in prepared.matrix.columns)
    by_rows = attrgetter("rows_key")
    for _, group in groupby(sorted(tasks, key=by_rows), key=by_rows):
        shared = list(group)
        rows = row_set(values[shared[0].train], values[shared[0].val], params)
        for task in shared:
            targets = task.learned(task.train), task.learned(task.val)
            booster = fit(task.head, rows, *targets, params, monotone=monotone)
            yield FittedHead(
                head=task.head,
                booster=booster.model,
                rounds=booster.rounds,
                cuts=task.cuts,
                base_rates=task.base_rates,
                snapping=booster.snapping,
                data_sha256=sha256_facts([rows.sha256, *(sha256_bytes(target.tobytes()) for target in targets)]),
            )


def _trial(prepared: Prepared, task: Task, fitted: FittedHead | None, days: Mapping[str, list[str]]) -> Trial:
    """Return what the ledger keeps of a fit; the loss in units of 1e-9."""
    facts: dict[str, Any] = {
        "params": sha256_facts(asdict(prepared.spec.params)),
        "columns": sha256_facts(list(prepared.matrix.columns)),
        "days": days,
        "rows": {"train": len(task.train), "val": len(task.val)},
    }
    outcome: dict[str, Any] = {"obstacle": task.obstacle}
    if fitted is not None:
        outcome = {
            "data": fitted.data_sha256,
            "booster": sha256_bytes(fitted.booster),
            "rounds": fitted.rounds,
            "val_loss_e9": round(fitted.snapping.after * 1e9),
        }
    return Trial("fit", prepared.subject, task.head.name, facts | outcome)


def _days(prepared: Prepared, rows: Rows) -> list[str]:
    return [day.isoformat() for day in prepared.frame["date"][rows].unique().sort()]


def labelled_rows(prepared: Prepared, fitted: FittedHead, rows: Rows) -> tuple[Rows, Floats]:
    """Return those of `rows` that have a label for the head, and their coded targets."""
    target = coded_target(prepared.raw[fitted.head.name], fitted.cuts)[rows]
    labelled = ~np.isnan(target)
    return rows[labelled], target[labelled]


def open_rows(prepared: Prepared, fitted: FittedHead, rows: Rows) -> tuple[Rows, Floats]:
    """Return those of `rows` that have a label which was not known at decision time, and their coded targets."""
    return labelled_rows(prepared, fitted, rows[~prepared.settled[fitted.head.name][rows]])


def _scored(fitted: FittedHead, prepared: Prepared, parts: Parts) -> FittedHead:
    scores = [
        score
        for part, rows in (("train", parts.train), ("val", parts.val), ("test", parts.test))
        for score in _part_scores(fitted, prepared, part, rows)
    ]
    return replace(fitted, scores=tuple(scores))


def _part_scores(fitted: FittedHead, prepared: Prepared, part: str, rows: Rows) -> Iterator[PartScore]:
    judged, target = open_rows(prepared, fitted, rows)
    _, answer = fitted.predict(prepared.matrix.values[judged])
    regression = fitted.head.kind == "regression"
    for column, output in enumerate(fitted.head.outputs):
        label = label_of(fitted.head, target, output)
        baselines = {"skill_over_base": np.full_like(label, fitted.base_rates[column])}
        positives = 0 if regression else int(label.sum())
        scores = point_scores(label, answer[:, column], baselines, regression=regression)
        yield PartScore(part, output, len(judged), positives, scores)
