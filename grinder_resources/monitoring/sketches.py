"""`monitoring/sketches/<model>`: a day's inputs and answers, counted by hour in the bins of the training rows.

What a logged decision read is what its process wrote down, whatever the lake has; of a replayed row it is the Gold row.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from grinder_resources.contracts.bronze import PREDICTIONS
from grinder_resources.contracts.monitoring import (
    DAY_HOURS,
    HOUR_NS,
    predictions_log_table,
    references_table,
    sketches_table,
)
from grinder_resources.interpretability.event import Model, row_ids
from grinder_resources.monitoring.predictions import LOGGED, REPLAYED
from grinder_resources.monitoring.readings import logged_values
from grinder_resources.monitoring.references import answer_name
from grinder_resources.monitoring.sketch import Floats, sketches_by
from grinder_resources.monitoring.watch import Watch

Cuts = Mapping[str, list[float]]
Hours = np.ndarray[Any, np.dtype[np.int64]]


def sketches_upstream(watch: Watch, day: date) -> dict[str, str]:
    """Return the hashes of everything that decides a day's sketches."""
    name, dataset = watch.spec.name, watch.spec.dataset
    references = watch.upstream(None, references_table(name).name)
    return references | watch.upstream(day, dataset, PREDICTIONS.name, predictions_log_table(name).name)


def sketches_day(watch: Watch, day: date) -> pl.DataFrame:
    """Return `monitoring/sketches/<model>` of one day; empty where no version is served, or nothing was answered.

    Raises PartitionMissing where the references or the day's predictions were never made.
    """
    name, model = watch.spec.name, watch.model
    table = sketches_table(name)
    if model is None:
        return table.empty()
    model_hash = model.artifact.manifest.model_hash
    known = watch.lake.read(references_table(name)).filter(pl.col("model_hash") == model_hash)
    cuts: Cuts = dict(known.select("feature", "cuts").iter_rows())
    predictions = watch.lake.read(predictions_log_table(name), day, day)
    counted = [*_inputs(watch, model, day, predictions, cuts), *_answers(predictions, cuts)]
    records = [{"date": day, "model_hash": model_hash, **row} for row in counted]
    return table.conform(pl.DataFrame(records, schema=table.schema, orient="row"))


def _inputs(watch: Watch, model: Model, day: date, predictions: pl.DataFrame, cuts: Cuts) -> Iterator[dict[str, Any]]:
    """Yield the sketches of every input."""
    parts = [_read_by_processes(watch, model, day, predictions), _read_again(watch, model, day, predictions)]
    hours, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    for name, column in zip(model.artifact.manifest.input_features, values.T, strict=True):
        yield from _by_hour(name, hours, column, cuts)


def _answers(predictions: pl.DataFrame, cuts: Cuts) -> Iterator[dict[str, Any]]:
    for (head, output), rows in predictions.group_by("head", "class", maintain_order=True):
        yield from _by_hour(answer_name(str(head), str(output)), _hours(rows), rows["answer"].to_numpy(), cuts)


def _read_by_processes(watch: Watch, model: Model, day: date, predictions: pl.DataFrame) -> tuple[Hours, Floats]:
    """Return hours and inputs of the logged decisions among the predictions."""
    log = watch.logged(model, day)
    kept = predictions.filter(pl.col("source") == LOGGED).select("venue", "symbol", "ts_ns", "features_hash").unique()
    rows = log.join(kept, kept.columns, how="semi")
    return _hours(rows), logged_values(rows["features"], model.artifact.manifest.input_features)


def _read_again(watch: Watch, model: Model, day: date, predictions: pl.DataFrame) -> tuple[Hours, Floats]:
    """Return hours and inputs of the Gold rows that the served model answered again."""
    again = predictions.filter(pl.col("source") == REPLAYED)["row_id"].unique()
    prepared = watch.gold(model, [day]) if len(again) else None
    if prepared is None:
        return np.empty(0, np.int64), np.empty((0, len(model.artifact.manifest.input_features)))
    chosen = row_ids(model.spec, prepared.frame).is_in(again.implode()).to_numpy()
    return _hours(prepared.frame)[chosen], prepared.matrix.values[chosen].astype(np.float64)


def _hours(rows: pl.DataFrame) -> Hours:
    return rows["ts_ns"].to_numpy() // HOUR_NS % DAY_HOURS


def _by_hour(name: str, hours: Hours, values: Any, cuts: Cuts) -> Iterator[dict[str, Any]]:
    """Yield the sketch of every hour that has rows; none of an input that training knew nothing of."""
    for hour, sketch in sketches_by(hours, values, cuts[name]).items() if name in cuts else ():
        yield {"hour": hour, "feature": name, "counts": list(sketch.counts), "missing": sketch.missing}
