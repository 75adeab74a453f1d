"""Nodes and constants of a graph under construction.

Every tensor has a name that says what it is. Names of intermediate tensors hold a slash, which no head name does, so
that they never meet an output; nothing is numbered at random, so that the same model gives the same bytes.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

ML_DOMAIN = "ai.onnx.ml"


class Nodes:
    """Collects nodes in the order they are computed in, and the constants they use."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self._constants: dict[str, TensorProto] = {}

    @property
    def constants(self) -> "list[TensorProto]":
        """Return the constants, each once, in the order of their first use."""
        return list(self._constants.values())

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Append a node with one output and return the output's name; attributes are the operator's own."""
        self.split(operator, inputs, [output], **attributes)
        return output

    def split(self, operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> None:
        """Append a node with any number of outputs."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, outputs, name=f"{outputs[0]}/{operator}", **attributes))

    def constant(self, values: Any, dtype: type[np.generic]) -> str:
        """Return the name of a constant: a number becomes [1], a list keeps its shape; equal ones are stored once."""
        from onnx import numpy_helper

        array: NDArray[Any] = np.atleast_1d(np.array(values, dtype=dtype))
        shape = "x".join(str(size) for size in array.shape)
        name = f"constant/{array.dtype}/{shape}/" + "_".join(str(value) for value in array.ravel().tolist())
        self._constants.setdefault(name, numpy_helper.from_array(array, name))
        return name


def half_even(nodes: Nodes, numerator: str, denominator: str, output: str, dtype: type[np.generic]) -> str:
    """Append numerator / denominator, rounded to the nearest integer, ties to even; integers, denominator > 0.

    ONNX divides integers towards zero, and its Mod has the sign of the divisor. So the remainder is taken first and
    subtracted: the division is then exact, and the same for negative numerators.
    """

    def step(operator: str, inputs: Sequence[str], part: str, **attributes: Any) -> str:
        return nodes.add(operator, inputs, f"{output}/{part}", **attributes)

    remainder = step("Mod", [numerator, denominator], "remainder")
    quotient = step("Div", [step("Sub", [numerator, remainder], "multiple"), denominator], "quotient")
    odd = step("Mod", [quotient, nodes.constant(2, dtype)], "odd")
    twice = step("Add", [step("Add", [remainder, remainder], "twice"), odd], "twice_or_odd")
    up = step("Cast", [step("Greater", [twice, denominator], "is_up")], "up", to=tensor_type(dtype))
    return nodes.add("Add", [quotient, up], output)


def tensor_type(dtype: type[np.generic]) -> int:
    """Return ONNX's number for a numpy type."""
    from onnx import helper

    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
