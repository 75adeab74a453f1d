"""The model of grid parameters as a trader asks it: what is known now in, spacing, lines and size out."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from grinder_resources.contracts.artifacts import INPUT
from grinder_resources.errors import ArtifactRejected
from grinder_resources.export.verify import open_session, read_artifact
from grinder_resources.inference.reasons import Refusal
from grinder_resources.inference.snapshot import Features, Reading, Snapshot, encode
from grinder_resources.usecases.grid_spacing.decision import HEADS, OPTIMUM, expected

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_ANYBODY = "-"
"""The symbol of a snapshot that is only read, never signalled about."""


@dataclass(frozen=True)
class Parameters:
    """A grid of the lattice: distance between two lines in bps, lines a side, units an order."""

    spacing_bps: int
    levels: int
    size_units: int


@dataclass(frozen=True, eq=False)
class ParameterCalibrator:
    """A verified artifact of the model `grid_spacing`, and how it reads a snapshot."""

    model_hash: str
    heads: tuple[str, ...]
    reading: Reading
    session: "InferenceSession"

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Return the model in an artifact folder, after it has answered its golden rows.

        Raises ManifestRejected or ArtifactRejected for what does not verify, and for a model of something else.
        """
        artifact = read_artifact(folder)
        manifest, serving = artifact.manifest, artifact.serving
        heads = tuple(head.name for head in manifest.heads)
        if not set(OPTIMUM) <= set(heads) <= set(HEADS) or serving is None:
            raise ArtifactRejected(
                "grid parameters need a model of them", where=str(folder), got=", ".join(heads), expected=str(HEADS)
            )
        reading = Reading(manifest.input_features, frozenset(serving.nullable))
        return cls(manifest.model_hash, heads, reading, open_session(artifact))

    def predict_parameters(self, features: Features) -> Parameters | Refusal | None:
        """Return the grid that is expected to earn most in the next ten minutes; None where none is: then pause.

        features
            Columns of `silver/snapshots` by name; None where the lake has null.

        A Refusal where an input is missing, is null though it never was in training, or is no number.
        """
        encoded = encode(Snapshot(0, _ANYBODY, features), self.reading)
        if isinstance(encoded, Refusal):
            return encoded
        answers = self.session.run(self.heads, {INPUT: encoded.row})
        choice = expected({head: int(answer[0, 0]) for head, answer in zip(self.heads, answers, strict=True)})
        return Parameters(choice.spacing_x1000 // 1_000, choice.levels, choice.size_units) if choice else None
