"""What a model answers to Gold rows, through its own graph, and what came true: one row a Gold row, head and class."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import INPUT
from grinder_resources.export.verify import open_session
from grinder_resources.interpretability.event import Model, row_ids
from grinder_resources.learning.model_spec import Head
from grinder_resources.learning.targets import coded_target, label_of
from grinder_resources.learning.training import Prepared
from grinder_resources.monitoring.readings import hashes_of

ANSWERED = pl.Schema(
    {
        "date": pl.Date(),
        "venue": pl.String(),
        "symbol": pl.String(),
        "ts_ns": pl.Int64(),
        "row_id": pl.String(),
        "recomputed_hash": pl.String(),
        "head": pl.String(),
        "class": pl.String(),
        "answer": pl.Int64(),
        "outcome": pl.Int64(),
    }
)
"""Columns of `answered_rows`."""


def answered_rows(model: Model, prepared: Prepared) -> pl.DataFrame:
    """Return ANSWERED, one row a Gold row, head of the artifact and class.

    recomputed_hash
        Of the inputs that the lake has for the row.

    answer
        int64: bps of the class, or the number of a regression, as the graph gives it.
    outcome
        int64: 1 if the row is of the class, else 0; or the number itself. Null where the row has no label, and where
        the answer was known at decision time, for that is no evidence of anything.
    """
    rows = prepared.frame.select("date", "venue", "symbol", "ts_ns").with_columns(
        row_ids(model.spec, prepared.frame), hashes_of(prepared)
    )
    answers = _answers(model, prepared)
    parts = [
        rows.with_columns(
            pl.lit(head.name).alias("head"),
            pl.lit(output).alias("class"),
            pl.Series("answer", answers[head.name][:, place], dtype=pl.Int64()),
            _outcome(model, prepared, head, output),
        )
        for head in _heads(model)
        for place, output in enumerate(head.outputs)
    ]
    return pl.concat(parts).select(ANSWERED.names())


def _answers(model: Model, prepared: Prepared) -> dict[str, NDArray[np.int64]]:
    names = [head.name for head in _heads(model)]
    found = open_session(model.artifact).run(names, {INPUT: prepared.matrix.values})
    return {name: answer.astype(np.int64) for name, answer in zip(names, found, strict=True)}


def _heads(model: Model) -> Iterator[Head]:
    """Yield the heads that the artifact has; one that could not be trained is not among them."""
    trained = {head.name for head in model.artifact.manifest.heads}
    return (head for head in model.spec.heads if head.name in trained)


def _outcome(model: Model, prepared: Prepared, head: Head, output: str) -> pl.Series:
    cuts = tuple(model.config["cuts"].get(head.name, ()))
    raw = np.where(prepared.settled[head.name], np.nan, prepared.raw[head.name])
    target = coded_target(raw, cuts)
    label = np.where(np.isnan(target), np.nan, label_of(head, target, output))
    return pl.Series("outcome", label, nan_to_null=True).cast(pl.Int64)
