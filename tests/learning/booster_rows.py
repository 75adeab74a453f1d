"""Rows with one signal, three heads to fit on them, and the trees of what was fitted."""

import json
from typing import Any

import numpy as np

from grinder_resources.learning.boosters import fit, row_set
from grinder_resources.learning.model_spec import BoosterParams, Head

BINARY = Head("hit", "binary", "y", classes=("no", "yes"))
THREE = Head("regime", "multiclass", "y", classes=("LOW", "MID", "HIGH"))
SIZE = Head("size", "regression", "y", unit=1000)
PARAMS = BoosterParams(rounds=40, early_stopping=10)

RNG = np.random.default_rng(5)
VALUES = RNG.normal(size=(900, 6)).astype(np.float32)
VALUES[RNG.random(VALUES.shape) < 0.1] = np.nan
SIGNAL = np.nan_to_num(VALUES[:, 0]).astype(np.float64)
TARGETS = {
    "hit": (SIGNAL + RNG.normal(size=900) > 0.7).astype(np.float64),
    "regime": np.searchsorted([-0.5, 0.5], SIGNAL + RNG.normal(size=900)).astype(np.float64),
    "size": 3.0 + SIGNAL + RNG.normal(size=900),
}


def fitted(head: Head, params: BoosterParams = PARAMS) -> bytes:
    target = TARGETS[head.name]
    return fit(head, row_set(VALUES[:500], VALUES[500:700], params), target[:500], target[500:700], params).model


def forest(model: bytes) -> dict[str, Any]:
    return dict(json.loads(model)["learner"]["gradient_booster"]["model"])
