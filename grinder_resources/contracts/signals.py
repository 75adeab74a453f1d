"""What a model says about one symbol at one moment: `MlSignalSnapshot` (ML spec 12.2.2), and the bot's own short form.

Facts only; every one checks itself on construction, so a signal that exists keeps its contract. Laws:
`MlSignalSnapshot.from_json(signal.to_json()) == signal`, `BotSignal.from_json(signal.to_json()) == signal`, and equal
signals have equal texts. Probabilities are integer bps, multipliers integers x 1000, times ms since 1970-01-01 UTC.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NoReturn, Self

from grinder_resources.contracts.calibration import CERTAIN_BPS, NEUTRAL_X1000, SPACING_LIMITS_X1000
from grinder_resources.errors import SignalRejected

REGIMES = ("LOW", "MID", "HIGH")
"""How far a price is going to range, in the order of every vector of probabilities."""

TOP = 3
"""Features a signal names."""

MAX_TIME_MS = 253_402_300_800_000
"""The year 10000, where calendars end; a larger number is no time in ms."""

_HASH = re.compile(r"[0-9a-f]{16}")
_Weights = tuple[int, int, int]


@dataclass(frozen=True)
class MlSignalSnapshot:
    """One answer of a regime model.

    ts
        Time of the snapshot that was scored, ms.
    model_version, model_hash
        `v1.0.0`, and the first 16 hex characters of the sha256 of `model.onnx`, as in the artifact's manifest.
    regime_low_prob_bps, regime_mid_prob_bps, regime_high_prob_bps
        Probabilities; they sum to exactly 10000.
    predicted_regime, regime_confidence_bps
        The likeliest regime, the first of LOW, MID, HIGH on ties, and its probability.
    spacing_multiplier_x1000
        How wide a grid should be, within 500..2000; 1000 = as it is.
    top_features, top_feature_weights_x1000
        The three inputs that moved the predicted regime's margin most in this row, and their shares of all movement;
        '' and 0 where a model has fewer inputs or cannot be explained.
    inference_latency_us
        Wall time, for people: it enters no hash and no comparison of signals (`compared`).
    features_hash
        First 16 hex characters of the sha256 of the canonical JSON of the inputs, taken before the model ran.

    Raises SignalRejected where a value breaks this contract.
    """

    ts: int
    symbol: str
    model_version: str
    model_hash: str
    regime_low_prob_bps: int
    regime_mid_prob_bps: int
    regime_high_prob_bps: int
    predicted_regime: str
    regime_confidence_bps: int
    spacing_multiplier_x1000: int
    top_features: tuple[str, str, str]
    top_feature_weights_x1000: _Weights
    inference_latency_us: int
    features_hash: str

    def __post_init__(self) -> None:
        _require_time(self.ts)
        _require_symbol(self.symbol)
        _require(
            isinstance(self.model_version, str) and self.model_version, "a signal names its model", self.model_version
        )
        for name in ("model_hash", "features_hash"):
            value = getattr(self, name)
            _require(isinstance(value, str) and _HASH.fullmatch(value), f"{name} is 16 lower-case hex", value)
        probs = self.regime_probs_bps
        _require_probs(probs)
        likeliest = max(probs)
        _require(
            self.predicted_regime == REGIMES[probs.index(likeliest)],
            "the predicted regime is the likeliest, the first on ties",
            self.predicted_regime,
        )
        _require(
            type(self.regime_confidence_bps) is int and self.regime_confidence_bps == likeliest,
            "the confidence is the largest probability",
            self.regime_confidence_bps,
        )
        low, high = SPACING_LIMITS_X1000
        spacing = self.spacing_multiplier_x1000
        _require(
            type(spacing) is int and low <= spacing <= high, f"a spacing multiplier lies in {low}..{high}", spacing
        )
        _require_top(self.top_features, self.top_feature_weights_x1000)
        latency = self.inference_latency_us
        _require(type(latency) is int and latency >= 0, "a latency is a count of microseconds", latency)

    @property
    def regime_probs_bps(self) -> tuple[int, int, int]:
        """Probabilities of LOW, MID and HIGH."""
        return self.regime_low_prob_bps, self.regime_mid_prob_bps, self.regime_high_prob_bps

    @property
    def compared(self) -> Mapping[str, Any]:
        """Every field but the wall clock's: what two runs on the same inputs have in common."""
        return {name: value for name, value in asdict(self).items() if name != "inference_latency_us"}

    def to_json(self) -> str:
        """Return one line of compact JSON with the fields in the contract's order."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the signal that `to_json` wrote. Raises SignalRejected for anything but exactly the contract."""
        facts = _fields_of(cls, _parsed(text))
        for name in ("top_features", "top_feature_weights_x1000"):
            _require(isinstance(facts[name], list), f"{name} is a list", facts[name])
            facts[name] = tuple(facts[name])
        return cls(**facts)

    def to_bot(self) -> "BotSignal":
        """Return the five fields the bot's own runtime reads."""
        return BotSignal(
            self.ts, self.symbol, self.regime_probs_bps, self.predicted_regime, self.spacing_multiplier_x1000
        )


@dataclass(frozen=True)
class BotSignal:
    """The bot's nested form of a signal: `signal.json` and what its policies receive.

    Read as the bot reads it: any positive spacing, and a predicted regime that need not be the likeliest, because the
    bot takes it before rounding. Stricter in one case: a spacing that is no integer is refused.

    ts_ms
        Time of the snapshot that was scored, ms.
    regime_probs_bps
        Probabilities of LOW, MID and HIGH; they sum to exactly 10000.
    """

    ts_ms: int
    symbol: str
    regime_probs_bps: tuple[int, int, int]
    predicted_regime: str
    spacing_multiplier_x1000: int

    def __post_init__(self) -> None:
        _require_time(self.ts_ms)
        _require_symbol(self.symbol)
        _require_probs(self.regime_probs_bps)
        _require(self.predicted_regime in REGIMES, "a regime is LOW, MID or HIGH", self.predicted_regime)
        spacing = self.spacing_multiplier_x1000
        _require(type(spacing) is int and spacing > 0, "a spacing multiplier is a positive integer", spacing)

    def to_json(self) -> str:
        """Return the bot's text: sorted keys, no spaces, probabilities by regime."""
        facts = asdict(self) | {"regime_probs_bps": dict(zip(REGIMES, self.regime_probs_bps, strict=True))}
        return json.dumps(facts, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the signal in one JSON object. Raises SignalRejected for anything but exactly the contract."""
        return cls.from_facts(_parsed(text))

    @classmethod
    def from_facts(cls, found: object) -> Self:
        """Return the signal of a parsed JSON object. Raises SignalRejected as `from_json` does."""
        facts = _fields_of(cls, found)
        probs = facts["regime_probs_bps"]
        _require(
            isinstance(probs, dict) and set(probs) == set(REGIMES), "probabilities are by LOW, MID and HIGH", probs
        )
        return cls(**facts | {"regime_probs_bps": tuple(probs[regime] for regime in REGIMES)})

    def to_policy_features(self) -> Mapping[str, int]:
        """Return the five values a policy reads, by the bot's names; the regime as 0, 1 or 2."""
        low, mid, high = self.regime_probs_bps
        return {
            "ml_regime_prob_low_bps": low,
            "ml_regime_prob_mid_bps": mid,
            "ml_regime_prob_high_bps": high,
            "ml_spacing_multiplier_x1000": self.spacing_multiplier_x1000,
            "ml_predicted_regime_ord": REGIMES.index(self.predicted_regime),
        }


NEUTRAL_PROBS_BPS = (3_333, 3_334, 3_333)
NO_HASH = "0" * 16
NO_VERSION = "none"


def neutral_signal(
    ts: int, symbol: str, *, model_version: str = NO_VERSION, model_hash: str = NO_HASH, features_hash: str = NO_HASH
) -> MlSignalSnapshot:
    """Return the signal that changes nothing: MID, every regime alike, spacing 1000 (ML spec 12.5.3)."""
    low, mid, high = NEUTRAL_PROBS_BPS
    return MlSignalSnapshot(
        ts=ts,
        symbol=symbol,
        model_version=model_version,
        model_hash=model_hash,
        regime_low_prob_bps=low,
        regime_mid_prob_bps=mid,
        regime_high_prob_bps=high,
        predicted_regime="MID",
        regime_confidence_bps=mid,
        spacing_multiplier_x1000=NEUTRAL_X1000,
        top_features=("", "", ""),
        top_feature_weights_x1000=(0, 0, 0),
        inference_latency_us=0,
        features_hash=features_hash,
    )


def read_bot_signals(text: str) -> tuple[BotSignal, ...]:
    """Return the signals of a `signal.json`: one object, or a list of them, in the file's order.

    Raises SignalRejected for anything else, and for a single bad signal: none is dropped.
    """
    found = _parsed(text)
    return tuple(BotSignal.from_facts(facts) for facts in (found if isinstance(found, list) else [found]))


def _parsed(text: str) -> Any:
    """Return strict JSON: a repeated key, NaN and an infinity are refused."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=lambda word: _reject("not a number", word))
    except (ValueError, RecursionError) as error:
        raise SignalRejected("a signal is JSON", got=str(error)[:100]) from error


def _fields_of(kind: type, facts: Any) -> dict[str, Any]:
    """Return a copy of an object that has exactly the fields of a signal."""
    names = [field.name for field in fields(kind)]
    if not isinstance(facts, dict) or set(facts) != set(names):
        got = sorted(facts) if isinstance(facts, dict) else type(facts).__name__
        raise SignalRejected("the fields of a signal differ from the contract", got=str(got)[:200], expected=str(names))
    return dict(facts)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    facts = dict(pairs)
    _require(len(facts) == len(pairs), "a field of a signal appears once", [name for name, _ in pairs])
    return facts


def _require_time(ts: object) -> None:
    _require(type(ts) is int and 0 <= ts < MAX_TIME_MS, "a time is in ms since 1970, 0 or more", ts)


def _require_symbol(symbol: object) -> None:
    _require(isinstance(symbol, str) and symbol, "a signal is about a symbol", symbol)


def _require_probs(probs: Any) -> None:
    right = isinstance(probs, tuple) and len(probs) == len(REGIMES) and all(type(prob) is int for prob in probs)
    _require(right and min(probs) >= 0 and sum(probs) == CERTAIN_BPS, "bps are >= 0 and sum to 10000", probs)


def _require_top(names: Any, weights: Any) -> None:
    named = isinstance(names, tuple) and len(names) == TOP and all(isinstance(name, str) for name in names)
    _require(named, "three features are named", names)
    weighed = isinstance(weights, tuple) and len(weights) == TOP and all(type(weight) is int for weight in weights)
    _require(weighed, "three weights are given", weights)
    falling = 1_000 >= weights[0] >= weights[1] >= weights[2] >= 0 and sum(weights) <= 1_000
    _require(falling, "weights fall, and are shares of 1000", weights)


def _require(condition: object, rule: str, got: object) -> None:
    if not condition:
        _reject(rule, repr(got)[:100])


def _reject(rule: str, got: str) -> NoReturn:
    raise SignalRejected(rule, got=got)
