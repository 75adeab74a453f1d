"""A fitted XGBoost booster as plain arrays of nodes, read from its own JSON.

Only what the graph can say exactly is taken: gbtree, numeric splits (`value < threshold` goes left, a missing value
goes the node's default way), one number a leaf, and the objectives binary:logistic, reg:squarederror and
multi:softprob. Anything else is refused with NotExportable. An early-stopped booster counts up to its `best_iteration`.

The base margin is asked of XGBoost itself, by a copy of the booster without trees: the file holds a probability for
binary:logistic, and `logit` in float32 differs in the last bit from one mathematical library to the next.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import LEAF_GRID_BITS, ExportableHead, HeadKind
from grinder_resources.errors import NotExportable

OBJECTIVES: dict[HeadKind, str] = {
    "binary": "binary:logistic",
    "regression": "reg:squarederror",
    "multiclass": "multi:softprob",
}

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Tree:
    """One tree, nodes numbered breadth first from the root 0; every array is [nodes].

    A split sends `value < threshold` to `below`, others to `above`, a missing value to `below` where `missing_below`.
    In a leaf, `below` and `above` are -1 and `value` is what it adds to the margin; in a split `value` is 0.
    """

    target: int
    feature: Ints
    threshold: Floats
    below: Ints
    above: Ints
    missing_below: Flags
    value: Floats

    @property
    def is_leaf(self) -> Flags:
        """[nodes] true where the node is a leaf."""
        return self.below < 0


@dataclass(frozen=True, eq=False)
class TreeEnsemble:
    """A sum of trees: margin[k] = base[k] + the leaves reached in the trees whose `target` is k.

    base
        [outputs] float32 margin before any tree.
    rounds
        Boosting rounds that count; XGBoost gives the same margins with `iteration_range=(0, rounds)`.
    feature_names
        Column names the booster was trained with, empty if it had none.
    """

    trees: tuple[Tree, ...]
    base: Floats
    rounds: int
    n_features: int
    feature_names: tuple[str, ...]

    @property
    def n_outputs(self) -> int:
        """Number of margins a row has: classes for multiclass, else 1."""
        return len(self.base)


def read_ensemble(head: ExportableHead) -> TreeEnsemble:
    """Return the trees of a fitted head. Raises NotExportable where the graph could not answer as the booster does."""
    document = _parse(head)
    learner = document["learner"]
    model = learner["gradient_booster"]["model"]
    rounds = _rounds(learner, model)
    base = _base_margin(document)
    outputs = len(head.classes) if head.kind == "multiclass" else 1
    _require(len(base) == outputs, f"the booster must have {outputs} outputs", head, len(base))
    return TreeEnsemble(
        trees=tuple(_tree(tree, target, head) for tree, target in _trees_that_count(learner, model)),
        base=base,
        rounds=rounds,
        n_features=int(learner["learner_model_param"]["num_feature"]),
        feature_names=tuple(learner["feature_names"]),
    )


def read_covers(head: ExportableHead) -> tuple[Floats, ...]:
    """Return by tree of `read_ensemble`, and by its nodes, the training weight that passed: XGBoost's sum of hessians.

    Raises NotExportable where `read_ensemble` does.
    """
    learner = _parse(head)["learner"]
    model = learner["gradient_booster"]["model"]
    return tuple(
        np.asarray(tree["sum_hessian"], dtype=np.float32)[_order(tree, head)]
        for tree, _ in _trees_that_count(learner, model)
    )


def margin_bound_q16(ensemble: TreeEnsemble) -> int | None:
    """Return the largest absolute value a partial sum of leaves and base can reach, in units of 2^-16.

    None where a leaf or the base is not a multiple of 2^-16. Below 2^24 every such sum is exact in float32, in any
    order.
    """
    scale = float(1 << LEAF_GRID_BITS)
    totals = np.abs(ensemble.base.astype(np.float64)) * scale
    on_grid = bool(np.all(totals == np.floor(totals)))
    for tree in ensemble.trees:
        leaves = np.abs(tree.value.astype(np.float64)) * scale
        on_grid = on_grid and bool(np.all(leaves == np.floor(leaves)))
        totals[tree.target] += leaves.max()
    return int(totals.max()) if on_grid else None


def _parse(head: ExportableHead) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(head.booster_json)
        learner = document["learner"]
        sizes = learner["learner_model_param"]
        found = (learner["gradient_booster"]["name"], learner["objective"]["name"], sizes["num_target"])
    except (ValueError, KeyError, TypeError) as error:
        raise NotExportable("the booster is not XGBoost JSON", where=f"head {head.name}", got=repr(error)) from error
    expected = ("gbtree", OBJECTIVES[head.kind], "1")
    _require(found == expected, f"booster, objective and targets must be {expected}", head, found)
    return document


def _rounds(learner: dict[str, Any], model: dict[str, Any]) -> int:
    """Return the rounds up to and including the best one, all of them where training was not stopped early."""
    trained = len(model["iteration_indptr"]) - 1
    best = learner["attributes"].get("best_iteration")
    return trained if best is None else min(int(best) + 1, trained)


def _trees_that_count(learner: dict[str, Any], model: dict[str, Any]) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the trees of the rounds that count, each with its output."""
    rounds = _rounds(learner, model)
    used = model["iteration_indptr"][rounds] if rounds else 0
    return zip(model["trees"][:used], model["tree_info"][:used], strict=True)


def _base_margin(document: dict[str, Any]) -> Floats:
    import xgboost

    learner = document["learner"]
    booster, model = learner["gradient_booster"], learner["gradient_booster"]["model"]
    no_trees = {"iteration_indptr": [0], "tree_info": [], "trees": []}
    no_trees["gbtree_model_param"] = model["gbtree_model_param"] | {"num_trees": "0"}
    bare = learner | {
        "gradient_booster": booster | {"model": model | no_trees},
        "learner_model_param": learner["learner_model_param"] | {"boost_from_average": "0"},
        "feature_names": [],
        "feature_types": [],
    }
    constant = xgboost.Booster({"nthread": 1}, model_file=bytearray(json.dumps(document | {"learner": bare}).encode()))
    row = np.zeros((1, int(learner["learner_model_param"]["num_feature"])), dtype=np.float32)
    margin = constant.predict(xgboost.DMatrix(row, nthread=1), output_margin=True)
    return np.asarray(margin, dtype=np.float32).reshape(-1) + np.float32(0)


def _tree(tree: dict[str, Any], target: int, head: ExportableHead) -> Tree:
    numeric = not tree["categories_nodes"] and not any(tree["split_type"])
    scalar = tree["tree_param"]["size_leaf_vector"] in ("0", "1")
    _require(numeric and scalar, "splits must be numeric and leaves single numbers", head, f"tree {tree['id']}")
    order = _order(tree, head)
    # one more slot, which index -1 reads: the child of a leaf
    number = np.full(len(tree["left_children"]) + 1, -1, dtype=np.int64)
    number[order] = np.arange(len(order))
    below = np.asarray(tree["left_children"], dtype=np.int64)[order]
    condition = np.asarray(tree["split_conditions"], dtype=np.float32)[order]
    leaf = below < 0
    finite = bool(np.all(np.isfinite(condition[leaf]))) and not bool(np.any(np.isnan(condition)))
    _require(finite, "leaves must be finite and thresholds numbers", head, f"tree {tree['id']}")
    return Tree(
        target=target,
        feature=np.where(leaf, 0, np.asarray(tree["split_indices"], dtype=np.int64)[order]),
        threshold=np.where(leaf, np.float32(0), condition),
        below=number[below],
        above=number[np.asarray(tree["right_children"], dtype=np.int64)[order]],
        missing_below=np.asarray(tree["default_left"], dtype=bool)[order] & ~leaf,
        value=np.where(leaf, condition, np.float32(0)),
    )


def _order(tree: dict[str, Any], head: ExportableHead) -> Ints:
    """Return the numbers of a tree's nodes in the order in which `Tree` has them."""
    return np.fromiter(_breadth_first(tree, head), dtype=np.int64)


def _breadth_first(tree: dict[str, Any], head: ExportableHead) -> Iterator[int]:
    """Yield the nodes that can be reached; pruned ones stay in the file but belong to no path."""
    left, right = tree["left_children"], tree["right_children"]
    level, seen = [0], 0
    while level:
        yield from level
        seen += len(level)
        _require(seen <= len(left), "a tree must have one path to every node", head, f"tree {tree['id']}")
        level = [child for node in level if left[node] >= 0 for child in (left[node], right[node])]


def _require(condition: bool, rule: str, head: ExportableHead, got: object) -> None:
    if not condition:
        raise NotExportable(rule, where=f"head {head.name}", got=str(got))
