"""The way of a row through the trees: split by split to the leaf, and what the leaf adds to the margin."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from grinder_resources.export.trees import Floats, Tree


@dataclass(frozen=True)
class Split:
    """One question of a tree and the row's answer.

    feature
        Number of the input that is asked.
    value
        The row's value; NaN where it is missing.
    threshold
        The question is whether value < threshold.
    below
        Whether the row went the way of smaller values; a missing value goes the way the tree learned for it.
    """

    feature: int
    value: float
    threshold: float
    below: bool

    @property
    def missing(self) -> bool:
        """Whether the way was taken without a value."""
        return math.isnan(self.value)


@dataclass(frozen=True)
class LeafPath:
    """A row's way through one tree: `number` counts the trees of its output from 1, `leaf` is what it adds."""

    number: int
    splits: tuple[Split, ...]
    leaf: float


def leaf_paths(trees: Sequence[Tree], target: int, row: Floats) -> tuple[LeafPath, ...]:
    """Return the way of a row through every tree of an output, in the order of the trees.

    row
        float32 [inputs], NaN where a value is missing. Base and leaves sum exactly to the output's margin.
    """
    own = [tree for tree in trees if tree.target == target]
    return tuple(_walk(tree, number, row) for number, tree in enumerate(own, start=1))


def strongest(paths: Sequence[LeafPath], count: int) -> tuple[LeafPath, ...]:
    """Return the `count` paths whose leaves add or take away most; of equal ones the earlier tree's comes first."""
    return tuple(sorted(paths, key=lambda path: -abs(path.leaf))[:count])


def _walk(tree: Tree, number: int, row: Floats) -> LeafPath:
    node, splits = 0, []
    while tree.below[node] >= 0:
        feature, threshold = int(tree.feature[node]), tree.threshold[node]
        value = row[feature]
        below = bool(tree.missing_below[node]) if math.isnan(value) else bool(value < threshold)
        splits.append(Split(feature, float(value), float(threshold), below))
        node = int(tree.below[node] if below else tree.above[node])
    return LeafPath(number, tuple(splits), float(tree.value[node]))
