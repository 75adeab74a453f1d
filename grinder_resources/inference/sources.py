"""Where signals come from: a loaded model that scores each snapshot, or a file of signals computed before."""

from datetime import date
from time import perf_counter_ns
from typing import Protocol

from grinder_resources.contracts.signals import NO_HASH, NO_VERSION, REGIMES, MlSignalSnapshot
from grinder_resources.errors import SignalRejected
from grinder_resources.inference.drift import DriftWindow
from grinder_resources.inference.model import Answer, SignalModel
from grinder_resources.inference.reasons import Refusal, RefusalCode
from grinder_resources.inference.selection import SignalIndex
from grinder_resources.inference.snapshot import Encoded, Snapshot, encode


class Source(Protocol):
    """What an engine asks for signals.

    name
        Folder or file, for logs.
    version, model_hash
        The model's, as a signal names them.
    trained_until
        Last day of the training data; None where it is not known.
    """

    name: str
    version: str
    model_hash: str
    trained_until: date | None

    def signal(self, snapshot: Snapshot) -> MlSignalSnapshot | Refusal:
        """Return the signal of a snapshot, or why there is none. May raise what a library raises."""
        ...

    def close(self) -> None:
        """Let go of what the source holds."""
        ...


class ModelSource:
    """A model that scores each snapshot.

    drift
        Sees every row that is scored; None where the model's training rows are not known.
    """

    def __init__(self, model: SignalModel, drift: DriftWindow | None = None) -> None:
        facts = model.facts
        self.name, self.version, self.model_hash = facts.folder, facts.version, facts.model_hash
        self.trained_until = facts.trained_until
        self.drift = drift
        self.close = model.runner.close
        self.model = model

    def signal(self, snapshot: Snapshot) -> MlSignalSnapshot | Refusal:
        """Return the model's signal: inputs are hashed first, then the model runs, then the answer is checked."""
        encoded = encode(snapshot, self.model.facts.reading)
        if isinstance(encoded, Refusal):
            return encoded
        if self.drift is not None:
            self.drift.observe(encoded.row[0], snapshot.ts)
        begun = perf_counter_ns()
        answer = self.model.answer(encoded.row)
        latency_us = (perf_counter_ns() - begun) // 1_000
        if isinstance(answer, Refusal):
            return answer
        try:
            return self._checked(snapshot, encoded, answer, latency_us)
        except SignalRejected as error:
            return Refusal(RefusalCode.OUTPUT_REJECTED, error.line())

    def _checked(self, snapshot: Snapshot, encoded: Encoded, answer: Answer, latency_us: int) -> MlSignalSnapshot:
        """Return the answer as a signal. Raises SignalRejected where it breaks the contract."""
        low, mid, high = answer.probs_bps
        confidence = max(answer.probs_bps)
        regime = answer.probs_bps.index(confidence)
        names, weights = self.model.explain(encoded.row, regime)
        return MlSignalSnapshot(
            ts=snapshot.ts,
            symbol=snapshot.symbol,
            model_version=self.version,
            model_hash=self.model_hash,
            regime_low_prob_bps=low,
            regime_mid_prob_bps=mid,
            regime_high_prob_bps=high,
            predicted_regime=REGIMES[regime],
            regime_confidence_bps=confidence,
            spacing_multiplier_x1000=answer.spacing_multiplier_x1000,
            top_features=names,
            top_feature_weights_x1000=weights,
            inference_latency_us=latency_us,
            features_hash=encoded.features_hash,
        )


class FileSource:
    """Signals computed before; the latest one that is not younger than the snapshot is in force."""

    def __init__(self, index: SignalIndex, name: str, max_age_ms: int | None) -> None:
        self.name, self.version, self.model_hash = name, NO_VERSION, NO_HASH
        self.trained_until: date | None = None
        self._index = index
        self._max_age_ms = max_age_ms

    def signal(self, snapshot: Snapshot) -> MlSignalSnapshot | Refusal:
        """Return the signal in force."""
        return self._index.select(snapshot.symbol, snapshot.ts, self._max_age_ms)

    def close(self) -> None:
        """Hold nothing."""
