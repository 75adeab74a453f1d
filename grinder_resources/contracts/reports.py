"""Report tables: what a model said out of fold, how good that was, and what follows from it.

One set of tables a model, named after it. They are replaced whole: `date` is a fact about a row here, not a partition.
Reports are for people and plots, so floats are allowed.

An answer is raw, as the booster of its fold gave it, or calibrated, as the exported graph would: through step tables
fitted on earlier folds alone, then made coherent between heads, in whole bps.

A row is settled for a head where its answer was known at decision time already (`learning.model_spec.Head`), else open.
Only open rows are judged: scores, verdicts and calibration are about them, and settled ones are counted.
"""

import polars as pl

from grinder_resources.contracts.calibration import CERTAIN_BPS
from grinder_resources.contracts.table import SYMBOL, TS, VENUE, Table, optional, required

POOLED = 0
"""The fold number of a score over all folds of a mode; folds count from 1."""

_TEXT, _COUNT, _FLOAT = pl.String(), pl.Int64(), pl.Float64()

_TARGET = (
    required("mode", _TEXT, "walk-forward mode: expanding or rolling"),
    required("head", _TEXT, "head of the model"),
    required("class", _TEXT, "class the probability is of; empty for a regression"),
)
_FOLD = required("fold", pl.Int32(), f"fold, from 1 in time order; {POOLED} = all folds of the mode together")
_ANSWER = required("answer", _TEXT, "raw or calibrated")
_BY_TARGET = ("mode", "head", "class")


def predictions_table(model: str) -> Table:
    """Return `reports/predictions/<model>`: every out-of-fold answer, one row per mode, head, class and dataset row."""
    by_row = (*_BY_TARGET, "fold", "ts_ns", "venue", "symbol", "row_id")
    return Table(
        name=f"reports/predictions/{model}",
        doc="Out-of-fold answers: the booster that answers a row was fitted on earlier days only.",
        columns=(
            required("date", pl.Date(), "UTC day of ts_ns, the fold's test day"),
            VENUE,
            SYMBOL,
            TS,
            required("label_end_ns", _COUNT, "end of the row's longest label; ts_ns where it has none"),
            required("row_id", _TEXT, "the dataset row: its event_id, or venue, symbol and ts_ns joined by '_'"),
            _FOLD,
            *_TARGET,
            required("settled", pl.Boolean(), "whether the answer was known at decision time; then it is not judged"),
            required("label", _FLOAT, "1 if the row is of the class, else 0; the label itself for a regression"),
            required(
                "base_rate",
                _FLOAT,
                "what the fold's open training rows say without any input: class share, or mean label",
            ),
            required(
                "baseline",
                _FLOAT,
                "what is to be beaten: the answer of the fold's booster on the model's reference columns alone, in the "
                "form of `prediction`; the base rate for a model without such columns",
            ),
            required(
                "prediction", _FLOAT, "probability of the class rounded to 1e-9; for a regression in units of the label"
            ),
            required("margin_q16", _COUNT, "the exact margin x 2^16, the grid that leaves lie on"),
            optional(
                "calibrated_bps",
                pl.Int32(),
                "the calibrated answer, 10000 = certain; its calibration was fitted on earlier folds whose labels had "
                "ended, and is the head's own link where they are too few; null for a regression",
                at_least=0,
                at_most=CERTAIN_BPS,
            ),
        ),
        sort_by=by_row,
        key=by_row,
    )


def walk_forward_table(model: str) -> Table:
    """Return `reports/walk_forward/<model>`: one row per mode, fold, head, class, part and metric."""
    by_metric = (*_BY_TARGET, "fold", "part", "metric")
    return Table(
        name=f"reports/walk_forward/{model}",
        doc="Scores per fold and pooled. A bound is null where there were too few blocks of time to resample.",
        columns=(
            *_TARGET,
            _FOLD,
            required(
                "part",
                _TEXT,
                "train = rows the booster was fitted on, test = open rows of the later day it never saw, calibrated = "
                "the same rows with their calibrated answers, all = settled ones too, pooled, without skills: for "
                "comparison",
            ),
            required("metric", _TEXT, "one of evaluation.scores.METRICS"),
            required("value", _FLOAT, "the score"),
            optional("low", _FLOAT, "2.5 % quantile of the block bootstrap"),
            optional("high", _FLOAT, "97.5 % quantile of the block bootstrap"),
            required("rows", _COUNT, "rows scored"),
            required("positives", _COUNT, "rows of the class; 0 for a regression"),
            required("blocks", _COUNT, "blocks of time the bootstrap resampled"),
        ),
        sort_by=by_metric,
        key=by_metric,
    )


def verdicts_table(model: str) -> Table:
    """Return `reports/verdicts/<model>`: one row per mode, head and class, in plain words."""
    return Table(
        name=f"reports/verdicts/{model}",
        doc="What the walk-forward says of each head: calibration skill, never a claim about price direction.",
        columns=(
            *_TARGET,
            required("rows", _COUNT, "open out-of-fold rows: those that are judged"),
            required("settled", _COUNT, "out-of-fold rows whose answer was known at decision time: not judged"),
            required("positives", _COUNT, "open out-of-fold rows of the class; 0 for a regression"),
            required("folds", _COUNT, "folds of the mode"),
            required("folds_scored", _COUNT, "folds in which the head could be fitted and scored"),
            required("folds_above", _COUNT, "scored folds with skill above 0"),
            required("reference", _TEXT, "what is to be beaten, in words; its answers are the baseline of predictions"),
            optional("skill", _FLOAT, "pooled 1 - squared error / squared error of the baseline; null if never scored"),
            optional("skill_low", _FLOAT, "2.5 % quantile of skill"),
            optional("skill_over_base", _FLOAT, "the same over the base rate of predictions"),
            optional("skill_over_base_low", _FLOAT, "2.5 % quantile of skill_over_base"),
            optional("auc", _FLOAT, "pooled area under the ROC curve; null for a regression or a single class"),
            optional("auc_low", _FLOAT, "2.5 % quantile of auc"),
            optional("auc_high", _FLOAT, "97.5 % quantile of auc"),
            optional("auc_beyond", _FLOAT, "auc among rows that the reference answers alike (evaluation.ranking)"),
            optional("auc_beyond_low", _FLOAT, "2.5 % quantile of auc_beyond"),
            optional("auc_beyond_high", _FLOAT, "97.5 % quantile of auc_beyond"),
            optional(
                "degradation",
                _FLOAT,
                "1 - skill out of sample / skill in sample; null where the latter is not positive",
            ),
            required(
                "edge", pl.Boolean(), "whether lower bounds clear chance, auc 0.5 and both skills 0, without alarm"
            ),
            required("leak_alarm", pl.Boolean(), "whether auc_beyond is too good to be believed: then look for a leak"),
            required("verdict", _TEXT, "the sentence a report prints"),
        ),
        sort_by=_BY_TARGET,
        key=_BY_TARGET,
    )


def calibration_table(model: str) -> Table:
    """Return `reports/calibration/<model>`: reliability curves of the open out-of-fold rows, one row a bin."""
    by_bin = (*_BY_TARGET, "answer", "binning", "bin")
    return Table(
        name=f"reports/calibration/{model}",
        doc="Observed frequency against predicted probability, before and after calibration. Empty bins have no row.",
        columns=(
            *_TARGET,
            _ANSWER,
            required("binning", _TEXT, "uniform = bins of equal width, equal_mass = bins of equal counts"),
            required("bin", pl.Int32(), "bin, from 0"),
            required("low", _FLOAT, "smallest probability the bin takes, included"),
            required("high", _FLOAT, "upper end of the bin, excluded except in the last bin"),
            required("rows", _COUNT, "predictions in the bin"),
            required("predicted", _FLOAT, "mean predicted probability"),
            required("observed", _FLOAT, "share of rows of the class"),
            optional("observed_low", _FLOAT, "lower end of the 95 % interval of observed; null with too little data"),
            optional("observed_high", _FLOAT, "upper end of it"),
        ),
        sort_by=by_bin,
        key=by_bin,
    )


def reliability_table(model: str) -> Table:
    """Return `reports/reliability/<model>`: calibration of the open out-of-fold rows of each day and each symbol."""
    by_group = (*_BY_TARGET, "answer", "by", "group")
    return Table(
        name=f"reports/reliability/{model}",
        doc="Whether probabilities hold on every day and for every symbol. A bound is null with too little data.",
        columns=(
            *_TARGET,
            _ANSWER,
            required("by", _TEXT, "what the rows are grouped by: day or symbol"),
            required("group", _TEXT, "the UTC day as YYYY-MM-DD, or venue and symbol with a space between"),
            required("rows", _COUNT, "open rows of the group"),
            required("positives", _COUNT, "of them, rows of the class"),
            required("predicted", _FLOAT, "mean predicted probability"),
            required("observed", _FLOAT, "share of rows of the class"),
            required("gap", _FLOAT, "observed - predicted: above 0, the model said too little"),
            optional("gap_low", _FLOAT, "2.5 % quantile of the block bootstrap"),
            optional("gap_high", _FLOAT, "97.5 % quantile of the block bootstrap"),
            required("ece", _FLOAT, "expected calibration error over bins of equal width"),
            optional("ece_low", _FLOAT, "2.5 % quantile of the block bootstrap"),
            optional("ece_high", _FLOAT, "97.5 % quantile of the block bootstrap"),
        ),
        sort_by=by_group,
        key=by_group,
    )


def report_tables(model: str) -> tuple[Table, ...]:
    """Return every report table of a model, in the order they are made."""
    makers = (predictions_table, walk_forward_table, verdicts_table, calibration_table, reliability_table)
    return tuple(make(model) for make in makers)
