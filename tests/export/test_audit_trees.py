"""What a graph calls trees are trees, or ONNX Runtime never sees them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import ModelProto, helper, load_model_from_string  # noqa: TID253 - what is tested

from grinder_resources.errors import ArtifactRejected
from grinder_resources.export.audit import audit_model
from grinder_resources.export.verify import start_session
from tests.export.audited import SIGNATURE, Change, edited, refused
from tests.export.rewriting import attribute
from tests.export.small_models import Rows

TREES = "regime_margin"
"""The output whose trees are edited."""

NODES = ("treeids", "nodeids", "featureids", "truenodeids", "falsenodeids", "values", "modes")
ARRAYS = (
    *(f"nodes_{name}" for name in NODES),
    *(f"target_{name}" for name in ("treeids", "nodeids", "ids", "weights")),
)


def trees_of(model: ModelProto, name: str) -> Any:
    """Return a list of the regime's trees."""
    found = attribute(model, TREES, name)
    return found.ints if found.ints else found.floats if found.floats else found.strings


def at(name: str, place: int, value: Any) -> Change:
    """Return a change of one item of a list of the regime's trees; the first tree has 15 nodes."""

    def change(model: ModelProto) -> None:
        trees_of(model, name)[place] = value

    return change


def added(name: str, value: Any) -> Change:
    def change(model: ModelProto) -> None:
        (node,) = (node for node in model.graph.node if TREES in node.output)
        kept = [one for one in node.attribute if one.name != name]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute(name, value)])

    return change


def cut_short(model: ModelProto) -> None:
    del trees_of(model, "nodes_truenodeids")[-1]


def drop_weight(model: ModelProto) -> None:
    for name in ("treeids", "nodeids", "ids", "weights"):
        del trees_of(model, f"target_{name}")[-1]


def repeat_weight(model: ModelProto) -> None:
    for name in ("treeids", "nodeids", "ids", "weights"):
        found = trees_of(model, f"target_{name}")
        found.append(found[-1])


def root_last(model: ModelProto) -> None:
    """Move the first node of the first tree behind the others of it."""
    for name in (
        "nodeids",
        "modes",
        "featureids",
        "values",
        "truenodeids",
        "falsenodeids",
        "missing_value_tracks_true",
    ):
        found = trees_of(model, f"nodes_{name}")
        size = trees_of(model, "nodes_treeids")[:].count(0)
        found[:size] = [*found[1:size], found[0]]


def split_run(model: ModelProto) -> None:
    """Let the second tree have the first one's id from its second node on."""
    ids = trees_of(model, "nodes_treeids")
    first = ids[:].count(0)
    ids[first + 1 : first + 2] = [0]


def ring(model: ModelProto) -> None:
    """Let a node and its child lead to each other, and the root to the leaf that came free."""
    below, above = (trees_of(model, f"nodes_{side}nodeids") for side in ("true", "false"))
    modes = trees_of(model, "nodes_modes")
    node = below[0]
    child = below[node] if modes[below[node]] != b"LEAF" else above[node]
    assert b"LEAF" not in (modes[node], modes[child])
    leaf = below[child]
    below[0], below[child] = leaf, node


def deep(model: ModelProto) -> None:
    """Put one tree of 600 levels in place of all."""
    levels = 600
    inner, ids = [True, False] * levels + [False], np.arange(2 * levels + 1)
    leaves = ids[[not one for one in inner]].tolist()
    facts = {
        "nodes_treeids": [0] * len(ids),
        "nodes_nodeids": ids.tolist(),
        "nodes_featureids": [0] * len(ids),
        "nodes_values": [0.0] * len(ids),
        "nodes_missing_value_tracks_true": [0] * len(ids),
        "nodes_modes": ["BRANCH_LT" if one else "LEAF" for one in inner],
        "nodes_truenodeids": [number + 1 if one else 0 for number, one in enumerate(inner)],
        "nodes_falsenodeids": [number + 2 if one else 0 for number, one in enumerate(inner)],
        "target_treeids": [0] * len(leaves),
        "target_nodeids": leaves,
        "target_ids": [0] * len(leaves),
        "target_weights": [0.0] * len(leaves),
    }
    for name, value in facts.items():
        added(name, value)(model)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (cut_short, "lists of a tree's nodes are equally long .*nodes_truenodeids"),
        (added("nodes_values_as_tensor", [1]), "no such attribute, or not of this type .*got nodes_values_as_tensor"),
        (added("nodes_values", [1]), "no such attribute, or not of this type .*got nodes_values"),
        (added("n_targets", 1 << 40), "a bounded number of outputs"),
        (added("post_transform", "PROBIT"), "a sum of trees ends in a known way"),
        (added("aggregate_function", "MEDIAN"), "a sum of trees ends in a known way"),
        (added("base_values", [0.0]), "one base value an output .*got 1; expected 3"),
        (at("nodes_modes", 0, b"LEAF\0"), "a leaf or a comparison"),
        (at("nodes_modes", 0, b"BRANCH_MEMBER"), r"a leaf or a comparison .*got \[b'BRANCH_MEMBER'\]"),
        (at("nodes_featureids", 0, 6), "an input that does not exist .*got 6; expected 0..5"),
        (at("nodes_featureids", 0, -1), "an input that does not exist"),
        (at("nodes_values", 0, float("nan")), "a threshold is a number"),
        (at("nodes_missing_value_tracks_true", 0, 2), "a missing value goes one way or the other"),
        (at("nodes_nodeids", 3, 2), "a node id stands once in a tree"),
        (at("nodes_nodeids", 3, -1), "a node id is an integer"),
        (at("nodes_nodeids", 3, 1 << 31), "a node id is an integer"),
        (at("nodes_truenodeids", 0, 999), "a child is a node of the same tree"),
        (at("nodes_truenodeids", 0, -1), "a child is a node of the same tree"),
        (at("nodes_truenodeids", 0, 0), "its root, and every other the child of exactly one"),
        (at("nodes_truenodeids", 0, 2), r"the child of exactly one .*got tree \[0\], node \[1\]"),
        (root_last, "its root, and every other the child of exactly one"),
        (split_run, "the nodes of a tree stand in one run"),
        (ring, "every node is reached from a root"),
        (deep, "a tree is too deep"),
        (at("target_nodeids", 0, 0), "a weight belongs to a leaf"),
        (at("target_nodeids", 0, 999), "a weight belongs to a leaf"),
        (at("target_treeids", 0, 999), "a weight belongs to a leaf"),
        (at("target_ids", 0, 3), "a weight is for an output that exists .*got 3; expected 0..2"),
        (at("target_ids", 0, -1), "a weight is for an output that exists"),
        (at("target_weights", 0, float("inf")), "the weights of all leaves together are finite"),
        (at("target_weights", 0, float("nan")), "the weights of all leaves together are finite"),
        (drop_weight, "every leaf has a weight"),
        (repeat_weight, "a leaf has one weight an output"),
    ],
)
def test_trees_are_trees(good: bytes, change: Change, rule: str) -> None:
    """What is not one way from a root to every node, over inputs and to outputs that exist, is refused."""
    refused(edited(good, change), rule)


def more_trees(source: str) -> Change:
    def change(model: ModelProto) -> None:
        (node,) = (node for node in model.graph.node if TREES in node.output)
        model.graph.node.add().CopyFrom(node)
        model.graph.node[-1].input[0], model.graph.node[-1].output[0] = source, "spare"

    return change


def test_trees_read_rows_of_floats(good: bytes) -> None:
    """Neither the integers after them nor a constant, and no input beyond the width of what they read."""
    constant = next(tensor for tensor in load_model_from_string(good).graph.initializer if tensor.data_type == 1)
    for source in ("regime", constant.name):
        refused(edited(good, more_trees(source)), "trees read rows of float32")
    refused(edited(good, more_trees("t2_60s_margin")), "an input that does not exist .*got 5; expected 0..0")


whole = st.integers(-2, 40) | st.sampled_from([1 << 31, -(1 << 63), (1 << 63) - 1])
real = st.floats(width=32)
mode = st.sampled_from([b"LEAF", b"BRANCH_LT", b"BRANCH_GTE", b"BRANCH_EQ", b"leaf"])


@given(st.lists(st.tuples(st.sampled_from(ARRAYS), st.integers(0, 40), whole, real, mode), min_size=1, max_size=2))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mutated_trees_are_refused_or_answer(good: bytes, rows: Rows, changes: list[tuple[Any, ...]]) -> None:
    """Whatever a tree's lists are changed to: the audit refuses, or the margins are finite, on one row and on many."""
    model = load_model_from_string(good)
    for name, place, number, value, kind in changes:
        new = {"values": value, "weights": value, "modes": kind}.get(name.split("_")[1], number)
        at(name, place, new)(model)
    try:
        passed = audit_model(model.SerializeToString(), SIGNATURE, where="here")
    except ArtifactRejected:
        return
    session = start_session(passed.data)
    for asked in (rows[:1], rows[:50]):
        (margin,) = session.run([TREES], {"input": asked})
        assert np.isfinite(margin).all()
