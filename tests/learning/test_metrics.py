import math

import numpy as np
import pytest

from grinder_resources.learning.metrics import auc, point_scores, skill

LABEL = np.array([0.0, 0, 1, 1])
ANSWER = np.array([0.1, 0.4, 0.35, 0.8])


def test_classification_scores_of_four_rows() -> None:
    """By hand: three of four pairs in order, errors 0.1, 0.4, 0.65, 0.2."""
    baselines = {"skill": np.full(4, 0.5), "skill_over_base": np.array([0.1, 0.4, 0.35, 0.5])}
    scores = point_scores(LABEL, ANSWER, baselines, regression=False)
    assert scores == pytest.approx(
        {
            "log_loss": -(math.log(0.9) + math.log(0.6) + math.log(0.35) + math.log(0.8)) / 4,
            "brier": (0.01 + 0.16 + 0.4225 + 0.04) / 4,
            "accuracy": 0.75,
            "skill": 1 - 0.6325 / 1.0,
            "skill_over_base": 1 - 0.6325 / 0.8425,
            "base_rate": 0.5,
            "auc": 0.75,
        }
    )


def test_regression_scores_of_two_rows() -> None:
    """Errors 1 and 3; the baseline is off by 2 twice."""
    scores = point_scores(np.array([1.0, 5.0]), np.array([2.0, 2.0]), {"skill": np.array([3.0, 3.0])}, regression=True)
    assert scores == pytest.approx({"mae": 2.0, "mse": 5.0, "rmse": math.sqrt(5.0), "skill": 1 - 10 / 8})


def test_ties_count_half() -> None:
    """A constant answer ranks nothing."""
    assert auc(LABEL, np.full(4, 0.3)) == 0.5


def test_auc_agrees_with_sklearn() -> None:
    """On answers with many ties."""
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(3)
    label, answer = rng.integers(0, 2, 500).astype(float), rng.integers(0, 20, 500) / 20
    assert auc(label, answer) == pytest.approx(roc_auc_score(label, answer), abs=1e-12)


def test_undecidable_scores_are_left_out() -> None:
    """AUC of one class, skill against a baseline that is always right, anything of no rows."""
    scores = point_scores(np.ones(2), np.array([0.5, 1.0]), {"skill": np.ones(2)}, regression=False)
    assert "auc" not in scores
    assert "skill" not in scores
    assert point_scores(np.empty(0), np.empty(0), {"skill": np.empty(0)}, regression=True) == {}
    assert math.isnan(skill(np.ones(1), np.zeros(1), np.ones(1)))


def test_one_wrong_certainty_is_finite() -> None:
    """It costs -ln(1e-6)."""
    scores = point_scores(np.array([1.0]), np.array([0.0]), {}, regression=False)
    assert scores["log_loss"] == pytest.approx(13.8155, abs=1e-4)
