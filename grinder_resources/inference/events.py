"""The runtime's log events, one line each: `NAME: key=value key=value` (ML spec M8-02c-3).

The same facts, as numbers where they are numbers, hang on the record as `record.ml`, for formatters that write JSON.
A value with a space, a quote or a line end is written as JSON text, so an event is one line whatever a symbol is
called. What lasts (a pulled switch, a block, a feature that is missing) is told once a symbol and reason, not ten times
a second.
"""

import json
import logging
from contextlib import suppress
from typing import Any

from grinder_resources.contracts.signals import MlSignalSnapshot
from grinder_resources.inference.reasons import MlBlockReason, Refusal

LOGGER = logging.getLogger("grinder.ml")
LOGGER.addHandler(logging.NullHandler())  # who has set up no logging gets none, as of any library
MAX_SYMBOLS = 10_000
"""Symbols whose state is remembered; where there are more, states are told once more."""


def registry_resolved(*, model: str, stage: str, artifact_dir: str, artifact_id: str) -> None:
    """Say which artifact a registry named."""
    _event(
        logging.INFO,
        "ML_REGISTRY_RESOLVED",
        model=model,
        stage=stage,
        artifact_dir=artifact_dir,
        artifact_id=artifact_id,
    )


class EventLog:
    """What one engine has to say.

    artifact_dir
        Where its model lies; '' where there is none.
    """

    def __init__(self, artifact_dir: str = "") -> None:
        self._artifact_dir = artifact_dir
        self._told: dict[str, str] = {}

    def mode_init(self, mode: str, source: str) -> None:
        """Say that a model was loaded, and which setting named it."""
        _event(logging.INFO, "ML_MODE_INIT", mode=mode, artifact_dir=self._artifact_dir, source=source)

    def model_refused(self, reason: MlBlockReason, detail: str) -> None:
        """Say that no model was loaded, and why."""
        _event(logging.ERROR, "ML_ACTIVE_BLOCKED", reason=reason, detail=detail)

    def kill_switch_on(self, ts: int, symbol: str, reason: MlBlockReason) -> None:
        """Say that a switch is pulled."""
        if self._is_new(symbol, reason):
            _event(logging.WARNING, "ML_KILL_SWITCH_ON", ts=ts, symbol=symbol, reason=reason)

    def active_blocked(self, ts: int, symbol: str, reason: MlBlockReason) -> None:
        """Say that signals are kept from policies."""
        if self._is_new(symbol, reason):
            _event(logging.WARNING, "ML_ACTIVE_BLOCKED", ts=ts, symbol=symbol, reason=reason)

    def active_on(self, signal: MlSignalSnapshot) -> None:
        """Say that a signal is used."""
        self._told.pop(signal.symbol, None)
        _event(logging.INFO, "ML_ACTIVE_ON", ts=signal.ts, symbol=signal.symbol)

    def infer_ok(self, signal: MlSignalSnapshot, latency_us: int) -> None:
        """Say what a signal that is used says."""
        self._signal("ML_INFER_OK", signal, latency_us)

    def shadow_prediction(self, signal: MlSignalSnapshot, latency_us: int) -> None:
        """Say what a signal that is not used says."""
        self._told.pop(signal.symbol, None)
        self._signal("ML_SHADOW_PREDICTION", signal, latency_us)

    def infer_error(self, ts: int, symbol: str, refusal: Refusal, latency_us: int) -> None:
        """Say why a snapshot got no signal."""
        if not self._is_new(symbol, refusal.code):
            return
        _event(
            logging.ERROR,
            "ML_INFER_ERROR",
            ts=ts,
            symbol=symbol,
            error=f"{refusal.code}: {refusal.detail}",
            latency_ms=latency_us / 1_000,
            artifact_dir=self._artifact_dir,
        )

    def canary_rolled_back(self, why: str) -> None:
        """Say that the canary was taken back."""
        _event(logging.ERROR, "ML_CANARY_ROLLED_BACK", reason=why, artifact_dir=self._artifact_dir)

    def _signal(self, name: str, signal: MlSignalSnapshot, latency_us: int) -> None:
        if not LOGGER.isEnabledFor(logging.INFO):
            return
        _event(
            logging.INFO,
            name,
            ts=signal.ts,
            symbol=signal.symbol,
            regime=signal.predicted_regime,
            probs_bps=signal.regime_probs_bps,
            spacing_x1000=signal.spacing_multiplier_x1000,
            latency_ms=latency_us / 1_000,
            artifact_dir=self._artifact_dir,
            model_hash=signal.model_hash,
            features_hash=signal.features_hash,
        )

    def _is_new(self, symbol: str, state: str) -> bool:
        """Return whether this is news of a symbol; what stands where a symbol should be goes by its text."""
        key = str(symbol)
        if self._told.get(key) == state:
            return False
        if len(self._told) >= MAX_SYMBOLS:
            self._told.clear()
        self._told[key] = state
        return True


def _event(level: int, name: str, **facts: Any) -> None:
    if LOGGER.isEnabledFor(level):
        text = " ".join(f"{key}={_text(value)}" for key, value in facts.items())
        with suppress(Exception):  # a handler that fails must not keep a decision from being taken
            LOGGER.log(level, "%s: %s", name, text, extra={"ml": {"event": name, **facts}})


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    plain = text.isascii() and text.isprintable() and not any(mark in text for mark in ' "=') and text
    return text if plain else json.dumps(text)
