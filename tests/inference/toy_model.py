"""A model without a graph: it answers what it is told, so that the engine around it can be looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from grinder_resources.inference.model import ModelFacts, SignalModel
from grinder_resources.inference.reasons import Refusal
from grinder_resources.inference.snapshot import Reading, Row, Snapshot
from grinder_resources.inference.sources import ModelSource

NAMES = ("natr_bps", "spread_bps")
FEATURES = {"natr_bps": 20, "spread_bps": 2}


@dataclass
class Script:
    """What the model says next: probabilities and spacing, a refusal, or an error that it raises."""

    probs: Sequence[int] = (2_000, 5_000, 3_000)
    spacing: int = 1_250
    refusal: Refusal | None = None
    error: Exception | None = None
    asked: int = 0

    def run(self, row: Row) -> Any:
        """Answer one row."""
        self.asked += 1
        if self.error:
            raise self.error
        return self.refusal or [np.array([self.probs], dtype=np.int32), np.array([[self.spacing]], dtype=np.int32)]

    def close(self) -> None:
        """Hold nothing."""


def toy_source(script: Script) -> ModelSource:
    """Return a source that asks the script."""
    facts = ModelFacts(
        folder="models/toy_v1.0.0",
        version="v1.0.0",
        model_hash="a1b2c3d4e5f67890",
        schema="1",
        reading=Reading(NAMES, frozenset()),
        trained_until=date(2026, 1, 1),
    )
    return ModelSource(SignalModel(facts, script))


def at(ts: int, symbol: str = "BTCUSDT", **features: Any) -> Snapshot:
    """Return a snapshot that the toy model can read."""
    return Snapshot(ts, symbol, FEATURES | features)
