"""Proof that an exported graph answers as its boosters do.

Rows are the caller's own plus probes: rows that mix missing values, random ones, and the boosters' own split thresholds
with their two neighbours in float32, where `<` and `<=` part. Margins must be equal to XGBoost's, whatever order an
engine adds leaves in, and integer answers to those that numpy computes from XGBoost's margins. There is no tolerance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import INPUT, ExportableHead
from grinder_resources.contracts.calibration import Calibration
from grinder_resources.errors import ExportMismatch
from grinder_resources.export.answers import expected_answers
from grinder_resources.export.graph import ExportedModel
from grinder_resources.export.trees import TreeEnsemble, read_ensemble
from grinder_resources.export.verify import start_session

Matrix = NDArray[np.float32]

PROBE_ROWS = 10_000
MAX_ROWS = 100_000
"""Rows of the caller's that are compared, evenly spaced where there are more."""


@dataclass(frozen=True)
class HeadParity:
    """How many rows of one output differ: in the margin, which spacing has none of, and in the integer answer."""

    output: str
    rows: int
    differing_margins: int
    differing_answers: int


def assert_parity(
    model: ExportedModel,
    heads: Sequence[ExportableHead],
    calibration: Calibration,
    rows: Matrix,
    *,
    always: Matrix | None = None,
    probe_rows: int = PROBE_ROWS,
    seed: int = 0,
) -> tuple[HeadParity, ...]:
    """Return how every answer of the graph compares with the boosters on `rows` [N, features] and on probes.

    always
        More rows [M, features], of which none is left out however many `rows` there are.

    Values are finite or NaN (missing). Raises ExportMismatch if one margin or one answer differs.
    """
    ensembles = [read_ensemble(head) for head in heads]
    sample = rows[:: -(-len(rows) // MAX_ROWS) or 1].astype(np.float32)
    matrix = np.vstack([sample, probe_matrix(ensembles, probe_rows, seed), rows[:0] if always is None else always])
    margins = {
        head.name: xgboost_margins(head, ensemble, matrix) for head, ensemble in zip(heads, ensembles, strict=True)
    }
    answers = expected_answers(model.heads, calibration, margins)
    margin_names = {head.name: head.margin_name for head in model.heads}
    names = [*answers, *margin_names.values()]
    got = dict(zip(names, start_session(model.onnx).run(names, {INPUT: matrix}), strict=True))
    report = tuple(
        HeadParity(
            output=name,
            rows=len(matrix),
            differing_margins=_differing(got[margin_names[name]], margins[name]) if name in margins else 0,
            differing_answers=_differing(got[name], answers[name]),
        )
        for name in answers
    )
    for result in report:
        _require_equal(result)
    return report


def xgboost_margins(head: ExportableHead, ensemble: TreeEnsemble, rows: Matrix, threads: int = 1) -> Matrix:
    """Return XGBoost's own margins, float32 [rows, outputs], computed with that many threads."""
    import xgboost

    booster = xgboost.Booster({"nthread": threads}, model_file=bytearray(head.booster_json))
    data = xgboost.DMatrix(rows, feature_names=booster.feature_names, nthread=threads)
    rounds = {"iteration_range": (0, ensemble.rounds)} if ensemble.rounds else {}
    margins = booster.predict(data, output_margin=True, **rounds)
    return np.asarray(margins, dtype=np.float32).reshape(len(rows), ensemble.n_outputs)


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


def _differing(got: NDArray[np.generic], expected: NDArray[np.generic]) -> int:
    """Return the rows in which any column differs."""
    return int(np.count_nonzero(np.any(got != expected, axis=1)))


def _require_equal(result: HeadParity) -> None:
    if result.differing_margins or result.differing_answers:
        raise ExportMismatch(
            "the exported graph does not answer as the booster does",
            where=f"{result.output}, {result.rows} rows",
            got=f"{result.differing_margins} margins and {result.differing_answers} answers differ",
            expected="none that differs",
        )
