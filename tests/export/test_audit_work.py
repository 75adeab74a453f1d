"""The audit, and a row of what passes it, take a bounded time, whatever the bytes are."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, helper  # noqa: TID253 - what is built

from tests.export.audited import BOT, audit, refused
from tests.export.test_audit_escapes import small


def test_constants_are_few_and_read_a_bounded_number_of_times() -> None:
    """Empty ones by the thousand, and one large one that hundreds of nodes multiply."""
    many = {f"c{number}": np.zeros(0, np.float32) for number in range(4_100)}
    refused(small(**many), "too many parts of a kind, initializer", BOT)
    large = np.zeros((15, 100_000), np.float32)
    nodes = [helper.make_node("MatMul", ["input", "large"], [f"m{number}"]) for number in range(23)]
    refused(small(*nodes, large=large), "read too many constants", BOT)


def test_constants_that_are_nodes_count_as_well() -> None:
    """Neither a field of the graph nor a value of a node is the cheaper place for them."""
    large = helper.make_node("Constant", [], ["large"], value_ints=[0] * 500_000)
    nodes = [helper.make_node("Squeeze", ["input", "large"], [f"s{number}"]) for number in range(68)]
    refused(small(large, *nodes), "read too many constants", BOT)


def test_values_are_read_a_bounded_number_of_times() -> None:
    """A large value that is computed costs as much as a constant, each time."""
    wide = helper.make_node("MatMul", ["input", "wide"], ["x"])
    constants = {"wide": np.ones((15, 1 << 18), np.float32)}

    def largest(times: int) -> bytes:
        return small(wide, helper.make_node("Max", ["x"] * times, ["largest"]), **constants)

    assert audit(largest(100), BOT)
    refused(largest(120), "read too many values", BOT)
    names = helper.make_node("Max", ["input"] * (1 << 16), ["y"])
    refused(small(names), "too many inputs and outputs", BOT)


@pytest.mark.parametrize("part", ["metadata_props", "opset_import"])
def test_the_parts_of_a_model_are_few(part: str) -> None:
    """Those of all kinds together; two bytes make one."""
    model = ModelProto.FromString(small())
    empty = bytes([ModelProto.DESCRIPTOR.fields_by_name[part].number << 3 | 2, 0])
    refused(model.SerializeToString() + empty * ((1 << 18) + 1), f"too many parts .*got in {part}", BOT)


def test_constants_have_few_dimensions() -> None:
    """A product of a million large ones would be computed for minutes."""
    model = ModelProto.FromString(small())
    model.graph.initializer.add(name="deep", data_type=1, dims=[1 << 62] * 100_000)
    refused(model.SerializeToString(), "a constant has too many dimensions .*got 100000; expected 32", BOT)


def chained(operator: str, *steps: Any, **attributes: Any) -> list[Any]:
    """Return 40 times: a Gather of a value from itself, and what is done to the result."""
    names = ["zero", *(f"g{number}" for number in range(40))]
    nodes = []
    for one, two in pairwise(names):
        nodes.append(helper.make_node("Gather", [one, one], [f"{two}/wide"]))
        nodes.append(helper.make_node(operator, [f"{two}/wide", *steps], [two], **attributes))
    return nodes


@pytest.mark.parametrize(
    "nodes",
    [
        chained("Identity"),
        chained("ReduceSum", keepdims=0, noop_with_empty_axes=1, axes=[0]),
        chained("ReduceSum", keepdims=0.0),
        chained("ReduceSum", "axis", keepdims=1),
        [helper.make_node("Unsqueeze", ["zero", "forty"], ["deep"])],
        [helper.make_node("Reshape", ["zero", "ones"], ["deep"])],
        [
            helper.make_node("Constant", [], ["shape"], value_ints=[1] * 40),
            helper.make_node("Reshape", ["zero", "shape"], ["deep"]),
        ],
    ],
    ids=["gathered", "not_reduced", "not_an_integer", "kept", "unsqueezed", "reshaped", "by_a_node"],
)
def test_values_have_few_dimensions(nodes: list[Any]) -> None:
    """Each costs while shapes are worked out, even of size 1, and a Gather of itself doubles them."""
    constants = {"zero": np.zeros((1, 1), np.int64), "forty": np.arange(40), "ones": np.ones(40, np.int64)}
    refused(small(*nodes, **constants), "a value has too many dimensions", BOT)


def test_dimensions_that_are_given_up_do_not_count() -> None:
    """Forty rules one after another, as our graphs have them: gathered in pairs, and reduced."""
    constants = {"zero": np.zeros((1, 1), np.int64), "last": np.array([2])}
    nodes = chained("ReduceSum", "last", keepdims=0)
    assert audit(small(*nodes, **constants), BOT)
