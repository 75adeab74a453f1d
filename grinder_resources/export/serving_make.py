"""Making `serving.json`: golden rows with their answers, how the inputs lay in training, and the weight of tree nodes.

Only comparisons and counts of float32 values, so that the same rows give the same bytes on any machine.
"""

from collections.abc import Iterator, Sequence
from math import isnan

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import INPUT, ExportableHead
from grinder_resources.contracts.serving import Golden, Reference, Serving
from grinder_resources.export.graph import ExportedModel
from grinder_resources.export.serving import MAX_CUTS
from grinder_resources.export.trees import read_covers
from grinder_resources.export.verify import start_session

Matrix = NDArray[np.float32]
Column = NDArray[np.float32]

GOLDEN_ROWS = 16


def golden_rows(rows: Matrix) -> Matrix:
    """Return 16 rows of a training matrix [rows, inputs], fewer where it has fewer than 15.

    The last is the first of the others without any of the values that were missing in some row; the others are evenly
    spaced, the first and the last row among them.
    """
    spaced = np.unique(np.arange(GOLDEN_ROWS - 1) * (len(rows) - 1) // (GOLDEN_ROWS - 2))
    least = np.where(np.isnan(rows).any(axis=0), np.float32(np.nan), rows[:1])
    return np.vstack([rows[spaced], least])


def make_serving(
    model: ExportedModel,
    heads: Sequence[ExportableHead],
    input_features: Sequence[str],
    rows: Matrix,
    *,
    trained_until: str,
) -> Serving:
    """Return what a process that serves `model` needs to know.

    rows
        The training matrix: float32 [rows, inputs], one at least, finite or NaN = missing.
    trained_until
        ISO day, the last whose rows were fitted or stopped a fit.

    Golden answers are those of ONNX Runtime on this machine; that they are the right ones is for `parity` to prove.
    """
    nullable = np.flatnonzero(np.isnan(rows).any(axis=0)).tolist()
    return Serving(
        trained_until=trained_until,
        nullable=tuple(input_features[place] for place in nullable),
        golden=_golden(model, golden_rows(rows)),
        reference={name: reference_of(column) for name, column in zip(input_features, rows.T, strict=True)},
        covers={
            facts.name: tuple(_covers(head))
            for facts, head in zip(model.heads, heads, strict=True)
            if facts.kind == "multiclass"
        },
    )


def reference_of(values: Column) -> Reference:
    """Return how one input lay, float32 [rows], NaN = missing.

    Each value is a bin of its own where there are at most ten; else bins begin at the deciles that differ, which are
    values that occurred. No bin is empty unless there is no value at all.
    """
    known = np.sort(values[~np.isnan(values)] + np.float32(0))  # -0.0 and 0.0 are one value
    starts = np.unique(known)
    if len(starts) > MAX_CUTS + 1:
        starts = np.unique(known[np.arange(MAX_CUTS + 1) * len(known) // (MAX_CUTS + 1)])
    cuts = starts[1:]
    bins = np.bincount(np.searchsorted(cuts, known, side="right"), minlength=len(cuts) + 1)
    return Reference(tuple(cuts.tolist()), tuple(bins.tolist()), len(values) - len(known))


def _golden(model: ExportedModel, rows: Matrix) -> Golden:
    session = start_session(model.onnx)
    names = [put.name for put in session.get_outputs() if put.type == "tensor(int32)"]
    answers = dict(zip(names, session.run(names, {INPUT: rows}), strict=True))
    inputs = tuple(tuple(None if isnan(value) else value for value in row) for row in rows.tolist())
    return Golden(inputs, {name: tuple(map(tuple, found.tolist())) for name, found in answers.items()})


def _covers(head: ExportableHead) -> Iterator[float]:
    """Yield the covers of all nodes in the order of the graph's operator, which has a lone leaf where no tree is."""
    trees = read_covers(head)
    for cover in trees:
        yield from cover.tolist()
    if not trees:
        yield 0.0
