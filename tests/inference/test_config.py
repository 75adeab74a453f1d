"""Settings are read strictly: nothing is guessed, nothing that is misspelt is passed over."""

import os
from pathlib import Path
from typing import Any

import pytest

from grinder_resources.errors import ConfigRejected
from grinder_resources.inference.canary import CanaryRule
from grinder_resources.inference.config import MlConfig, load_config, parse_config

SPECIFIED = b"""
ml:
  enabled: false
  model_dir: "var/models/regime_v1"
  max_inference_latency_ms: 10
  fallback_on_error: "neutral"
  use_l2_features: true
  use_l1_features: true
paper: {anything: [1, 2]}
"""

FULL = b"""
ml:
  enabled: true
  ml_registry_path: models.json
  ml_model_name: regime
  ml_stage: active
  max_inference_latency_ms: 5
  fallback_on_error: previous
  use_l2_features: false
  canary_pct: 5
  ml_infer_enabled: true
  ml_active_enabled: true
  ml_active_ack: I_UNDERSTAND_THIS_AFFECTS_TRADING
  ml_active_allowed_envs: [paper, live]
  isolate_model: true
  max_signal_age_ms: 60000
  max_model_age_days: 7
  canary: {window: 100, min_rows: 20, max_error_rate_bps: 100}
"""


def test_the_specifications_block_is_read() -> None:
    """And it says what the defaults say, but for the folder: everything is off."""
    assert parse_config(SPECIFIED) == MlConfig(model_dir="var/models/regime_v1")


def test_every_setting_is_read() -> None:
    """Lists become tuples, the canary's rule a fact of its own."""
    assert parse_config(FULL) == MlConfig(
        enabled=True,
        ml_registry_path="models.json",
        ml_model_name="regime",
        ml_stage="active",
        max_inference_latency_ms=5,
        fallback_on_error="previous",
        use_l2_features=False,
        canary_pct=5,
        ml_infer_enabled=True,
        ml_active_enabled=True,
        ml_active_ack="I_UNDERSTAND_THIS_AFFECTS_TRADING",
        ml_active_allowed_envs=("paper", "live"),
        isolate_model=True,
        max_signal_age_ms=60_000,
        max_model_age_days=7,
        canary=CanaryRule(window=100, min_rows=20, max_error_rate_bps=100),
    )


def test_a_file_is_read(tmp_path: Path) -> None:
    """The same from disk; a file that is not there, and a pipe that nobody writes to, are one line."""
    path = tmp_path / "live.yaml"
    path.write_bytes(SPECIFIED)
    assert load_config(path) == parse_config(SPECIFIED)
    os.mkfifo(tmp_path / "pipe.yaml")
    for name in ("none.yaml", "pipe.yaml"):
        with pytest.raises(ConfigRejected, match="the settings are in no file"):
            load_config(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ml: {enabeld: true}", "no such setting .*got enabeld"),
        ("ml: {enabled: 1}", "another type .*enabled; got 1"),
        ("ml: {enabled: 'true'}", "another type"),
        ("ml: {max_inference_latency_ms: 9.5}", "another type"),
        ("ml: {canary_pct: true}", "another type"),
        ("ml: {fallback_on_error: nothing}", "another type"),
        ("ml: {ml_stage: production}", "another type"),
        ("ml: {ml_active_allowed_envs: live}", "another type"),
        ("ml: {canary: {windows: 5}}", "no such setting"),
        ("ml: {canary: {window: 5.5}}", "whole numbers"),
        ("ml: {canary: 5}", "another type"),
        ("ml: {canary: {window: 5, min_rows: 6}}", "1 <= min_rows <= window"),
        ("ml: {enabled: false, enabled: true}", "a key appears twice"),
        ("ml: {enabled: false}\nml: {enabled: true}", "a key appears twice"),
        ("ml: [enabled]", "names with values"),
        ("{}", "no `ml:` block"),
        ("ml: {a: !!python/object:os.system x}", "not YAML"),
        ("ml: {", "not YAML"),
        ("ml: {enabled: !!bool maybe}", "not YAML"),
        ("ml: {max_signal_age_ms: " + "9" * 5_000 + "}", "not YAML"),
        ("ml: {ml_active_allowed_envs: [[live]]}", "not nested so deeply"),
        ("ml: &a {canary: *a}", "not nested so deeply|not YAML"),
        ("ml: {<<: {enabled: true}}", "no such setting .*got <<"),
        ("ml: {canary: {window: 5, window: 6}}", "a key appears twice"),
        ("ml: {? [a] : 1}", "no such setting .*got sequence"),
        ("[" * 100_000, "not YAML"),
        ("#" * (1 << 20) + "\n", "too long"),
    ],
)
def test_what_is_not_exact_is_refused(text: str, message: str) -> None:
    """Misspelt, mistyped, doubled, unsafe or endless settings, each in one line."""
    with pytest.raises(ConfigRejected, match=message):
        parse_config(text.encode())


def test_aliases_that_unfold_without_end_are_not_unfolded() -> None:
    """Ten levels of nine: three billion items, beside a block that is fine, and as one of its values."""
    levels = "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 11))
    assert parse_config(f"{levels}ml: {{enabled: false}}".encode()) == MlConfig()
    with pytest.raises(ConfigRejected, match="not nested so deeply"):
        parse_config(f"{levels}ml: {{ml_active_allowed_envs: *a10}}".encode())


@pytest.mark.parametrize(
    "setting",
    [
        {"enabled": "false"},
        {"max_inference_latency_ms": "10"},
        {"canary_pct": "5"},
        {"canary_pct": True},
        {"ml_active_allowed_envs": "paper"},
        {"ml_active_allowed_envs": ["paper"]},
        {"fallback_on_error": "ignore"},
        {"canary": {}},
    ],
    ids=str,
)
def test_settings_made_in_code_are_as_strict(setting: dict[str, Any]) -> None:
    """A text that says false is true to Python, and a text of environments holds every letter of them."""
    with pytest.raises(ConfigRejected, match=f"another type .{next(iter(setting))}"):
        MlConfig(**setting)
