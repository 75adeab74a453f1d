"""Point scores of answers against labels: definitions only, plain numpy, no intervals.

A classification score takes labels 0 / 1 and probabilities, a regression score numbers in units of the label; all are
float64 [rows]. A score that rows cannot decide is NaN, and left out of a dictionary: AUC with a single class, skill
against a baseline that is never wrong, anything of no rows.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CLIP = 1e-6
"""Distance from 0 and 1 kept in the log loss, so that one wrong certainty costs 13.8 nats and not infinity."""


def losses(label: Floats, answer: Floats, *, regression: bool) -> Mapping[str, Floats]:
    """Return the loss of every row, by name; the mean of each is the score of that name.

    Classification: log_loss (nats), brier, accuracy (1 if p >= 0.5 says the label). Regression: mae, mse.
    """
    error = answer - label
    if regression:
        return {"mae": np.abs(error), "mse": error**2}
    probability = np.clip(answer, CLIP, 1.0 - CLIP)
    return {
        "log_loss": -np.log(np.where(label == 1.0, probability, 1.0 - probability)),
        "brier": error**2,
        "accuracy": ((answer >= 0.5) == (label == 1.0)).astype(np.float64),
    }


def auc(label: Floats, answer: Floats) -> float:
    """Return the chance that a random positive is ranked above a random negative, ties counting half."""
    positive, negative = answer[label == 1.0], np.sort(answer[label == 0.0])
    if len(positive) == 0 or len(negative) == 0:
        return float("nan")
    below, upto = (np.searchsorted(negative, positive, side=side) for side in ("left", "right"))
    return float((below + upto).sum() / (2.0 * len(positive) * len(negative)))


def skill(label: Floats, answer: Floats, baseline: Floats) -> float:
    """Return 1 - squared error / squared error of the baseline: the Brier skill score, or the out-of-sample R2."""
    reference = float(((baseline - label) ** 2).sum())
    return 1.0 - float(((answer - label) ** 2).sum()) / reference if reference > 0.0 else float("nan")


def point_scores(
    label: Floats, answer: Floats, baselines: Mapping[str, Floats], *, regression: bool
) -> dict[str, float]:
    """Return every score of the rows by name: the mean losses, skills, and base_rate and auc or rmse.

    `baselines` holds answers to beat, by the name of the skill over them.
    """
    if len(label) == 0:
        return {}
    scores = {name: float(loss.mean()) for name, loss in losses(label, answer, regression=regression).items()}
    scores |= {name: skill(label, answer, baseline) for name, baseline in baselines.items()}
    if regression:
        scores["rmse"] = math.sqrt(scores["mse"])
    else:
        scores |= {"base_rate": float(label.mean()), "auc": auc(label, answer)}
    return {name: value for name, value in scores.items() if not math.isnan(value)}
