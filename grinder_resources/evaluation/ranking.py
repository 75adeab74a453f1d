"""Ranking beyond the reference: whether a head orders rows that look alike to a trader, or too well to be true.

A head may rank rows well merely by what the reference sees too: where the price stands, or the last minute's range. So
a positive row is compared with negative ones only where the reference says about the same of both: within twentieths of
its own answers, fold by fold (the covariate-specific ROC curve of Janes and Pepe 2009, strata for the covariate). 0.5
means that beyond the reference the head tosses coins. Without a reference all rows are one stratum, and this is the
plain area under the ROC curve.

A head above its spec's `alarm_auc` raises a leak alarm instead of hopes, and is not used until somebody has looked.
Where its whole interval lies above, luck is no explanation, and the model as a whole is in doubt.
"""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grinder_resources.evaluation.scores import RESAMPLES, Estimate, clears, estimate, resampling, time_blocks
from grinder_resources.learning.metrics import Floats

STRATA = 20
"""Strata a fold. With ten, a sharp reference still ranks its own stratum with an AUC of 0.65; with twenty hardly."""

_NO_REFERENCE = 1e-8
"""Largest difference between a base rate and itself as predictions round it."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class _Pairs:
    """Pairs within strata, float64 [B, B] each: those of a positive of block a and a negative of block b, and wins."""

    wins: Floats
    pairs: Floats

    def auc(self, weights: Floats) -> Floats:
        """Return float64 [resamples]: the share of wins where blocks are drawn `weights` times; NaN without pairs."""
        wins, pairs = (((weights @ table) * weights).sum(axis=1) for table in (self.wins, self.pairs))
        share: Floats = np.divide(wins, pairs, out=np.full_like(pairs, np.nan), where=pairs > 0.0)
        return share


def ranking_beyond(answered: pl.DataFrame, *, resamples: int = RESAMPLES) -> dict[str, Estimate]:
    """Return {"auc_beyond": the AUC within strata of the reference, with its 95 % interval}; empty where undefined.

    answered
        Rows of `reports/predictions/<model>` of one mode, head and class. Settled rows have no part in it; a regression
        has no AUC.
    resamples
        Draws of the block bootstrap; 0 = no interval. There is none either where `scores.resampling` has none.
    """
    judged = answered.filter(~pl.col("settled"), pl.col("class") != "")
    label, blocks = judged["label"].to_numpy(), time_blocks(judged["ts_ns"].to_numpy())
    pairs = _pairs(label, judged["prediction"].to_numpy(), strata_of(judged), blocks)
    value = float(pairs.auc(np.ones((1, len(pairs.wins))))[0])
    if math.isnan(value):
        return {}
    weights = resampling(label, blocks, resamples=resamples)
    return {"auc_beyond": estimate(value, None if weights is None else pairs.auc(weights))}


def strata_of(judged: pl.DataFrame) -> Ints:
    """Return each row's stratum: its fold and its twentieth of `baseline` there. Equal baselines stay together.

    One stratum in all where the baseline is the base rate of every row: then there is nothing to look beyond.
    """
    distance = (judged["baseline"] - judged["base_rate"]).abs()
    if (distance < _NO_REFERENCE).all():
        return np.zeros(judged.height, dtype=np.int64)
    fold, baseline = judged["fold"].to_numpy().astype(np.int64), judged["baseline"].to_numpy()
    strata = fold * STRATA
    for number in np.unique(fold):
        rows = fold == number
        cuts = np.quantile(baseline[rows], np.arange(1, STRATA) / STRATA, method="inverted_cdf")
        strata[rows] += np.searchsorted(np.unique(cuts), baseline[rows])
    return strata


def alarmed(beyond: Estimate | None, ceiling: float) -> bool:
    """Return whether an AUC beyond the reference is above the ceiling: a leak alarm, and nothing to celebrate."""
    return beyond is not None and beyond.value > ceiling


def beyond_luck(beyond: Estimate | None, ceiling: float) -> bool:
    """Return whether its whole interval lies above the ceiling.

    Of forty honest answers with few positives one shows 0.7 by luck. That stops the answer, but not the whole model.
    """
    return clears(beyond, ceiling)


def _pairs(label: Floats, answer: Floats, strata: Ints, blocks: Ints) -> _Pairs:
    """Return pairs and wins by block, ties counting half.

    Rows are laid on one line, stratum after stratum and by answer within; what lies between the start of a positive's
    stratum and its own place are the negatives it beats.
    """
    count = int(blocks.max()) + 1 if len(blocks) else 0
    ranks = np.unique(answer, return_inverse=True)[1]
    start, step = strata * (len(answer) + 1), len(answer) + 1
    positive, negative = label == 1.0, label == 0.0
    wins, pairs = np.zeros((count, count)), np.zeros((count, count))
    for block in range(count):
        line = np.sort((start + ranks)[negative & (blocks == block)])
        before, upto = (np.searchsorted(line, (start + shift)[positive]) for shift in (0, step))
        below = sum(np.searchsorted(line, (start + ranks)[positive], side=side) for side in ("left", "right"))
        wins[:, block] = np.bincount(blocks[positive], below / 2.0 - before, minlength=count)
        pairs[:, block] = np.bincount(blocks[positive], upto - before, minlength=count)
    return _Pairs(wins, pairs)
