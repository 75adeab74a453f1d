"""Proof that a graph keeps its promises on rows no market ever sends: missing values, infinities, denormals, extremes.

Answers must have the promised types, shapes and ranges, probabilities of a multiclass head must sum to exactly 10,000,
every rule of the manifest must hold, and every answer must be the one that numpy computes with integers from the
graph's own margin. Whether the margin is XGBoost's is another proof's question: XGBoost refuses infinities.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import INPUT, LEAF_GRID_BITS, SPACING_OUTPUT, Manifest
from grinder_resources.contracts.calibration import CERTAIN_BPS, SPACING_LIMITS_X1000, AtLeast, AtMost, Either, Rule
from grinder_resources.errors import ProofFailed
from grinder_resources.export.answers import expected_answers
from grinder_resources.export.boosters import read_heads
from grinder_resources.export.trees import read_ensemble
from grinder_resources.export.verify import VerifiedArtifact, audited, start_session
from grinder_resources.progress import track
from grinder_resources.proofs.probe_rows import Rows, observed_range, special_rows, thresholds

CHUNK_ROWS = 16_384

Answers = Mapping[str, NDArray[np.generic]]
Verdicts = Iterator[tuple[str, NDArray[np.bool_]]]


@dataclass(frozen=True)
class CheckResult:
    """One promise: rows it was checked on, rows that break it, and the first of those (-1 = none)."""

    check: str
    rows: int
    broken: int
    first: int


def prove_graph(artifact: VerifiedArtifact, count: int, kinds: Sequence[str], *, seed: int) -> tuple[CheckResult, ...]:
    """Return what `count` random rows, with special values of `kinds` among them, say about every promise.

    Raises OutOfRange for an unknown kind, ArtifactRejected where graph and manifest have other outputs.
    """
    rng = np.random.default_rng(seed)
    ranges = observed_range(thresholds([read_ensemble(head) for head in read_heads(artifact)]))
    session = start_session(audited(artifact).data)
    names = [put.name for put in session.get_outputs()]
    tally: dict[str, CheckResult] = {}
    for start in track(range(0, count, CHUNK_ROWS), "grinder prove graph"):
        rows = special_rows(min(CHUNK_ROWS, count - start), ranges, kinds, rng)
        try:
            answers = dict(zip(names, session.run(names, {INPUT: rows}), strict=True))
        except Exception as error:
            where = f"rows {start}..{start + len(rows) - 1}"
            raise ProofFailed("the graph raised an exception", where=where, got=str(error)) from error
        for check, kept in _verdicts(artifact, answers, rows):
            tally[check] = _added(tally.get(check, CheckResult(check, 0, 0, -1)), kept, start)
    return tuple(tally.values())


def require_kept(results: tuple[CheckResult, ...]) -> None:
    """Raise ProofFailed, naming the promise and a row, if one is broken."""
    for result in results:
        if result.broken:
            raise ProofFailed(
                "the graph breaks a promise",
                where=f"{result.check}, row {result.first}",
                got=f"{result.broken} of {result.rows} rows",
                expected="none",
            )


def _added(so_far: CheckResult, kept: NDArray[np.bool_], start: int) -> CheckResult:
    wrong = np.flatnonzero(~kept)
    first = start + int(wrong[0]) if len(wrong) and so_far.first < 0 else so_far.first
    return CheckResult(so_far.check, so_far.rows + len(kept), so_far.broken + len(wrong), first)


def _verdicts(artifact: VerifiedArtifact, answers: Answers, rows: Rows) -> Verdicts:
    """Yield every promise and, by row, whether it is kept."""
    manifest = artifact.manifest
    yield "no exception", np.ones(len(rows), dtype=np.bool_)
    yield "types and shapes", np.full(len(rows), _typed(manifest, answers, len(rows)))
    yield from _margins(manifest, answers)
    yield from _ranges(manifest, answers)
    for rule in manifest.coherence:
        yield rule_text(rule), _holds(rule, answers)
    margins = {head.name: np.asarray(answers[head.margin_name], dtype=np.float32) for head in manifest.heads}
    for name, expected in expected_answers(manifest.heads, artifact.calibration, margins).items():
        yield f"{name} as numpy computes it", np.all(answers[name] == expected, axis=1)


def _typed(manifest: Manifest, answers: Answers, rows: int) -> bool:
    expected = {SPACING_OUTPUT: ("int32", (rows, 1))} if manifest.spacing else {}
    for head in manifest.heads:
        shape = (rows, max(1, len(head.calibration)))
        expected |= {head.name: ("int32", shape), head.margin_name: ("float32", shape)}
    return {name: (str(values.dtype), values.shape) for name, values in answers.items()} == expected


def _margins(manifest: Manifest, answers: Answers) -> Verdicts:
    for head in manifest.heads:
        units = answers[head.margin_name].astype(np.float64) * (1 << LEAF_GRID_BITS)
        exact = (units == np.rint(units)) & (np.abs(units) <= head.margin_bound_q16)
        yield "margins are multiples of 2^-16 within their bound", np.all(exact, axis=1)


def _ranges(manifest: Manifest, answers: Answers) -> Verdicts:
    for head in manifest.heads:
        if head.kind != "regression":
            yield "bps within 0..10000", _within(answers[head.name], 0, CERTAIN_BPS)
        if head.kind == "multiclass":
            yield f"{head.name} sums to 10000", np.sum(answers[head.name], axis=1) == CERTAIN_BPS
    if manifest.spacing:
        low, high = SPACING_LIMITS_X1000
        yield f"spacing within {low}..{high}", _within(answers[SPACING_OUTPUT], low, high)


def _within(values: NDArray[np.generic], low: int, high: int) -> NDArray[np.bool_]:
    return np.asarray(np.all((values >= np.int64(low)) & (values <= np.int64(high)), axis=1))


def rule_text(rule: Rule) -> str:
    """Return the relation that a rule leaves behind."""
    match rule:
        case AtMost(head, bounds):
            return f"{head} <= {_extreme('min', bounds)}"
        case Either(head, (one, other)):
            return f"max({one}, {other}) <= {head} <= {one} + {other}"
        case AtLeast(head, bounds):
            return f"{head} >= {_extreme('max', bounds)}"


def _extreme(word: str, bounds: tuple[str, ...]) -> str:
    return bounds[0] if len(bounds) == 1 else f"{word}({', '.join(bounds)})"


def _holds(rule: Rule, answers: Answers) -> NDArray[np.bool_]:
    own = answers[rule.head][:, 0].astype(np.int64)
    names = rule.parts if isinstance(rule, Either) else rule.bounds
    others = [answers[name][:, 0].astype(np.int64) for name in names]
    match rule:
        case AtMost():
            return np.asarray(own <= np.minimum.reduce(others))
        case Either():
            return np.asarray((np.maximum.reduce(others) <= own) & (own <= sum(others)))
        case AtLeast():
            return np.asarray(own >= np.maximum.reduce(others))
