"""Signals from a file, locked: the bot's fixtures of several signals a symbol, and of none that is old enough."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from grinder_resources.inference import MlConfig, Mode, open_engine
from grinder_resources.inference.gates import ACK
from grinder_resources.proofs.determinism import digest, digest_of_inputs, read_snapshots
from tests.inference.conftest import GOLDEN

FIXTURES = ("multisignal_basic", "multisignal_no_prior")


def settings(fixture: Path, **change: Any) -> MlConfig:
    """Return settings that let the fixture's signals in."""
    path = fixture / "ml" / "signal.json"
    active: Mapping[str, Any] = {
        "enabled": True,
        "ml_infer_enabled": True,
        "ml_active_enabled": True,
        "ml_active_ack": ACK,
        "signal_file": str(path),
        "signal_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    return MlConfig(**{**active, **change})


def replay(fixture: Path, config: MlConfig) -> tuple[str, list[int]]:
    """Return the digest of all decisions, and the spacing a policy saw at each snapshot."""
    with open_engine(config, {}) as engine:
        decisions = [engine.decide(snapshot) for snapshot in read_snapshots(fixture)]
    return digest(decisions), [decision.spacing_multiplier_x1000 for decision in decisions]


@pytest.mark.parametrize("name", FIXTURES)
def test_the_fixtures_are_locked(name: str) -> None:
    """Inputs and outputs, run twice."""
    fixture = GOLDEN / name
    locked = json.loads((fixture / "config.json").read_bytes())
    assert digest_of_inputs(read_snapshots(fixture)) == locked["inputs"]
    assert [replay(fixture, settings(fixture))[0] for _ in range(2)] == [locked["outputs"]] * 2


def test_the_latest_signal_of_the_symbol_is_in_force() -> None:
    """From its own time on, until the next one; the other symbol has its own."""
    assert replay(GOLDEN / "multisignal_basic", settings(GOLDEN / "multisignal_basic"))[1] == [
        *(1_000, 1_000),
        *(800, 1_000),
        *(800, 1_500),
        *(1_250, 1_500),
        *(1_250, 1_500),
    ]


def test_signals_from_later_change_nothing() -> None:
    """Every snapshot is before every signal: the rules alone decide."""
    assert replay(GOLDEN / "multisignal_no_prior", settings(GOLDEN / "multisignal_no_prior"))[1] == [1_000] * 10


def test_an_age_limits_what_is_in_force() -> None:
    """A minute, and a signal two minutes old is not used."""
    fixture = GOLDEN / "multisignal_basic"
    assert replay(fixture, settings(fixture, max_signal_age_ms=60_000))[1][-1] == 1_000


@pytest.mark.parametrize("change", [{"enabled": False}, {"shadow_only": True}])
def test_off_and_shadow_change_nothing(change: Mapping[str, Any]) -> None:
    """The policy sees what it sees without signals."""
    fixture = GOLDEN / "multisignal_basic"
    assert replay(fixture, settings(fixture, **change))[1] == [1_000] * 10


def test_a_file_may_serve_a_canary() -> None:
    """Modes are the same whatever signals come from."""
    with open_engine(settings(GOLDEN / "multisignal_basic", canary_pct=50), {}) as engine:
        modes = {engine.decide(snapshot).mode for snapshot in read_snapshots(GOLDEN / "multisignal_basic")}
    assert modes <= {Mode.CANARY, Mode.SHADOW}
