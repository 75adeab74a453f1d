"""Parts of a graph, run on their own."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray
from onnx import helper  # noqa: TID253 - what is tested

from grinder_resources.export.graph import IR_VERSION, OPSET, OPSET_ML
from grinder_resources.export.nodes import ML_DOMAIN, Nodes, tensor_type
from grinder_resources.export.verify import start_session


def run_nodes(nodes: Nodes, inputs: Mapping[str, NDArray[Any]], outputs: Mapping[str, type]) -> list[NDArray[Any]]:
    """Return the tensors called `outputs`, of the types given, computed by `nodes` from `inputs`."""
    tensor = helper.make_tensor_value_info
    given = [tensor(name, tensor_type(array.dtype), [None] * array.ndim) for name, array in inputs.items()]
    wanted = [tensor(name, tensor_type(dtype), None) for name, dtype in outputs.items()]
    graph = helper.make_graph(nodes.nodes, "part", given, wanted, nodes.constants)
    versions = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML_DOMAIN, OPSET_ML)]
    model = helper.make_model(graph, ir_version=IR_VERSION, opset_imports=versions)
    names: Sequence[str] = list(outputs)
    return list(start_session(model.SerializeToString()).run(names, dict(inputs)))
