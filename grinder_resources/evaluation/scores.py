"""Scores with intervals: how good answers are, and how much of that could be luck.

Rows are not independent: labels of neighbouring rows overlap, and instruments move together. The bootstrap therefore
draws whole blocks of time, all instruments in a block at once (Carlstein 1986). It resamples sums per block instead of
rows, so an interval costs a small matrix product: means and ratios from per-block sums, AUC from the table of wins of
each block's positives over each block's negatives.

Metrics: log_loss (nats), brier, accuracy, base_rate, auc for classes; mae, mse, rmse (units of the label) for
regressions. Both have skills, 1 - squared error / squared error of what is to be beaten, 0 = no better: `skill` over
the model's reference (`learning.reference`), `skill_over_base` over the class share or mean label of the training rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.learning.metrics import Floats, losses, point_scores

METRICS = ("log_loss", "brier", "accuracy", "base_rate", "auc", "skill", "skill_over_base", "mae", "mse", "rmse")

BLOCK_NS = 3_600 * NS_PER_SECOND
"""Length of a block of time: many times the longest label window."""

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


@dataclass(frozen=True)
class Scores:
    """Scores by name, with the rows, rows of the class (0 for a regression) and blocks of time behind them."""

    rows: int
    positives: int
    blocks: int
    metrics: dict[str, Estimate]


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
    count = int(blocks.max()) + 1 if len(blocks) else 0
    drawn: dict[str, Floats] = {}
    if resamples and count >= MIN_BLOCKS and _rarest(label, regression=regression) >= MIN_ROWS:
        weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1.0 / count), size=resamples)
        drawn = _resampled(label, answer, baselines, blocks, weights.astype(np.float64), regression=regression)
    return Scores(
        rows=len(label),
        positives=0 if regression else int(label.sum()),
        blocks=count,
        metrics={name: Estimate(value, *_interval(drawn.get(name))) for name, value in points.items()},
    )


def _rarest(label: Floats, *, regression: bool) -> int:
    """Return the rows of the rarer class, or half of the rows of a regression."""
    return len(label) // 2 if regression else int(min(label.sum(), (1.0 - label).sum()))


def _interval(drawn: Floats | None) -> tuple[float | None, float | None]:
    """Return the 2.5 % and 97.5 % quantiles, or nothing where half of the resamples could not be scored."""
    if drawn is None or np.isnan(drawn).mean() > 0.5:
        return None, None
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def _resampled(
    label: Floats, answer: Floats, baselines: Mapping[str, Floats], blocks: Ints, weights: Floats, *, regression: bool
) -> dict[str, Floats]:
    """Return each metric of every resample; `weights` is float64 [resamples, blocks], how often a block was drawn."""

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
