"""The prediction log: one line a decision, whole, and never a reason for trading to stop."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grinder_resources.hashing import canonical_json, sha256_bytes
from grinder_resources.inference import MlConfig, SignalEngine
from grinder_resources.inference.decision import Mode
from grinder_resources.inference.engine import open_engine
from grinder_resources.inference.prediction_log import LINES, SPAN_MS
from grinder_resources.inference.reasons import Refusal, RefusalCode
from tests.inference.test_engine import ACTIVE, SHADOW, engine_of
from tests.inference.toy_model import Script, at

T0 = 1_736_121_600_000  # 2025-01-06 00:00 UTC
FIRST, SECOND = "predictions_2025-01-06.jsonl", "predictions_2025-01-07.jsonl"


def logging(folder: Path, script: Script | None = None, config: MlConfig = SHADOW) -> SignalEngine:
    """Return an engine that logs."""
    return engine_of(script or Script(), replace(config, prediction_log=str(folder), prediction_venue="demo"))


def lines(folder: Path, name: str = FIRST) -> list[dict[str, Any]]:
    """Return the decisions in a file."""
    return [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines() if line]


def test_a_line_holds_what_was_read_and_what_was_said(tmp_path: Path) -> None:
    """The inputs are those that were hashed, so their hash is the one in the signal."""
    with logging(tmp_path) as engine:
        decision = engine.decide(at(T0, natr_bps=7, unread=1))
    (line,) = lines(tmp_path)
    assert decision.signal is not None
    assert line == {
        "type": "prediction",
        "v": 0,
        "ts_ms": T0,
        "venue": "demo",
        "symbol": "BTCUSDT",
        "mode": "shadow",
        "applied": False,
        "refusal": "",
        "model_hash": "a1b2c3d4e5f67890",
        "low_bps": 2_000,
        "mid_bps": 5_000,
        "high_bps": 3_000,
        "spacing_x1000": 1_250,
        "features_hash": decision.signal.features_hash,
        "features": {"natr_bps": 7, "spread_bps": 2},
    }
    assert sha256_bytes(canonical_json(line["features"]).encode())[:16] == line["features_hash"]


def test_a_refusal_is_a_line_without_an_answer(tmp_path: Path) -> None:
    """What stands in for a signal is not the model's word: neither the neutral signal nor the last one."""
    script = Script()
    config = replace(ACTIVE, fallback_on_error="previous", max_signal_age_ms=60_000)
    with logging(tmp_path, script, config) as engine:
        engine.decide(at(T0))
        script.refusal = Refusal(RefusalCode.OUTPUT_REJECTED, "no")
        engine.decide(at(T0 + 1, natr_bps=9))
        engine.decide(at(T0 + 1, natr_bps=None))
    answered, previous, missing = lines(tmp_path)
    assert (answered["applied"], answered["mode"], answered["mid_bps"]) == (True, "active", 5_000)
    assert (previous["applied"], previous["refusal"]) == (True, "OUTPUT_REJECTED")
    assert missing["refusal"] == "MISSING_FEATURE"
    assert not {"mid_bps", "features", "features_hash"} & (previous.keys() | missing.keys())


def test_it_is_off_by_default_and_silent_while_the_engine_is(tmp_path: Path) -> None:
    """No setting, no log; and none of an engine that decides nothing."""
    assert engine_of(Script(), SHADOW).predictions is None
    with logging(tmp_path / "log", config=MlConfig()) as engine:
        assert engine.decide(at(T0)).mode is Mode.OFF
    assert not (tmp_path / "log").exists()


def test_without_a_model_the_reason_is_logged(tmp_path: Path) -> None:
    """A process whose model was refused at the door leaves a trace of every snapshot."""
    config = replace(SHADOW, model_dir=str(tmp_path / "none"), prediction_log=str(tmp_path), prediction_venue="demo")
    with open_engine(config, {}) as engine:
        engine.decide(at(T0))
    (line,) = lines(tmp_path)
    assert (line["model_hash"], line["refusal"]) == ("", "ARTIFACT_DIR_MISSING")


def test_a_file_holds_the_snapshots_of_a_utc_day(tmp_path: Path) -> None:
    """By the time of the snapshot, whatever the clock of the machine says."""
    with logging(tmp_path) as engine:
        for ts in (T0 + 86_399_999, T0 + 86_400_000):
            engine.decide(at(ts))
    assert [line["ts_ms"] for line in lines(tmp_path, FIRST)] == [T0 + 86_399_999]
    assert [line["ts_ms"] for line in lines(tmp_path, SECOND)] == [T0 + 86_400_000]


@pytest.mark.parametrize(("step_ms", "written"), [(1, LINES), (SPAN_MS, 1), (-1, 1)])
def test_lines_are_written_some_at_a_time(tmp_path: Path, step_ms: int, written: int) -> None:
    """When there are many, when ten seconds have passed, and when time runs backwards; the last come with the end."""
    with logging(tmp_path) as engine:
        for number in range(written):
            engine.decide(at(T0 + 3_600_000 + number * step_ms))
        assert engine.metrics.logged == 0
        engine.decide(at(T0 + 3_600_000 + written * step_ms))
        assert engine.metrics.logged == written
    assert len(lines(tmp_path)) == engine.metrics.logged == written + 1


def test_a_line_that_was_cut_short_spoils_no_other(tmp_path: Path) -> None:
    """Whoever was killed amid a line is followed by a line of its own."""
    (tmp_path / FIRST).write_text('{"type": "predic')
    with logging(tmp_path) as engine:
        engine.decide(at(T0))
    torn, whole = (tmp_path / FIRST).read_text().splitlines()
    assert torn == '{"type": "predic'
    assert json.loads(whole)["ts_ms"] == T0


def _file(folder: Path) -> None:
    folder.write_text("no folder")


def _pipe(folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / FIRST)


def _link(folder: Path) -> None:
    folder.mkdir()
    (folder / FIRST).symlink_to(folder.parent / "elsewhere")


@pytest.mark.parametrize("spoil", [_file, _pipe, _link])
def test_a_log_that_cannot_be_written_is_counted_and_trading_goes_on(tmp_path: Path, spoil: Any) -> None:
    """A file where the folder should be, a pipe that nobody reads, a link to elsewhere: the decision stands."""
    spoil(tmp_path / "log")
    with logging(tmp_path / "log") as engine:
        decision = engine.decide(at(T0))
    assert decision.signal is not None
    assert (engine.metrics.logged, engine.metrics.log_lost) == (0, 1)
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_costs_lines_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a block is written, then there is room again: the torn line stands alone."""
    write = os.write
    with logging(tmp_path) as engine:
        engine.decide(at(T0))
        monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:9]))
        engine.decide(at(T0 + SPAN_MS))
        monkeypatch.setattr(os, "write", write)
    torn, whole = (tmp_path / FIRST).read_text().splitlines()
    assert len(torn) == 9
    assert json.loads(whole)["ts_ms"] == T0 + SPAN_MS
    assert (engine.metrics.logged, engine.metrics.log_lost) == (1, 1)


@pytest.mark.parametrize("snapshot", [at(-1), at(T0, "two\nlines"), at(T0, "")])
def test_what_is_no_snapshot_is_passed_over(tmp_path: Path, snapshot: Any) -> None:
    """It has no time or no symbol that a row could go by; the refusal is counted where refusals are."""
    with logging(tmp_path) as engine:
        engine.decide(snapshot)
    assert list(tmp_path.iterdir()) == []
    assert (engine.metrics.log_lost, engine.metrics.refusals[RefusalCode.BAD_SNAPSHOT]) == (0, 1)
