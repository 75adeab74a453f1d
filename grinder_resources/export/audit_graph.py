"""The parts of a graph, its order, and the shape of every value for one row: what `export/audit` asks of all graphs."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from grinder_resources.contracts.artifacts import INPUT
from grinder_resources.export.audit_rules import (
    ELEMENT_TYPES,
    IR_VERSIONS,
    MAX_CONSTANTS_READ,
    MAX_NODES,
    MAX_VALUES,
    ML_DOMAIN,
    OPERATORS,
    OPSETS,
    mapped,
    require,
)
from grinder_resources.export.audit_trees import tree_outputs

_LABELS = {"name", "doc_string", "metadata_props"}
_MODEL = {
    *_LABELS,
    "ir_version",
    "opset_import",
    "producer_name",
    "producer_version",
    "domain",
    "model_version",
    "graph",
}
_GRAPH = {*_LABELS, "node", "initializer", "input", "output", "value_info"}
_NODE = {*_LABELS, "input", "output", "op_type", "domain", "attribute"}
_NUMBERS = {
    1: ("float_data", 4),
    6: ("int32_data", 4),
    7: ("int64_data", 8),
    9: ("int32_data", 1),
    11: ("double_data", 8),
}
"""By element type: the field that holds its numbers, and the bytes of one number in `raw_data`."""
_TENSOR = {*_LABELS, "dims", "data_type", "raw_data", *(field for field, _ in _NUMBERS.values())}
_ATTRIBUTES = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints", 8: "strings"}
"""By attribute type, the field that holds its value; graphs, sparse tensors and lists of tensors have no place."""


@dataclass(frozen=True)
class Value:
    """Element type and shape of a tensor when the graph is asked for one row."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)


def require_versions(model: Any, where: str) -> None:
    """Refuse a format or a set of operators that is not known, or is named twice in two versions."""
    require(model.ir_version in IR_VERSIONS, "an unknown version of ONNX", where, model.ir_version, IR_VERSIONS)
    opsets = {(opset.domain, opset.version) for opset in model.opset_import}
    for domain, version in sorted(opsets):
        known = version in OPSETS.get(domain, ())
        require(known, "an unknown set of operators", where, f"{domain or 'onnx'} {version}", _opset_text())
    require(len(opsets) == len({domain for domain, _ in opsets}), "a set of operators in two versions", where)


def require_parts(model: Any, where: str) -> None:
    """Refuse what is not in the short lists above: functions, graphs in attributes, sparse or external tensors, ..."""
    for part in ("initializer", "value_info", "metadata_props"):
        count = len(getattr(model.graph, part))
        require(count <= MAX_NODES, f"a graph has too many parts of a kind, {part}", where, count, MAX_NODES)
    _require_fields(model, _MODEL, where)
    _require_fields(model.graph, _GRAPH, where)
    for tensor in model.graph.initializer:
        _require_tensor(tensor, f"{where}, constant {tensor.name}")
    for node in model.graph.node:
        _require_node(node, f"{where}, node {node.name or node.op_type}")


def require_nodes(graph: Any, where: str) -> None:
    """Refuse too many nodes, an operator off the list, a value made twice, and one that is used before it is made."""
    require(len(graph.node) <= MAX_NODES, "a graph has too many nodes", where, len(graph.node), MAX_NODES)
    read = _constants_read(graph)
    require(read <= MAX_CONSTANTS_READ, "the nodes of a graph read too many constants", where, read, MAX_CONSTANTS_READ)
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


def _constants_read(graph: Any) -> int:
    """Return the numbers that all nodes read from constants; one that many nodes read counts for each."""
    sizes = {tensor.name: prod(tensor.dims) for tensor in graph.initializer}
    return sum(sizes.get(name, 0) for node in graph.node for name in node.input)


def values_of(model: Any, n_features: int, where: str) -> dict[str, Value]:
    """Return every value by name: the input, constants, and what nodes compute for one row.

    Refuses shapes that are not known before a row is, and graphs whose values together are too large.
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
    return values | constants


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


def _require_fields(message: Any, allowed: set[str], where: str) -> None:
    from google.protobuf.unknown_fields import UnknownFieldSet

    odd = sorted({field.name for field, _ in message.ListFields()} - allowed)
    require(not odd, "a part of a model that has no place here", where, ", ".join(odd))
    require(not len(UnknownFieldSet(message)), "a part of a model that nobody knows", where)


def _require_node(node: Any, where: str) -> None:
    _require_fields(node, _NODE, where)
    names = [attribute.name for attribute in node.attribute]
    require(len(set(names)) == len(names), "an attribute is there twice", where, ", ".join(sorted(names)))
    for attribute in node.attribute:
        at = f"{where}, attribute {attribute.name}"
        _require_fields(attribute, {*_LABELS, "type", _ATTRIBUTES.get(attribute.type, "")}, at)
        if attribute.HasField("t"):
            _require_tensor(attribute.t, at)


def _require_tensor(tensor: Any, where: str) -> None:
    outside = tensor.external_data or tensor.data_location
    require(not outside, "the numbers of a tensor lie in another file", where)
    _require_fields(tensor, {*_TENSOR, "data_location"}, where)
    require(tensor.data_type in _NUMBERS, "constants of this type are not allowed", where, tensor.data_type)
    field, width = _NUMBERS[tensor.data_type]
    held = len(tensor.raw_data) if tensor.HasField("raw_data") else len(getattr(tensor, field)) * width
    needed = prod(tensor.dims) * width
    require(min(tensor.dims, default=0) >= 0 and held == needed, "a constant has another size", where, held, needed)


def _make(name: str, made: set[str], where: str) -> None:
    require(name and name not in made, "a value is made twice, or has no name", where, repr(name))
    made.add(name)


def _operator_text(node: Any) -> str:
    return ".".join(filter(None, (node.domain, node.op_type)))


def _opset_text() -> str:
    return ", ".join(f"{domain or 'onnx'} {known[0]}..{known[-1]}" for domain, known in OPSETS.items())
