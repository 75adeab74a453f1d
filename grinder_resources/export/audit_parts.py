"""The parts of a model, before anything is asked of its graph: few, known, and nothing that lies elsewhere."""

from math import prod
from typing import Any

from grinder_resources.export.audit_rules import IR_VERSIONS, MAX_NODES, MAX_PARTS, MAX_RANK, OPSETS, require

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
    for part in ("node", "initializer", "value_info", "metadata_props"):
        count = len(getattr(model.graph, part))
        require(count <= MAX_NODES, f"a graph has too many parts of a kind, {part}", where, count, MAX_NODES)
    _require_known(model, where)
    _require_fields(model, _MODEL, where)
    _require_fields(model.graph, _GRAPH, where)
    for tensor in model.graph.initializer:
        _require_tensor(tensor, f"{where}, constant {tensor.name}")
    for node in model.graph.node:
        _require_node(node, f"{where}, node {node.name or node.op_type}")


def _require_known(model: Any, where: str) -> None:
    """Refuse a field, anywhere in a model, that onnx does not know, and more messages than can be looked at soon."""
    from google.protobuf.message import Message
    from google.protobuf.unknown_fields import UnknownFieldSet

    waiting, count = [model], 1
    while waiting:
        message = waiting.pop()
        unknown = len(UnknownFieldSet(message))
        require(not unknown, "a part of a model that nobody knows", where, f"in {message.DESCRIPTOR.name}")
        for field, value in message.ListFields():
            if field.message_type:
                count += 1 if isinstance(value, Message) else len(value)
                require(count <= MAX_PARTS, "a model has too many parts", where, f"in {field.name}", MAX_PARTS)
                waiting.extend([value] if isinstance(value, Message) else value)


def _require_fields(message: Any, allowed: set[str], where: str) -> None:
    odd = sorted({field.name for field, _ in message.ListFields()} - allowed)
    require(not odd, "a part of a model that has no place here", where, ", ".join(odd))


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
    require(len(tensor.dims) <= MAX_RANK, "a constant has too many dimensions", where, len(tensor.dims), MAX_RANK)
    field, width = _NUMBERS[tensor.data_type]
    held = len(tensor.raw_data) if tensor.HasField("raw_data") else len(getattr(tensor, field)) * width
    needed = prod(tensor.dims) * width
    require(min(tensor.dims, default=0) >= 0 and held == needed, "a constant has another size", where, held, needed)


def _opset_text() -> str:
    return ", ".join(f"{domain or 'onnx'} {known[0]}..{known[-1]}" for domain, known in OPSETS.items())
