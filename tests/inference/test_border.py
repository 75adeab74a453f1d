"""What must never get in: found by trying to break the runtime, and kept."""

import hashlib
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from grinder_resources.errors import ConfigRejected
from grinder_resources.export.bot_regime_train import train_regime
from grinder_resources.inference import MlConfig, Snapshot, open_engine
from grinder_resources.inference.canary import CanaryRule
from grinder_resources.inference.deadline import DeadlineWorker
from grinder_resources.inference.gates import ACK
from grinder_resources.inference.loading import load_source
from grinder_resources.inference.sources import ModelSource
from tests.contracts.test_signals import BOT_TEXT, SIGNAL
from tests.inference.test_engine import ACTIVE, SHADOW, engine_of, told
from tests.inference.toy_model import FEATURES, Script, at

NO_TIMES: list[Any] = [float("nan"), float("inf"), 1_000.0, Decimal(1_000), None, "1000", 1 << 60, (1 << 53) - 1]


@pytest.fixture
def from_file(tmp_path: Path) -> MlConfig:
    """Return settings that let a file's one signal in, of 2023, at any later time."""
    path = tmp_path / "signal.json"
    path.write_text(BOT_TEXT.replace('x1000":1000', 'x1000":1500'))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return replace(ACTIVE, model_dir="", signal_file=str(path), signal_sha256=sha256)


@pytest.mark.parametrize("ts", NO_TIMES, ids=repr)
def test_no_signal_is_about_no_time(from_file: MlConfig, ts: Any) -> None:
    """Neither from a file nor from a model, nor as the one that stays in force."""
    with open_engine(from_file, {}) as engine:
        assert told(engine.decide(Snapshot(SIGNAL.ts, "BTCUSDT", {}))) == (True, 1_500, "")
        assert told(engine.decide(Snapshot(ts, "BTCUSDT", {}))) == (False, 1_000, "BAD_SNAPSHOT")
    kept = engine_of(
        Script(), replace(ACTIVE, fallback_on_error="previous", max_signal_age_ms=10**9, max_model_age_days=99_999)
    )
    assert kept.decide(at(1_000)).applied
    assert told(kept.decide(at(ts))) == (False, 1_000, "BAD_SNAPSHOT")


class Alias(str):
    """A name that says it is another."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return other == "BTCUSDT"

    __hash__ = str.__hash__


@pytest.mark.parametrize("symbol", [Alias("BTCUSDT"), "X" * 65, "BTC\nUSDT", "\ud800", "", None], ids=repr)
def test_no_signal_is_about_no_symbol(from_file: MlConfig, symbol: Any) -> None:
    """A name is a plain, printable, short text, in a canary as elsewhere."""
    canary = replace(from_file, canary_pct=99)
    for config in (from_file, canary):
        with open_engine(config, {}) as engine:
            assert told(engine.decide(Snapshot(SIGNAL.ts, symbol, {}))) == (False, 1_000, "BAD_SNAPSHOT")


def test_what_was_not_used_does_not_stay_in_force() -> None:
    """An answer that failed on its way out is no previous signal."""
    engine = engine_of(Script(), replace(ACTIVE, fallback_on_error="previous", max_signal_age_ms=1_000))
    engine.log = None  # type: ignore[assignment]
    assert told(engine.decide(at(1_000))) == (False, 1_000, "DEFECT")
    assert engine._last == {}


def test_a_closed_engine_answers_nothing() -> None:
    """In this process as in one of its own; closing twice is fine."""
    engine = engine_of(Script())
    engine.close()
    engine.close()
    assert told(engine.decide(at(1))) == (False, 1_000, "MODEL_NOT_LOADED")


def test_a_gauge_says_whether_the_last_signal_was_used() -> None:
    """And falls with the first that is not: after a failure, a block, or in shadow."""
    environment: dict[str, str] = {"HOME": "/"}
    engine = engine_of(Script(), ACTIVE, environment)
    engine.decide(at(1))
    assert engine.metrics.active_on
    engine.decide(at(2, spread_bps=None))
    assert not engine.metrics.active_on
    engine.decide(at(3))
    environment["ML_KILL_SWITCH"] = "1"
    engine.decide(at(4))
    assert not engine.metrics.active_on
    shadow = engine_of(Script(), SHADOW)
    shadow.decide(at(5))
    assert not shadow.metrics.active_on


CANARY = replace(ACTIVE, canary_pct=99, canary=CanaryRule(window=20, min_rows=5, max_calibration_gap_bps=2_000))


def test_a_canary_is_judged_by_its_own_models_word() -> None:
    """Neither another model's signals nor neutral ones, which stand in for failures, roll it back."""
    engine = engine_of(Script(), CANARY)
    foreign = replace(SIGNAL, model_hash="0" * 16)
    for _ in range(20):
        engine.observe(foreign, "LOW")
    neutral = engine_of(Script(error=RuntimeError()), ACTIVE).decide(at(1)).signal
    assert neutral is not None
    for _ in range(20):
        engine.observe(neutral, "MID")
    assert told(engine.decide(at(1))) == (True, 1_250, "")
    for _ in range(5):
        engine.observe(SIGNAL, "LOW")
    assert told(engine.decide(at(2))) == (False, 1_000, "CANARY_ROLLED_BACK")


def test_defects_roll_a_canary_back() -> None:
    """A snapshot that got no signal of its own counts, whatever kept it."""
    engine = engine_of(Script(), CANARY)
    for _ in range(5):
        engine.decide(None)  # type: ignore[arg-type]
    assert told(engine.decide(at(2))) == (False, 1_000, "CANARY_ROLLED_BACK")


class Broken(logging.Handler):
    """A handler that cannot write."""

    def emit(self, record: logging.LogRecord) -> None:
        """Fail."""
        raise OSError(28, "No space left on device")


@pytest.fixture
def broken_log() -> Iterator[None]:
    """Give the runtime's logger a handler that cannot write."""
    logger, handler = logging.getLogger("grinder.ml"), Broken()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


@pytest.mark.usefixtures("broken_log")
def test_a_log_that_cannot_be_written_changes_no_decision(regime_artifact: Path) -> None:
    """Neither at the start, nor at a snapshot, nor at an outcome."""
    assert told(engine_of(Script()).decide(at(1))) == (True, 1_250, "")
    assert told(engine_of(Script()).decide(at(1, spread_bps=None))) == (False, 1_000, "MISSING_FEATURE")
    engine = engine_of(Script(), CANARY)
    for _ in range(5):
        engine.observe(SIGNAL, "LOW")
    for folder in (regime_artifact, regime_artifact / "none"):
        with open_engine(replace(SHADOW, model_dir=str(folder)), {}):
            pass


class Unreadable(dict[str, str]):
    """An environment that cannot be read."""

    def get(self, *_: Any) -> Any:
        """Fail."""
        raise OSError


def test_an_environment_that_cannot_be_read_lets_nothing_in() -> None:
    """It is refused at the start where it matters, and stops every snapshot."""
    with pytest.raises(ConfigRejected, match="the environment cannot be read"):
        open_engine(replace(ACTIVE, ml_active_allowed_envs=("live",)), Unreadable())
    assert told(engine_of(Script(), ACTIVE, Unreadable(x="y")).decide(at(1))) == (False, 1_000, "DEFECT")


@pytest.mark.parametrize("regime", [None, 7, ["LOW"], "WILD"])
def test_an_outcome_of_any_kind_is_passed_over(regime: Any) -> None:
    """What is no regime says nothing."""
    engine_of(Script(), CANARY).observe(SIGNAL, regime)


def test_a_file_stops_a_process_that_runs(tmp_path: Path) -> None:
    """Whoever may make it needs to reach into nothing; taken away, signals return."""
    switch = tmp_path / "stop"
    engine = engine_of(Script(), replace(ACTIVE, ml_kill_file=str(switch)))
    assert told(engine.decide(at(1))) == (True, 1_250, "")
    switch.touch()
    assert told(engine.decide(at(2))) == (False, 1_000, "KILL_SWITCH_CONFIG")
    switch.unlink()
    assert told(engine.decide(at(3))) == (True, 1_250, "")


def test_a_deadline_of_the_settings_is_the_processs(regime_artifact: Path) -> None:
    """A model that stops is given up after the milliseconds that the settings name."""
    source = load_source(
        MlConfig(enabled=True, model_dir=str(regime_artifact), isolate_model=True, max_inference_latency_ms=300)
    )
    assert isinstance(source, ModelSource)
    runner = source.model.runner
    assert isinstance(runner, DeadlineWorker)
    os.kill(runner.pid, signal.SIGSTOP)
    begun = time.monotonic()
    names = source.model.facts.reading.names
    found = source.signal(Snapshot(1, "X", dict.fromkeys(names, 1)))
    took = time.monotonic() - begun
    source.close()
    assert found.code == "DEADLINE"  # type: ignore[union-attr]
    assert 0.3 <= took < 0.45


def test_the_bots_artifacts_are_used_in_shadow_or_through_a_registry(tmp_path: Path) -> None:
    """They have no golden rows, so a folder alone is not enough for ACTIVE."""
    folder = tmp_path / "bots"
    train_regime(folder, "golden_test", created_at="2026-02-15T01:20:31Z", rows=100)
    with open_engine(replace(SHADOW, model_dir=str(folder)), {}) as engine:
        assert told(engine.decide(Snapshot(1, "X", FEATURES))) == (False, 1_000, "")
    with open_engine(replace(ACTIVE, model_dir=str(folder)), {}) as engine:
        assert told(engine.decide(Snapshot(1, "X", FEATURES))) == (False, 1_000, "MODEL_NOT_LOADED")


def test_decisions_do_not_pile_up_in_memory(regime_artifact: Path, golden_snapshots: list[Snapshot]) -> None:
    """After the first thousand, five thousand more leave nothing behind."""
    config = replace(ACTIVE, model_dir=str(regime_artifact), ml_active_ack=ACK)
    with open_engine(config, {}) as engine:

        def feed(count: int) -> int:
            for number in range(count):
                engine.decide(golden_snapshots[number % 16])
            return sys.getallocatedblocks()

        feed(1_000)
        before = feed(100)
        assert feed(5_000) - before < 500
    assert engine.metrics.inferences == 6_100
