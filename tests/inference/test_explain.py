"""Contributions of inputs to a margin: by hand, against XGBoost, and the laws they keep."""

import json
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
import xgboost  # noqa: TID253 - the reference
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.artifacts import ExportableHead
from grinder_resources.errors import ArtifactRejected
from grinder_resources.export.graph import export_model
from grinder_resources.export.trees import Tree, _breadth_first, read_ensemble
from grinder_resources.inference import explain
from grinder_resources.inference.explain import TreePaths, top_features
from grinder_resources.inference.graph_trees import trees_of
from tests.export.small_artifact import small_heads, small_rows
from tests.export.small_models import FEATURES, Task, exportable, fit, only

ONE = 1 << 32


def tree(*nodes: tuple[int, float, int, int, bool] | float, target: int = 0) -> Tree:
    """Return a tree: a split is (input, threshold, below, above, missing goes below), a leaf its value."""
    splits = [node if isinstance(node, tuple) else (0, 0.0, -1, -1, False) for node in nodes]
    feature, threshold, below, above, missing = zip(*splits, strict=True)
    return Tree(
        target=target,
        feature=np.array(feature),
        threshold=np.array(threshold, dtype=np.float32),
        below=np.array(below),
        above=np.array(above),
        missing_below=np.array(missing),
        value=np.array([0 if isinstance(node, tuple) else node for node in nodes], dtype=np.float32),
    )


STUMP = tree((1, 0.5, 1, 2, True), 1.0, 5.0)
BOTH = tree((0, 0.0, 1, 2, True), 0.0, (1, 0.0, 3, 4, True), 0.0, 8.0)
BETWEEN = tree((0, 1.0, 1, 2, True), (0, 0.0, 3, 4, False), 2.0, 2.0, 6.0)


def moved(trees: Sequence[Tree], covers: Sequence[float], *row: float, target: int = 0) -> list[float]:
    """Return contributions in units of margin; a division by 2^32 is exact."""
    paths = TreePaths.of(trees, covers, target, len(row))
    return [part / ONE for part in paths.contributions(np.array(row, dtype=np.float32)).tolist()]


def test_a_stump_moves_the_margin_by_the_leaf_less_the_expected_value() -> None:
    """Three quarters of the weight go below, so 2 is expected: -1 below, +3 at the threshold; missing goes below."""
    covers = (4.0, 3.0, 1.0)
    assert moved([STUMP], covers, 9, 0.49, 9) == [0, -1, 0]
    assert moved([STUMP], covers, 9, 0.5, 9) == [0, 3, 0]
    assert moved([STUMP], covers, np.nan, np.nan, 9) == [0, -1, 0]


def test_two_inputs_share_what_they_do_together() -> None:
    """8 if both are positive, 2 expected: 3 each; where only the first is, it moves 1 and the second -3."""
    covers = (4.0, 2.0, 2.0, 1.0, 1.0)
    assert moved([BOTH], covers, 1, 1) == [3, 3]
    assert moved([BOTH], covers, 1, -1) == [1, -3]
    assert moved([BOTH], covers, -1, -1) == [-1, -1]


def test_an_input_that_is_asked_twice_has_one_interval() -> None:
    """6 in 0..1, else 2; a missing value goes below 1 and then not below 0, so it counts as within."""
    covers = (8.0, 6.0, 2.0, 4.0, 2.0)
    assert [moved([BETWEEN], covers, value)[0] for value in (-1, 0, 1, np.nan)] == [-1, 3, -1, 3]


def test_only_trees_of_the_target_count() -> None:
    """Covers are those of all trees, contributions those of one output."""
    other = tree((0, 0.0, 1, 2, True), -4.0, 4.0, target=1)
    assert moved([other, STUMP], (2.0, 1.0, 1.0, 4.0, 3.0, 1.0), 7, 7) == [0, 3]
    assert moved([other, STUMP], (2.0, 1.0, 1.0, 4.0, 3.0, 1.0), 7, 7, target=1) == [4, 0]
    assert moved([other, tree(3.0)], (2.0, 1.0, 1.0, 1.0), 7, 7) == [0, 0]


@cache
def deep_head() -> ExportableHead:
    """Return a regression of ten trees of depth 8."""
    target = np.nan_to_num(small_rows()).astype(np.float64) @ [1.0, 0.3, -0.5, 0.8, 1e-6, 0.5]
    task = Task("deep", "regression", {"objective": "reg:squarederror", "max_depth": 8}, np.sin(3 * target))
    return exportable(task, bytes(fit(task, small_rows(), rounds=10).save_raw("json")))


def head(name: str) -> ExportableHead:
    return deep_head() if name == "deep" else next(head for head in small_heads() if head.name == name)


@cache
def covers_of(name: str) -> tuple[float, ...]:
    """Return XGBoost's sums of hessians, node by node, as the exporter orders them."""
    trees = json.loads(head(name).booster_json)["learner"]["gradient_booster"]["model"]["trees"]
    return tuple(facts["sum_hessian"][node] for facts in trees for node in _breadth_first(facts, head(name)))


@cache
def paths_of(name: str, target: int) -> TreePaths:
    return TreePaths.of(read_ensemble(head(name)).trees, covers_of(name), target, len(FEATURES))


@pytest.mark.parametrize(
    ("name", "target"), [("regime", 0), ("regime", 1), ("regime", 2), ("strength", 0), ("deep", 0)]
)
def test_contributions_are_those_of_xgboost(name: str, target: int) -> None:
    """They equal `pred_contribs`, which is float32, for real trees up to depth 8 and rows with missing values."""
    rows = small_rows()[:150]
    booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(head(name).booster_json))
    data = xgboost.DMatrix(rows, feature_names=list(FEATURES), nthread=1)
    expected = booster.predict(data, pred_contribs=True).reshape(len(rows), -1, len(FEATURES) + 1)[:, target, :-1]
    paths = paths_of(name, target)
    got = np.array([paths.contributions(row) for row in rows]) / ONE
    assert np.abs(expected).max() > 0.3
    assert np.abs(got - expected).max() < 1e-5


def leaf(tree: Tree, row: np.ndarray) -> float:
    """Return what a tree answers."""
    node = 0
    while tree.below[node] >= 0:
        value = row[tree.feature[node]]
        below = tree.missing_below[node] if np.isnan(value) else value < tree.threshold[node]
        node = int((tree.below if below else tree.above)[node])
    return float(tree.value[node])


def mean(tree: Tree, covers: Sequence[float], node: int = 0) -> float:
    """Return a tree's expected answer below a node, by training weight."""
    sides = int(tree.below[node]), int(tree.above[node])
    if sides[0] < 0:
        return float(tree.value[node])
    return sum(covers[side] / covers[node] * mean(tree, covers, side) for side in sides)


@pytest.mark.parametrize(("name", "target"), [("regime", 1), ("deep", 0)])
def test_contributions_and_the_expected_value_sum_to_the_margin(name: str, target: int) -> None:
    """Local accuracy: to 1e-6 of the sum of the leaves a row reaches."""
    trees, covers = read_ensemble(head(name)).trees, covers_of(name)
    starts = np.cumsum([0, *(len(tree.value) for tree in trees)]).tolist()
    own = [(tree, covers[start:]) for tree, start in zip(trees, starts, strict=False) if tree.target == target]
    expected = sum(mean(tree, weights) for tree, weights in own)
    paths = paths_of(name, target)
    for row in small_rows()[:40]:
        margin = sum(leaf(tree, row) for tree, _ in own)
        assert int(paths.contributions(row).sum()) / ONE + expected == pytest.approx(margin, abs=1e-6)


@settings(max_examples=10)
@given(st.permutations(range(90)))
def test_the_order_of_trees_changes_nothing(order: list[int]) -> None:
    """Sums are exact, so any order of trees gives the same integers."""
    trees = read_ensemble(head("regime")).trees
    covers = np.split(np.array(covers_of("regime")), np.cumsum([len(tree.value) for tree in trees])[:-1])
    mixed = np.concatenate([covers[number] for number in order]).tolist()
    shuffled = TreePaths.of([trees[number] for number in order], mixed, 0, len(FEATURES))
    for row in small_rows()[:20]:
        assert shuffled.contributions(row).tolist() == paths_of("regime", 0).contributions(row).tolist()


def test_the_graph_gives_back_the_trees_it_was_made_of() -> None:
    """Every array of every tree survives the export, for each margin by its name."""
    model = export_model((head("regime"), head("strength")), FEATURES, only("regime")).onnx
    for name in ("regime", "strength"):
        fields = ("feature", "threshold", "below", "above", "missing_below", "value")
        for got, expected in zip(trees_of(model, f"{name}_margin"), read_ensemble(head(name)).trees, strict=True):
            assert got.target == expected.target
            for field in fields:
                assert getattr(got, field).tolist() == getattr(expected, field).tolist(), field


def test_outputs_without_trees_of_the_exporters_form_are_refused() -> None:
    """An unknown output, and an operator whose nodes stand in another order, are refused by name."""
    from onnx import helper, load_model_from_string

    model = load_model_from_string(export_model((head("strength"),), FEATURES, only()).onnx)
    with pytest.raises(ArtifactRejected, match=r"no trees lead to this output \(strength\)"):
        trees_of(model.SerializeToString(), "strength")
    node = next(node for node in model.graph.node if node.op_type == "TreeEnsembleRegressor")
    attribute = next(entry for entry in node.attribute if entry.name == "nodes_truenodeids")
    swapped = [2, *helper.get_attribute_value(attribute)[1:]]
    attribute.CopyFrom(helper.make_attribute("nodes_truenodeids", swapped))
    with pytest.raises(ArtifactRejected, match="breadth first"):
        trees_of(model.SerializeToString(), "strength_margin")


def test_covers_have_to_fit_the_trees() -> None:
    """One cover a node, finite and above 0 at a split, and no side of a split heavier than the whole."""
    with pytest.raises(ArtifactRejected, match=r"every node has a cover \(got 2; expected 3\)"):
        TreePaths.of([STUMP], (4.0, 3.0), 0, 2)
    infinite = (float("inf"), float("inf"), 1.0)
    for covers in ((4.0, 5.0, 1.0), (4.0, float("nan"), 1.0), (4.0, -1.0, 5.0), (1e-38, 1e38, 1e38), infinite):
        with pytest.raises(ArtifactRejected, match="no side has more"):
            TreePaths.of([STUMP], covers, 0, 2)
    with pytest.raises(ArtifactRejected, match="finite and above 0"):
        TreePaths.of([STUMP], (0.0, 0.0, 0.0), 0, 2)


def chain(inputs: int) -> Tree:
    """Return a tree that asks one input after the other, each for being 0 or more."""
    splits = [(number, 0.0, 2 * number + 1, 2 * number + 2, True) for number in range(inputs)]
    nodes: list[tuple[int, float, int, int, bool] | float] = [splits[0]]
    for number in range(1, inputs + 1):
        nodes += [0.0, splits[number] if number < inputs else 1024.0]
    return tree(*nodes)


def test_what_would_need_too_large_a_table_is_not_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten inputs on one way are explained, eleven are not, nor is a table above the limit: nothing moved."""
    ten, eleven = chain(10), chain(11)
    covers = [1.0, *(2.0**-number for number in range(1, 12) for _ in ("below", "above"))]
    explained = moved([ten], covers[:21], *[1.0] * 10)
    assert explained == pytest.approx([102.3] * 10)
    assert sum(explained) == pytest.approx(1024 - 1)
    assert moved([eleven], covers[:23], *[1.0] * 11) == [0] * 11
    monkeypatch.setattr(explain, "MAX_TABLE_BYTES", 100)
    assert moved([ten], covers[:21], *[1.0] * 10) == [0] * 10


def test_leaves_too_large_to_sum_exactly_are_refused() -> None:
    """Two leaves whose contributions reach 2^53 units of 2^-32, 2^21 of margin, are refused; a little less is not."""
    covers = (2.0, 1.0, 1.0)
    assert moved([tree((0, 0.0, 1, 2, True), 0.0, 4_194_303.0)], covers, 1.0) == [2_097_151.5]
    for value in (4_194_304.0, 1e30):
        with pytest.raises(ArtifactRejected, match="contributions sum exactly"):
            TreePaths.of([tree((0, 0.0, 1, 2, True), 0.0, value)], covers, 0, 1)


NAMES = ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("contributions", "names", "weights"),
    [
        ([1, -5, 2, 0], ("b", "c", "a"), (625, 250, 125)),
        ([3, 3, -3, 3], ("a", "b", "c"), (250, 250, 250)),
        ([0, 7, 0, -14], ("d", "b", ""), (666, 333, 0)),
        ([1, 10_000, 0, 2], ("b", "a", "d"), (999, 0, 0)),
        ([0, 0, 0, 0], ("", "", ""), (0, 0, 0)),
    ],
)
def test_the_three_that_moved_most(contributions: list[int], names: tuple[str, ...], weights: tuple[int, ...]) -> None:
    """Weights are shares x 1000 rounded down, falling, then by input order; who moved nothing is not named."""
    assert top_features(np.array(contributions), NAMES) == (names, weights)
