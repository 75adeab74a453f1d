"""Walk-forward: fit on the past, answer the next day, move on; then say plainly what the answers were worth.

Every fold fits all heads on earlier days, stops by the day before the test day, and answers the test day once.
Answers of all folds together are the only ones this project judges a model by, and among them only those that were
still open at decision time: a row that was settled by then counts as answered, never as right. In-sample scores, and
scores with the settled rows, are kept beside them for comparison; they are never evidence.

Every fold also fits the reference of each head (`learning.reference`), and skill is over its answers, row by row.

Folds and parts are those of `learning.splits`, purged and embargoed; what the scores allow to be said is in
`evaluation.verdicts`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import numpy as np
import polars as pl

from grinder_resources.contracts.reports import POOLED, predictions_table, walk_forward_table
from grinder_resources.evaluation.reliability import calibration, calibration_scores
from grinder_resources.evaluation.scores import RESAMPLES, Estimate, Scores, score, time_blocks
from grinder_resources.evaluation.verdicts import verdicts
from grinder_resources.learning.boosters import MARGIN_SCALE
from grinder_resources.learning.reference import FittedReference, fit_reference, prepare_reference
from grinder_resources.learning.specs import ModelSpec
from grinder_resources.learning.splits import MODES, Mode, Parts, Split, split_rows, walk_forward
from grinder_resources.learning.targets import label_of
from grinder_resources.learning.training import FittedHead, Prepared, fit_heads, labelled_rows, open_rows, prepare

PREDICTION_DIGITS = 9
"""Digits a probability keeps: far finer than any use of it, coarser than the last bits of an exponential."""

TARGET = ("mode", "head", "class")

SKILLS = MappingProxyType({"skill": "baseline", "skill_over_base": "base_rate"})
"""Skills, and the column of the predictions that each is over: what open rows taught, so of open rows alone."""


@dataclass(frozen=True)
class WalkForwardResult:
    """Rows of the four report tables of a model, and the splits of every mode."""

    model: str
    splits: Mapping[Mode, tuple[Split, ...]]
    predictions: pl.DataFrame
    scores: pl.DataFrame
    verdicts: pl.DataFrame
    calibration: pl.DataFrame


@dataclass(frozen=True)
class _Fold:
    """What one split gave: answers of its test day, in-sample scores, reasons of heads that could not be fitted."""

    answers: pl.DataFrame
    in_sample: tuple[tuple[str, str, Scores], ...]
    reasons: Mapping[str, str]


def run_walk_forward(
    spec: ModelSpec,
    frame: pl.DataFrame,
    *,
    modes: Sequence[Mode] = MODES,
    min_train_days: int = 1,
    train_days: int | None = None,
    workers: int = 2,
) -> WalkForwardResult:
    """Return the walk-forward report of a spec over rows of its dataset.

    min_train_days, train_days
        As in `learning.splits.walk_forward`. Splits that both modes share are fitted once.
    workers
        Folds fitted side by side; any number gives the same result.

    Raises TooFewDays if there is no day to test, SchemaMismatch if `frame` lacks an input or a column of the reference.
    A head that no fold could fit is in the verdicts with its reason.
    """
    prepared = prepare(spec, frame)
    days = frame["date"].unique().to_list()
    splits = {mode: walk_forward(days, mode, min_train_days, train_days) for mode in modes}
    distinct = list(dict.fromkeys(split for mode in modes for split in splits[mode]))
    folds = _folds(prepared, prepare_reference(prepared), distinct, workers)
    numbered = {(mode, number): folds[split] for mode in modes for number, split in enumerate(splits[mode], start=1)}
    predictions = _predictions(spec.name, numbered)
    scores = _scores(spec.name, numbered, predictions)
    return WalkForwardResult(
        model=spec.name,
        splits=splits,
        predictions=predictions,
        scores=scores,
        verdicts=verdicts(spec, {mode: len(splits[mode]) for mode in modes}, _reasons(modes, numbered), scores),
        calibration=calibration(spec.name, predictions),
    )


def _folds(prepared: Prepared, reference: Prepared | None, splits: Sequence[Split], workers: int) -> dict[Split, _Fold]:
    """Return the fold of every split; XGBoost lets go of the interpreter while it fits, so threads are enough."""
    with ThreadPoolExecutor(workers) as pool:
        return dict(zip(splits, pool.map(partial(_fold, prepared, reference), splits), strict=True))


def _fold(prepared: Prepared, reference: Prepared | None, split: Split) -> _Fold:
    parts = split_rows(prepared.frame, split)
    heads, untrainable = fit_heads(prepared, parts)
    to_beat = fit_reference(reference, parts)
    answers = [frame for head in heads for frame in _test_answers(prepared, head, to_beat, parts)]
    return _Fold(
        answers=pl.concat(answers) if answers else pl.DataFrame(),
        in_sample=tuple(scored for head in heads for scored in _train_scores(prepared, head, to_beat, parts)),
        reasons={head.name: head.reason for head in untrainable},
    )


def _test_answers(
    prepared: Prepared, head: FittedHead, to_beat: FittedReference, parts: Parts
) -> Iterator[pl.DataFrame]:
    rows, target = labelled_rows(prepared, head, parts.test)
    margin, answer = head.predict(prepared.matrix.values[rows])
    baseline = to_beat.answers(head, rows)
    row_id = pl.concat_str(prepared.spec.row_id, separator="_").alias("row_id")
    keys = prepared.frame[rows].select("date", "venue", "symbol", "ts_ns", row_id)
    for column, output in enumerate(head.head.outputs):
        yield keys.with_columns(
            pl.lit(head.head.name).alias("head"),
            pl.lit(output).alias("class"),
            pl.Series("settled", prepared.settled[head.head.name][rows]),
            pl.Series("label", label_of(head.head, target, output)),
            pl.lit(head.base_rates[column]).alias("base_rate"),
            pl.Series("baseline", baseline[:, column]).round(PREDICTION_DIGITS),
            pl.Series("prediction", answer[:, column]).round(PREDICTION_DIGITS),
            pl.Series("margin_q16", np.rint(margin[:, column] * MARGIN_SCALE).astype(np.int64)),
        )


def _train_scores(
    prepared: Prepared, head: FittedHead, to_beat: FittedReference, parts: Parts
) -> Iterator[tuple[str, str, Scores]]:
    rows, target = open_rows(prepared, head, parts.train)
    _, answer = head.predict(prepared.matrix.values[rows])
    baseline = to_beat.answers(head, rows)
    blocks = time_blocks(prepared.frame["ts_ns"].to_numpy()[rows])
    regression = head.head.kind == "regression"
    for column, output in enumerate(head.head.outputs):
        label = label_of(head.head, target, output)
        baselines = {"skill": baseline[:, column], "skill_over_base": np.full_like(label, head.base_rates[column])}
        scores = score(label, answer[:, column], baselines, blocks, regression=regression, resamples=0)
        yield head.head.name, output, scores


def _reasons(modes: Sequence[Mode], folds: Mapping[tuple[Mode, int], _Fold]) -> dict[Mode, dict[str, str]]:
    """Return why a head could not be fitted, by mode and head; the last such fold speaks."""
    reasons: dict[Mode, dict[str, str]] = {mode: {} for mode in modes}
    for (mode, _), fold in folds.items():
        reasons[mode] |= fold.reasons
    return reasons


def _predictions(model: str, folds: Mapping[tuple[Mode, int], _Fold]) -> pl.DataFrame:
    table = predictions_table(model)
    numbered = [
        fold.answers.with_columns(pl.lit(mode).alias("mode"), pl.lit(number, pl.Int32).alias("fold"))
        for (mode, number), fold in folds.items()
        if fold.answers.height
    ]
    return table.conform(pl.concat(numbered).select(table.schema.names())) if numbered else table.empty()


def _scores(model: str, folds: Mapping[tuple[Mode, int], _Fold], predictions: pl.DataFrame) -> pl.DataFrame:
    """Return in-sample scores of every fold, and scores of the open answers by fold and pooled; pooled, of all."""
    table = walk_forward_table(model)
    records = [
        record
        for (mode, number), fold in folds.items()
        for head, output, scores in fold.in_sample
        for record in _records((mode, head, output, number, "train"), scores)
    ]
    for answered in predictions.partition_by(*TARGET, maintain_order=True):
        target, judged = answered.select(TARGET).row(0), answered.filter(~pl.col("settled"))
        records += _records((*target, POOLED, "all"), _score(answered, skills={}, resamples=0))
        records += _records((*target, POOLED, "test"), _score(judged))
        for single in judged.partition_by("fold", maintain_order=True):
            records += _records((*target, single["fold"][0], "test"), _score(single))
    return table.conform(pl.DataFrame(records, schema=table.schema, orient="row"))


def _score(predictions: pl.DataFrame, skills: Mapping[str, str] = SKILLS, resamples: int = RESAMPLES) -> Scores:
    """Return the scores of rows of one class, with calibration errors; none where there are no rows."""
    label, answer = predictions["label"].to_numpy(), predictions["prediction"].to_numpy()
    baselines = {name: predictions[column].to_numpy() for name, column in skills.items()}
    blocks, regression = time_blocks(predictions["ts_ns"].to_numpy()), set(predictions["class"]) == {""}
    scores = score(label, answer, baselines, blocks, regression=regression, resamples=resamples)
    if regression:
        return scores
    gaps = {name: Estimate(value) for name, value in calibration_scores(label, answer).items()}
    return replace(scores, metrics=scores.metrics | gaps)


def _records(key: tuple[object, ...], scores: Scores) -> Iterable[tuple[object, ...]]:
    counts = (scores.rows, scores.positives, scores.blocks)
    return [(*key, name, metric.value, metric.low, metric.high, *counts) for name, metric in scores.metrics.items()]
