"""Proof that the graph of an artifact and the boosters in its own files are the same function, to the last unit.

Both engines are asked for the margin, which is an integer in units of 2^-16, on rows that try to tell them apart, with
several numbers of threads and batch sizes. XGBoost with the first number of threads is what all others are compared
with. Nothing is rounded before it is compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import INPUT, LEAF_GRID_BITS, MODEL_FILE, HeadFacts
from grinder_resources.errors import ProofFailed
from grinder_resources.export.boosters import read_heads
from grinder_resources.export.parity import xgboost_margins
from grinder_resources.export.trees import read_ensemble
from grinder_resources.export.verify import VerifiedArtifact, start_session
from grinder_resources.progress import track
from grinder_resources.proofs.probe_rows import (
    Rows,
    batches,
    mix_missing,
    observed_range,
    random_rows,
    threshold_rows,
    thresholds,
)

Units = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Difference:
    """Where two engines part: the row of the proof, who answered otherwise, and both margins in units of 2^-16."""

    row: int
    way: str
    got: str
    expected: str


@dataclass(frozen=True)
class HeadProof:
    """What one head did.

    rows
        Rows that were asked.
    comparisons
        Answers that were compared: each row by every way of asking.
    differing
        Answers that were not XGBoost's; `first` is one of them.
    """

    head: str
    rows: int
    comparisons: int
    differing: int
    first: Difference | None


def proof_rows(
    artifact: VerifiedArtifact, count: int, probes: int | None, *, missing: bool, seed: int
) -> tuple[Rows, int]:
    """Return `count` random rows followed by three rows a probed threshold, and how many the latter are.

    probes
        Thresholds that are probed, evenly spaced over those of all heads; None = every one.
    missing
        Whether a tenth of the values is missing.
    """
    rng = np.random.default_rng(seed)
    cuts = thresholds([read_ensemble(head) for head in read_heads(artifact)])
    beside = threshold_rows(cuts, probes, rng)
    rows = np.vstack([random_rows(count, observed_range(cuts), rng), beside])
    return (mix_missing(rows, rng) if missing else rows), len(beside)


def prove_export(
    artifact: VerifiedArtifact, rows: Rows, threads: Sequence[int], batch_sizes: Sequence[int]
) -> tuple[HeadProof, ...]:
    """Return how every head compares on `rows` [N, features], finite or NaN, N > 0.

    XGBoost is asked once a number of threads, ONNX Runtime once a number of threads and batch size. Single rows are
    dealt to the numbers of threads in turn: each row is asked alone once, for such calls cost most of the time.
    """
    heads, facts = read_heads(artifact), artifact.manifest.heads
    ensembles = [read_ensemble(head) for head in heads]

    def by_xgboost(number: int) -> list[Units]:
        pairs = zip(heads, ensembles, strict=True)
        return [_units(xgboost_margins(head, ensemble, rows, number)) for head, ensemble in pairs]

    everywhere = np.arange(len(rows))
    tally = _Tally(facts, by_xgboost(threads[0]))
    for number in threads[1:]:
        tally.add(f"XGBoost, {number} threads", everywhere, by_xgboost(number))
    for turn, number in enumerate(threads):
        for size in batch_sizes:
            asked = everywhere[turn :: len(threads)] if size == 1 else everywhere
            way = f"ONNX Runtime, {number} threads, batches of {size}"
            tally.add(way, asked, _by_onnx(artifact, rows[asked], number, size, way))
    return tally.results()


def require_equal(proofs: Sequence[HeadProof]) -> None:
    """Raise ProofFailed, naming head, row and both margins, if one answer differs."""
    for proof in proofs:
        if proof.first:
            raise ProofFailed(
                "ONNX Runtime and XGBoost disagree",
                where=f"head {proof.head}, row {proof.first.row}, {proof.first.way}",
                got=f"margin {proof.first.got} x 2^-{LEAF_GRID_BITS}",
                expected=f"{proof.first.expected} x 2^-{LEAF_GRID_BITS}",
            )


class _Tally:
    """Counts comparisons with the reference, and remembers the first difference of every head."""

    def __init__(self, heads: Sequence[HeadFacts], reference: Sequence[Units]) -> None:
        self._heads = heads
        self._reference = reference
        self._comparisons = 0
        self._differing = [0] * len(heads)
        self._first: list[Difference | None] = [None] * len(heads)

    def add(self, way: str, asked: Places, answers: Sequence[Units]) -> None:
        self._comparisons += len(asked)
        for index, (expected, got) in enumerate(zip(self._reference, answers, strict=True)):
            wrong = np.flatnonzero(np.any(got != expected[asked], axis=1))
            self._differing[index] += len(wrong)
            if len(wrong) and self._first[index] is None:
                row = int(asked[wrong[0]])
                self._first[index] = Difference(row, way, _shown(got[wrong[0]]), _shown(expected[row]))

    def results(self) -> tuple[HeadProof, ...]:
        rows = len(self._reference[0])
        found = zip(self._heads, self._differing, self._first, strict=True)
        return tuple(HeadProof(head.name, rows, self._comparisons, count, first) for head, count, first in found)


def _by_onnx(artifact: VerifiedArtifact, rows: Rows, threads: int, size: int, way: str) -> list[Units]:
    session = start_session(artifact.files[MODEL_FILE], threads)
    names = [head.margin_name for head in artifact.manifest.heads]
    answered = [
        session.run(names, {INPUT: batch}) for batch in track(batches(rows, size), way, total=-(-len(rows) // size))
    ]
    return [_units(np.vstack(parts)) for parts in zip(*answered, strict=True)]


def _units(margins: NDArray[np.float32]) -> Units:
    """Return margins in units of 2^-16, exactly: a multiple of them is an integer, anything else shows its fraction."""
    return np.asarray(margins.astype(np.float64) * (1 << LEAF_GRID_BITS))


def _shown(units: Units) -> str:
    return "/".join(f"{value:.10g}" for value in units)
