"""The way through the trees: split by split, and leaves that add up."""

import numpy as np
import pytest

from grinder_resources.contracts.artifacts import ExportableHead
from grinder_resources.export.trees import read_ensemble
from grinder_resources.interpretability.paths import LeafPath, Split, leaf_paths, strongest
from grinder_resources.learning.boosters import margins
from tests.export.small_artifact import small_heads, small_rows
from tests.inference.test_explain import BOTH, tree

NAN = float("nan")


@pytest.mark.parametrize("head", small_heads(), ids=lambda head: head.name)
def test_base_and_leaves_are_the_margin_exactly(head: ExportableHead) -> None:
    """Leaves lie on a grid that sums without rounding, so there is nothing to tolerate; rows lack values."""
    ensemble, rows = read_ensemble(head), small_rows()[:20]
    sums = [
        [
            float(base) + sum(path.leaf for path in leaf_paths(ensemble.trees, k, row))
            for k, base in enumerate(ensemble.base)
        ]
        for row in rows
    ]
    assert sums == margins(head.booster_json, rows).tolist()


def test_every_split_is_told() -> None:
    """Below the threshold left, at it right; what was asked, of which value, and which way it went."""
    (path,) = leaf_paths([BOTH], 0, np.array([0.0, -0.5], dtype=np.float32))
    assert path == LeafPath(1, (Split(0, 0.0, 0.0, below=False), Split(1, -0.5, 0.0, below=True)), 0.0)
    (path,) = leaf_paths([BOTH], 0, np.array([-0.0001, 5], dtype=np.float32))
    assert [split.below for split in path.splits] == [True]


def test_a_missing_value_goes_the_way_the_tree_learned() -> None:
    """Down for one tree, up for the other; the split says that there was no value."""
    down, up = tree((0, 1.0, 1, 2, True), -1.0, 1.0), tree((0, 1.0, 1, 2, False), -1.0, 1.0)
    paths = leaf_paths([down, up], 0, np.array([NAN], dtype=np.float32))
    assert [path.leaf for path in paths] == [-1.0, 1.0]
    assert all(path.splits[0].missing for path in paths)


def test_an_output_has_its_own_trees() -> None:
    """They are counted from 1 among themselves."""
    trees = [tree(0.5, target=0), tree(0.25, target=1), tree(-0.75, target=1)]
    assert leaf_paths(trees, 1, np.zeros(1, dtype=np.float32)) == (LeafPath(1, (), 0.25), LeafPath(2, (), -0.75))


def test_the_strongest_leaves_come_first_whatever_their_sign() -> None:
    """Of equal ones the earlier tree's."""
    paths = [LeafPath(number, (), leaf) for number, leaf in enumerate((0.1, -0.5, 0.5, 0.3), start=1)]
    assert [path.number for path in strongest(paths, 3)] == [2, 3, 4]
