"""Snapping: a fitted booster whose leaves lie on a grid, so that its sums are exact.

Every leaf is moved to the nearest multiple of 2^-16 and the base score is folded into the first tree of each output.
While the sum over trees of max |leaf| stays below 2^8, every partial sum of a margin is a multiple of 2^-16 below 2^8,
which float32 holds without rounding: any engine, order or number of threads then gives the same margin. A leaf moves by
at most 2^-17.

XGBoost's binary form (Universal Binary JSON) is changed in place: leaves are arrays of big-endian float32 behind their
name, and reading and writing the whole as JSON text costs a third of a small fit. What is snapped is each leaf's own
float32, half-even, not the decimal text that stands for it in JSON.
"""

import json
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import EXACT_BOUND, LEAF_GRID_BITS
from grinder_resources.errors import NotExportable, OutOfRange
from grinder_resources.learning.model_spec import Head, Kind

if TYPE_CHECKING:
    import xgboost

MARGIN_SCALE = 1 << LEAF_GRID_BITS
"""Margins are whole multiples of 1 / MARGIN_SCALE."""

EXACT_MARGIN = EXACT_BOUND / MARGIN_SCALE
"""Margins below this are exact in float32; the bound on the sum over trees of the largest absolute leaf."""

ZERO_MARGIN: dict[Kind, float] = {"binary": 0.5, "multiclass": 0.0, "regression": 0.0}
"""The base score, in the objective's own units, whose margin is exactly 0."""

Array = NDArray[Any]
Flags = NDArray[np.bool_]

_COUNT = rb"#L(.{8})"


def load(model: bytes) -> "xgboost.Booster":
    """Return the booster of a model in JSON or binary form; it predicts with one thread."""
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(model))
    return booster


def snap_leaves(model: bytes, head: Head) -> bytes:
    """Return the model JSON with leaves on the 2^-16 grid and the base score moved into the first tree of each output.

    Raises OutOfRange if the leaves are too large for exact sums.
    """
    binary = bytes(load(model).save_raw("ubj"))
    return bytes(snapped(binary, head).save_raw("json"))


def snapped(model: bytes, head: Head) -> "xgboost.Booster":
    """Return the booster of a model in binary form after snapping, as `snap_leaves` does. Raises OutOfRange."""
    changed = bytearray(model)
    base = _base_margins(_text(model, b"base_score"), head.kind)
    reach, unplaced = [0.0] * len(base), dict(enumerate(base))
    trees = (
        _tree_outputs(model),
        _arrays(changed, rb"left_children\[\$l", ">i4"),
        _arrays(changed, rb"split_conditions\[\$d", ">f4"),
        _arrays(changed, rb"base_weights\[\$d", ">f4"),
    )
    _require_every_tree(model, trees, head)
    for output, children, conditions, weights in zip(*trees, strict=True):
        reach[output] += _snap_tree(children == -1, conditions, weights, unplaced.pop(output, 0.0))
    if max(reach) >= EXACT_MARGIN:
        raise OutOfRange(
            "leaves are too large for exact sums",
            where=f"head {head.name}",
            got=f"sum of largest leaves {max(reach):.1f}",
            expected=f"below {EXACT_MARGIN:.0f}",
            hint="Give the head a larger unit.",
        )
    zero = json.dumps([ZERO_MARGIN[head.kind]] * len(base)).encode()
    return load(_with_text(_with_text(bytes(changed), b"base_score", zero), b"boost_from_average", b"0"))


def _require_every_tree(model: bytes, trees: Sequence[Sequence[Any]], head: Head) -> None:
    """Refuse a model in which something else than one array a tree was found: its leaves would stay as they are."""
    expected, found = int(_text(model, b"num_trees")), [len(arrays) for arrays in trees]
    if set(found) != {expected}:
        raise NotExportable(
            "the trees of a booster are not where XGBoost writes them",
            where=f"head {head.name}",
            got=", ".join(map(str, found)),
            expected=f"{expected} trees",
        )


def _base_margins(base_score: bytes, kind: Kind) -> list[float]:
    """Return the base score of each output as a margin, from XGBoost's array text in the objective's own units."""
    scores = [float(score) for score in json.loads(base_score)]
    return [math.log(score / (1.0 - score)) for score in scores] if kind == "binary" else scores


def _snap_tree(leaf: Flags, conditions: Array, weights: Array, shift: float) -> float:
    """Snap the leaves of one tree in place, `shift` added; return the largest absolute leaf."""
    grid = np.rint((conditions[leaf].astype(np.float64) + shift) * MARGIN_SCALE) / MARGIN_SCALE
    conditions[leaf] = weights[leaf] = grid
    return float(np.abs(grid).max())


def _arrays(model: bytearray, name: bytes, dtype: str) -> list[Array]:
    """Return a writable view of every array of that name and type, a pattern, in the order of the trees."""
    return [
        np.frombuffer(model, dtype, int.from_bytes(found[1], "big"), found.end())
        for found in re.finditer(name + _COUNT, model, re.DOTALL)
    ]


def _tree_outputs(model: bytes) -> list[int]:
    """Return the output each tree belongs to: a list of small integers, each a type letter and a byte."""
    found = re.search(rb"tree_info\[" + _COUNT, model, re.DOTALL)
    if found is None:
        return []
    return list(model[found.end() + 1 : found.end() + 2 * int.from_bytes(found[1], "big") : 2])


def _text(model: bytes, name: bytes) -> bytes:
    """Return the text behind a name."""
    start, length = _text_place(model, name)
    return model[start : start + length]


def _with_text(model: bytes, name: bytes, text: bytes) -> bytes:
    """Return the model with another text behind a name."""
    start, length = _text_place(model, name)
    return model[: start - 8] + len(text).to_bytes(8, "big") + text + model[start + length :]


def _text_place(model: bytes, name: bytes) -> tuple[int, int]:
    found = re.search(name + rb"SL(.{8})", model, re.DOTALL)
    if found is None:
        raise NotExportable("a booster without one of its settings", where=name.decode())
    return found.end(), int.from_bytes(found[1], "big")
