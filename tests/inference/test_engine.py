"""One decision a snapshot, in the order of the gates; wherever one says no, no policy changes."""

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.contracts.signals import MlSignalSnapshot
from grinder_resources.errors import ConfigRejected, SignalHalted, SignalRejected
from grinder_resources.inference.canary import CanaryRule, in_canary
from grinder_resources.inference.config import MlConfig
from grinder_resources.inference.decision import Decision, Mode
from grinder_resources.inference.engine import SignalEngine, open_engine
from grinder_resources.inference.gates import ACK
from grinder_resources.inference.loading import Obstacle
from grinder_resources.inference.reasons import MlBlockReason, Refusal, RefusalCode
from grinder_resources.inference.snapshot import Snapshot
from tests.inference.toy_model import Script, at, toy_source

DAY_MS = 86_400_000
NEW_YEAR_2026 = 1_767_225_600_000

ACTIVE = MlConfig(
    enabled=True,
    model_dir="models/toy_v1.0.0",
    max_inference_latency_ms=1_000,
    ml_infer_enabled=True,
    ml_active_enabled=True,
    ml_active_ack=ACK,
)
SHADOW = MlConfig(enabled=True, model_dir="models/toy_v1.0.0", max_inference_latency_ms=1_000, shadow_only=True)


def engine_of(script: Script, config: MlConfig = ACTIVE, environment: dict[str, str] | None = None) -> SignalEngine:
    return SignalEngine(config, toy_source(script), environment or {})


def told(decision: Decision) -> tuple[bool, int, str]:
    """Whether the signal is used, the spacing a policy sees, and the code of the refusal."""
    code = str(decision.refusal.code) if decision.refusal else ""
    return decision.applied, decision.spacing_multiplier_x1000, code


def test_a_signal_in_active_is_used() -> None:
    """Every field of the signal, and the five features a policy reads."""
    decision = engine_of(Script()).decide(at(1_700_000_000_000))
    assert told(decision) == (True, 1_250, "")
    signal = decision.signal
    assert isinstance(signal, MlSignalSnapshot)
    assert dict(signal.compared) == {
        "ts": 1_700_000_000_000,
        "symbol": "BTCUSDT",
        "model_version": "v1.0.0",
        "model_hash": "a1b2c3d4e5f67890",
        "regime_low_prob_bps": 2_000,
        "regime_mid_prob_bps": 5_000,
        "regime_high_prob_bps": 3_000,
        "predicted_regime": "MID",
        "regime_confidence_bps": 5_000,
        "spacing_multiplier_x1000": 1_250,
        "top_features": ("", "", ""),
        "top_feature_weights_x1000": (0, 0, 0),
        "features_hash": "f0438be59e916970",
    }
    assert decision.to_policy_features()["ml_spacing_multiplier_x1000"] == 1_250


def test_disabled_runs_no_model_code() -> None:
    """The global gate comes before everything: nothing is scored, nothing changes."""
    script = Script()
    decision = engine_of(script, MlConfig()).decide(at(1))
    assert told(decision) == (False, 1_000, "ML_DISABLED")
    assert (decision.mode, decision.signal, script.asked) == (Mode.OFF, None, 0)
    assert decision.to_policy_features() == {}


def test_shadow_scores_and_never_uses() -> None:
    """The signal is there for a log, and a policy sees nothing of it."""
    decision = engine_of(Script(), SHADOW).decide(at(1))
    assert told(decision) == (False, 1_000, "")
    assert decision.mode is Mode.SHADOW
    assert decision.signal is not None
    assert decision.signal.spacing_multiplier_x1000 == 1_250
    assert decision.to_policy_features() == {}


@pytest.mark.parametrize("config", [ACTIVE, SHADOW])
def test_the_kill_switch_works_between_two_snapshots(config: MlConfig) -> None:
    """Nothing is scored while it is on; pulled back, signals return."""
    script, environment = Script(), {"PATH": "/bin"}
    engine = engine_of(script, config, environment)
    assert engine.decide(at(1)).refusal is None
    environment["ML_KILL_SWITCH"] = "1"
    assert told(engine.decide(at(2))) == (False, 1_000, "KILL_SWITCH_ENV")
    assert script.asked == 1
    del environment["ML_KILL_SWITCH"]
    assert engine.decide(at(3)).refusal is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ml_kill_switch": True}, "KILL_SWITCH_CONFIG"),
        ({"ml_infer_enabled": False}, "INFER_DISABLED"),
        ({"ml_active_enabled": False}, "ACTIVE_DISABLED"),
        ({"ml_active_ack": "yes"}, "BAD_ACK"),
        ({"ml_active_allowed_envs": ("live",)}, "ENV_NOT_ALLOWED"),
    ],
)
def test_settings_that_got_past_the_guards_still_change_nothing(change: dict[str, Any], code: str) -> None:
    """The engine judges them again at every snapshot."""
    script = Script()
    assert told(engine_of(script, replace(ACTIVE, **change)).decide(at(1))) == (False, 1_000, code)
    assert script.asked == 0


@pytest.mark.parametrize("reason", list(MlBlockReason)[5:9])
def test_without_a_model_rules_alone_decide(reason: MlBlockReason) -> None:
    """Each obstacle is told as it is, with the line behind it, in shadow too."""
    for config in (ACTIVE, SHADOW):
        decision = SignalEngine(config, Obstacle(reason, "why"), {}).decide(at(1))
        assert (decision.refusal, decision.applied) == (Refusal(reason, "why"), False)


FAILURES: list[tuple[Script, Snapshot, str]] = [
    (Script(), at(1, spread_bps=None), "MISSING_FEATURE"),
    (Script(), at(1, spread_bps=float("nan")), "NOT_FINITE"),
    (Script(), at(-1), "BAD_SNAPSHOT"),
    (Script(), at(1, natr_bps="9"), "BAD_FEATURE"),
    (Script(probs=(2_000, 5_000, 3_001)), at(1), "OUTPUT_REJECTED"),
    (Script(probs=(-1, 5_001, 5_000)), at(1), "OUTPUT_REJECTED"),
    (Script(probs=(5_000, 5_000)), at(1), "OUTPUT_REJECTED"),
    (Script(spacing=2_001), at(1), "OUTPUT_REJECTED"),
    (Script(error=RuntimeError("onnx")), at(1), "INFERENCE_FAILED"),
    (Script(refusal=Refusal(RefusalCode.BREAKER_OPEN)), at(1), "BREAKER_OPEN"),
    (Script(refusal=Refusal(RefusalCode.WORKER_STARTING)), at(1), "WORKER_STARTING"),
    (Script(refusal=Refusal(RefusalCode.DEADLINE)), at(1), "DEADLINE"),
]


@pytest.mark.parametrize(("script", "snapshot", "code"), FAILURES, ids=[f"{code}" for *_, code in FAILURES])
def test_a_failure_in_active_falls_back_to_neutral(script: Script, snapshot: Snapshot, code: str) -> None:
    """MID and 1000, never applied; and in shadow there is no signal at all."""
    decision = engine_of(script).decide(snapshot)
    assert told(decision) == (False, 1_000, code)
    assert decision.to_policy_features() == {}
    if snapshot.ts >= 0:
        assert decision.signal is not None
        assert (decision.signal.predicted_regime, decision.signal.model_hash) == ("MID", "a1b2c3d4e5f67890")
    shadow = engine_of(script, SHADOW).decide(snapshot)
    assert (told(shadow), shadow.signal) == ((False, 1_000, code), None)


def test_a_late_answer_is_thrown_away() -> None:
    """The deadline is on the wall, however good the answer is."""

    class Slow(Script):
        def run(self, row: Any) -> Any:
            time.sleep(0.005)
            return super().run(row)

    assert told(engine_of(Slow(), replace(ACTIVE, max_inference_latency_ms=4)).decide(at(1))) == (
        False,
        1_000,
        "DEADLINE",
    )
    assert told(engine_of(Slow()).decide(at(1))) == (True, 1_250, "")


def test_previous_keeps_the_symbols_last_signal_for_a_while() -> None:
    """Its own symbol's, no longer than the age, never one from later, and none before there was one."""
    script = Script()
    engine = engine_of(script, replace(ACTIVE, fallback_on_error="previous", max_signal_age_ms=100))
    bad = {"spread_bps": None}
    assert told(engine.decide(at(999, **bad))) == (False, 1_000, "MISSING_FEATURE")
    used = engine.decide(at(1_000))
    kept = engine.decide(at(1_100, **bad))
    assert told(kept) == (True, 1_250, "MISSING_FEATURE")
    assert kept.signal == used.signal
    assert told(engine.decide(at(1_101, **bad))) == (False, 1_000, "MISSING_FEATURE")
    assert told(engine.decide(at(999, **bad))) == (False, 1_000, "MISSING_FEATURE")
    assert told(engine.decide(at(1_000, "ETHUSDT", **bad))) == (False, 1_000, "MISSING_FEATURE")


def test_a_block_ends_what_is_in_force() -> None:
    """`previous` stands in for a failed answer, not for a pulled switch."""
    environment: dict[str, str] = {"HOME": "/"}
    config = replace(ACTIVE, fallback_on_error="previous", max_signal_age_ms=DAY_MS)
    engine = engine_of(Script(), config, environment)
    engine.decide(at(1))
    environment["ML_KILL_SWITCH"] = "1"
    assert told(engine.decide(at(2))) == (False, 1_000, "KILL_SWITCH_ENV")


def test_error_halts_where_a_signal_should_have_been_used() -> None:
    """And only there: shadow never does."""
    bad = at(1, spread_bps=None)
    with pytest.raises(SignalHalted, match=r"SIGNAL_HALTED.*MISSING_FEATURE: spread_bps"):
        engine_of(Script(), replace(ACTIVE, fallback_on_error="error")).decide(bad)
    assert told(engine_of(Script(), replace(SHADOW, fallback_on_error="error")).decide(bad))[2] == "MISSING_FEATURE"


def test_an_old_model_is_refused() -> None:
    """Counted from the end of its training data to the snapshot, so a replay says the same as the day itself."""
    engine = engine_of(Script(), replace(ACTIVE, max_model_age_days=7))
    assert told(engine.decide(at(NEW_YEAR_2026 + 8 * DAY_MS - 1)))[2] == ""
    assert told(engine.decide(at(NEW_YEAR_2026 + 8 * DAY_MS))) == (False, 1_000, "STALE_MODEL")


def test_a_canary_uses_the_signals_of_its_share_alone() -> None:
    """The others are scored in shadow, and told why."""
    engine = engine_of(Script(), replace(ACTIVE, canary_pct=50))
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"):
        decision = engine.decide(at(1, symbol))
        inside = in_canary(symbol, 50)
        assert told(decision) == ((True, 1_250, "") if inside else (False, 1_000, "NOT_IN_CANARY"))
        assert decision.mode is (Mode.CANARY if inside else Mode.SHADOW)
        assert decision.signal is not None


RULE = CanaryRule(window=20, min_rows=5, max_error_rate_bps=2_000, max_calibration_gap_bps=3_000)


def test_a_canary_that_fails_takes_itself_back() -> None:
    """The failure that is one too many is already told as a rollback, and good answers do not bring it back."""
    script = Script()
    engine = engine_of(script, replace(ACTIVE, canary_pct=99, canary=RULE))
    good = [told(engine.decide(at(ts))) for ts in range(4)]
    script.error = RuntimeError("onnx")
    bad = [told(engine.decide(at(ts))) for ts in range(4, 6)]
    script.error = None
    after = told(engine.decide(at(6)))
    assert good == [(True, 1_250, "")] * 4
    assert bad == [(False, 1_000, "INFERENCE_FAILED"), (False, 1_000, "CANARY_ROLLED_BACK")]
    assert after == (False, 1_000, "CANARY_ROLLED_BACK")


def test_a_canary_whose_probabilities_do_not_come_true_takes_itself_back() -> None:
    """Outcomes are told afterwards; unknown regimes are passed over."""
    engine = engine_of(Script(), replace(ACTIVE, canary_pct=99, canary=RULE))
    for ts in range(5):
        decision = engine.decide(at(ts))
        assert decision.applied
        assert decision.signal is not None
        engine.observe(decision.signal, "WILD")
        engine.observe(None, "HIGH")  # type: ignore[arg-type]
        engine.observe(decision.signal, "HIGH")
    assert told(engine.decide(at(9))) == (False, 1_000, "CANARY_ROLLED_BACK")


class Unspeakable(Exception):
    """An error that cannot even be told."""

    def __repr__(self) -> str:
        raise self


class Wild:
    """Something whose every attribute raises."""

    def __getattr__(self, name: str) -> Any:
        raise Unspeakable


class Traps(dict[str, Any]):
    """Features that raise when they are asked for."""

    def get(self, *_: Any) -> Any:
        """Raise."""
        raise Unspeakable


def test_a_defect_inside_is_a_refusal() -> None:
    """Even what is no snapshot, or raises wherever it is touched, does not pass the border as an error."""
    for wild in (None, Wild(), 7):
        assert told(engine_of(Script()).decide(wild)) == (False, 1_000, "DEFECT")  # type: ignore[arg-type]
    assert told(engine_of(Script()).decide(Snapshot(1, "X", Traps()))) == (False, 1_000, "INFERENCE_FAILED")
    with pytest.raises(SignalHalted, match="the runtime failed"):
        engine_of(Script(), replace(ACTIVE, fallback_on_error="error")).decide(Wild())  # type: ignore[arg-type]


def test_an_engine_remembers_no_more_symbols_than_it_may() -> None:
    """A feed that invents symbols does not fill the memory."""
    engine = engine_of(Script())
    for number in range(10_050):
        engine.decide(at(1, f"S{number}"))
    assert len(engine._last) == 10_000


@pytest.mark.parametrize(
    "facts", [{"applied": True}, {"applied": True, "mode": Mode.SHADOW}, {"refusal": None, "signal": None}]
)
def test_an_impossible_decision_cannot_exist(facts: dict[str, Any]) -> None:
    """What is applied is a signal in canary or active, and a decision says something."""
    with pytest.raises(SignalRejected):
        Decision(**{"ts": 1, "symbol": "X", "mode": Mode.ACTIVE, "refusal": None} | facts)


def test_opening_judges_the_guards_and_forgives_a_missing_model() -> None:
    """A contradiction is an error at the start; a model that is not there is a reason at every snapshot."""
    with pytest.raises(ConfigRejected, match="active_needs_ack"):
        open_engine(replace(ACTIVE, ml_active_ack=""), {})
    with open_engine(ACTIVE, {}) as engine:
        assert told(engine.decide(at(1))) == (False, 1_000, "ARTIFACT_DIR_MISSING")
    with open_engine(MlConfig(), {}) as engine:
        assert told(engine.decide(at(1))) == (False, 1_000, "ML_DISABLED")


@given(
    st.tuples(*[st.integers(-1, 10_001)] * 3),
    st.integers(-5_000, 5_000),
    st.dictionaries(
        st.sampled_from(["natr_bps", "spread_bps", "x"]), st.none() | st.integers() | st.floats() | st.text()
    ),
    st.one_of(st.integers(), st.none()),
)
def test_whatever_happens_a_policy_sees_a_valid_spacing_or_none(
    probs: tuple[int, ...], spacing: int, features: dict[str, Any], ts: Any
) -> None:
    """No answer and no snapshot raises, and only a whole signal is applied."""
    decision = engine_of(Script(probs=probs, spacing=spacing)).decide(Snapshot(ts, "X", features))
    assert decision.applied == (decision.refusal is None)
    assert 500 <= decision.spacing_multiplier_x1000 <= 2_000
    assert decision.applied or decision.spacing_multiplier_x1000 == 1_000
