"""A signal that exists keeps its contract; its texts are exact."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.contracts.signals import BotSignal, MlSignalSnapshot, neutral_signal, read_bot_signals
from grinder_resources.errors import SignalRejected

SIGNAL = MlSignalSnapshot(
    ts=1_700_000_000_000,
    symbol="BTCUSDT",
    model_version="v1.0.0",
    model_hash="a1b2c3d4e5f67890",
    regime_low_prob_bps=2_000,
    regime_mid_prob_bps=5_000,
    regime_high_prob_bps=3_000,
    predicted_regime="MID",
    regime_confidence_bps=5_000,
    spacing_multiplier_x1000=1_000,
    top_features=("natr_bps", "spread_bps", "depth_imbalance_topN_bps"),
    top_feature_weights_x1000=(350, 280, 220),
    inference_latency_us=1_500,
    features_hash="f0e1d2c3b4a59687",
)
"""The specification's own example."""

TEXT = (
    '{"ts":1700000000000,"symbol":"BTCUSDT","model_version":"v1.0.0","model_hash":"a1b2c3d4e5f67890",'
    '"regime_low_prob_bps":2000,"regime_mid_prob_bps":5000,"regime_high_prob_bps":3000,"predicted_regime":"MID",'
    '"regime_confidence_bps":5000,"spacing_multiplier_x1000":1000,'
    '"top_features":["natr_bps","spread_bps","depth_imbalance_topN_bps"],"top_feature_weights_x1000":[350,280,220],'
    '"inference_latency_us":1500,"features_hash":"f0e1d2c3b4a59687"}'
)

BOT_TEXT = (
    '{"predicted_regime":"MID","regime_probs_bps":{"HIGH":3000,"LOW":2000,"MID":5000},'
    '"spacing_multiplier_x1000":1000,"symbol":"BTCUSDT","ts_ms":1700000000000}'
)

BROKEN: list[dict[str, Any]] = [
    {"ts": -1},
    {"ts": 1.5},
    {"ts": True},
    {"ts": 253_402_300_800_000},
    {"symbol": ""},
    {"model_version": ""},
    {"model_hash": "A1B2C3D4E5F67890"},
    {"features_hash": "f0e1"},
    {"regime_low_prob_bps": 2_001},
    {"regime_low_prob_bps": -1, "regime_high_prob_bps": 5_001},
    {"regime_low_prob_bps": 2_000.0},
    {"predicted_regime": "HIGH"},
    {"regime_confidence_bps": 4_999},
    {"regime_confidence_bps": 5_000.0},
    {"spacing_multiplier_x1000": 499},
    {"spacing_multiplier_x1000": 2_001},
    {"spacing_multiplier_x1000": 1_000.5},
    {"top_features": ("a", "b")},
    {"top_features": ("a", "b", 3)},
    {"top_feature_weights_x1000": (350, 280, 281)},
    {"top_feature_weights_x1000": (600, 300, 101)},
    {"top_feature_weights_x1000": (1, 0, -1)},
    {"inference_latency_us": -1},
]


def test_the_text_is_the_contracts() -> None:
    """Fields in the specification's order, compact, and the way back gives the same signal."""
    assert SIGNAL.to_json() == TEXT
    assert MlSignalSnapshot.from_json(TEXT) == SIGNAL


@pytest.mark.parametrize("change", BROKEN, ids=str)
def test_a_broken_signal_cannot_exist(change: dict[str, Any]) -> None:
    """Every invariant of the contract is asked for when a signal is made, and when one is read."""
    with pytest.raises(SignalRejected):
        replace(SIGNAL, **change)
    with pytest.raises(SignalRejected):
        MlSignalSnapshot.from_json(json.dumps(asdict(SIGNAL) | change))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        TEXT[:-1],
        TEXT.replace('"ts":1700000000000,', ""),
        TEXT.replace('"ts":', '"more":1,"ts":'),
        TEXT.replace('"symbol":', '"ts":1,"symbol":'),
        TEXT.replace("1500", "NaN"),
        TEXT.replace('["natr_bps","spread_bps","depth_imbalance_topN_bps"]', '"abc"'),
        "[" * 100_000,
    ],
    ids=["empty", "list", "null", "cut", "missing", "unknown", "twice", "nan", "no list", "deep"],
)
def test_other_texts_are_refused(text: str) -> None:
    """Exactly the contract's fields, once each, in strict JSON."""
    with pytest.raises(SignalRejected):
        MlSignalSnapshot.from_json(text)


def test_latency_is_not_compared() -> None:
    """Two runs on the same inputs differ in nothing but the wall clock."""
    assert replace(SIGNAL, inference_latency_us=7).compared == SIGNAL.compared
    assert replace(SIGNAL, ts=7).compared != SIGNAL.compared


def test_the_bots_form_is_written_and_read() -> None:
    """Sorted keys, no spaces, probabilities by regime; five policy features, the regime as a number."""
    bot = SIGNAL.to_bot()
    assert bot.to_json() == BOT_TEXT
    assert BotSignal.from_json(BOT_TEXT) == bot
    assert bot.to_policy_features() == {
        "ml_regime_prob_low_bps": 2_000,
        "ml_regime_prob_mid_bps": 5_000,
        "ml_regime_prob_high_bps": 3_000,
        "ml_spacing_multiplier_x1000": 1_000,
        "ml_predicted_regime_ord": 1,
    }


def test_the_bots_form_is_read_as_the_bot_reads_it() -> None:
    """Any positive spacing and any of the three regimes; but no fraction, no third sum, no unknown regime."""
    wide = BOT_TEXT.replace('"spacing_multiplier_x1000":1000', '"spacing_multiplier_x1000":99000')
    assert BotSignal.from_json(wide.replace("MID", "LOW", 1)).spacing_multiplier_x1000 == 99_000
    for old, new in (
        ('x1000":1000', 'x1000":1000.5'),
        ('x1000":1000', 'x1000":0'),
        ('"HIGH":3000', '"HIGH":3001'),
        ('"HIGH":3000,', ""),
        ('"predicted_regime":"MID"', '"predicted_regime":"WILD"'),
        ('"ts_ms":1700000000000', '"ts_ms":-1'),
    ):
        with pytest.raises(SignalRejected):
            BotSignal.from_json(BOT_TEXT.replace(old, new))


def test_a_signal_file_is_one_signal_or_a_list() -> None:
    """In the file's order; one bad signal refuses the file."""
    assert read_bot_signals(BOT_TEXT) == (SIGNAL.to_bot(),)
    later = BOT_TEXT.replace("1700000000000", "1700000000001")
    assert [signal.ts_ms - SIGNAL.ts for signal in read_bot_signals(f"[{later},{BOT_TEXT}]")] == [1, 0]
    with pytest.raises(SignalRejected):
        read_bot_signals(f'[{BOT_TEXT},{{"symbol":"X"}}]')


def test_the_neutral_signal_changes_nothing() -> None:
    """MID, every regime alike, spacing as it is; it names the model that failed."""
    neutral = neutral_signal(5, "X", model_version="v1.0.0", model_hash="a" * 16, features_hash="b" * 16)
    assert (neutral.predicted_regime, neutral.regime_probs_bps) == ("MID", (3_333, 3_334, 3_333))
    assert (neutral.spacing_multiplier_x1000, neutral.model_hash, neutral.features_hash) == (1_000, "a" * 16, "b" * 16)
    assert neutral_signal(5, "X").model_version == "none"


@st.composite
def signals(draw: st.DrawFn) -> MlSignalSnapshot:
    """Draw any signal."""
    low = draw(st.integers(0, 10_000))
    mid = draw(st.integers(0, 10_000 - low))
    probs = (low, mid, 10_000 - low - mid)
    first = draw(st.integers(0, 1_000))
    second = draw(st.integers(0, min(first, 1_000 - first)))
    third = draw(st.integers(0, min(second, 1_000 - first - second)))
    return replace(
        SIGNAL,
        ts=draw(st.integers(0, 253_402_300_799_999)),
        symbol=draw(st.text(min_size=1, max_size=20)),
        regime_low_prob_bps=probs[0],
        regime_mid_prob_bps=probs[1],
        regime_high_prob_bps=probs[2],
        predicted_regime=("LOW", "MID", "HIGH")[probs.index(max(probs))],
        regime_confidence_bps=max(probs),
        spacing_multiplier_x1000=draw(st.integers(500, 2_000)),
        top_feature_weights_x1000=(first, second, third),
    )


@given(signals())
def test_both_forms_go_there_and_back(signal: MlSignalSnapshot) -> None:
    """What was written is what is read, and the same signal always gives the same text."""
    text = signal.to_json()
    assert MlSignalSnapshot.from_json(text) == signal
    assert MlSignalSnapshot.from_json(text).to_json() == text
    assert BotSignal.from_json(signal.to_bot().to_json()) == signal.to_bot()
