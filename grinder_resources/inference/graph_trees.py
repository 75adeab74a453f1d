"""The trees of a graph, read back from the operator that `export/nodes_trees.py` wrote."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grinder_resources.errors import ArtifactRejected
from grinder_resources.export.trees import Flags, Ints, Tree


def trees_of(model: bytes, output_name: str) -> tuple[Tree, ...]:
    """Return the trees whose sum is the output `output_name` of a graph, in the order of its node attributes.

    The bytes must be trusted. Raises ArtifactRejected where no TreeEnsembleRegressor has that output, or its nodes are
    not as the exporter writes them: tree after tree, breadth first, BRANCH_LT or LEAF, one target a tree.
    """
    from onnx import helper, load_model_from_string

    for node in load_model_from_string(model).graph.node:
        if node.op_type == "TreeEnsembleRegressor" and output_name in node.output:
            return _trees({entry.name: helper.get_attribute_value(entry) for entry in node.attribute}, output_name)
    raise ArtifactRejected("no trees lead to this output", where=output_name)


def _trees(facts: Mapping[str, Any], where: str) -> tuple[Tree, ...]:
    tree_of, leaf = np.array(facts["nodes_treeids"]), np.array(facts["nodes_modes"]) == b"LEAF"
    starts = np.flatnonzero(np.diff(tree_of, prepend=-1))
    number = np.arange(len(tree_of)) - np.repeat(starts, np.diff(starts, append=len(tree_of)))
    _require(
        set(facts["nodes_modes"]) <= {b"LEAF", b"BRANCH_LT"}
        and len(set(tree_of)) == len(starts)
        and facts["nodes_nodeids"] == number.tolist()
        and facts["target_treeids"] == tree_of[leaf].tolist()
        and facts["target_nodeids"] == number[leaf].tolist(),
        where,
    )
    value, target = np.zeros(len(tree_of), dtype=np.float32), np.zeros(len(tree_of), dtype=np.int64)
    value[leaf], target[leaf] = facts["target_weights"], facts["target_ids"]
    columns: dict[str, NDArray[Any]] = {
        "feature": np.array(facts["nodes_featureids"], dtype=np.int64),
        "threshold": np.array(facts["nodes_values"], dtype=np.float32),
        "below": np.where(leaf, -1, facts["nodes_truenodeids"]),
        "above": np.where(leaf, -1, facts["nodes_falsenodeids"]),
        "missing_below": np.array(facts["nodes_missing_value_tracks_true"], dtype=np.bool_),
        "value": value,
    }
    ends = [*starts[1:].tolist(), len(tree_of)]
    return tuple(
        _tree({name: column[start:end] for name, column in columns.items()}, target[start:end][leaf[start:end]], where)
        for start, end in zip(starts.tolist(), ends, strict=True)
    )


def _tree(columns: Mapping[str, Any], targets: Ints, where: str) -> Tree:
    _require(len(set(targets.tolist())) == 1 and _is_tree(columns["below"], columns["above"]), where)
    return Tree(target=int(targets[0]), **columns)


def _is_tree(below: Ints, above: Ints) -> bool:
    """Return whether every node but the root is one node's child, and comes after it."""
    splits: Flags = below >= 0
    children = np.concatenate([below[splits], above[splits]])
    later = bool(np.all(children > np.tile(np.flatnonzero(splits), 2)))
    return later and sorted(children.tolist()) == list(range(1, len(below)))


def _require(condition: bool, where: str) -> None:
    if not condition:
        raise ArtifactRejected("the trees of a graph are written breadth first, one after the other", where=where)
