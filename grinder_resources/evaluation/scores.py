"""Scores with intervals: how good answers are, and how much of that could be luck.

Rows are not independent: labels of neighbouring rows overlap, and instruments move together. The bootstrap therefore
draws whole blocks of time, all instruments in a block at once (Carlstein 1986). It resamples sums per block instead of
rows, so an interval costs a small matrix product: means and ratios from per-block sums, AUC from the table of wins of
each block's positives over each block's negatives.

Metrics: log_loss (nats), brier, accuracy, base_rate, auc and those of `evaluation.reliability` for classes; mae, mse,
rmse (units of the label) for regressions. Both have skills, 1 - squared error / squared error of what is to be beaten,
0 = no better: `skill` over the model's reference (`learning.reference`), `skill_over_base` over the class share or mean
label of the training rows, and of a calibrated answer `skill_over_raw` over the same answer before calibration.

A calibration error is never below 0 and noise only adds to it, in a resample more than in the rows themselves. So its
interval leans upwards: what it says is how large the error may well be, and an upper bound can be relied on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.evaluation import reliability
from grinder_resources.learning.metrics import Floats, losses, point_scores

SKILLS = ("skill", "skill_over_base", "skill_over_raw")
METRICS = (
    *("log_loss", "brier", "accuracy", "base_rate", "auc", *SKILLS, "mae", "mse", "rmse"),
    *reliability.METRICS,
)

BLOCK_NS = 3_600 * NS_PER_SECOND
"""Length of a block of time: many times the label windows of levels and of the next minute. Longer labels reach from
block to block, and their intervals come out too narrow; a spec that has some says so in its caveat."""

MIN_BLOCKS = 8
"""With fewer blocks an interval would say more about the bootstrap than about the model; none is given."""

MIN_ROWS = 10
"""Rows an interval needs of either class, and of a regression twice over, for the same reason."""

RESAMPLES = 300
SEED = 42

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Estimate:
    """A score and its 95 % interval; bounds are None where it cannot be had."""

    value: float
    low: float | None = None
    high: float | None = None


def clears(estimate: Estimate | None, threshold: float) -> bool:
    """Return whether the whole interval lies above a threshold; what is not known does not."""
    return estimate is not None and estimate.low is not None and estimate.low > threshold


def stays_within(estimate: Estimate | None, threshold: float) -> bool:
    """Return whether the whole interval lies at or below a threshold; what is not known does not."""
    return estimate is not None and estimate.high is not None and estimate.high <= threshold


@dataclass(frozen=True)
class Scores:
    """Scores by name, with the rows, rows of the class (0 for a regression) and blocks of time behind them."""

    rows: int
    positives: int
    blocks: int
    metrics: dict[str, Estimate]

    def records(self, *key: object) -> list[tuple[Any, ...]]:
        """Return rows of `reports/walk_forward/<model>`; `key` is mode, head, class, fold and part."""
        counts = (self.rows, self.positives, self.blocks)
        return [(*key, name, metric.value, metric.low, metric.high, *counts) for name, metric in self.metrics.items()]


def time_blocks(ts_ns: Ints, block_ns: int = BLOCK_NS) -> Ints:
    """Return the number of each row's block, 0, 1, ... in time order; blocks without rows have no number."""
    return np.unique(ts_ns // block_ns, return_inverse=True)[1].astype(np.int64)


def score(
    label: Floats,
    answer: Floats,
    baselines: Mapping[str, Floats],
    blocks: Ints,
    *,
    regression: bool = False,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Scores:
    """Return every score of the rows with a block-bootstrap interval.

    label, answer
        float64 [rows]: 0 / 1 and probabilities, or numbers in units of the label. No NaN.
    baselines
        Answers to beat, float64 [rows] each, by the name of the skill over them.
    blocks
        int64 [rows]: the block of each row, 0 .. B - 1, from `time_blocks`.
    resamples
        0 = no intervals.
    """
    points = point_scores(label, answer, baselines, regression=regression)
    weights = resampling(label, blocks, regression=regression, resamples=resamples, seed=seed)
    drawn = {} if weights is None else _drawn(label, answer, baselines, blocks, weights, regression=regression)
    metrics = {name: estimate(value, drawn.get(name)) for name, value in points.items()}
    if not regression and len(label):
        metrics |= _calibration(label, answer, blocks, weights)
    return Scores(len(label), 0 if regression else int(label.sum()), _count(blocks), metrics)


def resampling(
    label: Floats, blocks: Ints, *, regression: bool = False, resamples: int = RESAMPLES, seed: int = SEED
) -> Floats | None:
    """Return how often each block is drawn in each resample, float64 [resamples, blocks].

    None with fewer than MIN_BLOCKS blocks, MIN_ROWS rows of either class, or 2 x MIN_ROWS of a regression.
    """
    count = _count(blocks)
    rarest = len(label) / 2 if regression else min(label.sum(), len(label) - label.sum())
    if resamples == 0 or count < MIN_BLOCKS or rarest < MIN_ROWS:
        return None
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1.0 / count), size=resamples)
    return drawn.astype(np.float64)


def estimate(value: float, drawn: Floats | None) -> Estimate:
    """Return a value with the 2.5 % and 97.5 % quantiles of its resamples, stretched to hold the value.

    Without bounds where there are no resamples, or half of them could not be scored.
    """
    if drawn is None or np.isnan(drawn).mean() > 0.5:
        return Estimate(value)
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Estimate(value, min(float(low), value), max(float(high), value))


def ratio_estimate(parts: Floats, wholes: Floats, ts_ns: Ints) -> Estimate:
    """Return sum(parts) / sum(wholes) of rows at `ts_ns`, at least one, with the interval of a bootstrap over hours."""
    blocks = time_blocks(ts_ns)
    weights = resampling(wholes, blocks, regression=True)
    drawn = None
    if weights is not None:
        above, below = (weights @ np.bincount(blocks, of_row) for of_row in (parts, wholes))
        drawn = np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0.0)
    return estimate(float(parts.sum() / wholes.sum()), drawn)


def mean_estimate(values: Floats, ts_ns: Ints) -> Estimate:
    """Return the mean of rows at `ts_ns`, at least one, with the interval of a bootstrap over hours."""
    return ratio_estimate(values, np.ones(len(values)), ts_ns)


def _count(blocks: Ints) -> int:
    return int(blocks.max()) + 1 if len(blocks) else 0


def _calibration(label: Floats, answer: Floats, blocks: Ints, weights: Floats | None) -> dict[str, Estimate]:
    edges = (reliability.bin_edges(answer, binning) for binning in reliability.BINNINGS)
    uniform, equal_mass = (reliability.binned(label, answer, blocks, edge) for edge in edges)
    points = reliability.calibration_metrics(uniform.total, equal_mass.total)
    if weights is None:
        return {name: Estimate(float(value)) for name, value in points.items()}
    drawn = reliability.calibration_metrics(uniform.weighted(weights), equal_mass.weighted(weights))
    return {name: estimate(float(value), drawn[name]) for name, value in points.items()}


def _drawn(
    label: Floats, answer: Floats, baselines: Mapping[str, Floats], blocks: Ints, weights: Floats, *, regression: bool
) -> dict[str, Floats]:
    """Return each metric but those of reliability for every resample."""

    def total(row_values: Floats) -> Floats:
        return weights @ np.bincount(blocks, row_values, minlength=weights.shape[1])

    rows = total(np.ones_like(label))
    drawn = {name: total(loss) / rows for name, loss in losses(label, answer, regression=regression).items()}
    with np.errstate(divide="ignore", invalid="ignore"):
        error = total((answer - label) ** 2)
        drawn |= {name: 1.0 - error / total((baseline - label) ** 2) for name, baseline in baselines.items()}
        if regression:
            return drawn | {"rmse": np.sqrt(drawn["mse"])}
        pairs = total(label) * total(1.0 - label)
        wins = ((weights @ _block_wins(label, answer, blocks)) * weights).sum(axis=1)
        return drawn | {"base_rate": total(label) / rows, "auc": wins / pairs}


def _block_wins(label: Floats, answer: Floats, blocks: Ints) -> Floats:
    """Return float64 [B, B]: how often a positive of block a ranks above a negative of block b, ties counting half."""
    count = int(blocks.max()) + 1
    positive, negative = label == 1.0, label == 0.0
    wins = np.zeros((count, count))
    for block in range(count):
        ranked = np.sort(answer[negative & (blocks == block)])
        below = sum(np.searchsorted(ranked, answer[positive], side=side) for side in ("left", "right"))
        wins[:, block] = np.bincount(blocks[positive], below / 2.0, minlength=count)
    return wins
