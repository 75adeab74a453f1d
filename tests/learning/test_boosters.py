from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from grinder_resources.learning.boosters import answers, booster_settings, fit, margins, row_set
from grinder_resources.learning.model_spec import Head
from grinder_resources.learning.snapping import MARGIN_SCALE
from tests.learning.booster_rows import BINARY, PARAMS, SIZE, TARGETS, THREE, VALUES, fitted, forest


def walk(tree: dict[str, Any], row: NDArray[np.float32]) -> float:
    """Return the leaf of one row, by the rules of XGBoost's model JSON: left if value < condition, NaN by default."""
    node = 0
    while tree["left_children"][node] != -1:
        value = row[tree["split_indices"][node]]
        left = (
            bool(tree["default_left"][node]) if np.isnan(value) else value < np.float32(tree["split_conditions"][node])
        )
        node = tree["left_children" if left else "right_children"][node]
    return float(np.float32(tree["split_conditions"][node]))


@pytest.mark.parametrize("head", [BINARY, THREE, SIZE], ids=lambda head: head.kind)
def test_margins_are_exact_sums_of_leaves(head: Head) -> None:
    """Integer sums over hand-walked trees equal XGBoost's margins bit for bit, with nothing added."""
    model = fitted(head)
    margin = margins(model, VALUES[700:760])
    sums = np.zeros(margin.shape, dtype=np.int64)
    for tree, output in zip(forest(model)["trees"], forest(model)["tree_info"], strict=True):
        leaves = np.array([walk(tree, row) for row in VALUES[700:760]]) * MARGIN_SCALE
        assert (leaves == np.rint(leaves)).all()
        sums[:, output] += leaves.astype(np.int64)
    np.testing.assert_array_equal(margin * MARGIN_SCALE, sums)


@pytest.mark.parametrize("head", [BINARY, THREE, SIZE], ids=lambda head: head.kind)
def test_one_and_two_threads_give_the_same_bytes(head: Head) -> None:
    """And so does a second run."""
    one, two = (replace(PARAMS, rounds=8, nthread=nthread) for nthread in (1, 2))
    assert fitted(head, one) == fitted(head, one) == fitted(head, two)


def test_relabelled_matrix_gives_the_bytes_of_a_fresh_one() -> None:
    """Heads share a quantized matrix; what was fitted before leaves no trace."""
    shared = row_set(VALUES[:500], VALUES[500:700], PARAMS)
    size, hit = TARGETS["size"], TARGETS["hit"]
    fit(SIZE, shared, size[:500], size[500:700], PARAMS)
    assert fit(BINARY, shared, hit[:500], hit[500:700], PARAMS).model == fitted(BINARY)


@pytest.mark.parametrize(("head", "metric"), [(BINARY, "log_loss"), (THREE, "mlogloss"), (SIZE, "rmse")])
def test_snapping_is_weighed_on_the_validation_rows(head: Head, metric: str) -> None:
    """Before and after are what scikit-learn says of XGBoost's own floats and of the snapped margins."""
    import xgboost
    from sklearn.metrics import log_loss, root_mean_squared_error

    target = TARGETS[head.name]
    found = fit(head, row_set(VALUES[:500], VALUES[500:700], PARAMS), target[:500], target[500:700], PARAMS)
    settings = booster_settings(head, PARAMS)
    raw = xgboost.train(settings, xgboost.QuantileDMatrix(VALUES[:500], target[:500], max_bin=64), found.rounds)

    def loss(model: bytes) -> float:
        answer = answers(head, margins(model, VALUES[500:700]))
        if head.kind == "regression":
            return float(root_mean_squared_error(target[500:700] * head.unit, answer[:, 0]))
        return float(log_loss(target[500:700], answer if head.kind == "multiclass" else answer[:, 0]))

    snapping = found.snapping
    assert snapping.metric == metric
    assert snapping.before == pytest.approx(loss(bytes(raw.save_raw("json"))), rel=1e-6)
    assert snapping.after == pytest.approx(loss(found.model), rel=1e-12)
    assert snapping.difference == snapping.after - snapping.before
    assert 0.0 < abs(snapping.difference) < 1e-4 * snapping.before


def test_snapping_costs_less_than_a_hundred_thousandth_of_a_nat() -> None:
    """In log loss on rows that were not fitted."""
    target = TARGETS["hit"]
    found = fit(BINARY, row_set(VALUES[:500], VALUES[500:], PARAMS), target[:500], target[500:], PARAMS)
    assert abs(found.snapping.difference) < 1e-5


def test_early_stopping_looks_at_validation_only() -> None:
    """Validation labels turned upside down stop at once; the same train rows with honest ones go on."""
    rows, target = row_set(VALUES[:500], VALUES[500:700], PARAMS), TARGETS["hit"]
    stopped = fit(BINARY, rows, target[:500], 1.0 - target[500:700], PARAMS)
    honest = fit(BINARY, rows, target[:500], target[500:700], PARAMS)
    assert stopped.rounds == 1
    assert honest.rounds > 20


def test_answers_of_known_margins() -> None:
    """Logistic, softmax and unit."""
    assert answers(BINARY, np.array([[0.0], [np.log(3.0)]]))[:, 0].tolist() == pytest.approx([0.5, 0.75])
    assert answers(THREE, np.log([[1.0, 2.0, 5.0]]))[0].tolist() == pytest.approx([0.125, 0.25, 0.625])
    assert answers(SIZE, np.array([[1.5]]))[0, 0] == 1500.0
