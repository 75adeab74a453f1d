"""Scores from a model: an artifact that passed the door, asked about rows of the lake.

The door is the export's: every byte is hashed, the graph audited, the golden rows answered. An output is written
`head/CLASS`, or `head/not-CLASS` for everything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import INPUT, HeadFacts, Manifest
from grinder_resources.contracts.calibration import CERTAIN_BPS
from grinder_resources.contracts.score_guard import SCORES
from grinder_resources.errors import ArtifactRejected, SchemaMismatch, UnknownName
from grinder_resources.export.verify import VerifiedArtifact, open_session, read_artifact
from grinder_resources.hashing import sha256_facts
from grinder_resources.usecases.score_guard.scores import Scores

NOT = "not-"
Bps = NDArray[np.int64]


@dataclass(frozen=True)
class Outputs:
    """What of a model is the score and what the hazard; None = it answers no hazard."""

    score: str
    hazard: str | None

    def __str__(self) -> str:
        return f"score {self.score}, hazard {self.hazard}" if self.hazard else f"score {self.score}"


def default_outputs(manifest: Manifest) -> Outputs:
    """Return P(not HIGH) as score and P(HIGH) as hazard of the first head with such a class.

    Raises UnknownName where no head has one: then it has to be said.
    """
    for head in manifest.heads:
        if "HIGH" in head.classes:
            return Outputs(f"{head.name}/{NOT}HIGH", f"{head.name}/HIGH")
    raise UnknownName(
        "no head has a class HIGH", where=manifest.folder, got=", ".join(_names(manifest)), hint="Give --score-output"
    )


def model_scores(folder: Path, rows: pl.DataFrame, outputs: Outputs | None = None) -> Scores:
    """Return a model's scores of rows that hold venue, symbol, ts_ns and its inputs.

    outputs
        None = `default_outputs`.

    A row whose input is null where training rows never were gets no score. Raises ManifestRejected or ArtifactRejected
    for an artifact that does not pass the door, UnknownName for an output that it has not, SchemaMismatch for inputs
    that the rows have not.
    """
    artifact = read_artifact(folder)
    manifest, serving = artifact.manifest, artifact.serving
    if serving is None:
        raise ArtifactRejected("a model that serves has golden rows", where=str(folder), got="no serving.json")
    used = outputs or default_outputs(manifest)
    known = [_input(rows, name).is_not_null() for name in manifest.input_features if name not in serving.nullable]
    readable = rows.filter(pl.all_horizontal(pl.lit(value=True), *known))
    asked = [used.score, *([used.hazard] if used.hazard else [])]
    answers = dict(zip(asked, _answers(artifact, readable, asked), strict=True))
    found = readable.select("venue", "symbol", "ts_ns").with_columns(
        pl.Series("score_bps", answers[used.score], dtype=pl.Int64),
        pl.Series("hazard_bps", answers.get(used.hazard or "", [None] * readable.height), dtype=pl.Int64),
    )
    files = {file.name: file.sha256 for file in manifest.files}
    sha256 = sha256_facts({"files": files, "outputs": asked})
    return Scores(
        f"{manifest.folder}: {used}", sha256, SCORES.conform(found), date.fromisoformat(serving.trained_until)
    )


def _answers(artifact: VerifiedArtifact, rows: pl.DataFrame, asked: Sequence[str]) -> list[Bps]:
    """Return int64 [rows] bps for each output asked for."""
    picked = [_picked(artifact.manifest, output) for output in asked]
    matrix = _matrix(artifact.manifest, rows)
    heads = sorted({head.name for head, _, _ in picked})
    given: dict[str, NDArray[Any]] = {name: np.empty((0, 3), dtype=np.int64) for name in heads}
    if rows.height:
        given = dict(zip(heads, open_session(artifact).run(heads, {INPUT: matrix}), strict=True))
    return [_bps(given[head.name].astype(np.int64), head, place, other=other) for head, place, other in picked]


def _picked(manifest: Manifest, output: str) -> tuple[HeadFacts, int, bool]:
    """Return head, place of the class and whether all other classes are meant."""
    head_name, _, label = output.partition("/")
    head = next((head for head in manifest.heads if head.name == head_name), None)
    label, other = label.removeprefix(NOT), label.startswith(NOT)
    if head is None or label not in head.classes:
        raise UnknownName(
            "the model has no such output", where=manifest.folder, got=output, expected=", ".join(_names(manifest))
        )
    return head, head.classes.index(label), other


def _bps(answer: Bps, head: HeadFacts, place: int, *, other: bool) -> Bps:
    """Return the probability of a class, or of all others; a binary head answers that of its second class alone."""
    bps = answer[:, place] if head.kind == "multiclass" else answer[:, 0]
    complement = other != (head.kind == "binary" and place == 0)
    return CERTAIN_BPS - bps if complement else bps


def _names(manifest: Manifest) -> list[str]:
    return [f"{head.name}/{label}" for head in manifest.heads for label in head.classes]


def _matrix(manifest: Manifest, rows: pl.DataFrame) -> NDArray[np.float32]:
    """Return float32 [rows, inputs], NaN for null; an input `name=CATEGORY` is 1 where the column says so."""
    columns = [_input(rows, name).cast(pl.Float32).alias(name) for name in manifest.input_features]
    return np.ascontiguousarray(rows.select(columns).to_numpy(), dtype=np.float32)


def _input(rows: pl.DataFrame, name: str) -> pl.Expr:
    column, _, category = name.partition("=")
    if column not in rows.columns:
        raise SchemaMismatch("the rows lack an input of the model", got=f"no {column}")
    return (pl.col(column) == category).fill_null(value=False) if category else pl.col(column)
