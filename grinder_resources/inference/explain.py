"""Which inputs moved a margin: exact Shapley values of a sum of trees, for one row, in integers.

The game is that of TreeSHAP, path-dependent (Lundberg et al. 2020, "From local explanations to global understanding",
Algorithm 2), and so of XGBoost's `pred_contribs`: an input that is not known goes both ways at its splits, weighted by
the training weight of the two sides.

On the way to a leaf, what matters of an input is whether it lies in the leaf's interval: one bit. So the contributions
of a leaf are a table with a line for every pattern of bits, made once (as FastTreeSHAP v2 and GPUTreeShap do, Yang 2021
and Mitchell et al. 2022), and a row costs a comparison, a look-up and a sum. Lines are rounded to 2^-32 once, so the
sum is exact, in any order, on any machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from grinder_resources.contracts.signals import TOP
from grinder_resources.errors import ArtifactRejected
from grinder_resources.export.trees import Flags, Floats, Ints, Tree
from grinder_resources.inference.leaf_paths import Doubles, Path, fill_table, paths_of

MAX_INPUTS = 10
"""Most inputs on the way to a leaf; a leaf has 2^inputs lines."""

MAX_TABLE_BYTES = 256 << 20
"""Largest table; what would need more is not explained."""

MAX_REACH = 1 << 53
"""What all paths together may move, in units of 2^-32: below it any sum of contributions is exact in float64."""

_POWERS = (1 << np.arange(MAX_INPUTS)).astype(np.float32)
"""Sums of distinct ones are exact in float32, and faster there than in integers."""

Top = tuple[tuple[str, str, str], tuple[int, int, int]]


@dataclass(frozen=True, eq=False)
class TreePaths:
    """The ways to all leaves of the trees of one margin; `slots` is the most inputs one of them asks.

    feature
        [paths, slots] which input; 0 in a slot that a path does not use.
    low, high
        [paths, slots] the input lies in the path's interval where low <= value < high; nowhere in an unused slot.
    missing
        [paths, slots] whether a missing value goes the path's way.
    first
        [paths] line of the table for a row none of whose inputs lies in its interval; with those of slots a, b, ... it
        is `first` + 2^a + 2^b + ...
    table
        [lines, slots] contributions: integers, which float64 holds and adds exactly below 2^53.
    """

    feature: Ints
    low: Floats
    high: Floats
    missing: Flags
    first: Ints
    table: Doubles
    n_features: int

    @classmethod
    def of(cls, trees: Sequence[Tree], covers: Sequence[float], target: int, n_features: int) -> Self:
        """Return the paths of the trees whose target is `target`.

        A margin with a path of more than MAX_INPUTS inputs, or a table above MAX_TABLE_BYTES, has no paths here: all
        its contributions are 0, and nothing is named. At depth 8 that is from 16,384 leaves on.

        covers
            Training weight of every node of all `trees`, tree after tree.

        Raises ArtifactRejected where there is not one cover a node, a split has none or an infinite one, a side of it
        has more than the whole, or the paths together reach MAX_REACH, some 2 million of margin.
        """
        sizes = [len(tree.value) for tree in trees]
        if len(covers) != sum(sizes):
            raise ArtifactRejected("every node has a cover", got=str(len(covers)), expected=str(sum(sizes)))
        parts = np.split(np.array(covers, dtype=np.float64), np.cumsum(sizes)[:-1])
        paths: list[Path] = []
        slots = lines = 0
        for tree, cover in zip(trees, parts, strict=True):
            for path in paths_of(tree, cover) if tree.target == target else ():
                slots, lines = max(slots, len(path.spans)), lines + (1 << len(path.spans))
                if slots > MAX_INPUTS or 8 * slots * lines > MAX_TABLE_BYTES:
                    return cls._laid_out([], n_features)
                paths.append(path)
        return cls._laid_out([path for path in paths if path.spans], n_features)

    @classmethod
    def _laid_out(cls, paths: Sequence[Path], n_features: int) -> Self:
        inputs = np.array([len(path.spans) for path in paths], dtype=np.int64)
        shape = len(paths), int(inputs.max(initial=1))
        feature, missing, share = np.zeros(shape, np.int64), np.zeros(shape, np.bool_), np.zeros(shape)
        low, high = np.full(shape, np.inf, np.float32), np.full(shape, -np.inf, np.float32)
        for place, path in enumerate(paths):
            used = place, slice(0, len(path.spans))
            feature[used] = list(path.spans)
            low[used], high[used], missing[used], share[used] = zip(*path.spans.values(), strict=True)
        first = np.cumsum(1 << inputs) - (1 << inputs)
        table = np.zeros((int((1 << inputs).sum()), shape[1]))
        value = np.array([path.value for path in paths])
        for count in sorted(set(inputs.tolist())):
            some = np.flatnonzero(inputs == count)
            fill_table(table, first[some], value[some], share[some, :count])
        _require_exact(table, first)
        return cls(feature, low, high, missing, first, table, n_features)

    def contributions(self, row: Floats) -> Ints:
        """Return [features] int64: how far each input moved the margin, in units of 2^-32, from its expected value.

        row
            [features] float32, finite, or NaN where a value is missing.
        """
        values = row.take(self.feature)
        inside = (values >= self.low) & (values < self.high)
        if np.isnan(row).any():
            inside |= np.isnan(values) & self.missing
        bits = inside.astype(np.float32) @ _POWERS[: inside.shape[1]]
        moved = self.table.take(self.first + bits.astype(np.int64), axis=0)
        return np.bincount(self.feature.ravel(), moved.ravel(), self.n_features).astype(np.int64)


def _require_exact(table: Doubles, first: Ints) -> None:
    """Raise ArtifactRejected where contributions, a largest one from each path, sum to MAX_REACH or to no number."""
    if not len(first):
        return
    most, least = np.maximum.reduceat(table, first), np.minimum.reduceat(table, first)
    reach = float(np.maximum(most, -least).sum())
    if not reach < MAX_REACH:
        raise ArtifactRejected("contributions sum exactly", got=f"up to {reach:g}", expected=f"below {MAX_REACH}")


def top_features(contributions: Ints, names: Sequence[str]) -> Top:
    """Return the three inputs that moved a margin most, and their weights.

    A weight is floor(1000 |contribution| / sum of all |contributions|); they fall, and inputs of equal weight keep
    their order. An input that moved nothing is not named: its place holds '' and 0.
    """
    sizes = np.abs(contributions)
    weights = np.where(sizes > 0, 1_000 * sizes // max(1, int(sizes.sum())), -1)
    best = [place for place in np.argsort(-weights, kind="stable")[:TOP].tolist() if weights[place] >= 0]
    padding = TOP - len(best)
    first, second, third = [names[place] for place in best] + [""] * padding
    most, less, least = weights[best].tolist() + [0] * padding
    return (first, second, third), (most, less, least)
