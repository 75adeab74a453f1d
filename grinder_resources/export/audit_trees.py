"""Sums of trees in a graph are made of trees: what ONNX Runtime assumes when it walks from node to child to child.

The runtime takes the first of a run of nodes with one tree id for a root, and walks by recursion. So a tree is one run,
its first node the root, every other node the child of exactly one, and all are reached from the root within a bounded
depth; children, inputs and targets exist, thresholds are numbers, and every leaf has finite weights.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from grinder_resources.export.audit_rules import CLASSIFIER, MAX_TARGETS, MAX_TREE_DEPTH, require

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Facts = Mapping[str, Any]

LARGEST = float(np.finfo(np.float32).max)
_ID_BITS = 31

_INT, _TEXT, _FLOATS, _INTS, _TEXTS = 2, 3, 6, 7, 8
_NODE_INTS = ("nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids")
_NEEDED = dict.fromkeys(_NODE_INTS, _INTS) | {"nodes_values": _FLOATS, "nodes_modes": _TEXTS}
"""Lists with one item a node."""
_SPARE = {"nodes_missing_value_tracks_true": _INTS, "nodes_hitrates": _FLOATS}
"""Lists that may be left out."""
_WEIGHTS = {"treeids": _INTS, "nodeids": _INTS, "ids": _INTS, "weights": _FLOATS}
"""Lists with one item a weight, called `target_...` of a regressor and `class_...` of a classifier."""
_REGRESSOR = {"n_targets": _INT, "aggregate_function": _TEXT}
_CLASSIFIER = {"classlabels_int64s": _INTS, "classlabels_strings": _TEXTS}
_BOTH = {**_NEEDED, **_SPARE, "base_values": _FLOATS, "post_transform": _TEXT}

_LEAF = b"LEAF"
_MODES = {_LEAF, *(b"BRANCH_" + relation for relation in (b"LT", b"LEQ", b"GT", b"GTE", b"EQ", b"NEQ"))}
_AGGREGATES = {b"SUM", b"AVERAGE", b"MIN", b"MAX"}
_TRANSFORMS = {b"NONE", b"SOFTMAX", b"LOGISTIC", b"SOFTMAX_ZERO"}
"""Those that are finite wherever a sum is; PROBIT is not."""


def tree_outputs(node: Any, where: str) -> Iterator[tuple[str, str, tuple[int, int] | tuple[int]]]:
    """Yield name, element type and, for one row, the shape of every output of a sum of trees."""
    attributes = _attributes(node, where)
    outputs: list[tuple[str, tuple[int, int] | tuple[int]]] = [("float32", (1, _width(attributes, where)))]
    if node.op_type == CLASSIFIER:
        outputs.insert(0, ("string" if "classlabels_strings" in attributes else "int64", (1,)))
    fits = len(node.input) == 1 and node.input[0] and 1 <= len(node.output) <= len(outputs)
    require(fits, "a sum of trees has one input, and its own outputs", where, [*node.input, *node.output])
    for name, (dtype, shape) in zip(node.output, outputs, strict=False):
        if name:
            yield name, dtype, shape


def require_trees(node: Any, n_inputs: int, where: str) -> None:
    """Refuse a TreeEnsembleRegressor or TreeEnsembleClassifier over `n_inputs` columns that is not made of trees."""
    facts = _facts(node, where)
    _require_lists(facts, where)
    modes = facts["nodes_modes"]
    require(set(modes) <= _MODES, "a node of a tree is a leaf or a comparison", where, sorted(set(modes) - _MODES))
    leaf = np.fromiter((mode == _LEAF for mode in modes), dtype=np.bool_, count=len(modes))
    _require_numbers(facts, n_inputs, where)
    places = _Places.of(facts["nodes_treeids"], facts["nodes_nodeids"], where)
    _require_one_way(facts, places, leaf, where)
    _require_weights(facts, places, leaf, where)


@dataclass(frozen=True, eq=False)
class _Places:
    """Where the node of a tree id and a node id stands in the lists.

    roots
        [trees] first place of every tree.
    """

    roots: Ints
    _trees: Ints
    _keys: Ints
    _order: Ints

    @classmethod
    def of(cls, tree_ids: Ints, node_ids: Ints, where: str) -> Self:
        """Return the places. Raises ArtifactRejected for a tree in two runs, an id that is twice there or too large."""
        roots = np.flatnonzero(np.diff(tree_ids, prepend=tree_ids[0] - 1))
        trees = np.sort(tree_ids[roots])
        require(np.all(np.diff(trees) > 0), "the nodes of a tree stand in one run", where)
        known = (node_ids >= 0) & (node_ids < 1 << _ID_BITS)
        require(known.all(), "a node id is an integer in 0..2^31-1", where, node_ids[~known][:3].tolist())
        keys = _keys(trees, tree_ids, node_ids)
        order = np.argsort(keys, kind="stable")
        require(np.all(np.diff(keys[order]) > 0), "a node id stands once in a tree", where)
        return cls(roots, trees, keys[order], order)

    def find(self, tree_ids: Ints, node_ids: Ints) -> Ints:
        """Return the place of each node, -1 for one that does not exist."""
        known = (node_ids >= 0) & (node_ids < 1 << _ID_BITS) & np.isin(tree_ids, self._trees)
        keys = _keys(self._trees, tree_ids, np.where(known, node_ids, 0))
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(known & (self._keys[at] == keys), self._order[at], -1)


def _keys(trees: Ints, tree_ids: Ints, node_ids: Ints) -> Ints:
    return (np.searchsorted(trees, tree_ids) << _ID_BITS) | node_ids


def _require_one_way(facts: Facts, places: _Places, leaf: Flags, where: str) -> None:
    """Refuse anything but one way from the root of a tree to each of its nodes."""
    tree_ids, split = facts["nodes_treeids"], ~leaf
    below, above = (places.find(tree_ids, facts[f"nodes_{side}nodeids"]) for side in ("true", "false"))
    children = np.concatenate([below[split], above[split]])
    require(np.all(children >= 0), "a child is a node of the same tree", where)
    expected = np.ones(len(leaf), dtype=np.int64)
    expected[places.roots] = 0
    odd = np.flatnonzero(np.bincount(children, minlength=len(leaf)) != expected)
    rule = "the first node of a tree is its root, and every other the child of exactly one"
    names = [tree_ids[odd[:1]].tolist(), facts["nodes_nodeids"][odd[:1]].tolist()]
    require(not len(odd), rule, where, "tree {}, node {}".format(*names))
    level, reached = places.roots, len(places.roots)
    for _ in range(MAX_TREE_DEPTH):
        inner = level[split[level]]
        level = np.concatenate([below[inner], above[inner]])
        reached += len(level)
        if not len(level):
            break
    require(not len(level), "a tree is too deep", where, f"more than {MAX_TREE_DEPTH} levels")
    require(reached == len(leaf), "every node is reached from a root", where, reached, len(leaf))


def _require_numbers(facts: Facts, n_inputs: int, where: str) -> None:
    features, values = facts["nodes_featureids"], facts["nodes_values"]
    inside = np.all((features >= 0) & (features < n_inputs))
    require(inside, "a tree asks for an input that does not exist", where, features.max(), f"0..{n_inputs - 1}")
    require(not np.isnan(values).any(), "a threshold is a number", where, "NaN")
    tracks = facts.get("nodes_missing_value_tracks_true", np.zeros(0))
    require(np.isin(tracks, (0, 1)).all(), "a missing value goes one way or the other", where, tracks.max(initial=0))


def _require_weights(facts: Facts, places: _Places, leaf: Flags, where: str) -> None:
    trees, nodes, targets, weights = (facts[f"target_{name}"] for name in _WEIGHTS)
    width, base = facts["n_targets"], facts.get("base_values", np.zeros(0))
    at = places.find(trees, nodes)
    require(np.all(at >= 0) and np.all(leaf[at]), "a weight belongs to a leaf", where)
    require(len(np.unique(at)) == leaf.sum(), "every leaf has a weight", where)
    inside = np.all((targets >= 0) & (targets < width))
    require(inside, "a weight is for an output that exists", where, targets.max(), f"0..{width - 1}")
    require(len(np.unique(at * width + targets)) == len(at), "a leaf has one weight an output", where)
    require(len(base) in (0, width), "there is one base value an output", where, len(base), width)
    total = np.abs(weights.astype(np.float64)).sum() + np.abs(base.astype(np.float64)).sum()
    require(total <= LARGEST, "the weights of all leaves together are finite", where, total)


def _require_lists(facts: Facts, where: str) -> None:
    size = len(facts.get("nodes_treeids", ()))
    require(size, "a sum of trees has nodes", where)
    for name in (*_NEEDED, *_SPARE):
        lengths = {size} if name in _NEEDED else {0, size}
        got = len(facts.get(name, ()))
        require(got in lengths, "the lists of a tree's nodes are equally long", f"{where}, {name}", got, size)
    weights = {len(facts.get(f"target_{name}", ())) for name in _WEIGHTS}
    require(len(weights) == 1 and weights != {0}, "the lists of a tree's weights are equally long", where, weights)
    known = (
        facts.get("post_transform", b"NONE") in _TRANSFORMS and facts.get("aggregate_function", b"SUM") in _AGGREGATES
    )
    require(known, "a sum of trees ends in a known way", where)


def _width(attributes: Facts, where: str) -> int:
    """Return the number of outputs of a sum of trees: targets, or classes."""
    if "n_targets" in attributes:
        width = attributes["n_targets"].i
    else:
        labels = [attributes[name] for name in _CLASSIFIER if name in attributes]
        width = sum(len(label.ints) + len(label.strings) for label in labels) if len(labels) == 1 else 0
    require(1 <= width <= MAX_TARGETS, "trees have a bounded number of outputs", where, width, f"1..{MAX_TARGETS}")
    return int(width)


def _attributes(node: Any, where: str) -> Facts:
    """Return the attributes by name; refuses one that is not known or is of another type."""
    prefix, own = ("class", _CLASSIFIER) if node.op_type == CLASSIFIER else ("target", _REGRESSOR)
    known = {**_BOTH, **own, **{f"{prefix}_{name}": kind for name, kind in _WEIGHTS.items()}}
    for attribute in node.attribute:
        fits = known.get(attribute.name) == attribute.type
        require(fits, "a sum of trees has no such attribute, or not of this type", where, attribute.name)
    return {attribute.name: attribute for attribute in node.attribute}


def _facts(node: Any, where: str) -> Facts:
    """Return what the attributes hold, in the words of a regressor: classes are targets as well."""
    attributes = _attributes(node, where)
    facts = {name.replace("class_", "target_", 1): _value(attribute) for name, attribute in attributes.items()}
    return facts | {"n_targets": _width(attributes, where)}


def _value(attribute: Any) -> Any:
    """Return numbers as an array, texts as a list of bytes, and single values as they are."""
    if attribute.type == _INTS:
        return np.fromiter(attribute.ints, dtype=np.int64, count=len(attribute.ints))
    if attribute.type == _FLOATS:
        return np.fromiter(attribute.floats, dtype=np.float32, count=len(attribute.floats))
    return {_TEXTS: attribute.strings[:], _TEXT: attribute.s, _INT: attribute.i}[attribute.type]
