"""The order of a graph, the work of one row, and the shape of every value for it: what `export/audit` asks of all."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from grinder_resources.contracts.artifacts import INPUT
from grinder_resources.export.audit_rules import (
    ELEMENT_TYPES,
    MAX_NAMES,
    MAX_RANK,
    MAX_READ,
    MAX_VALUES,
    ML_DOMAIN,
    OPERATORS,
    mapped,
    require,
)
from grinder_resources.export.audit_trees import tree_outputs

_INT = 2
"""Type of an attribute that is one integer."""


@dataclass(frozen=True)
class Value:
    """Element type and shape of a tensor when the graph is asked for one row."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)


def require_nodes(graph: Any, where: str) -> None:
    """Refuse what would take long, an operator off the list, a value made twice, and one used before it is made."""
    names = sum(len(node.input) + len(node.output) for node in graph.node)
    require(names <= MAX_NAMES, "the nodes of a graph have too many inputs and outputs", where, names, MAX_NAMES)
    sizes = _constant_sizes(graph)
    read = sum(sizes.get(name, 0) for node in graph.node for name in node.input)
    require(read <= MAX_READ, "the nodes of a graph read too many constants", where, read, MAX_READ)
    made: set[str] = set()
    for name in (INPUT, *(tensor.name for tensor in graph.initializer)):
        _make(name, made, where)
    for node in graph.node:
        at = f"{where}, node {node.name or node.op_type}"
        require((node.domain, node.op_type) in OPERATORS, "this operator is not allowed", at, _operator_text(node))
        early = [name for name in node.input if name and name not in made]
        require(not early, "a value is used that no earlier node computes", at, ", ".join(early))
        for name in filter(None, node.output):
            _make(name, made, at)


def require_ranks(graph: Any, where: str) -> None:
    """Refuse values of many dimensions before shapes are worked out, where each dimension costs, even of size 1.

    A Gather of a value from itself doubles them. What is looked at are bounds: no operator on the list gives more.
    """
    sizes = _constant_sizes(graph)
    ranks = {INPUT: 2} | {tensor.name: len(tensor.dims) for tensor in graph.initializer}
    for node in graph.node:
        rank = _rank(node, ranks, sizes)
        at = f"{where}, node {node.name or node.op_type}"
        require(rank <= MAX_RANK, "a value has too many dimensions", at, rank, MAX_RANK)
        ranks |= dict.fromkeys(node.output, rank)


def _rank(node: Any, ranks: dict[str, int], sizes: dict[str, int]) -> int:
    """Return the most dimensions that the outputs of a node can have."""
    known = [ranks.get(name, 0) for name in node.input]
    listed = sum(sizes.get(name, 0) for name in node.input[1:]) + sum(len(one.ints) for one in node.attribute)
    longest = max(known, default=1)
    match node.op_type:
        case "Gather":
            return sum(known) - 1
        case "Reshape":
            return listed
        case "Unsqueeze":
            return longest + listed
        case "Constant":
            return max([1, *(len(one.t.dims) for one in node.attribute)])
        case "ReduceMax" | "ReduceMin" | "ReduceSum" if _gives_up_axes(node):
            return max(longest - 1, 0)
    return max(longest, 2)


def _gives_up_axes(node: Any) -> bool:
    """Return whether a reduction has less dimensions than what it reads, whatever its axes are."""
    facts = {one.name: one for one in node.attribute}
    kept = facts.get("keepdims")
    dropped = kept is not None and kept.type == _INT and kept.HasField("i") and kept.i == 0
    return dropped and "noop_with_empty_axes" not in facts


def _constant_sizes(graph: Any) -> dict[str, int]:
    """Return how many numbers there are in every constant, by name, those that are nodes among them."""
    sizes = {tensor.name: prod(tensor.dims) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            held = (
                prod(one.t.dims) if one.HasField("t") else len(one.ints) + len(one.floats) for one in node.attribute
            )
            sizes |= dict.fromkeys(node.output, max(held, default=0))
    return sizes


def values_of(model: Any, n_features: int, where: str) -> dict[str, Value]:
    """Return every value by name: the input, constants, and what nodes compute for one row.

    Refuses shapes that are not known before a row is, and graphs whose values together are too large, or read too
    often.
    """
    graph = model.graph
    given = {INPUT: Value("float32", (1, n_features))}
    for node in graph.node:
        if node.domain == ML_DOMAIN:
            outputs = tree_outputs(node, f"{where}, node {node.name or node.op_type}")
            given |= {name: Value(dtype, shape) for name, dtype, shape in outputs}
    values = given | dict(_inferred(model, given, where))
    for node in graph.node:
        for name in filter(None, node.output):
            known = name in values
            require(known, "the shape of a value depends on more than the graph", where, name)
    total = sum(value.size for value in values.values())
    require(total <= MAX_VALUES, "the values of one row are too many", where, total, MAX_VALUES)
    constants = {tensor.name: Value(ELEMENT_TYPES[tensor.data_type], (*tensor.dims,)) for tensor in graph.initializer}
    values |= constants
    read = sum(values[name].size for node in graph.node for name in node.input if name)
    require(read <= MAX_READ, "the nodes of a graph read too many values", where, read, MAX_READ)
    return values


def _inferred(model: Any, given: dict[str, Value], where: str) -> Iterator[tuple[str, Value]]:
    """Yield what all nodes but trees compute, by onnx's own rules; what the graph says of shapes is not heard."""
    from onnx import helper, shape_inference

    types = {dtype: number for number, dtype in ELEMENT_TYPES.items()}
    inputs = [helper.make_tensor_value_info(name, types[value.dtype], value.shape) for name, value in given.items()]
    nodes = [node for node in model.graph.node if node.domain != ML_DOMAIN]
    bare = helper.make_graph(nodes, "audited", inputs, [], initializer=model.graph.initializer)
    versions = {opset.domain: opset for opset in model.opset_import}
    light = helper.make_model(bare, ir_version=model.ir_version, opset_imports=[*versions.values()])
    with mapped("shapes and types do not fit together", where):
        found = shape_inference.infer_shapes(light, check_type=True, strict_mode=True).graph.value_info
    for info in found:
        tensor = info.type.tensor_type
        require(tensor.elem_type in ELEMENT_TYPES, "values of this type are not allowed", where, info.name)
        if tensor.HasField("shape") and all(dim.HasField("dim_value") for dim in tensor.shape.dim):
            yield info.name, Value(ELEMENT_TYPES[tensor.elem_type], tuple(dim.dim_value for dim in tensor.shape.dim))


def _make(name: str, made: set[str], where: str) -> None:
    require(name and name not in made, "a value is made twice, or has no name", where, repr(name))
    made.add(name)


def _operator_text(node: Any) -> str:
    return ".".join(filter(None, (node.domain, node.op_type)))
