"""Integer division in a graph: what no row may do is to divide by -1, or by what is not known.

The smallest integer divided by -1 is too large for its type, and processors answer with a signal that ends the process;
ONNX Runtime looks for 0 alone. So a divisor is a constant above 0, or is computed from counts, truth values and sums of
trees in a way that keeps it at 0 or above.
"""

from math import ceil
from typing import Any

from grinder_resources.export.audit_graph import Value
from grinder_resources.export.audit_rules import ML_DOMAIN, REGRESSOR, require

INTEGERS = ("int32", "int64")
DIVISIONS = ("Div", "Mod")
LARGEST = 1 << 30
"""Half of what int32 holds: sums of float32 are rounded, and what is rounded must not become too large either."""


def require_divisors(graph: Any, values: dict[str, Value], where: str) -> None:
    """Refuse an integer Div or Mod whose divisor may be negative. `values` are those that the graph holds."""
    bounds = _Bounds(graph, values)
    for node in graph.node:
        if node.op_type in DIVISIONS and values[node.output[0]].dtype in INTEGERS:
            at = f"{where}, node {node.name or node.op_type}"
            safe = bounds.is_positive(node.input[1]) or bounds.of(node.input[1]) is not None
            require(safe, "an integer is divided by what may be negative", at, node.input[1])


class _Bounds:
    """How large the elements of a value can be, for values that are never below 0."""

    def __init__(self, graph: Any, values: dict[str, Value]) -> None:
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._makers = {name: node for node in graph.node for name in node.output}
        self._values = values
        self._known: dict[str, int | None] = {}

    def is_positive(self, name: str) -> bool:
        """Return whether a value is a constant without anything at or below 0."""
        array = self._constant(name)
        return array is not None and bool((array > 0).all())

    def of(self, name: str) -> int | None:
        """Return the largest that an element can be, at most 2^30; None where it may be negative, or is not known.

        It asks the same of what a node reads; a graph is in order, so that ends.
        """
        if name not in self._known:
            bound = self._bound(name)
            self._known[name] = bound if bound is not None and bound <= LARGEST else None
        return self._known[name]

    def _bound(self, name: str) -> int | None:
        array = self._constant(name)
        if array is not None:
            return int(array.max(initial=0)) if array.dtype.kind == "i" and (array >= 0).all() else None
        node = self._makers.get(name)
        return None if node is None else self._made(node)

    def _made(self, node: Any) -> int | None:
        """Return the bound of what a node computes."""
        if node.domain == ML_DOMAIN:
            return _sum_of_leaves(node) if node.op_type == REGRESSOR else None
        match node.op_type:
            case "Cast" if self._values[node.input[0]].dtype == "bool":
                return 1
            case "Cast" | "Split" | "Gather":
                return self.of(node.input[0])
            case "ReduceSum":
                largest = self.of(node.input[0])
                return None if largest is None else largest * self._values[node.input[0]].size
            case "Add":
                return self._total([self.of(name) for name in node.input])
        return None

    @staticmethod
    def _total(bounds: list[int | None]) -> int | None:
        known = [bound for bound in bounds if bound is not None]
        return sum(known) if len(known) == len(bounds) else None

    def _constant(self, name: str) -> Any:
        from onnx import numpy_helper

        tensor = self._constants.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)


def _sum_of_leaves(node: Any) -> int | None:
    """Return the largest sum of a regressor's leaves, one a tree; None unless they are only added, and none is below 0.

    Rounded up: many fractions, summed before they are cast, are not 0.
    """
    facts = {one.name: one for one in node.attribute}
    added = all(
        name not in facts or facts[name].s == plain
        for name, plain in (("aggregate_function", b"SUM"), ("post_transform", b"NONE"))
    )
    base = facts["base_values"].floats[:] if "base_values" in facts else []
    largest: dict[int, float] = {}
    for tree, leaf in zip(facts["target_treeids"].ints, facts["target_weights"].floats, strict=True):
        largest[tree] = max(leaf, largest.get(tree, leaf))
    lowest = min([*facts["target_weights"].floats, *base])
    return ceil(sum(largest.values()) + max(base, default=0)) if added and lowest >= 0 else None
