"""The signal engine: a snapshot in, a decision out, always.

The order is the specification's (12.5.2): the global gate; the artifact gate; the runtime gate, which is the deadline;
the output gate. `decide` never raises, but for SignalHalted where the settings ask for it, and where any gate says no
it changes no policy.

One engine belongs to one thread. It holds per symbol one signal, the last that was used, and otherwise nothing that
grows.
"""

import os
from contextlib import suppress
from datetime import UTC, datetime
from time import perf_counter_ns
from types import TracebackType
from typing import Any, Self

from grinder_resources.contracts.signals import NEUTRAL_PROBS_BPS, REGIMES, MlSignalSnapshot, neutral_signal
from grinder_resources.errors import ConfigRejected, SignalHalted
from grinder_resources.inference.canary import Canary, in_canary
from grinder_resources.inference.config import MlConfig
from grinder_resources.inference.decision import Decision, Mode
from grinder_resources.inference.drift import DriftWindow
from grinder_resources.inference.events import EventLog
from grinder_resources.inference.gates import Environment, block_reason, guard, mode_of
from grinder_resources.inference.loading import Obstacle, load_source, named_by
from grinder_resources.inference.metrics import ACTIVE, SHADOW, MlMetrics
from grinder_resources.inference.prediction_log import prediction_log
from grinder_resources.inference.reasons import MlBlockReason, Refusal, RefusalCode
from grinder_resources.inference.snapshot import Snapshot, bad_identity
from grinder_resources.inference.sources import Source

MAX_SYMBOLS = 10_000
"""Symbols whose last signal is remembered."""

_DISABLED = Refusal(RefusalCode.ML_DISABLED)
_OUTSIDE = Refusal(RefusalCode.NOT_IN_CANARY)
_CLOSED = Obstacle(MlBlockReason.MODEL_NOT_LOADED, "the engine is closed")
_KILLED = (MlBlockReason.KILL_SWITCH_ENV, MlBlockReason.KILL_SWITCH_CONFIG)


class SignalEngine:
    """The runtime of one trading process.

    config
        How far signals may go.
    source
        Where they come from, or why there is no source: then every snapshot is refused with that reason, as after
        `close`.
    environment
        Read at every snapshot; the process's own by default.

    Use `open_engine`, which judges the guards and loads the source.
    """

    def __init__(self, config: MlConfig, source: Source | Obstacle, environment: Environment | None = None) -> None:
        self.config = config
        self.metrics = MlMetrics()
        self.log = EventLog("" if isinstance(source, Obstacle) else source.name)
        self._mode = mode_of(config)
        self.source = source
        self._environment = os.environ if environment is None else environment
        self._canary = Canary(config.canary)
        self._announced = False
        self._last: dict[str, MlSignalSnapshot] = {}
        self.metrics.mode = self._mode
        self.predictions = prediction_log(config, source, self.metrics)

    @property
    def obstacle(self) -> Obstacle | None:
        """Why there is no source of signals; None where there is one."""
        return self.source if isinstance(self.source, Obstacle) else None

    @property
    def drift(self) -> DriftWindow | None:
        """How the inputs lie against the training rows; None where those are not known."""
        return getattr(self.source, "drift", None)

    def decide(self, snapshot: Snapshot) -> Decision:
        """Return the decision about one snapshot.

        Raises SignalHalted where a signal should have been used, there is none, and `fallback_on_error` is `error`.
        Nothing else passes: an error inside the runtime is a refusal with the code DEFECT.
        """
        try:
            decision = self._decide(snapshot)
        except SignalHalted:
            raise
        except Exception as error:  # noqa: BLE001 - the border: whatever goes wrong in here must not stop trading
            decision = self._defect(snapshot, error)
        if self.predictions is not None:
            self.predictions.record(snapshot, decision)
        return decision

    def observe(self, signal: MlSignalSnapshot, regime: str) -> None:
        """Tell the engine which regime came true after a signal of its model; a canary is judged by it.

        Passed over is what says nothing about the model: a neutral signal, one of another model, and anything else.
        """
        if self._mode is Mode.CANARY and type(regime) is str and regime in REGIMES and self._is_own(signal):
            self._canary.observe(signal.regime_probs_bps, REGIMES.index(regime))
            self._announce()

    def close(self) -> None:
        """Write what the prediction log still keeps, and end the model's process; later snapshots are refused."""
        if self.predictions is not None:
            self.predictions.flush()
        source, self.source = self.source, _CLOSED
        if not isinstance(source, Obstacle):
            source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _decide(self, snapshot: Snapshot) -> Decision:
        if not self.config.enabled:
            return Decision(snapshot.ts, snapshot.symbol, Mode.OFF, refusal=_DISABLED)
        source = self.source
        obstacle = source.reason if isinstance(source, Obstacle) else None
        reason = block_reason(self._mode, self.config, self._environment, obstacle)
        if reason is not None or isinstance(source, Obstacle):
            return self._blocked(snapshot, reason or MlBlockReason.MODEL_NOT_LOADED)
        return self._answered(source, snapshot)

    def _answered(self, source: Source, snapshot: Snapshot) -> Decision:
        """Return the decision about a snapshot that nothing blocks."""
        if bad := bad_identity(snapshot):
            shadowed = self._mode is not Mode.ACTIVE
            return self._shadowed(snapshot, bad, None, 0) if shadowed else self._fallen_back(snapshot, bad, 0)
        withheld = self._withheld(snapshot.symbol)
        signal, elapsed_us = self._scored(source, snapshot)
        if self._mode is Mode.SHADOW or withheld:
            return self._shadowed(snapshot, signal, withheld, elapsed_us)
        if self._mode is Mode.CANARY and (rolled_back := self._judged(signal, elapsed_us)):
            return self._shadowed(snapshot, signal, rolled_back, elapsed_us)
        if isinstance(signal, Refusal):
            return self._fallen_back(snapshot, signal, elapsed_us)
        return self._used(snapshot, signal, elapsed_us)

    def _blocked(self, snapshot: Snapshot, reason: MlBlockReason) -> Decision:
        """Return rules alone: nothing was scored."""
        detail = self.source.detail if isinstance(self.source, Obstacle) else ""
        self.metrics.refused(reason)
        self.metrics.active_on = False
        if reason in _KILLED:
            self.log.kill_switch_on(snapshot.ts, snapshot.symbol, reason)
        elif self._mode is not Mode.SHADOW:
            self.log.active_blocked(snapshot.ts, snapshot.symbol, reason)
        return Decision(snapshot.ts, snapshot.symbol, self._mode, refusal=Refusal(reason, detail))

    def _withheld(self, symbol: str) -> Refusal | None:
        """Return why a symbol's signal is scored but not used although the mode is CANARY."""
        share = self.config.canary_pct
        if self._mode is not Mode.CANARY or share is None:
            return None
        if self._canary.rolled_back:
            return Refusal(RefusalCode.CANARY_ROLLED_BACK, self._canary.rolled_back)
        return None if in_canary(symbol, share) else _OUTSIDE

    def _scored(self, source: Source, snapshot: Snapshot) -> tuple[MlSignalSnapshot | Refusal, int]:
        """Return the snapshot's signal, or why there is none, and the microseconds it took."""
        begun = perf_counter_ns()
        signal: MlSignalSnapshot | Refusal
        try:
            signal = self._stale(source, snapshot) or source.signal(snapshot)
        except Exception as error:  # noqa: BLE001 - a library's own error is one more reason for no signal
            signal = Refusal(RefusalCode.INFERENCE_FAILED, _told(error))
        elapsed_us = (perf_counter_ns() - begun) // 1_000
        if not isinstance(signal, Refusal) and elapsed_us > 1_000 * self.config.max_inference_latency_ms:
            signal = Refusal(RefusalCode.DEADLINE, f"answered after {elapsed_us} us")
        return signal, elapsed_us

    def _stale(self, source: Source, snapshot: Snapshot) -> Refusal | None:
        """Return a refusal where the model is older than the settings allow, or its age is not known."""
        days = self.config.max_model_age_days
        if days is None:
            return None
        trained_until = source.trained_until
        if trained_until is None:
            return Refusal(RefusalCode.STALE_MODEL, "the end of its training data is not known")
        age = (datetime.fromtimestamp(snapshot.ts / 1_000, UTC).date() - trained_until).days
        return Refusal(RefusalCode.STALE_MODEL, f"{age} days") if age > days else None

    def _judged(self, signal: MlSignalSnapshot | Refusal, elapsed_us: int) -> Refusal | None:
        """Let the canary's rule see an answer; return a refusal if that was one too many."""
        self._canary.record(failed=isinstance(signal, Refusal), latency_us=elapsed_us)
        self._announce()
        return Refusal(RefusalCode.CANARY_ROLLED_BACK, self._canary.rolled_back) if self._canary.rolled_back else None

    def _announce(self) -> None:
        """Say once that the canary was rolled back."""
        if self._canary.rolled_back and not self._announced:
            self._announced = True
            self.metrics.canary_rolled_back = True
            self.log.canary_rolled_back(self._canary.rolled_back)

    def _shadowed(
        self, snapshot: Snapshot, signal: MlSignalSnapshot | Refusal, withheld: Refusal | None, elapsed_us: int
    ) -> Decision:
        """Return a signal that is logged and never used."""
        self.metrics.active_on = False
        if withheld:
            self.metrics.refused(withheld.code)
        if isinstance(signal, Refusal):
            self._count_failure(SHADOW, signal, elapsed_us)
            self.log.infer_error(snapshot.ts, snapshot.symbol, signal, elapsed_us)
            return Decision(snapshot.ts, snapshot.symbol, Mode.SHADOW, refusal=withheld or signal)
        self.metrics.inferred(SHADOW, elapsed_us)
        self.log.shadow_prediction(signal, elapsed_us)
        return Decision(snapshot.ts, snapshot.symbol, Mode.SHADOW, signal, withheld)

    def _used(self, snapshot: Snapshot, signal: MlSignalSnapshot, elapsed_us: int) -> Decision:
        """Return a signal that policies may use."""
        self.metrics.inferred(ACTIVE, elapsed_us)
        self.metrics.active_on = True
        self.log.active_on(signal)
        self.log.infer_ok(signal, elapsed_us)
        self._remember(signal)  # last: what did not come to be used must not stay in force
        return Decision(snapshot.ts, snapshot.symbol, self._mode, signal, applied=True)

    def _fallen_back(self, snapshot: Snapshot, refusal: Refusal, elapsed_us: int) -> Decision:
        """Return what stands in for a signal that should have been used."""
        ts, symbol = snapshot.ts, snapshot.symbol
        self.metrics.active_on = False
        self._count_failure(ACTIVE, refusal, elapsed_us)
        self.log.infer_error(ts, symbol, refusal, elapsed_us)
        if self.config.fallback_on_error == "error":
            raise SignalHalted(
                "a snapshot got no signal", where=f"{symbol} at {ts}", got=f"{refusal.code}: {refusal.detail}"
            )
        if refusal.code is RefusalCode.BAD_SNAPSHOT:  # no signal can be about it, not even a neutral one
            return Decision(ts, symbol, self._mode, refusal=refusal)
        last = self._last.get(symbol) if self.config.fallback_on_error == "previous" else None
        age_ms = ts - last.ts if last else 0
        if last and 0 <= age_ms <= (self.config.max_signal_age_ms or 0):
            return Decision(ts, symbol, self._mode, last, refusal, applied=True)
        source = self.source
        assert not isinstance(source, Obstacle)
        neutral = neutral_signal(ts, symbol, model_version=source.version, model_hash=source.model_hash)
        return Decision(ts, symbol, self._mode, neutral, refusal)

    def _is_own(self, signal: object) -> bool:
        """Return whether a signal is the model's word: not another model's, and not what stands in for a failure."""
        if not isinstance(signal, MlSignalSnapshot) or isinstance(self.source, Obstacle):
            return False
        return signal.model_hash == self.source.model_hash and signal.regime_probs_bps != NEUTRAL_PROBS_BPS

    def _count_failure(self, path: str, refusal: Refusal, elapsed_us: int) -> None:
        self.metrics.refused(refusal.code)
        self.metrics.failed(path, elapsed_us)

    def _remember(self, signal: MlSignalSnapshot) -> None:
        """Keep the symbol's signal, and forget the symbol that was new longest ago where there are too many."""
        self._last[signal.symbol] = signal
        if len(self._last) > MAX_SYMBOLS:
            del self._last[next(iter(self._last))]

    def _defect(self, snapshot: object, error: Exception) -> Decision:
        """Return a refusal that is counted and, where what raised lets it be, logged."""
        ts, symbol = _read(snapshot, "ts", 0), _read(snapshot, "symbol", "")
        refusal = Refusal(RefusalCode.DEFECT, _told(error))
        self.metrics.defect()
        with suppress(Exception):  # a symbol that cannot be printed is a defect too
            self.log.infer_error(ts, symbol, refusal, 0)
            if self._mode is Mode.CANARY:
                self._judged(refusal, 0)
        if self.config.fallback_on_error == "error" and self._mode in (Mode.CANARY, Mode.ACTIVE):
            raise SignalHalted("the runtime failed", got=refusal.detail) from error
        return Decision(ts, symbol, self._mode, refusal=refusal)


def _told(error: Exception) -> str:
    """Return what an error says, or its name where it cannot even say that."""
    try:
        return repr(error)[:200]
    except Exception:  # noqa: BLE001 - an error whose text raises is still only an error
        return type(error).__name__


def _read(snapshot: object, name: str, default: Any) -> Any:
    """Return an attribute of something that may be no snapshot at all."""
    try:
        return getattr(snapshot, name)
    except Exception:  # noqa: BLE001 - a property may raise anything
        return default


def open_engine(config: MlConfig, environment: Environment | None = None) -> SignalEngine:
    """Return the engine that the settings describe, its model loaded through the door.

    A model that cannot be loaded is no error: it is logged, and every snapshot is refused with the reason, so that
    rules alone decide. Raises ConfigRejected for settings that a guard forbids.
    """
    try:
        guard(config, os.environ if environment is None else environment)
    except ConfigRejected:
        raise
    except Exception as error:
        raise ConfigRejected("the environment cannot be read", got=_told(error)) from error
    source = load_source(config) if config.enabled else Obstacle(MlBlockReason.MODEL_NOT_LOADED, "ml is disabled")
    engine = SignalEngine(config, source, environment)
    if isinstance(source, Obstacle):
        if config.enabled:
            engine.log.model_refused(source.reason, source.detail)
    else:
        engine.log.mode_init(mode_of(config), named_by(config))
    return engine
