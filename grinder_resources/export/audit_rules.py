"""What an audited graph may be made of, and how it is refused. Nothing here comes from the graph that is judged."""

from collections.abc import Iterator
from contextlib import contextmanager

from grinder_resources.errors import ArtifactRejected, GrinderError

ML_DOMAIN = "ai.onnx.ml"
REGRESSOR = "TreeEnsembleRegressor"
CLASSIFIER = "TreeEnsembleClassifier"

MAX_MODEL_BYTES = 64 << 20
MAX_NODES = 4_096
MAX_PARTS = 1 << 18
"""Most messages of a model: its nodes, their attributes, constants, types, ... down to a dimension."""
MAX_NAMES = 1 << 16
"""Most inputs and outputs that all nodes have together."""
MAX_RANK = 32
"""Most dimensions of a value."""
MAX_READ = 1 << 25
"""Most numbers that all nodes together read, each time they read them: what bounds the work of one row."""
MAX_VALUES = 1 << 20
"""Most numbers that all tensors of a graph, constants aside, hold together for one row."""
MAX_TARGETS = 1_024
"""Most outputs of one sum of trees."""
MAX_TREE_DEPTH = 512
"""ONNX Runtime walks a tree by recursion when it loads it; a chain of a million nodes would end its stack."""

IR_VERSIONS = range(4, 11)
"""Older ones let a caller override constants; newer ones are unknown to some supported ONNX Runtime."""
OPSETS = {"": range(9, 22), ML_DOMAIN: range(1, 4)}

_OURS = (
    *("Add", "ArgMax", "Cast", "Concat", "Div", "Equal", "Gather", "Greater", "MatMul", "Max", "Min", "Mod", "Mul"),
    *("ReduceMax", "ReduceMin", "ReduceSum", "Split", "Sub"),
)
_OTHERS = (
    *("Abs", "Clip", "Constant", "Flatten", "Gemm", "Identity", "Neg", "Relu", "Reshape", "Sigmoid", "Softmax"),
    *("Squeeze", "Tanh", "Unsqueeze"),
)
OPERATORS = frozenset({*(("", name) for name in (*_OURS, *_OTHERS)), (ML_DOMAIN, REGRESSOR), (ML_DOMAIN, CLASSIFIER)})
"""By domain: what our exporter writes, and what small networks and forests of other converters need beside it.

None has a body of its own, makes a tensor whose size is a number in another tensor, or draws at random.
"""

ELEMENT_TYPES = {1: "float32", 6: "int32", 7: "int64", 8: "string", 9: "bool", 11: "float64"}
"""ONNX's numbers of the types that values may have; text only as a classifier's label."""


def require(condition: object, rule: str, where: str, got: object = "", expected: object = "") -> None:
    """Raise ArtifactRejected with `rule` unless the condition holds; what is shown of a hostile graph is cut."""
    if not condition:
        raise ArtifactRejected(rule, where=where[:200], got=str(got)[:100], expected=str(expected)[:100])


@contextmanager
def mapped(rule: str, where: str) -> Iterator[None]:
    """Turn whatever a library raises into ArtifactRejected with `rule`; our own refusals pass."""
    try:
        yield
    except GrinderError:
        raise
    except Exception as error:
        text = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ArtifactRejected(rule, where=where, got=text[:100]) from error
