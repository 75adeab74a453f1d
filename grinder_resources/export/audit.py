"""The audit of a graph before ONNX Runtime sees it: what is not known to be harmless is refused, in one line.

The runtime is native code that trusts its input: a tree that leads back to itself, a loop without end, a tensor that
doubles forty times, or a file that points to another file is its caller's problem. So a graph is parsed here, every
part of it is held against a short list of what models of ours and small ones of other converters consist of, shapes are
worked out for one row, and every sum of trees must consist of trees.
"""

from dataclasses import dataclass
from typing import Any

from grinder_resources.contracts.artifacts import INPUT
from grinder_resources.export.audit_division import require_divisors
from grinder_resources.export.audit_graph import Value, require_nodes, require_ranks, values_of
from grinder_resources.export.audit_parts import require_parts, require_versions
from grinder_resources.export.audit_rules import ELEMENT_TYPES, MAX_MODEL_BYTES, ML_DOMAIN, mapped, require
from grinder_resources.export.audit_trees import require_trees

OTHER_FORMAT = b"ORTM"
"""At offset 4 it marks a format of ONNX Runtime's own, in which another graph may lie than the one that is audited."""


@dataclass(frozen=True)
class Output:
    """An output of a graph.

    dtype
        Element type in numpy's words: `float32`, `int32`, ...
    width
        Values of one row.
    """

    name: str
    dtype: str
    width: int

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} [N, {self.width}]"


@dataclass(frozen=True)
class Signature:
    """What a graph takes and has to answer with: `input`, float32 [rows, n_features], and these outputs.

    exact
        Whether the graph may have no other outputs.
    """

    n_features: int
    outputs: tuple[Output, ...]
    exact: bool


@dataclass(frozen=True)
class AuditedModel:
    """The very bytes that passed, and every output of their graph, in its order."""

    data: bytes
    outputs: tuple[Output, ...]


def audit_model(data: bytes, signature: Signature, *, where: str) -> AuditedModel:
    """Return a graph that is safe to load, or raise ArtifactRejected, naming the rule and the node.

    where
        What the bytes are called in a refusal, e.g. `regime_v1.0.0/model.onnx`.

    It loads onnx, not onnxruntime, and changes nothing of the bytes.
    """
    from onnx import load_model_from_string

    require(len(data) <= MAX_MODEL_BYTES, "a model is too large", where, f"{len(data)} bytes", MAX_MODEL_BYTES)
    require(data[4:8] != OTHER_FORMAT, "these bytes are ONNX Runtime's own format as well", where)
    with mapped("these bytes are no ONNX model", where):
        model = load_model_from_string(data)
    with mapped("a model cannot be audited", where):
        require_parts(model, where)
        require_versions(model, where)
        _require_input(model.graph, signature.n_features, where)
        require_nodes(model.graph, where)
        require_ranks(model.graph, where)
        values = values_of(model, signature.n_features, where)
        for node in model.graph.node:
            if node.domain == ML_DOMAIN:
                at = f"{where}, node {node.name or node.op_type}"
                require_trees(node, _columns(values[node.input[0]], at), at)
        require_divisors(model.graph, values, where)
        outputs = tuple(_output(put.name, values, where) for put in model.graph.output)
    _require_outputs(outputs, signature, where)
    return AuditedModel(data, outputs)


def _require_input(graph: Any, n_features: int, where: str) -> None:
    names = [put.name for put in graph.input]
    require(names == [INPUT], "a graph has one input", where, names, INPUT)
    tensor = graph.input[0].type.tensor_type
    dtype = ELEMENT_TYPES.get(tensor.elem_type, tensor.elem_type)
    require(dtype == "float32", "the input is float32", where, dtype)
    dims = [dim.dim_value if dim.HasField("dim_value") else (dim.dim_param or "N") for dim in tensor.shape.dim]
    rows_are_free = len(dims) == 2 and (isinstance(dims[0], str) or dims[0] == 1)
    require(rows_are_free and dims[1] == n_features, "the input has another shape", where, dims, ["N", n_features])


def _columns(source: Value, where: str) -> int:
    """Return the number of inputs that trees have to choose from."""
    fits = source.dtype == "float32" and len(source.shape) == 2 and source.shape[0] == 1
    require(fits, "trees read rows of float32", where, source)
    return source.shape[1]


def _output(name: str, values: dict[str, Value], where: str) -> Output:
    require(name in values, "an output is computed by no node", where, name)
    return Output(name, values[name].dtype, values[name].size)


def _require_outputs(outputs: tuple[Output, ...], signature: Signature, where: str) -> None:
    missing = sorted(str(output) for output in {*signature.outputs} - {*outputs})
    require(not missing, "the graph lacks an output", where, ", ".join(map(str, outputs)), ", ".join(missing))
    names = [output.name for output in outputs]
    require(len(set(names)) == len(names), "an output is named twice", where, names)
    extra = sorted(output.name for output in {*outputs} - {*signature.outputs})
    require(not (extra and signature.exact), "the graph has other outputs as well", where, ", ".join(extra))
