"""Walk-forward folds: each fits all heads and their references on earlier days, and answers its test day once.

A fold costs a fit only where something that decides it has changed. Its key is the hash of

- the rows of its own days, day by day, so that a new day makes one new fold and leaves the others;
- the spec with its inputs, settings and seed, and its reference;
- the split, the version of the code, and those of XGBoost and numpy, which do the arithmetic.

Fits are on the trial ledger; a fold that is read from the store is no new trial.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

from grinder_resources.code_version import code_version as code_version_of
from grinder_resources.hashing import sha256_bytes, sha256_facts, sha256_rows
from grinder_resources.learning.fold_store import FoldResult, FoldStore, split_facts
from grinder_resources.learning.ledger import Ledger
from grinder_resources.learning.metrics import point_scores
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.reference import FittedReference, fit_reference, prepare_reference
from grinder_resources.learning.snapping import MARGIN_SCALE
from grinder_resources.learning.splits import Parts, Split, split_rows
from grinder_resources.learning.targets import coded_target, label_of
from grinder_resources.learning.training import (
    FittedHead,
    PartScore,
    Prepared,
    fit_heads,
    in_time_order,
    open_rows,
    prepare,
)
from grinder_resources.progress import track

PREDICTION_DIGITS = 9
"""Digits a probability keeps: far finer than any use of it, coarser than the last bits of an exponential."""

ANSWERS = MappingProxyType(
    {
        "date": pl.Date(),
        "venue": pl.String(),
        "symbol": pl.String(),
        "ts_ns": pl.Int64(),
        "label_end_ns": pl.Int64(),
        "row_id": pl.String(),
        "head": pl.String(),
        "class": pl.String(),
        "settled": pl.Boolean(),
        "label": pl.Float64(),
        "base_rate": pl.Float64(),
        "baseline": pl.Float64(),
        "prediction": pl.Float64(),
        "margin_q16": pl.Int64(),
    }
)
"""Columns of a fold's answers: one row a test row, fitted head and class, as in `contracts.reports`, predictions.

Here `label` is null where the row has none for the head, and `label_end_ns` is ts_ns where no label has an end.
"""


@dataclass(frozen=True)
class _Dataset:
    """What every fold of a spec shares: the rows, the reference's inputs, and the hash of each day."""

    prepared: Prepared
    reference: Prepared | None
    days: Mapping[date, str]


def _dataset(spec: ModelSpec, frame: pl.DataFrame) -> _Dataset:
    prepared = prepare(spec, frame)
    return _Dataset(prepared, prepare_reference(prepared), day_hashes(prepared.frame))


def run_folds(
    spec: ModelSpec,
    frame: pl.DataFrame,
    splits: Sequence[Split],
    *,
    store: FoldStore,
    ledger: Ledger,
    code_version: str,
    workers: int = 2,
) -> dict[Split, FoldResult]:
    """Return the fold of every split, in their order, fitting only those that the store does not hold.

    frame
        Rows of the spec's dataset, in any order.
    code_version
        Of the code that decides a fold: `folds_code()`.
    workers
        Folds fitted side by side; any number gives the same result. XGBoost lets go of the interpreter while it fits,
        so threads are enough.

    Raises SchemaMismatch if `frame` lacks an input or a column of the reference, LedgerBroken, StorageFull.
    """
    distinct = list(dict.fromkeys(splits))
    made = iter_folds(spec, frame, distinct, store=store, ledger=ledger, code_version=code_version, workers=workers)
    return {fold.split: fold for fold in track(made, desc=f"{spec.name}: folds", total=len(distinct))}


def iter_folds(
    spec: ModelSpec,
    frame: pl.DataFrame,
    splits: Sequence[Split],
    *,
    store: FoldStore,
    ledger: Ledger,
    code_version: str,
    workers: int = 2,
) -> Iterator[FoldResult]:
    """Yield the fold of every split, in their order, each as soon as it is there; otherwise as `run_folds`.

    Whoever stops asking saves the folds that were not begun.
    """
    dataset = _dataset(spec, frame)

    def made(split: Split) -> FoldResult:
        key = _fold_key(dataset, split, code_version)
        known = store.get(spec.name, split, key)
        if known is not None:
            return known
        fold = _fitted(dataset, split, key, ledger)
        store.put(spec.name, fold)
        return fold

    pool = ThreadPoolExecutor(workers)
    try:
        yield from pool.map(made, splits)
    finally:
        pool.shutdown(cancel_futures=True)


def folds_code() -> str:
    """Return the version of the code that decides a fold."""
    return code_version_of("learning", "contracts")


def present_folds(spec: ModelSpec, frame: pl.DataFrame, store: FoldStore, code_version: str) -> list[FoldResult]:
    """Return the folds in the store that a run over these rows with this code would read, by first test day."""
    dataset = _dataset(spec, frame)
    return [fold for fold in store.stored(spec.name) if fold.key == _fold_key(dataset, fold.split, code_version)]


def day_hashes(frame: pl.DataFrame) -> dict[date, str]:
    """Return the logical hash of every day's rows, in the order they stand."""
    return {rows["date"][0]: sha256_rows(rows) for rows in frame.partition_by("date", maintain_order=True)}


def data_sha256(spec: ModelSpec, frame: pl.DataFrame) -> str:
    """Return one hash over all rows of a spec's dataset, the same in any order of them."""
    days = day_hashes(in_time_order(spec, frame))
    return sha256_facts([[day.isoformat(), rows] for day, rows in sorted(days.items())])


def judged_facts(spec: ModelSpec) -> dict[str, Any]:
    """Return what decides the folds of a spec: its model, and the columns it is measured against."""
    return {**spec.facts, "reference": list(spec.reference)}


def _fold_key(dataset: _Dataset, split: Split, code_version: str) -> str:
    import xgboost

    days = sorted({*split.train, *split.val, *split.test})
    facts = {
        "rows": [[day.isoformat(), dataset.days.get(day)] for day in days],
        "spec": judged_facts(dataset.prepared.spec),
        "split": split_facts(split),
        "code_version": code_version,
        "versions": [xgboost.__version__, np.__version__],
    }
    return sha256_facts(facts)


def _fitted(dataset: _Dataset, split: Split, key: str, ledger: Ledger) -> FoldResult:
    prepared = dataset.prepared
    parts = split_rows(prepared.frame, split)
    heads, untrainable = fit_heads(prepared, parts, ledger)
    to_beat = fit_reference(dataset.reference, parts, ledger)
    answers = [frame for head in heads for frame in _test_answers(prepared, head, to_beat, parts)]
    return FoldResult(
        key=key,
        split=split,
        answers=pl.concat(answers) if answers else pl.DataFrame(schema=dict(ANSWERS)),
        in_sample=tuple(
            (head.head.name, scored) for head in heads for scored in _in_sample(prepared, head, to_beat, parts)
        ),
        reasons={head.name: head.reason for head in untrainable},
        boosters={head.head.name: sha256_bytes(head.booster) for head in heads},
    )


def _test_answers(
    prepared: Prepared, fitted: FittedHead, to_beat: FittedReference, parts: Parts
) -> Iterator[pl.DataFrame]:
    rows, name = parts.test, fitted.head.name
    target = coded_target(prepared.raw[name], fitted.cuts)[rows]
    margin, answer = fitted.predict(prepared.matrix.values[rows])
    baseline = to_beat.answers(fitted, rows)
    keys = prepared.frame[rows].with_columns(
        pl.coalesce("label_end_ns", "ts_ns").alias("label_end_ns"),
        pl.concat_str(prepared.spec.row_id, separator="_").alias("row_id"),
    )
    for column, output in enumerate(fitted.head.outputs):
        label = np.where(np.isnan(target), np.nan, label_of(fitted.head, target, output))
        yield keys.with_columns(
            pl.lit(name).alias("head"),
            pl.lit(output).alias("class"),
            pl.Series("settled", prepared.settled[name][rows]),
            pl.Series("label", label, nan_to_null=True),
            pl.lit(fitted.base_rates[column]).alias("base_rate"),
            pl.Series("baseline", baseline[:, column]).round(PREDICTION_DIGITS),
            pl.Series("prediction", answer[:, column]).round(PREDICTION_DIGITS),
            pl.Series("margin_q16", np.rint(margin[:, column] * MARGIN_SCALE).astype(np.int64)),
        ).select(pl.col(name).cast(dtype) for name, dtype in ANSWERS.items())


def _in_sample(prepared: Prepared, fitted: FittedHead, to_beat: FittedReference, parts: Parts) -> Iterator[PartScore]:
    rows, target = open_rows(prepared, fitted, parts.train)
    _, answer = fitted.predict(prepared.matrix.values[rows])
    baseline = to_beat.answers(fitted, rows)
    regression = fitted.head.kind == "regression"
    for column, output in enumerate(fitted.head.outputs):
        label = label_of(fitted.head, target, output)
        baselines = {"skill": baseline[:, column], "skill_over_base": np.full_like(label, fitted.base_rates[column])}
        scores = point_scores(label, answer[:, column], baselines, regression=regression)
        yield PartScore("train", output, len(rows), 0 if regression else int(label.sum()), scores)
