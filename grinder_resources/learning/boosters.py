"""Gradient-boosted trees: matrices, fits, margins and answers.

Fitting is XGBoost's histogram method on the CPU with a fixed seed: the same rows give the same bytes with one thread
or two. Every booster is snapped (`learning.snapping`), so that its margins are exact sums; what that costs in
validation loss is measured at every fit.

Matrices are built once per set of rows and relabelled per head, because sketching the quantiles costs as much as
fitting. XGBoost is imported inside the functions; this module is cheap to import.
"""

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from grinder_resources.learning.metrics import losses
from grinder_resources.learning.model_spec import BoosterParams, Head, Kind
from grinder_resources.learning.snapping import load, snapped

if TYPE_CHECKING:
    import xgboost

OBJECTIVES: dict[Kind, str] = {
    "binary": "binary:logistic",
    "multiclass": "multi:softprob",
    "regression": "reg:squarederror",
}

LOSSES: dict[Kind, str] = {"binary": "log_loss", "multiclass": "mlogloss", "regression": "rmse"}
"""What the cost of snapping is measured in: nats, or units of the label."""

Floats = NDArray[np.float64]
Values = NDArray[np.float32]


@dataclass(frozen=True)
class RowSet:
    """Quantized train and validation matrices of one set of rows; labels are set per head, the bins stay.

    sha256
        Of the numbers they were made from.
    """

    train: "xgboost.QuantileDMatrix"
    val: "xgboost.QuantileDMatrix"
    sha256: str


@dataclass(frozen=True)
class Snapping:
    """Mean loss on the validation rows before and after leaves were snapped; `metric` is one of LOSSES."""

    metric: str
    before: float
    after: float

    @property
    def difference(self) -> float:
        """What snapping cost; negative where it helped."""
        return self.after - self.before


@dataclass(frozen=True)
class FittedBooster:
    """The snapped booster as XGBoost's model JSON, cut at its best validation round, and its rounds."""

    model: bytes
    rounds: int
    snapping: Snapping


def row_set(train: Values, val: Values, params: BoosterParams) -> RowSet:
    """Return both matrices, float32 [rows, columns] with NaN for missing; the bins come from the train rows alone."""
    import xgboost

    settings = {"max_bin": params.max_bin, "nthread": params.nthread}
    fitted = xgboost.QuantileDMatrix(train, **settings)
    digest = hashlib.sha256(train.tobytes())
    digest.update(val.tobytes())
    return RowSet(fitted, xgboost.QuantileDMatrix(val, ref=fitted, **settings), digest.hexdigest())


def fit(
    head: Head,
    rows: RowSet,
    train_target: Floats,
    val_target: Floats,
    params: BoosterParams,
    *,
    monotone: tuple[int, ...] = (),
) -> FittedBooster:
    """Return a head's booster, fitted, cut at its best validation round and snapped.

    Targets are finite float64, in the units the booster learns: class codes, or label / unit. `monotone` is as in
    `booster_settings`; snapping moves a larger leaf no lower than a smaller one, so it holds afterwards, too. Raises
    OutOfRange if the leaves are too large for exact sums.
    """
    import xgboost

    rows.train.set_label(train_target)
    rows.val.set_label(val_target)
    booster = xgboost.train(
        booster_settings(head, params, monotone),
        rows.train,
        num_boost_round=params.rounds,
        evals=[(rows.val, "val")],
        early_stopping_rounds=params.early_stopping,
        verbose_eval=False,
    )
    rounds = booster.best_iteration + 1
    exact = snapped(bytes(booster[:rounds].save_raw("ubj")), head)
    before = booster.predict(rows.val, output_margin=True, iteration_range=(0, rounds))
    after = exact.predict(rows.val, output_margin=True)
    losses_around = (_val_loss(head, val_target, margin) for margin in (before, after))
    return FittedBooster(bytes(exact.save_raw("json")), rounds, Snapping(LOSSES[head.kind], *losses_around))


def _val_loss(head: Head, target: Floats, margin: Values) -> float:
    """Return the loss of margins, float32 [rows] or [rows, classes], against what the booster learned from."""
    answer = answers(head, np.asarray(margin, dtype=np.float64).reshape(len(target), -1))
    match head.kind:
        case "binary":
            return float(losses(target, answer[:, 0], regression=False)["log_loss"].mean())
        case "multiclass":
            said = answer[np.arange(len(target)), target.astype(np.int64)]
            return float(losses(np.ones_like(target), said, regression=False)["log_loss"].mean())
        case "regression":
            return math.sqrt(losses(target * head.unit, answer[:, 0], regression=True)["mse"].mean())


def booster_settings(head: Head, params: BoosterParams, monotone: tuple[int, ...] = ()) -> dict[str, Any]:
    """Return XGBoost's own settings of a head's fit.

    monotone
        -1, 0 or 1 a column: the direction in which it may move a binary head's answer, 0 = either; () = all are free.
    """
    bound = head.kind == "binary" and any(monotone)
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
        **({"num_class": len(head.classes)} if head.kind == "multiclass" else {}),
        **({"monotone_constraints": monotone} if bound else {}),
    }


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
