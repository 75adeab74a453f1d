"""Reliability as report tables: curves by bin, and what is left of calibration on each day and for each symbol.

Both are of raw and of calibrated answers, side by side. Intervals come from the block bootstrap of `evaluation.scores`;
where there is too little data for one there is none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import astuple
from types import MappingProxyType

import numpy as np
import polars as pl

from grinder_resources.contracts.calibration import CERTAIN_BPS
from grinder_resources.contracts.reports import calibration_table, reliability_table
from grinder_resources.evaluation.reliability import (
    BINNINGS,
    Binned,
    bin_edges,
    binned,
    calibration_gap,
    expected_calibration_error,
    reliability_curve,
    wilson,
)
from grinder_resources.evaluation.scores import MIN_ROWS, Ints, estimate, resampling, time_blocks
from grinder_resources.learning.metrics import Floats

ANSWERS = MappingProxyType(
    {"raw": pl.col("prediction"), "calibrated": pl.col("calibrated_bps").cast(pl.Float64) / CERTAIN_BPS}
)
"""Answers of a report, and the probability that each is."""

GROUPS = MappingProxyType(
    {"day": pl.col("date").cast(pl.String), "symbol": pl.concat_str("venue", "symbol", separator=" ")}
)

_BAND_HOURS = 4
_BAND = pl.from_epoch("ts_ns", time_unit="ns").dt.hour() // _BAND_HOURS * _BAND_HOURS
_ENDS = [hour.cast(pl.String).str.zfill(2) for hour in (_BAND, _BAND + _BAND_HOURS)]

HOURS = MappingProxyType({"hour": pl.concat_str(*_ENDS, separator="-")})
"""Bands of four hours of the UTC day, `08-12`: of single hours there are too few for an interval."""

Record = tuple[object, ...]


def calibration(model: str, predictions: pl.DataFrame) -> pl.DataFrame:
    """Return rows of `reports/calibration/<model>` from the open rows of `reports/predictions/<model>`.

    Regressions have none. The interval of a bin's observed share is the block bootstrap's, and at least as wide as
    Wilson's, which takes rows as independent but knows that 0 of 20 is not never.
    """
    table = calibration_table(model)
    records = [record for answered in _answered(predictions) for record in _curve_records(answered)]
    return table.conform(pl.DataFrame(records, schema=table.schema, orient="row"))


def reliability_by_group(model: str, predictions: pl.DataFrame, groups: Mapping[str, pl.Expr] = GROUPS) -> pl.DataFrame:
    """Return rows of `reports/reliability/<model>` from the open rows of `reports/predictions/<model>`.

    groups
        What rows are grouped by, and the group of a row as text.
    """
    table = reliability_table(model)
    records = [
        _group_record(group, by)
        for answered in _answered(predictions)
        for by, name in groups.items()
        for group in answered.with_columns(name.alias("group")).partition_by("group", maintain_order=True)
    ]
    return table.conform(pl.DataFrame(records, schema=table.schema, orient="row"))


def _answered(predictions: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the open rows of each mode, head, class and answer, with `answer` and its `probability`."""
    judged = predictions.filter(pl.col("class") != "", ~pl.col("settled"))
    for target in judged.partition_by("mode", "head", "class", maintain_order=True):
        for answer, probability in ANSWERS.items():
            yield target.with_columns(pl.lit(answer).alias("answer"), probability.alias("probability"))


def _columns(answered: pl.DataFrame) -> tuple[Floats, Floats, Ints]:
    label, probability = answered["label"].to_numpy(), answered["probability"].to_numpy()
    return label, probability, time_blocks(answered["ts_ns"].to_numpy())


def _curve_records(answered: pl.DataFrame) -> Iterator[Record]:
    label, probability, blocks = _columns(answered)
    weights = resampling(label, blocks)
    key = answered.select("mode", "head", "class", "answer").row(0)
    for binning in BINNINGS:
        edges = bin_edges(probability, binning)
        sums = binned(label, probability, blocks, edges)
        for part in reliability_curve(sums.total, edges):
            bounds = _share_bounds(sums, part.number, weights)
            yield (*key, binning, *astuple(part), *bounds)


def _share_bounds(sums: Binned, number: int, weights: Floats | None) -> tuple[float | None, float | None]:
    rows, positives = sums.rows[:, number], sums.observed[:, number]
    if weights is None or rows.sum() < MIN_ROWS:
        return None, None
    with np.errstate(invalid="ignore"):
        drawn = estimate(float(positives.sum() / rows.sum()), (weights @ positives) / (weights @ rows))
    if drawn.low is None or drawn.high is None:
        return None, None
    low, high = wilson(positives.sum(keepdims=True), rows.sum(keepdims=True))
    return min(drawn.low, float(low[0])), max(drawn.high, float(high[0]))


def _group_record(group: pl.DataFrame, by: str) -> Record:
    label, probability, blocks = _columns(group)
    sums, weights = binned(label, probability, blocks, bin_edges(probability, "uniform")), resampling(label, blocks)
    total, drawn = sums.total, None if weights is None else sums.weighted(weights)
    measures = [
        estimate(float(measure(total)), None if drawn is None else measure(drawn))
        for measure in (calibration_gap, expected_calibration_error)
    ]
    return (
        *group.select("mode", "head", "class", "answer", pl.lit(by), "group").row(0),
        *(len(label), int(label.sum()), float(probability.mean()), float(label.mean())),
        *(number for measure in measures for number in (measure.value, measure.low, measure.high)),
    )
