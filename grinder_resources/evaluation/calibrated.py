"""Calibrated answers of a walk-forward: what the exported graph would have said, had it been built before each fold.

A calibration for a fold may know only what was known when the fold began: answers of earlier folds whose labels had
ended, an embargo before. Each of those was given out of fold, too, so nothing is ever calibrated by its own label. The
first folds have too little to learn from and keep the logistic function, or the softmax.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from grinder_resources.contracts.calibration import CERTAIN_BPS
from grinder_resources.contracts.reports import POOLED
from grinder_resources.evaluation.scores import Scores, score, time_blocks
from grinder_resources.learning.calibration import ANSWERS, calibrated_bps, fit_calibration
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.splits import EMBARGO_NS

PART = "calibrated"
"""Part of the walk-forward scores that calibrated answers are in."""

BASELINES = {"skill": "baseline", "skill_over_base": "base_rate", "skill_over_raw": "prediction"}
"""Skills of a calibrated answer, and the column of the predictions that each is over."""


def with_calibrated_bps(spec: ModelSpec, answers_by_fold: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    """Return the answers of each fold with `calibrated_bps`, Int32: calibrated and coherent; null for a regression.

    answers_by_fold
        Answers as in `learning.calibration.ANSWERS`, with `label_end_ns`: the folds of one mode in time order, each
        with all its test rows. A fold in which no head could be fitted has no rows.
    """
    calibrated: list[pl.DataFrame] = []
    for answers in answers_by_fold:
        bps = pl.Series("calibrated_bps", [], pl.Int32)
        if answers.height:
            past = _past(calibrated, int(answers["ts_ns"].to_numpy().min()))
            bps = calibrated_bps(spec, answers, fit_calibration(spec, past))
        calibrated.append(answers.with_columns(bps))
    return calibrated


def _past(folds: Sequence[pl.DataFrame], start_ns: int) -> pl.DataFrame:
    """Return the answers whose labels had ended an embargo before `start_ns`."""
    known = [fold.filter(pl.col("label_end_ns") + EMBARGO_NS < start_ns) for fold in folds if fold.height]
    return pl.concat([pl.DataFrame(schema=dict(ANSWERS)), *(fold.select(*ANSWERS) for fold in known)])


def calibrated_scores(predictions: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Return the scores of calibrated answers as rows of `reports/walk_forward/<model>`: by fold, and pooled.

    predictions
        Rows of `reports/predictions/<model>`; settled ones and regressions are left out.
    """
    judged = predictions.filter(~pl.col("settled"), pl.col("calibrated_bps").is_not_null())
    records: list[tuple[Any, ...]] = []
    for answered in judged.partition_by("mode", "head", "class", maintain_order=True):
        target = answered.select("mode", "head", "class").row(0)
        records += _score(answered).records(*target, POOLED, PART)
        for single in answered.partition_by("fold", maintain_order=True):
            records += _score(single).records(*target, single["fold"][0], PART)
    return records


def _score(answered: pl.DataFrame) -> Scores:
    label, answer = answered["label"].to_numpy(), answered["calibrated_bps"].to_numpy() / CERTAIN_BPS
    baselines = {name: answered[column].to_numpy() for name, column in BASELINES.items()}
    return score(label, answer, baselines, time_blocks(answered["ts_ns"].to_numpy()))
