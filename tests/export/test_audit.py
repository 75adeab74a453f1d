"""A graph that is not known to be harmless never reaches ONNX Runtime."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper  # noqa: TID253 - what is tested

from grinder_resources.export.audit import Output, Signature, audit_model
from grinder_resources.export.bot_regime import synthetic_rows
from grinder_resources.export.bot_regime_train import fitted_forest, forest_onnx
from tests.export.audited import BOT, SIGNATURE, Change, audit, edited, network, refused


def test_our_graph_passes_unchanged(good: bytes) -> None:
    """Its bytes are those that went in, and its outputs are named in the graph's order."""
    model = audit_model(good, SIGNATURE, where="here")
    assert model.data is good
    assert model.outputs == SIGNATURE.outputs


def integer_labels(model: ModelProto) -> Any:
    """Return the attribute that names the classes of a forest by number."""
    return next(one for one in model.graph.node[0].attribute if one.name == "classlabels_int64s")


def test_a_forest_of_scikit_learn_passes() -> None:
    """TreeEnsembleClassifier as skl2onnx writes it, nodes numbered depth first, ten trees of three classes."""
    forest = forest_onnx(fitted_forest(synthetic_rows("golden_test", 42, 100), 42))
    assert audit(forest, BOT) == BOT.outputs
    texts = helper.make_attribute("classlabels_strings", ["LOW", "MID", "HIGH"])
    both = edited(forest, lambda model: model.graph.node[0].attribute.append(texts))
    refused(both, "trees have a bounded number of outputs .*got 0", BOT)
    named = edited(both, lambda model: model.graph.node[0].attribute.remove(integer_labels(model)))
    assert audit(named, BOT) == BOT.outputs


def test_a_small_network_passes_with_its_other_output() -> None:
    """Outputs that nobody asked for are named, and are no reason to refuse where the signature is not exact."""
    model = network(
        helper.make_node("MatMul", ["input", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["regime_probs"], axis=1),
        helper.make_node("Sigmoid", ["scores"], ["more"]),
        constants={"weights": np.ones((15, 3), dtype=np.float32)},
        outputs=("regime_probs", "more"),
    )
    assert audit(model, BOT) == (Output("regime_probs", "float32", 3), Output("more", "float32", 3))
    refused(model, r"has other outputs as well \(here; got more\)", Signature(15, BOT.outputs, exact=True))


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (bytes((64 << 20) + 1), "a model is too large"),
        (b"\xff" * 9, "these bytes are no ONNX model"),
        (b"", "an unknown version of ONNX"),
    ],
    ids=["large", "noise", "empty"],
)
def test_bytes_that_are_no_model(data: bytes, rule: str) -> None:
    """Refused before, in or right after parsing, never with an error of the parser's own."""
    refused(data, rule)


def put_outside(tensor: TensorProto) -> None:
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def outside_constant(model: ModelProto) -> None:
    put_outside(model.graph.initializer[0])


def entries_alone(model: ModelProto) -> None:
    model.graph.initializer[0].external_data.add(key="location", value="/etc/passwd")


def outside_attribute(model: ModelProto) -> None:
    node = helper.make_node("Constant", [], ["spare"], value=numpy_helper.from_array(np.zeros(2, np.float32)))
    put_outside(node.attribute[0].t)
    model.graph.node.append(node)


def branch(model: ModelProto) -> None:
    node = helper.make_node("Identity", ["input"], ["spare"], then_branch=helper.make_graph([], "g", [], []))
    model.graph.node.append(node)


def many_tensors(model: ModelProto) -> None:
    node = helper.make_node("Identity", ["input"], ["spare"], tensors=[numpy_helper.from_array(np.zeros(1))])
    model.graph.node.append(node)


def twice(model: ModelProto) -> None:
    attributes = model.graph.node[0].attribute
    attributes.append(attributes[0])


def opset(domain: str, version: int) -> Change:
    return lambda model: model.opset_import.append(helper.make_opsetid(domain, version))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda model: setattr(model, "ir_version", 11), "unknown version of ONNX .*got 11"),
        (opset("", 22), "unknown set of operators .*got onnx 22; expected onnx 9..21, ai.onnx.ml 1..3"),
        (opset("com.microsoft", 1), "unknown set of operators .*got com.microsoft 1"),
        (opset("ai.onnx.ml", 2), "a set of operators in two versions"),
        (lambda model: model.functions.add(name="f"), "has no place here .*got functions"),
        (lambda model: model.training_info.add(), "has no place here .*got training_info"),
        (lambda model: model.graph.sparse_initializer.add(), "has no place here .*got sparse_initializer"),
        (lambda model: setattr(model.graph.node[0], "overload", "f"), "has no place here .*got overload"),
        (outside_constant, "numbers of a tensor lie in another file .*constant "),
        (entries_alone, "numbers of a tensor lie in another file"),
        (outside_attribute, r"numbers of a tensor lie in another file \(here, node Constant, attribute value"),
        (branch, r"has no place here \(here, node Identity, attribute then_branch; got g\)"),
        (many_tensors, "has no place here .*got tensors"),
        (twice, "an attribute is there twice"),
    ],
)
def test_parts_that_have_no_place(good: bytes, change: Change, rule: str) -> None:
    """Versions, functions, training, sparse and external tensors, and graphs inside attributes."""
    refused(edited(good, change), rule)


def other_size(model: ModelProto) -> None:
    model.graph.initializer[0].raw_data += b"\0"


def negative_size(model: ModelProto) -> None:
    model.graph.initializer[0].dims[:] = [-1, -1]


def half_constant(model: ModelProto) -> None:
    model.graph.initializer.append(helper.make_tensor("half", TensorProto.FLOAT16, [1], [1.0]))


def add_node(operator: str, inputs: list[str], output: str = "spare", **attributes: Any) -> Change:
    return lambda model: model.graph.node.append(helper.make_node(operator, inputs, [output], **attributes))


def reversed_nodes(model: ModelProto) -> None:
    nodes = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def many_nodes(model: ModelProto) -> None:
    model.graph.node.extend(helper.make_node("Identity", ["input"], [f"spare_{n}"]) for n in range(4_097))


def doubled(model: ModelProto) -> None:
    names = ["input", *(f"doubled_{n}" for n in range(30))]
    for one, two in pairwise(names):
        add_node("Concat", [one, one], two, axis=1)(model)


def shaped_by_a_row(model: ModelProto) -> None:
    add_node("ArgMax", ["input"], "largest", axis=1, keepdims=0)(model)
    add_node("Reshape", ["input", "largest"])(model)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (other_size, "a constant has another size"),
        (negative_size, "a constant has another size"),
        (half_constant, "constants of this type are not allowed .*constant half; got 10"),
        (add_node("Expand", ["input", "input"]), "this operator is not allowed .*got Expand"),
        (add_node("Gelu", ["input"], domain="com.microsoft"), "this operator is not allowed .*got com.microsoft.Gelu"),
        (add_node("Identity", ["input"], "regime"), "a value is made twice, or has no name .*got 'regime'"),
        (add_node("Identity", ["input"], "input"), "a value is made twice, or has no name .*got 'input'"),
        (add_node("Identity", ["nothing"]), "a value is used that no earlier node computes .*got nothing"),
        (reversed_nodes, "a value is used that no earlier node computes"),
        (many_nodes, "a graph has too many parts of a kind, node"),
        (doubled, "the values of one row are too many"),
        (shaped_by_a_row, "the shape of a value depends on more than the graph .*got spare"),
        (add_node("MatMul", ["input", "input"]), "shapes and types do not fit together"),
        (add_node("Cast", ["input"], to=TensorProto.FLOAT16), "values of this type are not allowed .*got spare"),
    ],
)
def test_constants_nodes_and_shapes(good: bytes, change: Change, rule: str) -> None:
    """Sizes fit, operators are on the list, every value is made once and in time, and is small."""
    refused(edited(good, change), rule)


def shape(*dims: int | str) -> Change:
    def change(model: ModelProto) -> None:
        info = helper.make_tensor_value_info("input", TensorProto.FLOAT, dims)
        model.graph.input[0].CopyFrom(info)

    return change


def of_doubles(model: ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def drop_output(model: ModelProto) -> None:
    del model.graph.output[2]


def repeat_output(model: ModelProto) -> None:
    model.graph.output.append(model.graph.output[0])


def rename_output(model: ModelProto) -> None:
    model.graph.output[0].name = "other"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (
            lambda model: model.graph.input.add(name="more"),
            r"a graph has one input .*'more'\]; expected input",
        ),
        (of_doubles, "the input is float32 .*got float64"),
        (shape("N", 7), "the input has another shape"),
        (shape(2, 6), "the input has another shape"),
        (shape(0, 6), "the input has another shape"),
        (shape(6), "the input has another shape"),
        (drop_output, r"the graph lacks an output .*expected regime int32 \[N, 3\]\)"),
        (repeat_output, "an output is named twice"),
        (rename_output, "an output is computed by no node .*got other"),
        (lambda model: model.graph.output.add(name="binary/bps"), "has other outputs as well .*got binary/bps"),
    ],
)
def test_inputs_and_outputs(good: bytes, change: Change, rule: str) -> None:
    """One input of the stated width; the outputs that were asked for, by name, type and width."""
    refused(edited(good, change), rule)


def test_one_row_at_a_time_is_a_shape_too(good: bytes) -> None:
    """The bot's small models take a batch of exactly one."""
    assert audit(edited(good, shape(1, 6))) == SIGNATURE.outputs


def test_an_endless_loop_is_refused() -> None:
    """A Loop whose condition stays true fits into a few hundred bytes, and would never come back."""
    tensor = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Identity", ["state"], ["next"])],
        "b",
        [
            tensor("i", TensorProto.INT64, []),
            tensor("go", TensorProto.BOOL, []),
            tensor("state", TensorProto.FLOAT, None),
        ],
        [tensor("on", TensorProto.BOOL, []), tensor("next", TensorProto.FLOAT, None)],
    )
    loop = helper.make_node("Loop", ["", "true", "input"], ["regime_probs"], body=body)
    model = network(loop, constants={"true": np.array(True)})
    assert len(model) < 350
    refused(model, "a part of a model that has no place here .*attribute body; got g", BOT)
    bare = network(helper.make_node("Loop", ["", "true", "input"], ["regime_probs"]), constants={"true": np.array(1)})
    refused(bare, "this operator is not allowed .*got Loop", BOT)
