"""A tiny graph whose mood is in its row, for tests of what holds a session."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

OUTPUTS = ("same", "filled", "mebibytes")

FINE = np.array([[0, 3]], dtype=np.float32)
HANGS = np.array([[1, 0]], dtype=np.float32)
HUNGRY = np.array([[0, 400]], dtype=np.float32)
WRONG_WIDTH = np.zeros((1, 5), dtype=np.float32)


@cache
def moody_model() -> bytes:
    """Return a graph of `input`, float32 [1, 2]: a first number of 1 loops for ever, the second takes as many MiB.

    It answers with the row, float32 [1, 2], the number of elements it filled, int32 [1], and the MiB, int64 [1].
    """
    from onnx import TensorProto, checker, helper

    def value(name: str, kind: int, shape: list[int]) -> object:
        return helper.make_tensor_value_info(name, kind, shape)

    def constant(name: str, kind: int, values: list[float]) -> object:
        return helper.make_tensor(name, kind, [len(values)], values)

    body = helper.make_graph(
        [helper.make_node("Identity", ["going"], ["on"]), helper.make_node("Identity", ["row"], ["kept"])],
        "body",
        [value("turn", TensorProto.INT64, []), value("going", TensorProto.BOOL, []), value("row", 1, [1, 2])],
        [value("on", TensorProto.BOOL, []), value("kept", 1, [1, 2])],
    )
    nodes = [
        helper.make_node("Reshape", ["input", "flat"], ["numbers"]),
        helper.make_node("Split", ["numbers"], ["first", "second"], num_outputs=2),
        helper.make_node("Squeeze", ["first"], ["mood"]),
        helper.make_node("Cast", ["mood"], ["moody"], to=TensorProto.BOOL),
        helper.make_node("Loop", ["", "moody", "input"], ["same"], body=body),
        helper.make_node("Cast", ["second"], ["mebibytes"], to=TensorProto.INT64),
        helper.make_node("Mul", ["mebibytes", "floats"], ["size"]),
        helper.make_node("Expand", ["one", "size"], ["ones"]),
        helper.make_node("ReduceSum", ["ones"], ["sum"], keepdims=0),
        helper.make_node("Reshape", ["sum", "flat"], ["sums"]),
        helper.make_node("Cast", ["sums"], ["filled"], to=TensorProto.INT32),
    ]
    outputs = [value("same", 1, [1, 2]), value("filled", TensorProto.INT32, [1]), value("mebibytes", 7, [1])]
    constants = [constant("flat", 7, [-1]), constant("floats", 7, [1 << 18]), constant("one", 1, [1.0])]
    graph = helper.make_graph(nodes, "moody", [value("input", 1, [1, 2])], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def literal(answer: list[NDArray[np.generic]]) -> list[tuple[str, list[object]]]:
    """Return type and values of every output, to be held against literals."""
    return [(array.dtype.name, array.tolist()) for array in answer]
