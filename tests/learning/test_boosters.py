import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from grinder_resources.errors import OutOfRange
from grinder_resources.learning.boosters import MARGIN_SCALE, answers, fit, load, margins, row_set, snap_leaves
from grinder_resources.learning.metrics import point_scores
from grinder_resources.learning.specs import BoosterParams, Head

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
    return fit(head, row_set(VALUES[:500], VALUES[500:700], params), target[:500], target[500:700], params)[0]


def forest(model: bytes) -> dict[str, Any]:
    return dict(json.loads(model)["learner"]["gradient_booster"]["model"])


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
    assert fit(BINARY, shared, hit[:500], hit[500:700], PARAMS)[0] == fitted(BINARY)


def test_snapping_costs_no_log_loss() -> None:
    """Less than a millionth of a nat against XGBoost's own floats."""
    import xgboost

    label = TARGETS["hit"]
    settings = {"objective": "binary:logistic", "max_depth": 4, "eta": 0.05, "seed": 42, "nthread": 1}
    raw = xgboost.train(settings, xgboost.DMatrix(VALUES[:700], label[:700]), 60)
    snapped = snap_leaves(bytes(raw.save_raw("json")), BINARY)
    before = answers(BINARY, margins(bytes(raw.save_raw("json")), VALUES[700:]))[:, 0]
    after = answers(BINARY, margins(snapped, VALUES[700:]))[:, 0]
    losses = [point_scores(label[700:], answer, {}, regression=False)["log_loss"] for answer in (before, after)]
    assert abs(losses[0] - losses[1]) < 1e-5
    assert np.abs(before - after).max() < 1e-4


def test_snapping_twice_changes_nothing() -> None:
    """The leaves are on the grid and the base margin is zero already."""
    model = fitted(THREE)
    assert snap_leaves(model, THREE) == model
    assert bytes(load(model).save_raw("json")) == model


def test_leaves_too_large_for_exact_sums_are_refused() -> None:
    """A target in thousandths needs a unit."""
    target = TARGETS["size"] * 1000
    with pytest.raises(OutOfRange, match=r"head size.*below 256.*larger unit"):
        fit(SIZE, row_set(VALUES[:500], VALUES[500:700], PARAMS), target[:500], target[500:700], PARAMS)


def test_early_stopping_looks_at_validation_only() -> None:
    """Validation labels turned upside down stop at once; the same train rows with honest ones go on."""
    rows, target = row_set(VALUES[:500], VALUES[500:700], PARAMS), TARGETS["hit"]
    _, stopped = fit(BINARY, rows, target[:500], 1.0 - target[500:700], PARAMS)
    _, honest = fit(BINARY, rows, target[:500], target[500:700], PARAMS)
    assert stopped == 1
    assert honest > 20


def test_answers_of_known_margins() -> None:
    """Logistic, softmax and unit."""
    assert answers(BINARY, np.array([[0.0], [np.log(3.0)]]))[:, 0].tolist() == pytest.approx([0.5, 0.75])
    assert answers(THREE, np.log([[1.0, 2.0, 5.0]]))[0].tolist() == pytest.approx([0.125, 0.25, 0.625])
    assert answers(SIZE, np.array([[1.5]]))[0, 0] == 1500.0
