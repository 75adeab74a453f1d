"""Guards refuse contradictions; blocks are told in order of priority."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from grinder_resources.errors import ConfigRejected
from grinder_resources.inference.config import MlConfig
from grinder_resources.inference.decision import Mode
from grinder_resources.inference.gates import ACK, GUARDS, block_reason, guard, mode_of
from grinder_resources.inference.reasons import MlBlockReason

ACTIVE = MlConfig(enabled=True, model_dir="m", ml_infer_enabled=True, ml_active_enabled=True, ml_active_ack=ACK)
SHADOW = MlConfig(enabled=True, model_dir="m", ml_infer_enabled=True, ml_shadow_mode=True)

CONTRADICTIONS: dict[str, tuple[MlConfig, dict[str, Any]]] = {
    "infer_needs_a_mode": (ACTIVE, {"ml_active_enabled": False}),
    "shadow_needs_infer": (SHADOW, {"ml_infer_enabled": False}),
    "shadow_needs_a_model": (SHADOW, {"model_dir": ""}),
    "shadow_only_needs_a_model": (MlConfig(), {"shadow_only": True}),
    "active_needs_infer": (ACTIVE, {"ml_infer_enabled": False}),
    "active_needs_ack": (ACTIVE, {"ml_active_ack": "i understand"}),
    "active_needs_a_model": (ACTIVE, {"model_dir": ""}),
    "active_refuses_the_legacy_folder": (ACTIVE, {"model_dir": "", "onnx_artifact_dir": "m"}),
    "active_needs_a_tried_stage": (ACTIVE, {"ml_registry_path": "r", "ml_model_name": "regime"}),
    "registry_needs_a_name": (SHADOW, {"ml_registry_path": "models.json"}),
    "one_folder": (SHADOW, {"onnx_artifact_dir": "n"}),
    "file_or_model": (SHADOW, {"signal_file": "s", "signal_sha256": "0"}),
    "a_file_has_no_age": (
        SHADOW,
        {"model_dir": "", "signal_file": "s", "signal_sha256": "0", "max_model_age_days": 7},
    ),
    "file_needs_its_hash": (SHADOW, {"model_dir": "", "signal_file": "s"}),
    "canary_is_a_share": (ACTIVE, {"canary_pct": 100}),
    "canary_needs_active": (SHADOW, {"canary_pct": 5}),
    "previous_needs_an_age": (ACTIVE, {"fallback_on_error": "previous"}),
    "a_deadline_is_positive": (ACTIVE, {"max_inference_latency_ms": 0}),
    "a_log_names_its_venue": (SHADOW, {"prediction_log": "log"}),
    "ages_are_positive": (ACTIVE, {"max_signal_age_ms": -1}),
}


@pytest.mark.parametrize(("name", "config", "change"), [(name, *one) for name, one in CONTRADICTIONS.items()])
def test_a_contradiction_is_refused(name: str, config: MlConfig, change: dict[str, Any]) -> None:
    """One change to settings that are right, and the guard that is about it says so, enabled or not."""
    for enabled in (True, False):
        broken = replace(config, enabled=enabled, **change)
        with pytest.raises(ConfigRejected, match=f"guard {name}"):
            guard(broken, {})


def test_every_guard_is_tried() -> None:
    """No guard stands in the list that no settings break."""
    assert [name for name, *_ in GUARDS] == list(CONTRADICTIONS)


def test_settings_that_are_right_pass() -> None:
    """The defaults, shadow, a canary, active, and a registry's active stage."""
    canary = replace(ACTIVE, canary_pct=5, ml_registry_path="r", ml_model_name="regime", ml_stage="staging")
    for config in (MlConfig(), SHADOW, ACTIVE, canary, replace(canary, canary_pct=None, ml_stage="active")):
        guard(config, {})


def test_active_needs_an_allowed_environment() -> None:
    """A paper model's settings do not run live; disabled settings may lie anywhere."""
    config = replace(ACTIVE, ml_active_allowed_envs=("paper",))
    guard(config, {"GRINDER_ENV": "paper"})
    guard(replace(config, enabled=False), {"GRINDER_ENV": "live"})
    for environment in ({"GRINDER_ENV": "live"}, {}):
        with pytest.raises(ConfigRejected, match="environment_is_allowed"):
            guard(config, environment)


@pytest.mark.parametrize(
    ("config", "mode"),
    [
        (MlConfig(), Mode.OFF),
        (replace(ACTIVE, enabled=False), Mode.OFF),
        (MlConfig(enabled=True), Mode.OFF),
        (MlConfig(enabled=True, shadow_only=True), Mode.SHADOW),
        (SHADOW, Mode.SHADOW),
        (ACTIVE, Mode.ACTIVE),
        (replace(ACTIVE, canary_pct=5), Mode.CANARY),
        (replace(ACTIVE, shadow_only=True), Mode.SHADOW),
        (replace(ACTIVE, ml_infer_enabled=False), Mode.OFF),
        (replace(ACTIVE, ml_active_enabled=False), Mode.OFF),
    ],
)
def test_one_key_alone_lets_nothing_in(config: MlConfig, mode: Mode) -> None:
    """Both keys and the global gate make ACTIVE; `shadow_only` caps it."""
    assert mode_of(config) is mode


BREAKERS: dict[MlBlockReason, dict[str, Any]] = {
    MlBlockReason.KILL_SWITCH_ENV: {"environment": {"ML_KILL_SWITCH": "1"}},
    MlBlockReason.KILL_SWITCH_CONFIG: {"ml_kill_switch": True},
    MlBlockReason.INFER_DISABLED: {"ml_infer_enabled": False},
    MlBlockReason.ACTIVE_DISABLED: {"ml_active_enabled": False},
    MlBlockReason.BAD_ACK: {"ml_active_ack": ACK.lower()},
    MlBlockReason.ONNX_UNAVAILABLE: {"obstacle": MlBlockReason.ONNX_UNAVAILABLE},
    MlBlockReason.ARTIFACT_DIR_MISSING: {"obstacle": MlBlockReason.ARTIFACT_DIR_MISSING},
    MlBlockReason.MANIFEST_INVALID: {"obstacle": MlBlockReason.MANIFEST_INVALID},
    MlBlockReason.MODEL_NOT_LOADED: {"obstacle": MlBlockReason.MODEL_NOT_LOADED},
    MlBlockReason.ENV_NOT_ALLOWED: {"ml_active_allowed_envs": ("paper",)},
}
"""What makes each reason hold, in the specification's order."""


def reason_of(mode: Mode, change: dict[str, Any]) -> MlBlockReason | None:
    settings = dict(change)
    environment = settings.pop("environment", {})
    obstacle = settings.pop("obstacle", None)
    return block_reason(mode, replace(ACTIVE, **settings), environment, obstacle)


def test_the_ten_reasons_are_the_specifications() -> None:
    """All of them, in its order."""
    assert list(BREAKERS) == list(MlBlockReason)
    assert reason_of(Mode.ACTIVE, {}) is None


def test_of_two_reasons_the_first_is_told() -> None:
    """Whatever else holds as well; of two obstacles there is only ever one, for loading stops at the first."""
    order = list(MlBlockReason)
    for first, second in combinations(order, 2):
        if "obstacle" not in BREAKERS[first] or "obstacle" not in BREAKERS[second]:
            assert reason_of(Mode.ACTIVE, BREAKERS[first] | BREAKERS[second]) is first


def test_shadow_is_stopped_by_kill_switches_and_a_missing_model_alone() -> None:
    """It changes no policy, so it needs neither key nor sentence nor environment."""
    stopped = [reason for reason, change in BREAKERS.items() if reason_of(Mode.SHADOW, change)]
    assert stopped == [*list(MlBlockReason)[:2], *list(MlBlockReason)[5:9]]


@pytest.mark.parametrize(("value", "killed"), [("1", True), ("true", True), ("yes", True), ("0", False), ("", False)])
def test_the_kill_switch_errs_on_the_safe_side(value: str, killed: bool) -> None:
    """Anything but 0 and nothing stops signals."""
    reason = reason_of(Mode.ACTIVE, {"environment": {"ML_KILL_SWITCH": value}})
    assert (reason is MlBlockReason.KILL_SWITCH_ENV) is killed
