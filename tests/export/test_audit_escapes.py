"""Ways around the audit that were found by trying, and stay closed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, helper, load_model_from_string  # noqa: TID253 - what is built

from grinder_resources.errors import ArtifactRejected, ManifestRejected
from grinder_resources.export.serving import dump_serving, parse_serving
from grinder_resources.export.verify import read_artifact
from tests.export.audited import BOT, audit, network, refused

INT32 = 6
WEIGHTS = {"w": np.ones((15, 3), np.float32), "three": np.array([3], np.int32), "axis": np.array([1], np.int64)}


def small(*nodes: Any, **constants: Any) -> bytes:
    """Return a graph that answers three numbers, with more nodes in front of them."""
    tail = [
        helper.make_node("MatMul", ["input", "w"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["regime_probs"]),
    ]
    return network(*nodes, *tail, constants=WEIGHTS | constants)


def padded(model: bytes) -> bytes:
    """Return the model with `ORTM` at offset 4, still one that onnx reads as before."""
    return b"\x12\x06xxORTM" + model  # a first `producer_name` of six bytes; the model's own comes later and holds


def test_bytes_of_another_format_are_refused() -> None:
    """ONNX Runtime takes `ORTM` at offset 4 for a format of its own, in which another graph may lie."""
    model = padded(small())
    assert model[4:8] == b"ORTM"
    assert load_model_from_string(model).graph.output[0].name == "regime_probs"
    refused(model, "ONNX Runtime's own format", BOT)


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (lambda model: model, "ModelProto"),
        (lambda model: model.graph.node[0], "NodeProto"),
        (lambda model: model.graph.initializer[0], "TensorProto"),
        (lambda model: model.graph.input[0].type.tensor_type.shape.dim[1], "Dimension"),
        (lambda model: model.graph.output[0], "ValueInfoProto"),
        (lambda model: model.opset_import[0], "OperatorSetIdProto"),
    ],
)
def test_parts_that_nobody_knows_are_refused(part: Callable[[ModelProto], Any], kind: str) -> None:
    """A field of no version of ONNX, wherever it is: room for anything."""
    model = ModelProto.FromString(small())
    part(model).MergeFromString(b"\xfa\x7f\x04abcd")
    refused(model.SerializeToString(), f"nobody knows .*got in {kind}", BOT)


def counted(*nodes: Any) -> bytes:
    """Return a graph whose first nodes count what is in the row: `count`, int32."""
    return small(
        helper.make_node("Cast", ["input"], ["whole"], to=INT32),
        helper.make_node("ReduceSum", ["whole", "axis"], ["count"]),
        helper.make_node("Greater", ["input", "zero"], ["is_up"]),
        helper.make_node("Cast", ["is_up"], ["up"], to=INT32),
        helper.make_node("ReduceSum", ["up", "axis"], ["ups"]),
        *nodes,
        zero=np.zeros(1, np.float32),
        minus=np.array([-1], np.int32),
        huge=np.full(15, 1 << 30, np.int32),
    )


@pytest.mark.parametrize("operator", ["Div", "Mod"])
@pytest.mark.parametrize("divisor", ["count", "minus", "mixed", "wrapped"])
def test_integers_are_not_divided_by_what_may_be_negative(operator: str, divisor: str) -> None:
    """The smallest integer divided by -1 ends the process: neither a row, a constant nor an overflow may bring it."""
    nodes = [
        helper.make_node("Add", ["ups", "minus"], ["mixed"]),
        helper.make_node("Add", ["huge", "huge"], ["twice"]),
        helper.make_node("ReduceSum", ["twice"], ["wrapped"]),
        helper.make_node(operator, ["whole", divisor], ["quotient"]),
    ]
    refused(counted(*nodes), "divided by what may be negative", BOT)


@pytest.mark.parametrize("divisor", ["three", "ups"])
def test_counts_and_positive_constants_divide(divisor: str) -> None:
    """As in our own graphs; by 0 ONNX Runtime refuses itself."""
    assert audit(counted(helper.make_node("Mod", ["whole", divisor], ["rest"])), BOT)


def regressor(**facts: Any) -> Any:
    return helper.make_node("TreeEnsembleRegressor", ["input"], ["share"], domain="ai.onnx.ml", **facts)


def tree(leaf: float, **attributes: Any) -> Any:
    """Return a sum of one tree, which is one leaf: `share`."""
    ones = ("nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids")
    ones += ("target_treeids", "target_nodeids", "target_ids")
    facts = {"n_targets": 1, "nodes_values": [0.0], "nodes_modes": ["LEAF"], "target_weights": [leaf]} | attributes
    return regressor(**{name: [0] for name in ones}, **facts)


def divided_by_shares(source: Any, most: int) -> bytes:
    """Return a graph that divides by the sum of two shares, cast to int32, and `most`."""
    return small(
        source,
        helper.make_node("Gather", ["share", "both"], ["shares"], axis=1),
        helper.make_node("ReduceSum", ["shares", "axis"], ["sum"]),
        helper.make_node("Cast", ["sum"], ["whole"], to=INT32),
        helper.make_node("Add", ["whole", "most"], ["divisor"]),
        helper.make_node("Div", ["three", "divisor"], ["quotient"]),
        both=np.array([0, 0]),
        most=np.array([most], np.int32),
    )


@pytest.mark.parametrize(
    ("source", "most"),
    [
        (tree(0.5), (1 << 31) - 1),
        (tree(0.5), (1 << 30) - 1),
        (tree(-1.0), 9),
        (tree(1.0, base_values=[-2.0]), 9),
        (tree(1.0, post_transform="LOGISTIC"), 9),
        (helper.make_node("Constant", [], ["share"], value=helper.make_tensor("one", 1, [1, 1], [1.0])), 9),
    ],
    ids=["wraps", "close", "leaf", "base", "transform", "unknown"],
)
def test_sums_of_leaves_divide_only_where_they_stay_small_and_positive(source: Any, most: int) -> None:
    """Halves add up to a whole before they are cast, and what is added to them must not wrap around."""
    assert audit(divided_by_shares(tree(0.5), 9), BOT)
    assert audit(divided_by_shares(tree(0.5, base_values=[2.0]), 9), BOT)
    refused(divided_by_shares(source, most), r"divided by what may be negative \(here, node Div; got divisor", BOT)


def test_of_every_tree_one_leaf_counts() -> None:
    """Two leaves of one tree are never added to each other; those of two trees are."""
    two = {"nodes_nodeids": [0, 1, 2], "nodes_treeids": [0] * 3, "nodes_values": [0.0] * 3}
    two |= {"nodes_modes": ["BRANCH_LT", "LEAF", "LEAF"], "nodes_featureids": [0] * 3}
    two |= {"nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0], "target_weights": [2.0**28] * 2}
    two |= {"target_treeids": [0, 0], "target_nodeids": [1, 2], "target_ids": [0, 0], "n_targets": 1}
    assert audit(divided_by_shares(regressor(**two), 1 << 29), BOT)
    apart = {
        "nodes_modes": ["LEAF"] * 2,
        "nodes_treeids": [0, 1],
        "target_treeids": [0, 1],
        "target_weights": [2.0**28] * 2,
    }
    apart |= {name: [0, 0] for name in ("nodes_nodeids", "nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids")}
    apart |= {"nodes_values": [0.0] * 2, "target_nodeids": [0, 0], "target_ids": [0, 0], "n_targets": 1}
    refused(divided_by_shares(regressor(**apart), 1 << 29), "divided by what may be negative", BOT)


def test_an_artifact_is_not_larger_than_its_largest_file_may_be(artifact: Path) -> None:
    """The sum is judged before a byte is read."""
    document = json.loads((artifact / "manifest.json").read_bytes())
    for name in ("config.json", "train_report.json"):
        document["files"][name]["size_bytes"] = 500 << 20
    (artifact / "manifest.json").write_text(json.dumps(document))
    with pytest.raises(ArtifactRejected, match="an artifact is too large"):
        read_artifact(artifact)


@pytest.mark.parametrize("damage", ["rows", "counts", "missing"])
def test_golden_rows_are_few_and_counts_are_counts(artifact: Path, damage: str) -> None:
    """Neither a door that asks for hours nor a scrape that fails."""
    serving = read_artifact(artifact).serving
    assert serving is not None
    document = json.loads(dump_serving(serving))
    if damage == "rows":
        golden = document["golden"]
        golden["inputs"] *= 5
        golden["outputs"] = {name: rows * 5 for name, rows in golden["outputs"].items()}
    elif damage == "counts":
        document["reference"][0]["counts"][0] = 1 << 53
    else:
        document["reference"][0]["missing"] = 1 << 53
    with pytest.raises(ManifestRejected, match=r"golden rows are few|one count a bin"):
        parse_serving(json.dumps(document).encode())
