"""Sums of trees as nodes: a TreeEnsembleRegressor a head for its exact margin, and step tables as balanced trees.

`value < threshold` and the default way of missing values are XGBoost's own, so the graph needs no imputation.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from grinder_resources.contracts.artifacts import EXACT_BOUND, INPUT, LEAF_GRID_BITS, HeadFacts
from grinder_resources.contracts.calibration import StepTable
from grinder_resources.errors import NotExportable
from grinder_resources.export.nodes import ML_DOMAIN, Nodes
from grinder_resources.export.trees import Floats, Tree, TreeEnsemble


def add_margin(nodes: Nodes, head: HeadFacts, ensemble: TreeEnsemble) -> str:
    """Append the head's trees; return the name of its margin, float32 [N, outputs]."""
    return _add_trees(nodes, INPUT, head.margin_name, ensemble.trees or (_NO_TREE,), ensemble.base)


def add_step_tables(nodes: Nodes, source: str, output: str, tables: Sequence[StepTable]) -> str:
    """Append one lookup a column of `source`, float32 [N, tables]; return the bps, float32 [N, tables], by name.

    A step table is a balanced tree of `margin < cut`: right-continuous, as the table is. Cuts are multiples of 2^-16
    below 2^8, and bps integers: float32 holds both exactly. Raises NotExportable for a cut that is too large.
    """
    trees = [step_tree(table, column) for column, table in enumerate(tables)]
    return _add_trees(nodes, source, output, trees, np.zeros(len(tables), dtype=np.float32))


def step_tree(table: StepTable, column: int) -> Tree:
    """Return the table as a balanced tree over `column`, which is also its target. Raises NotExportable."""
    cuts, values = table.cuts_q16, table.values_bps
    if max((abs(cut) for cut in cuts), default=0) >= EXACT_BOUND:
        raise NotExportable(
            "a cut of a step table is too large for exact comparison",
            where=f"column {column}",
            got=str(max(cuts, key=abs)),
            expected=f"below {EXACT_BOUND} in units of 2^-16",
        )
    below, above, cut_of, value_of = zip(*_halved(0, len(cuts)), strict=True)
    leaf = np.array(below) < 0
    cut = np.array([0 if place is None else cuts[place] for place in cut_of]) / (1 << LEAF_GRID_BITS)
    return Tree(
        target=column,
        feature=np.where(leaf, 0, column),
        threshold=cut.astype(np.float32),
        below=np.array(below),
        above=np.array(above),
        missing_below=np.zeros(len(leaf), dtype=np.bool_),
        value=np.array([0 if place is None else values[place] for place in value_of], dtype=np.float32),
    )


_Node = tuple[int, int, int | None, int | None]


def _halved(first: int, last: int, number: int = 0) -> Iterator[_Node]:
    """Yield (below, above, cut, value) of the nodes, root first, that tell the values first..last apart."""
    if first == last:
        yield -1, -1, None, first
        return
    middle = (first + last) // 2
    above = number + 2 * (middle - first + 1)
    yield number + 1, above, middle, None
    yield from _halved(first, middle, number + 1)
    yield from _halved(middle + 1, last, above)


def _add_trees(nodes: Nodes, source: str, output: str, trees: Sequence[Tree], base: Floats) -> str:
    """Append a TreeEnsembleRegressor (ai.onnx.ml operators, version 3)."""
    sizes = [len(tree.value) for tree in trees]
    tree_ids = np.repeat(np.arange(len(trees)), sizes)
    node_ids = np.concatenate([np.arange(size) for size in sizes])
    targets = np.repeat([tree.target for tree in trees], sizes)
    leaf = np.concatenate([tree.is_leaf for tree in trees])

    def joined(field: str) -> Any:
        return np.concatenate([getattr(tree, field) for tree in trees])

    return nodes.add(
        "TreeEnsembleRegressor",
        [source],
        output,
        domain=ML_DOMAIN,
        n_targets=len(base),
        base_values=base.tolist(),
        aggregate_function="SUM",
        post_transform="NONE",
        nodes_treeids=tree_ids.tolist(),
        nodes_nodeids=node_ids.tolist(),
        nodes_modes=np.where(leaf, "LEAF", "BRANCH_LT").tolist(),
        nodes_featureids=joined("feature").tolist(),
        nodes_values=joined("threshold").tolist(),
        nodes_truenodeids=np.maximum(joined("below"), 0).tolist(),
        nodes_falsenodeids=np.maximum(joined("above"), 0).tolist(),
        nodes_missing_value_tracks_true=joined("missing_below").astype(np.int64).tolist(),
        target_treeids=tree_ids[leaf].tolist(),
        target_nodeids=node_ids[leaf].tolist(),
        target_ids=targets[leaf].tolist(),
        target_weights=joined("value")[leaf].tolist(),
    )


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
