"""A model that passed the door: facts about it, and a row in, three probabilities and a spacing out.

Both forms answer in the same integers. Ours (manifest schema 1) computes them in its graph; the bot's ("v1", "v1.1")
answers with floats, which are rounded as its own runtime does, so that the two agree to the last unit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import INPUT
from grinder_resources.contracts.calibration import CERTAIN_BPS, NEUTRAL_X1000, SPACING_LIMITS_X1000
from grinder_resources.contracts.serving import Reference
from grinder_resources.contracts.signals import REGIMES
from grinder_resources.inference.explain import TreePaths, top_features
from grinder_resources.inference.reasons import Refusal, RefusalCode
from grinder_resources.inference.snapshot import Reading, Row


class Runner(Protocol):
    """What runs a graph: a session in this process (`InProcess`), or one in its own (`deadline.DeadlineWorker`)."""

    def run(self, row: Row) -> Sequence[NDArray[Any]] | Refusal:
        """Return the probabilities [1, 3] and, where the model has one, the spacing [1, 1] of a row; or a refusal."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


@dataclass(frozen=True, eq=False)
class InProcess:
    """A session in this process, asked for some of its outputs."""

    session: "InferenceSession"
    outputs: Sequence[str]

    def run(self, row: Row) -> Sequence[NDArray[Any]]:
        """Return the outputs of a row. Raises what ONNX Runtime raises."""
        return cast("Sequence[NDArray[Any]]", self.session.run(self.outputs, {INPUT: row}))

    def close(self) -> None:
        """Hold nothing: a session ends with its last reader."""


if TYPE_CHECKING:
    from onnxruntime import InferenceSession

UNEXPLAINED = (("", "", ""), (0, 0, 0))


@dataclass(frozen=True)
class ModelFacts:
    """What is known about a loaded model.

    folder
        Where its artifact lay, for logs.
    version, model_hash
        As a signal names them.
    schema
        Its manifest's: `1`, `v1` or `v1.1`.
    trained_until
        Last day of its training data; None where its manifest does not say.
    reference
        How its inputs lay in training, by name; empty where unknown.
    """

    folder: str
    version: str
    model_hash: str
    schema: str
    reading: Reading
    trained_until: date | None = None
    reference: Mapping[str, Reference] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Answer:
    """Probabilities of LOW, MID and HIGH in bps, and how wide a grid should be."""

    probs_bps: tuple[int, int, int]
    spacing_multiplier_x1000: int


@dataclass(frozen=True, eq=False)
class SignalModel:
    """A verified model and the way to ask it.

    paths
        By regime, what explains its margin; empty where the artifact cannot be explained.
    """

    facts: ModelFacts
    runner: Runner
    paths: Sequence[TreePaths] = ()

    def answer(self, row: Row) -> Answer | Refusal:
        """Return the answer to one row, or why there is none. Raises what ONNX Runtime raises, in process."""
        outputs = self.runner.run(row)
        if isinstance(outputs, Refusal):
            return outputs
        return integers(outputs) if self.facts.schema == "1" else rounded(outputs)

    def explain(self, row: Row, regime: int) -> tuple[tuple[str, str, str], tuple[int, int, int]]:
        """Return the three inputs that moved the regime's margin most, and their shares of all movement x 1000."""
        if not self.paths:
            return UNEXPLAINED
        return top_features(self.paths[regime].contributions(row[0]), self.facts.reading.names)


def integers(outputs: Sequence[NDArray[Any]]) -> Answer | Refusal:
    """Return what a graph of ours said. A signal checks the numbers; here it is only that there are three and one."""
    probs, spacing = outputs
    if probs.shape != (1, len(REGIMES)) or spacing.shape != (1, 1):
        return Refusal(RefusalCode.OUTPUT_REJECTED, f"shapes {probs.shape} and {spacing.shape}")
    low, mid, high = probs[0].tolist()
    return Answer((low, mid, high), int(spacing[0, 0]))


def rounded(outputs: Sequence[NDArray[Any]]) -> Answer | Refusal:
    """Return a bot model's floats as integers, by the bot's rule.

    bps = round(p / sum(p) x 10000), half-even, in the arithmetic of the output's own type; what is left over of 10000
    goes to the largest of them, the first on ties. The spacing is round(value x 1000), held within 500..2000; 1000
    where the model has none.
    """
    probs = outputs[0].reshape(-1)
    total = probs.sum()
    good = probs.size == len(REGIMES) and np.isfinite(probs).all() and (probs >= 0).all() and 0 < total < np.inf
    if not good:
        return Refusal(RefusalCode.OUTPUT_REJECTED, f"probabilities {probs[:5].tolist()}")
    bps = np.rint(probs / total * CERTAIN_BPS).astype(np.int64)
    bps[int(bps.argmax())] += CERTAIN_BPS - int(bps.sum())
    low, mid, high = bps.tolist()
    spacing = NEUTRAL_X1000
    if len(outputs) > 1:
        value = float(outputs[1].reshape(-1)[0]) if outputs[1].size else np.nan
        if not np.isfinite(value):
            return Refusal(RefusalCode.OUTPUT_REJECTED, f"spacing {value}")
        narrowest, widest = SPACING_LIMITS_X1000
        spacing = max(narrowest, min(widest, round(value * 1_000)))
    return Answer((low, mid, high), spacing)
