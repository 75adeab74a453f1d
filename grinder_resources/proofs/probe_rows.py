"""Rows that try to tell two implementations of a model apart: random ones, every split threshold, what is no number."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from grinder_resources.errors import OutOfRange
from grinder_resources.export.trees import TreeEnsemble

Rows = NDArray[np.float32]
Ranges = tuple[Rows, Rows]
Thresholds = list[Rows]

NAN_SHARE = 0.1
"""Share of values that are missing where missing values are mixed in."""

SPECIAL: dict[str, tuple[float, ...]] = {
    "nan": (np.nan,),
    "inf": (np.inf, -np.inf),
    "denormal": (1e-45, -1e-45, 1e-39, -1e-39, 0.0, -0.0),
    "extreme": (3.4028235e38, -3.4028235e38, 1e30, -1e30, 2.0**24, -(2.0**24)),
}
"""Values by the name under which they are asked for."""

_SHARES = (0.0, 0.05, 0.5, 1.0)


def thresholds(ensembles: Sequence[TreeEnsemble]) -> Thresholds:
    """Return, by feature, the finite thresholds of all splits, float32, ascending, each once."""
    trees = [tree for ensemble in ensembles for tree in ensemble.trees]
    feature = np.concatenate([np.zeros(0, dtype=np.int64), *(tree.feature[~tree.is_leaf] for tree in trees)])
    cut = np.concatenate([np.zeros(0, dtype=np.float32), *(tree.threshold[~tree.is_leaf] for tree in trees)])
    finite = np.isfinite(cut)
    return [np.unique(cut[finite & (feature == number)]) for number in range(ensembles[0].n_features)]


def observed_range(cuts: Thresholds) -> Ranges:
    """Return lowest and highest value to draw of each feature: its thresholds and a tenth of their span beyond."""
    low = np.array([own.min() if len(own) else -1.0 for own in cuts], dtype=np.float64)
    high = np.array([own.max() if len(own) else 1.0 for own in cuts], dtype=np.float64)
    beyond = np.maximum((high - low) / 10, np.abs(low) / 1000 + 0.001)
    largest = np.finfo(np.float32).max
    low, high = np.clip(low - beyond, -largest, largest), np.clip(high + beyond, -largest, largest)
    return low.astype(np.float32), high.astype(np.float32)


def random_rows(count: int, ranges: Ranges, rng: np.random.Generator) -> Rows:
    """Return [count, features] drawn evenly from the ranges."""
    return rng.uniform(*ranges, size=(count, len(ranges[0]))).astype(np.float32)


def threshold_rows(cuts: Thresholds, limit: int | None, rng: np.random.Generator) -> Rows:
    """Return three rows a threshold: at it, and at both its float32 neighbours; the other features are random.

    limit
        Thresholds that are probed, evenly spaced over all; None = every one.
    """
    feature = np.repeat(np.arange(len(cuts)), [len(own) for own in cuts])
    value = np.concatenate(cuts)
    if limit is not None and limit < len(value):
        chosen = np.arange(limit) * len(value) // limit
        feature, value = feature[chosen], value[chosen]
    rows = np.repeat(random_rows(len(value), observed_range(cuts), rng), 3, axis=0)
    up, down = np.float32(np.inf), np.float32(-np.inf)
    probes = np.column_stack([np.nextafter(value, down), value, np.nextafter(value, up)])
    probes = np.where(np.isfinite(probes), probes, value[:, None])
    rows[np.arange(len(rows)), np.repeat(feature, 3)] = probes.reshape(-1)
    return rows


def mix_missing(rows: Rows, rng: np.random.Generator) -> Rows:
    """Return the rows with a tenth of their values missing."""
    return np.where(rng.random(rows.shape) < NAN_SHARE, np.float32(np.nan), rows)


def special_rows(count: int, ranges: Ranges, kinds: Sequence[str], rng: np.random.Generator) -> Rows:
    """Return [count, features] of random rows in which none, few, half or all values are of one special kind.

    Raises OutOfRange for a kind that SPECIAL does not have.
    """
    unknown = [kind for kind in kinds if kind not in SPECIAL]
    if unknown:
        raise OutOfRange("no such kind of values", where="--with", got=", ".join(unknown), expected=", ".join(SPECIAL))
    rows = random_rows(count, ranges, rng)
    kind_of = rng.integers(max(1, len(kinds)), size=count)
    for number, kind in enumerate(kinds):
        mine = np.flatnonzero(kind_of == number)
        share = rng.choice(_SHARES, size=(len(mine), 1))
        drawn = rng.choice(np.array(SPECIAL[kind], dtype=np.float32), size=(len(mine), rows.shape[1]))
        rows[mine] = np.where(rng.random(drawn.shape) < share, drawn, rows[mine])
    return rows


def batches(rows: Rows, size: int) -> Iterator[Rows]:
    """Yield the rows in batches of `size`, the last one smaller."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
