"""The log events: names, levels and fields, one line each, whatever a symbol is called."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.contracts.bot_registry import Pointer
from grinder_resources.export.bot_registry import promoted, write_registry
from grinder_resources.inference.canary import CanaryRule
from grinder_resources.inference.config import MlConfig
from grinder_resources.inference.engine import SignalEngine, open_engine
from grinder_resources.inference.events import LOGGER, EventLog
from grinder_resources.inference.reasons import MlBlockReason, Refusal, RefusalCode
from tests.contracts.test_signals import SIGNAL
from tests.inference.test_engine import ACTIVE, SHADOW, engine_of
from tests.inference.toy_model import Script, at

MINUTE_MS = 60_000


class Kept(logging.Handler):
    """Keeps what was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.records.append(record)

    @property
    def lines(self) -> list[str]:
        """Level and text of each."""
        return [f"{record.levelname} {record.getMessage()}" for record in self.records]


@pytest.fixture
def log() -> Iterator[Kept]:
    """Return what the runtime logs, from INFO on."""
    kept, level = Kept(), LOGGER.level
    LOGGER.addHandler(kept)
    LOGGER.setLevel(logging.INFO)
    yield kept
    LOGGER.setLevel(level)
    LOGGER.removeHandler(kept)


def timeless(line: str) -> str:
    """Return a line without its latency, which is wall time."""
    return " ".join(word for word in line.split(" ") if not word.startswith("latency_ms="))


def test_a_used_signal_is_two_events(log: Kept) -> None:
    """That it is used, and what it says, for every snapshot."""
    engine = engine_of(Script())
    engine.decide(at(1_700_000_000_000))
    engine.decide(at(1_700_000_000_100))
    assert [timeless(line) for line in log.lines[:2]] == [
        "INFO ML_ACTIVE_ON: ts=1700000000000 symbol=BTCUSDT",
        "INFO ML_INFER_OK: ts=1700000000000 symbol=BTCUSDT regime=MID probs_bps=2000,5000,3000 spacing_x1000=1250 "
        "artifact_dir=models/toy_v1.0.0 model_hash=a1b2c3d4e5f67890 features_hash=f0438be59e916970",
    ]
    assert len(log.lines) == 4


def test_a_latency_has_three_decimals(log: Kept) -> None:
    """In the line; the record holds the number itself, and everything else as what it is."""
    EventLog("models/toy_v1.0.0").infer_ok(SIGNAL, 12_345)
    assert " latency_ms=12.345 " in log.lines[0]
    (facts,) = [record.ml for record in log.records]  # type: ignore[attr-defined]
    assert facts["event"] == "ML_INFER_OK"
    assert facts["latency_ms"] == 12.345
    assert facts["probs_bps"] == SIGNAL.regime_probs_bps
    assert json.loads(json.dumps(facts))["ts"] == SIGNAL.ts


def test_shadow_says_what_a_signal_would_have_been(log: Kept) -> None:
    """Under its own name, so that nobody counts it as trading."""
    engine_of(Script(), SHADOW).decide(at(7))
    assert [timeless(line) for line in log.lines] == [
        "INFO ML_SHADOW_PREDICTION: ts=7 symbol=BTCUSDT regime=MID probs_bps=2000,5000,3000 spacing_x1000=1250 "
        "artifact_dir=models/toy_v1.0.0 model_hash=a1b2c3d4e5f67890 features_hash=f0438be59e916970"
    ]


def test_a_failure_is_an_error_with_its_code(log: Kept) -> None:
    """Also where the model raised."""
    engine_of(Script(error=RuntimeError("onnx"))).decide(at(7))
    assert [timeless(line) for line in log.lines] == [
        "ERROR ML_INFER_ERROR: ts=7 symbol=BTCUSDT error=\"INFERENCE_FAILED: RuntimeError('onnx')\" "
        "artifact_dir=models/toy_v1.0.0"
    ]
    assert log.records[0].ml["latency_ms"] >= 0  # type: ignore[attr-defined]


def test_a_pulled_switch_is_told_once_a_symbol(log: Kept) -> None:
    """A feed of ten snapshots a second for a minute writes one line, and one for every symbol."""
    engine = engine_of(Script(), environment={"ML_KILL_SWITCH": "1"})
    for ts in range(0, MINUTE_MS, 100):
        engine.decide(at(ts))
    engine.decide(at(MINUTE_MS, "ETHUSDT"))
    assert log.lines == [
        "WARNING ML_KILL_SWITCH_ON: ts=0 symbol=BTCUSDT reason=KILL_SWITCH_ENV",
        "WARNING ML_KILL_SWITCH_ON: ts=60000 symbol=ETHUSDT reason=KILL_SWITCH_ENV",
    ]


def test_a_state_that_changes_is_told_again(log: Kept) -> None:
    """Blocked, used, blocked: the second block is news; so is another reason."""
    environment = {"GRINDER_ENV": "live"}
    engine = engine_of(Script(), replace(ACTIVE, ml_active_allowed_envs=("paper",)), environment)
    for name in ("live", "live", "paper", "live"):
        environment["GRINDER_ENV"] = name
        engine.decide(at(1))
    environment["ML_KILL_SWITCH"] = "1"
    engine.decide(at(2))
    assert [line.split(":")[0] for line in log.lines] == [
        "WARNING ML_ACTIVE_BLOCKED",
        "INFO ML_ACTIVE_ON",
        "INFO ML_INFER_OK",
        "WARNING ML_ACTIVE_BLOCKED",
        "WARNING ML_KILL_SWITCH_ON",
    ]
    assert log.lines[0] == "WARNING ML_ACTIVE_BLOCKED: ts=1 symbol=BTCUSDT reason=ENV_NOT_ALLOWED"


def test_a_failure_that_lasts_is_told_once(log: Kept) -> None:
    """And again after a signal, in shadow too."""
    for config in (ACTIVE, SHADOW):
        log.records.clear()
        script = Script()
        engine = engine_of(script, config)
        for refusal in (RefusalCode.DEADLINE, RefusalCode.DEADLINE, None, RefusalCode.DEADLINE):
            script.refusal = Refusal(refusal) if refusal else None
            engine.decide(at(1))
        assert [line.split(":")[0] for line in log.lines].count("ERROR ML_INFER_ERROR") == 2


def test_a_canary_says_once_why_it_took_itself_back(log: Kept) -> None:
    """With what was seen."""
    rule = CanaryRule(window=20, min_rows=2, max_error_rate_bps=0)
    engine = engine_of(Script(error=RuntimeError("onnx")), replace(ACTIVE, canary_pct=99, canary=rule))
    for ts in range(4):
        engine.decide(at(ts))
    assert [line for line in log.lines if "CANARY_ROLLED_BACK" in line.split(":")[0]] == [
        'ERROR ML_CANARY_ROLLED_BACK: reason="2 of 2 snapshots got no signal" artifact_dir=models/toy_v1.0.0'
    ]


def test_a_defect_leaves_a_line(log: Kept) -> None:
    """At the border everything is counted and told."""
    engine = engine_of(Script())
    engine.decide(None)  # type: ignore[arg-type]
    assert log.lines[0].startswith('ERROR ML_INFER_ERROR: ts=0 symbol="" error="DEFECT: AttributeError(')
    assert engine.metrics.errors == 1


def test_what_stands_where_a_symbol_should_be_is_told_by_its_text(log: Kept) -> None:
    """A list is no symbol, and no reason for a second failure."""
    engine = engine_of(Script())
    engine.decide(at(1, ["a", "b"]))  # type: ignore[arg-type]
    assert [line.split(" latency_ms")[0] for line in log.lines] == [
        "ERROR ML_INFER_ERROR: ts=1 symbol=\"['a', 'b']\" error=\"BAD_SNAPSHOT: symbol is list, or no name\""
    ]
    assert engine.metrics.errors == 1


def test_opening_says_which_model_and_which_setting_named_it(log: Kept, regime_artifact: Path) -> None:
    """Or why there is none, and then nothing of it is logged as loaded."""
    with open_engine(MlConfig(enabled=True, shadow_only=True, model_dir=str(regime_artifact)), {"HOME": "/"}):
        assert log.lines == [f"INFO ML_MODE_INIT: mode=shadow artifact_dir={regime_artifact} source=model_dir"]
    log.records.clear()
    with open_engine(replace(ACTIVE, model_dir="models/none"), {"HOME": "/"}):
        assert log.lines == ["ERROR ML_ACTIVE_BLOCKED: reason=ARTIFACT_DIR_MISSING detail=models/none"]


def test_a_registry_says_what_it_resolved_to(log: Kept, regime_copy: Path) -> None:
    """Model, stage, folder and the bot's name of the artifact."""
    path = regime_copy.parents[1] / "models.json"
    pointer = Pointer(artifact_dir=f"models/{regime_copy.name}", artifact_id="regime_v2026_01_10_1")
    write_registry(path, promoted(None, "regime", "shadow", pointer, at="2026-01-10T00:00:00Z"))
    config = MlConfig(enabled=True, shadow_only=True, ml_registry_path=str(path), ml_model_name="regime")
    with open_engine(config, {"HOME": "/"}):
        assert log.lines == [
            f"INFO ML_REGISTRY_RESOLVED: model=regime stage=shadow artifact_dir={regime_copy} "
            "artifact_id=regime_v2026_01_10_1",
            f"INFO ML_MODE_INIT: mode=shadow artifact_dir={regime_copy} source=ml_registry_path",
        ]


HOSTILE = "X\nERROR ML_ACTIVE_ON: ts=1 symbol=FAKE"


@pytest.mark.parametrize("symbol", [HOSTILE, "a b", "a=b", 'a"b', "a\r\x1b[2K", "a\u2028b", "\x00", "", "%s%n"])
def test_a_symbol_cannot_write_a_line_or_a_field(log: Kept, symbol: str) -> None:
    """The line is one, its fields are the event's, and the symbol can be read back."""
    EventLog().kill_switch_on(1, symbol, MlBlockReason.KILL_SWITCH_ENV)
    (line,) = log.lines
    assert line.isprintable()
    assert line.isascii()
    head, rest = line.split(" symbol=", 1)
    assert head == "WARNING ML_KILL_SWITCH_ON: ts=1"
    written = rest.removesuffix(" reason=KILL_SWITCH_ENV")
    assert (json.loads(written) if written.startswith('"') else written) == symbol


@given(st.text(), st.text())
def test_no_text_breaks_a_line(symbol: str, detail: str) -> None:
    """Neither a symbol nor the message of a library's error."""
    kept = Kept()
    LOGGER.addHandler(kept)
    try:
        EventLog().infer_error(1, symbol, Refusal(RefusalCode.INFERENCE_FAILED, detail), 1_000)
    finally:
        LOGGER.removeHandler(kept)
    (line,) = kept.lines
    assert line.isprintable()
    assert line.isascii()


def test_symbols_that_a_feed_invents_do_not_fill_the_memory(caplog: pytest.LogCaptureFixture) -> None:
    """States are forgotten, and told once more, before there are too many of them."""
    caplog.set_level(logging.CRITICAL, LOGGER.name)
    log = EventLog()
    for number in range(10_050):
        log.active_blocked(1, f"S{number}", MlBlockReason.BAD_ACK)
    assert len(log._told) == 50


def test_an_event_that_nobody_reads_costs_less_than_a_microsecond_or_so(caplog: pytest.LogCaptureFixture) -> None:
    """The quickest of many batches, for a busy machine says nothing about ours."""
    log, calls = EventLog("models/toy_v1.0.0"), 500
    caplog.set_level(logging.WARNING, LOGGER.name)
    taken = []
    for _ in range(20):
        begun = perf_counter_ns()
        for _ in range(calls):
            log.infer_ok(SIGNAL, 100)
        taken.append((perf_counter_ns() - begun) / calls)
    assert min(taken) < 2_000


def test_nothing_is_printed_where_logging_is_not_set_up(capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of any library: an error goes to who asks for it."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    engine: SignalEngine = engine_of(Script(error=RuntimeError("onnx")))
    engine.decide(at(1))
    assert capfd.readouterr() == ("", "")
