"""Gradient-boosted trees whose sums are exact.

Fitting is XGBoost's histogram method on the CPU with a fixed seed: the same rows give the same bytes with one thread
or two. After fitting, every leaf is moved to the nearest multiple of 2^-16 and the base score is folded into the
first tree of each output. While sum over trees of max |leaf| stays below 2^8, every partial sum of a margin is a
multiple of 2^-16 below 2^8, which float32 holds without rounding: any engine, order or number of threads then gives
the same margin. A leaf moves by at most 2^-17.

Matrices are built once per set of rows and relabelled per head, because sketching the quantiles costs as much as
fitting. XGBoost is imported inside the functions; this module is cheap to import.
"""

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import EXACT_BOUND, LEAF_GRID_BITS
from grinder_resources.errors import OutOfRange
from grinder_resources.learning.specs import BoosterParams, Head, Kind

if TYPE_CHECKING:
    import xgboost

MARGIN_SCALE = 1 << LEAF_GRID_BITS
"""Margins are whole multiples of 1 / MARGIN_SCALE."""

EXACT_MARGIN = EXACT_BOUND / MARGIN_SCALE
"""Margins below this are exact in float32; the bound on the sum over trees of the largest absolute leaf."""

OBJECTIVES: dict[Kind, str] = {
    "binary": "binary:logistic",
    "multiclass": "multi:softprob",
    "regression": "reg:squarederror",
}

ZERO_MARGIN: dict[Kind, float] = {"binary": 0.5, "multiclass": 0.0, "regression": 0.0}
"""The base score, in the objective's own units, whose margin is exactly 0."""

Floats = NDArray[np.float64]
Values = NDArray[np.float32]


@dataclass(frozen=True)
class RowSet:
    """Quantized train and validation matrices of one set of rows; labels are set per head, the bins stay."""

    train: "xgboost.QuantileDMatrix"
    val: "xgboost.QuantileDMatrix"


def row_set(train: Values, val: Values, params: BoosterParams) -> RowSet:
    """Return both matrices, float32 [rows, columns] with NaN for missing; the bins come from the train rows alone."""
    import xgboost

    settings = {"max_bin": params.max_bin, "nthread": params.nthread}
    fitted = xgboost.QuantileDMatrix(train, **settings)
    return RowSet(fitted, xgboost.QuantileDMatrix(val, ref=fitted, **settings))


def fit(head: Head, rows: RowSet, train_target: Floats, val_target: Floats, params: BoosterParams) -> tuple[bytes, int]:
    """Return the fitted, snapped booster as XGBoost's model JSON, cut at its best validation round, and its rounds.

    Targets are finite float64, in the units the booster learns: class codes, or label / unit. Raises OutOfRange if
    the leaves are too large for exact sums.
    """
    import xgboost

    rows.train.set_label(train_target)
    rows.val.set_label(val_target)
    booster = xgboost.train(
        _settings(head, params),
        rows.train,
        num_boost_round=params.rounds,
        evals=[(rows.val, "val")],
        early_stopping_rounds=params.early_stopping,
        verbose_eval=False,
    )
    rounds = booster.best_iteration + 1
    return snap_leaves(bytes(booster[:rounds].save_raw("json")), head), rounds


def _settings(head: Head, params: BoosterParams) -> dict[str, Any]:
    return {
        "objective": OBJECTIVES[head.kind],
        "tree_method": "hist",
        "device": "cpu",
        "max_depth": params.max_depth,
        "eta": params.eta,
        "min_child_weight": params.min_child_weight,
        "subsample": params.subsample,
        "max_bin": params.max_bin,
        "seed": params.seed,
        "nthread": params.nthread,
    } | ({"num_class": len(head.classes)} if head.kind == "multiclass" else {})


def snap_leaves(model: bytes, head: Head) -> bytes:
    """Return the model JSON with leaves on the 2^-16 grid and the base score moved into the first tree of each output.

    Raises OutOfRange if the leaves are too large for exact sums.
    """
    document = json.loads(model)
    learner = document["learner"]
    forest = learner["gradient_booster"]["model"]
    base = _base_margins(learner["learner_model_param"]["base_score"], head.kind)
    reach, unplaced = [0.0] * len(base), dict(enumerate(base))
    for tree, output in zip(forest["trees"], forest["tree_info"], strict=True):
        reach[output] += _snap_tree(tree, unplaced.pop(output, 0.0))
    if max(reach) >= EXACT_MARGIN:
        raise OutOfRange(
            "leaves are too large for exact sums",
            where=f"head {head.name}",
            got=f"sum of largest leaves {max(reach):.1f}",
            expected=f"below {EXACT_MARGIN:.0f}",
            hint="Give the head a larger unit.",
        )
    learner["learner_model_param"] |= {
        "base_score": json.dumps([ZERO_MARGIN[head.kind]] * len(base)),
        "boost_from_average": "0",
    }
    return bytes(load(json.dumps(document).encode()).save_raw("json"))


def _base_margins(base_score: str, kind: Kind) -> list[float]:
    """Return the base score of each output as a margin, from XGBoost's array text in the objective's own units."""
    scores = [float(score) for score in json.loads(base_score)]
    return [math.log(score / (1.0 - score)) for score in scores] if kind == "binary" else scores


def _snap_tree(tree: dict[str, Any], shift: float) -> float:
    """Snap the leaves of one tree in place, `shift` added; return the largest absolute leaf."""
    largest = 0.0
    for node, child in enumerate(tree["left_children"]):
        if child == -1:
            leaf = round((tree["split_conditions"][node] + shift) * MARGIN_SCALE) / MARGIN_SCALE
            tree["split_conditions"][node] = tree["base_weights"][node] = leaf
            largest = max(largest, abs(leaf))
    return largest


def load(model: bytes) -> "xgboost.Booster":
    """Return the booster of a model JSON; it predicts with one thread."""
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(model))
    return booster


def margins(model: bytes, values: Values) -> Floats:
    """Return float64 [rows, outputs]: exact sums of leaves, one column a class for a multiclass head, else one.

    `values` is float32 [at least one row, columns] with NaN for missing.
    """
    answer = load(model).inplace_predict(values, predict_type="margin", missing=np.nan)
    return np.asarray(answer, dtype=np.float64).reshape(len(values), -1)


def answers(head: Head, margin: Floats) -> Floats:
    """Return float64 [rows, len(head.outputs)] from margins: probabilities, or the regression in units of its label.

    Probabilities are those of the second class for a binary head (logistic function) and of every class for a
    multiclass head (softmax), computed in float64.
    """
    match head.kind:
        case "binary":
            return 1.0 / (1.0 + np.exp(-margin))
        case "multiclass":
            weights = np.exp(margin - margin.max(axis=1, keepdims=True))
            return np.asarray(weights / weights.sum(axis=1, keepdims=True))
        case "regression":
            return margin * head.unit
