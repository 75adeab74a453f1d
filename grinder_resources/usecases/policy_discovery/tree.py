"""Rules from a decision tree: where the best policy changes, cut by cut, as comparisons of integers.

The tree asks which policy is best in a window, and cuts where that becomes clearer (Breiman and others 1984). What a
leaf then advises is not what was best most often but what earned most in all its windows: a grid that wins often and
little, and loses rarely and much, is best in most of them. Two leaves of one cut that advise the same become one.

Cuts lie between two integers, so `x <= 3.5` is `x <= 3`. A leaf's conditions are merged: at most one lower and one
upper bound a column.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from grinder_resources.usecases.policy_discovery.book import Settings
from grinder_resources.usecases.policy_discovery.policies import EXACT_IN_FLOAT32, NAMES, Flags, Integers, Windows
from grinder_resources.usecases.policy_discovery.rules import ABOVE, AT_MOST, Comparison, Condition

BPS = 10_000


@dataclass(frozen=True)
class Leaf:
    """A policy, and the training windows it was found on."""

    policy: str
    windows: int


@dataclass(frozen=True)
class Branch:
    """Left where `column <= value`, else right."""

    column: str
    value: int
    left: "Node"
    right: "Node"


Node = Leaf | Branch


@dataclass(frozen=True)
class Tree:
    """A tree after merging, the leaves it had before, and the columns that it could have been cut by."""

    root: Node
    leaves: int
    columns: int


def grow(windows: Windows, rows: Integers, settings: Settings) -> Tree:
    """Return the tree of the training windows `rows`, one leaf where nothing can be cut.

    Columns that are null too often, constant, or too large for the tree to tell neighbours apart are not looked at.
    Cuts are found on the windows without a null in any other; what a leaf advises is decided on all in which it holds.
    """
    from sklearn.tree import DecisionTreeClassifier

    columns = looked_at(windows, rows, settings)
    part = windows.frame[rows].select(columns)
    grown = _Grown(
        columns, part.fill_null(0).to_numpy(), part.select(pl.all().is_not_null()).to_numpy(), windows.pnl[rows]
    )
    complete = grown.known.all(axis=1)
    if not columns or complete.sum() < 2 * settings.min_samples_leaf:
        return Tree(Leaf(NAMES[windows.best_of(rows)], len(rows)), 1, len(columns))
    fitted = DecisionTreeClassifier(
        max_depth=settings.max_depth, min_samples_leaf=settings.min_samples_leaf, random_state=settings.seed
    ).fit(grown.values[complete], windows.best[rows][complete])
    root = _node(fitted.tree_, 0, grown, np.ones(len(rows), dtype=np.bool_))
    return Tree(root, int(fitted.tree_.n_leaves), len(columns))


def looked_at(windows: Windows, rows: Integers, settings: Settings) -> tuple[str, ...]:
    """Return the columns that the tree may cut, in their order."""
    part = windows.frame[rows]
    most_nulls = len(rows) * settings.max_null_bps // BPS

    def usable(name: str) -> bool:
        column = part[name].drop_nulls()
        if column.len() == 0 or part.height - column.len() > most_nulls:
            return False
        low, high = int(column.min()), int(column.max())  # type: ignore[arg-type]
        return low < high and max(abs(low), abs(high)) < EXACT_IN_FLOAT32

    return tuple(name for name in windows.columns if usable(name))


@dataclass(frozen=True, eq=False)
class _Grown:
    """Training windows: columns looked at, their values (0 where there is none), where there is one, and the PnL."""

    columns: tuple[str, ...]
    values: Integers
    known: Flags
    pnl: Integers


def _node(tree: Any, number: int, grown: _Grown, inside: Flags) -> Node:
    if tree.children_left[number] < 0:
        return _leaf(grown, inside)
    feature, value = int(tree.feature[number]), int(np.floor(tree.threshold[number]))
    known, is_left = inside & grown.known[:, feature], grown.values[:, feature] <= value
    left = _node(tree, tree.children_left[number], grown, known & is_left)
    right = _node(tree, tree.children_right[number], grown, known & ~is_left)
    if isinstance(left, Leaf) and isinstance(right, Leaf) and left.policy == right.policy:
        return _leaf(grown, inside)
    return Branch(grown.columns[feature], value, left, right)


def _leaf(grown: _Grown, inside: Flags) -> Leaf:
    return Leaf(NAMES[int(np.argmax(grown.pnl[inside].sum(axis=0)))], int(inside.sum()))


def leaves(node: Node, path: tuple[Condition, ...] = ()) -> Iterator[tuple[tuple[Condition, ...], Leaf]]:
    """Yield every leaf with its merged conditions, from left to right."""
    if isinstance(node, Leaf):
        yield merged(path), node
    else:
        yield from leaves(node.left, (*path, Condition(node.column, AT_MOST, node.value)))
        yield from leaves(node.right, (*path, Condition(node.column, ABOVE, node.value)))


def merged(path: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Return the conditions that say the same: columns as they first came, the tightest bound of either kind."""
    bounds: dict[tuple[str, Comparison], int] = {}
    for one in path:
        tightest = min if one.comparison == AT_MOST else max
        kind = (one.column, one.comparison)
        bounds[kind] = tightest(bounds.get(kind, one.value), one.value)
    kinds: list[tuple[str, Comparison]] = [
        (column, comparison) for column in dict.fromkeys(one.column for one in path) for comparison in (ABOVE, AT_MOST)
    ]
    return tuple(Condition(*kind, bounds[kind]) for kind in kinds if kind in bounds)


def tree_text(node: Node) -> str:
    """Return the tree as indented text, leaves numbered as the rules are; one line where nothing was cut."""
    if isinstance(node, Leaf):
        return f"{node.policy}  [{node.windows:,} windows, no cut]"
    return "\n".join(_lines(node, "", iter(range(1, 1 + sum(1 for _ in leaves(node))))))


def rule_name(number: int) -> str:
    """Return the name of the leaf of that number, from 1: `r01`."""
    return f"r{number:02d}"


def _lines(node: Node, indent: str, numbers: Iterator[int]) -> Iterator[str]:
    if isinstance(node, Leaf):
        yield f"{indent}{node.policy}  [{rule_name(next(numbers))}, {node.windows:,} windows]"
        return
    yield f"{indent}{node.column} <= {node.value}"
    yield from _lines(node.left, f"{indent}|   ", numbers)
    yield f"{indent}{node.column} > {node.value}"
    yield from _lines(node.right, f"{indent}|   ", numbers)
