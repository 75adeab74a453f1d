"""The ways to the leaves of a tree, and what every input contributes to a leaf, whichever of its inputs point to it."""

from collections.abc import Iterator
from math import factorial, inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grinder_resources.errors import ArtifactRejected
from grinder_resources.export.trees import Ints, Tree

UNIT_BITS = 32
"""Contributions are integers in units of 2^-32 of margin."""

_PATHS_AT_ONCE = 512
_MOST_OF_A_SPLIT = 1.001
"""Weights are sums of float32: a side of a split may seem a little heavier than the whole."""

Doubles = NDArray[np.float64]


class Span(NamedTuple):
    """One input on the way to a leaf.

    low, high
        Values low <= value < high go this way.
    missing
        Whether a missing value does.
    share
        Share of the training weight that does, of what arrives at the input's splits.
    """

    low: float = -inf
    high: float = inf
    missing: bool = True
    share: float = 1.0


class Path(NamedTuple):
    """A leaf: what it adds to the margin, and the inputs on the way to it, by number."""

    value: float
    spans: dict[int, Span]


def paths_of(tree: Tree, covers: Doubles) -> Iterator[Path]:
    """Yield a tree's leaves, each with the inputs that lead to it."""
    open_spans: dict[int, dict[int, Span]] = {0: {}}
    for node, (below, above) in enumerate(zip(tree.below.tolist(), tree.above.tolist(), strict=True)):
        spans = open_spans.pop(node)
        if below < 0:
            yield Path(float(tree.value[node]), spans)
            continue
        whole, sides = float(covers[node]), [float(covers[child]) for child in (below, above)]
        if not (0 < whole < inf and all(0 <= side <= _MOST_OF_A_SPLIT * whole for side in sides)):
            raise ArtifactRejected(
                "the cover of a split is finite and above 0, and no side has more", got=f"{whole}, {sides}"
            )
        feature, cut, default = int(tree.feature[node]), float(tree.threshold[node]), bool(tree.missing_below[node])
        low, high, missing, share = spans.get(feature, Span())
        left, right = (share * side / whole for side in sides)
        open_spans[below] = spans | {feature: Span(low, min(high, cut), missing and default, left)}
        open_spans[above] = spans | {feature: Span(max(low, cut), high, missing and not default, right)}


def fill_table(table: Doubles, first: Ints, value: Doubles, share: Doubles) -> None:
    """Write the lines of paths that ask equally many inputs: 2^inputs of each, from its line `first` on.

    table
        [lines, slots >= inputs] contributions by pattern of bits, as integers.
    first, value
        [paths].
    share
        [paths, inputs] share of the training weight that goes an input's way.
    """
    count = share.shape[1]
    for start in range(0, len(value), _PATHS_AT_ONCE):
        some = slice(start, start + _PATHS_AT_ONCE)
        places = first[some, None] + np.arange(1 << count)
        table[places, :count] = np.rint(np.ldexp(_lines(value[some], share[some].T[:, :, None]), UNIT_BITS))


def _lines(value: Doubles, share: Doubles) -> Doubles:
    """Return [paths, 2^inputs, inputs]: contributions by pattern of bits; `share` is [inputs, paths, 1].

    Of input i: value (bit_i - share_i) times the sum over sets S of the others of |S|! (inputs - |S| - 1)! / inputs!
    times the product of the bits in S and the shares outside. Sets are counted by size, one input after the other.
    """
    count = len(share)
    bit = (np.arange(1 << count) >> np.arange(count)[:, None]) & 1
    weight = [factorial(size) * factorial(count - size - 1) / factorial(count) for size in range(count)]
    lines = np.empty((len(value), 1 << count, count))
    for own in range(count):
        by_size = [np.ones(lines.shape[:2])]
        for other in [place for place in range(count) if place != own]:
            outside = [products * share[other] for products in by_size]
            within = [products * bit[other] for products in by_size]
            by_size = [outside[0], *map(np.add, outside[1:], within[:-1]), within[-1]]
        total = sum(weight[size] * products for size, products in enumerate(by_size))
        lines[:, :, own] = value[:, None] * (bit[own] - share[own]) * total
    return lines
