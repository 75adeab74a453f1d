"""All heads of a model as one ONNX graph: the same boosters give the same bytes.

Input `input` float32 [N, features]. For every head one ai.onnx.ml TreeEnsembleRegressor node gives `{head}_margin`, and
one more node gives `{head}`:

==========  =========  ==================  =========================================
kind        node       output `{head}`     meaning
==========  =========  ==================  =========================================
binary      Sigmoid    float32 [N, 1]      probability of the second class
multiclass  Softmax    float32 [N, k]      probabilities in the order of the classes
regression  Mul        float32 [N, 1]      margin x unit
==========  =========  ==================  =========================================

The margins are outputs too: they are computed anyway, they are what can be compared bit by bit with XGBoost, and an
exact margin maps to integer bps without the last-bit differences that sigmoids of different engines have. `value <
threshold` and the default way of missing values are XGBoost's own, so the graph needs no imputation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from grinder_resources.contracts.artifacts import INPUT, ExportableHead, HeadFacts
from grinder_resources.errors import NotExportable
from grinder_resources.export.trees import Tree, TreeEnsemble, margin_bound_q16, read_ensemble

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

IR_VERSION = 8
OPSET = 15
OPSET_ML = 3
PRODUCER = "grinder"
GRAPH_NAME = "grinder_heads"


@dataclass(frozen=True)
class ExportedModel:
    """`onnx` are the bytes of `model.onnx`; `heads` what the manifest says about its outputs, in graph order."""

    onnx: bytes
    heads: tuple[HeadFacts, ...]


def export_model(heads: Sequence[ExportableHead], input_features: Sequence[str]) -> ExportedModel:
    """Return one checked graph that answers as all `heads` do.

    Raises NotExportable where a booster has other columns than `input_features`, in name, number or order, or uses
    what the graph cannot say; ManifestRejected for impossible head names.
    """
    from onnx import checker

    ensembles = [read_ensemble(head) for head in heads]
    for head, ensemble in zip(heads, ensembles, strict=True):
        _require_features(head, ensemble, tuple(input_features))
    facts = tuple(head.facts(margin_bound_q16(ensemble)) for head, ensemble in zip(heads, ensembles, strict=True))
    model = _model(facts, ensembles, len(input_features))
    checker.check_model(model, full_check=True)
    return ExportedModel(model.SerializeToString(deterministic=True), facts)


def _require_features(head: ExportableHead, ensemble: TreeEnsemble, names: tuple[str, ...]) -> None:
    same = ensemble.feature_names == names if ensemble.feature_names else ensemble.n_features == len(names)
    if not same:
        raise NotExportable(
            "the booster was trained on other columns than the graph's input",
            where=f"head {head.name}",
            got=_first_difference(ensemble.feature_names, names) or f"{ensemble.n_features} columns",
            expected=f"{len(names)} columns in the input's order",
        )


def _first_difference(got: Sequence[str], expected: Sequence[str]) -> str:
    pairs = zip(got, expected, strict=False)
    return next((f"{left} in place of {right}" for left, right in pairs if left != right), "")


def _model(facts: Sequence[HeadFacts], ensembles: Sequence[TreeEnsemble], n_features: int) -> Any:
    from onnx import TensorProto, helper

    def tensor(name: str, width: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])

    widths = [ensemble.n_outputs for ensemble in ensembles]
    named = list(zip(facts, widths, strict=True))
    graph = helper.make_graph(
        nodes=list(chain.from_iterable(_nodes(*pair) for pair in zip(facts, ensembles, strict=True))),
        name=GRAPH_NAME,
        inputs=[tensor(INPUT, n_features)],
        outputs=[
            *(tensor(head.name, width) for head, width in named),
            *(tensor(head.margin_name, width) for head, width in named),
        ],
        initializer=[_unit(head) for head in facts if head.kind == "regression"],
    )
    return helper.make_model(
        graph,
        producer_name=PRODUCER,
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", OPSET_ML)],
    )


def _nodes(head: HeadFacts, ensemble: TreeEnsemble) -> "tuple[NodeProto, NodeProto]":
    from onnx import helper

    trees = helper.make_node(
        "TreeEnsembleRegressor",
        [INPUT],
        [head.margin_name],
        name=f"{head.name}_trees",
        domain="ai.onnx.ml",
        **_attributes(ensemble),
    )
    operator, *inputs = {
        "binary": ("Sigmoid", head.margin_name),
        "multiclass": ("Softmax", head.margin_name),
        "regression": ("Mul", head.margin_name, f"{head.name}_unit"),
    }[head.kind]
    return trees, helper.make_node(operator, inputs, [head.name], name=f"{head.name}_link")


def _unit(head: HeadFacts) -> "TensorProto":
    from onnx import TensorProto, helper

    return helper.make_tensor(f"{head.name}_unit", TensorProto.FLOAT, [1], [head.unit])


def _attributes(ensemble: TreeEnsemble) -> dict[str, Any]:
    """Attributes of a TreeEnsembleRegressor (ai.onnx.ml operators, version 3)."""
    trees = ensemble.trees or (_NO_TREE,)
    sizes = [len(tree.value) for tree in trees]
    tree_ids = np.repeat(np.arange(len(trees)), sizes)
    node_ids = np.concatenate([np.arange(size) for size in sizes])
    targets = np.repeat([tree.target for tree in trees], sizes)
    leaf = np.concatenate([tree.is_leaf for tree in trees])

    def joined(field: str) -> Any:
        return np.concatenate([getattr(tree, field) for tree in trees])

    return {
        "n_targets": ensemble.n_outputs,
        "base_values": ensemble.base.tolist(),
        "aggregate_function": "SUM",
        "post_transform": "NONE",
        "nodes_treeids": tree_ids.tolist(),
        "nodes_nodeids": node_ids.tolist(),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LT").tolist(),
        "nodes_featureids": joined("feature").tolist(),
        "nodes_values": joined("threshold").tolist(),
        "nodes_truenodeids": np.maximum(joined("below"), 0).tolist(),
        "nodes_falsenodeids": np.maximum(joined("above"), 0).tolist(),
        "nodes_missing_value_tracks_true": joined("missing_below").astype(np.int64).tolist(),
        "target_treeids": tree_ids[leaf].tolist(),
        "target_nodeids": node_ids[leaf].tolist(),
        "target_ids": targets[leaf].tolist(),
        "target_weights": joined("value")[leaf].tolist(),
    }


_NO_TREE = Tree(
    target=0,
    feature=np.zeros(1, dtype=np.int64),
    threshold=np.zeros(1, dtype=np.float32),
    below=np.full(1, -1, dtype=np.int64),
    above=np.full(1, -1, dtype=np.int64),
    missing_below=np.zeros(1, dtype=np.bool_),
    value=np.zeros(1, dtype=np.float32),
)
"""A lone leaf of 0: a head that was stopped before its first tree answers with its base."""
