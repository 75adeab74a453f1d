"""Proof that an exported graph answers as its boosters do.

Rows are the caller's own plus probes: rows that mix missing values, random ones, and the boosters' own split thresholds
with their two neighbours in float32, where `<` and `<=` part. Margins of an exact head must be equal, whatever order an
engine adds leaves in; outputs must agree within 1e-6.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import INPUT, ExportableHead
from grinder_resources.errors import ExportMismatch
from grinder_resources.export.graph import ExportedModel
from grinder_resources.export.trees import TreeEnsemble, read_ensemble
from grinder_resources.export.verify import start_session

Matrix = NDArray[np.float32]

TOLERANCE = 1e-6
"""Largest difference of a probability; of a regression output in units of max(1, the largest margin) x unit."""

PROBE_ROWS = 10_000
MAX_ROWS = 100_000
"""Rows of the caller's that are compared, evenly spaced where there are more."""


@dataclass(frozen=True)
class HeadParity:
    """What one head did on all rows; differences are ONNX Runtime against XGBoost.

    differing_margins
        Number of margins whose float32 value differs; 0 for an exact head.
    max_margin_diff
        Largest absolute difference of a margin.
    max_output_diff
        Largest absolute difference of an output, in the units of TOLERANCE.
    """

    head: str
    rows: int
    exact: bool
    differing_margins: int
    max_margin_diff: float
    max_output_diff: float


def assert_parity(
    model: ExportedModel, heads: Sequence[ExportableHead], rows: Matrix, *, probe_rows: int = PROBE_ROWS, seed: int = 0
) -> tuple[HeadParity, ...]:
    """Return how every head of the graph compares with its booster on `rows` [N, features] and on probes.

    Values are finite or NaN (missing). Raises ExportMismatch if an output differs by more than 1e-6, or if a margin of
    an exact head differs at all.
    """
    ensembles = [read_ensemble(head) for head in heads]
    sample = rows[:: -(-len(rows) // MAX_ROWS) or 1].astype(np.float32)
    matrix = np.vstack([sample, probe_matrix(ensembles, probe_rows, seed)])
    names = [name for facts in model.heads for name in (facts.margin_name, facts.name)]
    answers = dict(zip(names, start_session(model.onnx).run(names, {INPUT: matrix}), strict=True))
    report = tuple(
        _compare(head, ensemble, matrix, answers[facts.margin_name], answers[facts.name], exact=facts.exact)
        for head, ensemble, facts in zip(heads, ensembles, model.heads, strict=True)
    )
    for result in report:
        _require_close(result)
    return report


def probe_matrix(ensembles: Sequence[TreeEnsemble], rows: int, seed: int = 0) -> Matrix:
    """Return [rows, features] float32 of thresholds, their neighbours, values between, and NaN.

    Every threshold of a feature is there as long as seven times their number fits into `rows`.
    """
    rng = np.random.default_rng(seed)
    pools = (_pool(ensembles, feature, rng) for feature in range(ensembles[0].n_features))
    return np.column_stack([rng.permutation(np.resize(rng.permutation(pool), rows)) for pool in pools])


def _pool(ensembles: Sequence[TreeEnsemble], feature: int, rng: np.random.Generator) -> Matrix:
    trees = (tree for ensemble in ensembles for tree in ensemble.trees)
    found = [tree.threshold[~tree.is_leaf & (tree.feature == feature)] for tree in trees]
    cuts = np.unique(np.concatenate([np.zeros(1, dtype=np.float32), *found]))
    cuts = cuts[np.isfinite(cuts)]
    below, above = np.nextafter(cuts, np.float32(-np.inf)), np.nextafter(cuts, np.float32(np.inf))
    between = (rng.uniform(-1, 1, size=3 * len(cuts)) * np.abs(cuts).max()).astype(np.float32)
    pool = np.concatenate([cuts, below, above, between])
    missing = np.full(len(pool) // 6, np.nan, dtype=np.float32)
    return np.concatenate([pool[np.isfinite(pool)], missing])


def _compare(
    head: ExportableHead, ensemble: TreeEnsemble, rows: Matrix, margins: Matrix, outputs: Matrix, *, exact: bool
) -> HeadParity:
    expected_margins, expected_outputs = _expected(head, ensemble, rows)
    margin_diff, output_diff = np.abs(margins - expected_margins), np.abs(outputs - expected_outputs)
    scale = head.unit * max(1.0, float(np.abs(expected_margins).max())) if head.kind == "regression" else 1.0
    return HeadParity(
        head=head.name,
        rows=len(rows),
        exact=exact,
        differing_margins=int(np.count_nonzero(margins != expected_margins)),
        max_margin_diff=float(margin_diff.max()),
        max_output_diff=float(output_diff.max()) / scale,
    )


def _expected(head: ExportableHead, ensemble: TreeEnsemble, rows: Matrix) -> tuple[Matrix, Matrix]:
    """Return XGBoost's own margins and outputs, both [N, outputs]."""
    import xgboost

    booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(head.booster_json))
    data = xgboost.DMatrix(rows, feature_names=booster.feature_names, nthread=1)
    rounds = {"iteration_range": (0, ensemble.rounds)} if ensemble.rounds else {}
    shape = (len(rows), ensemble.n_outputs)
    margins = booster.predict(data, output_margin=True, **rounds).reshape(shape)
    if head.kind == "regression":
        return margins, margins * np.float32(head.unit)
    return margins, booster.predict(data, **rounds).reshape(shape)


def _require_close(result: HeadParity) -> None:
    if result.max_output_diff <= TOLERANCE and not (result.exact and result.differing_margins):
        return
    raise ExportMismatch(
        "the exported graph does not answer as the booster does",
        where=f"head {result.head}, {result.rows} rows",
        got=f"outputs up to {result.max_output_diff:.3g} apart, {result.differing_margins} margins differ",
        expected=f"at most {TOLERANCE:g}" + (" and no margin that differs" if result.exact else ""),
    )
