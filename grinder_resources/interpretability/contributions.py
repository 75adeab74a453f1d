"""Which inputs moved a margin: exact TreeSHAP, asked of XGBoost itself.

XGBoost computes the path-dependent Shapley values of Lundberg et al. 2020 ("From local explanations to global
understanding of trees", Algorithm 2) in float32. With the expected margin they sum to the margin, up to float32's
rounding of the sum. `inference.explain` has the same numbers as integers, for the trading process.
"""

from dataclasses import dataclass

import numpy as np

from grinder_resources.learning.boosters import Floats, Values
from grinder_resources.learning.snapping import load


@dataclass(frozen=True, eq=False)
class Contributions:
    """What moved the margins of some rows, in units of margin.

    values
        [rows, outputs, inputs] float64: how far each input moved an output's margin from its expected value.
    expected
        [outputs] float64: the margin before any input is known, the mean over the training rows.
    """

    values: Floats
    expected: Floats

    @property
    def margins(self) -> Floats:
        """[rows, outputs]: expected value and contributions together, equal to the margins up to float32."""
        return np.asarray(self.expected + self.values.sum(axis=2))


def contributions(model: bytes, values: Values) -> Contributions:
    """Return the contributions of a booster, XGBoost's JSON or binary form, to the margins of some rows.

    values
        float32 [one row at least, inputs] in the order the booster was fitted with, NaN where a value is missing; a
        missing value contributes like any other.
    """
    import xgboost

    rows = xgboost.DMatrix(values, missing=np.nan, nthread=1)
    found = load(model).predict(rows, pred_contribs=True, validate_features=False).astype(np.float64)
    shaped = found.reshape(len(values), -1, values.shape[1] + 1)
    return Contributions(shaped[:, :, :-1], shaped[0, :, -1])
