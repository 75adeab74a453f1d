"""What settings may say together, and what stops a signal on its way into trading.

Guards are judged once, when the engine is opened: contradictions are refused in one line. Blocks are judged anew for
every snapshot, from the settings, the environment and whether a model is loaded, so that a kill switch works at once
and a setting that got past the guards still changes nothing.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec

from grinder_resources.errors import ConfigRejected
from grinder_resources.inference.config import MlConfig
from grinder_resources.inference.decision import Mode
from grinder_resources.inference.reasons import MlBlockReason

ACK = "I_UNDERSTAND_THIS_AFFECTS_TRADING"
"""What `ml_active_ack` has to say."""

KILL_SWITCH = "ML_KILL_SWITCH"
MAX_LATENCY_MS = 60_000
KILL_SWITCH_OFF = ("", "0")
"""Anything else is on: whoever writes `true` in an emergency means it."""

ENVIRONMENT = "GRINDER_ENV"

Environment = Mapping[str, str]
Guard = tuple[str, Callable[[MlConfig], bool], str]


def mode_of(config: MlConfig) -> Mode:
    """Return the mode that the settings ask for: `shadow_only` caps it, and nothing but both keys lets signals in."""
    if not config.enabled:
        return Mode.OFF
    if config.shadow_only:
        return Mode.SHADOW
    if config.ml_infer_enabled and config.ml_active_enabled:
        return Mode.ACTIVE if config.canary_pct is None else Mode.CANARY
    return Mode.SHADOW if config.ml_infer_enabled and config.ml_shadow_mode else Mode.OFF


def _has_source(config: MlConfig) -> bool:
    return bool(config.ml_registry_path or config.model_dir or config.onnx_artifact_dir or config.signal_file)


def _legacy_alone(config: MlConfig) -> bool:
    return bool(config.onnx_artifact_dir) and not (config.ml_registry_path or config.model_dir)


GUARDS: tuple[Guard, ...] = (
    ("infer_needs_a_mode", lambda c: c.ml_infer_enabled and not (c.ml_shadow_mode or c.ml_active_enabled),
     "ml_infer_enabled needs ml_shadow_mode or ml_active_enabled"),
    ("shadow_needs_infer", lambda c: c.ml_shadow_mode and not c.ml_infer_enabled,
     "ml_shadow_mode needs ml_infer_enabled"),
    ("shadow_needs_a_model", lambda c: c.ml_shadow_mode and not _has_source(c),
     "ml_shadow_mode needs model_dir, onnx_artifact_dir, ml_registry_path or signal_file"),
    ("shadow_only_needs_a_model", lambda c: c.shadow_only and not _has_source(c),
     "shadow_only needs model_dir, onnx_artifact_dir, ml_registry_path or signal_file"),
    ("active_needs_infer", lambda c: c.ml_active_enabled and not c.ml_infer_enabled,
     "ml_active_enabled needs ml_infer_enabled: two keys"),
    ("active_needs_ack", lambda c: c.ml_active_enabled and c.ml_active_ack != ACK,
     f"ml_active_enabled needs ml_active_ack: {ACK}"),
    ("active_needs_a_model", lambda c: c.ml_active_enabled and not _has_source(c),
     "ml_active_enabled needs model_dir, ml_registry_path or signal_file"),
    ("active_refuses_the_legacy_folder", lambda c: c.ml_active_enabled and _legacy_alone(c),
     "ml_active_enabled needs model_dir or ml_registry_path; onnx_artifact_dir is for shadow"),
    ("active_needs_a_tried_stage", lambda c: c.ml_active_enabled and bool(c.ml_registry_path) and c.ml_stage not in (
        ("active",) if c.canary_pct is None else ("staging", "active")),
     "ml_active_enabled takes a registry's active stage, a canary staging or active"),
    ("registry_needs_a_name", lambda c: bool(c.ml_registry_path) != bool(c.ml_model_name),
     "ml_registry_path and ml_model_name go together"),
    ("one_folder", lambda c: bool(c.model_dir and c.onnx_artifact_dir),
     "model_dir and onnx_artifact_dir name two models"),
    ("file_or_model", lambda c: bool(c.signal_file) and bool(
        c.model_dir or c.onnx_artifact_dir or c.ml_registry_path or c.isolate_model),
     "signal_file takes the place of a model"),
    ("a_file_has_no_age", lambda c: bool(c.signal_file) and c.max_model_age_days is not None,
     "signal_file says nothing of a model's age: leave max_model_age_days out"),
    ("file_needs_its_hash", lambda c: bool(c.signal_file) != bool(c.signal_sha256),
     "signal_file and signal_sha256 go together"),
    ("canary_is_a_share", lambda c: c.canary_pct is not None and not 1 <= c.canary_pct <= 99,
     "canary_pct lies in 1..99; leave it out for all symbols"),
    ("canary_needs_active", lambda c: c.canary_pct is not None and not (c.ml_active_enabled or c.shadow_only),
     "canary_pct needs ml_infer_enabled and ml_active_enabled"),
    ("previous_needs_an_age", lambda c: c.fallback_on_error == "previous" and c.max_signal_age_ms is None,
     "fallback_on_error: previous needs max_signal_age_ms: no signal stays in force for ever"),
    ("a_deadline_is_positive", lambda c: not 1 <= c.max_inference_latency_ms <= MAX_LATENCY_MS,
     f"max_inference_latency_ms lies in 1..{MAX_LATENCY_MS}"),
    ("a_log_names_its_venue", lambda c: bool(c.prediction_log) != bool(c.prediction_venue),
     "prediction_log and prediction_venue go together"),
    ("ages_are_positive", lambda c: min(c.max_signal_age_ms or 0, c.max_model_age_days or 0) < 0,
     "max_signal_age_ms and max_model_age_days are 0 or more"),
)  # fmt: skip
"""Name, whether it is broken, and the rule; the first broken one is told."""


def guard(config: MlConfig, environment: Environment) -> None:
    """Raise ConfigRejected for settings that contradict each other, or that this process must not run with."""
    for name, broken, rule in GUARDS:
        if broken(config):
            raise ConfigRejected(rule, where=f"guard {name}")
    if not config.enabled:
        return
    if config.ml_infer_enabled and not config.signal_file and not onnx_available():
        raise ConfigRejected("ml_infer_enabled needs onnxruntime", where="guard infer_needs_onnxruntime")
    if config.ml_active_enabled and not _environment_allowed(config, environment):
        raise ConfigRejected(
            "ml_active_enabled needs an allowed environment",
            where="guard environment_is_allowed",
            got=f"{ENVIRONMENT}={environment.get(ENVIRONMENT, '')}",
            expected=" or ".join(config.ml_active_allowed_envs),
        )


def onnx_available() -> bool:
    """Return whether onnxruntime is installed; nothing is imported."""
    return find_spec("onnxruntime") is not None


def block_reason(
    mode: Mode, config: MlConfig, environment: Environment, obstacle: MlBlockReason | None
) -> MlBlockReason | None:
    """Return the first reason, in order of priority, that stops a snapshot; None if nothing does.

    mode
        SHADOW is stopped by kill switches and by a missing model alone: it changes nothing anyway.
    obstacle
        Why no model is loaded, or None.
    """
    for reason in _blocks(config, environment, obstacle):
        if mode is not Mode.SHADOW or reason not in _ONLY_ACTIVE:
            return reason
    return None


_ONLY_ACTIVE = frozenset(
    {
        MlBlockReason.INFER_DISABLED,
        MlBlockReason.ACTIVE_DISABLED,
        MlBlockReason.BAD_ACK,
        MlBlockReason.ENV_NOT_ALLOWED,
    }
)


def _blocks(config: MlConfig, environment: Environment, obstacle: MlBlockReason | None) -> Iterator[MlBlockReason]:
    if environment.get(KILL_SWITCH, "") not in KILL_SWITCH_OFF:
        yield MlBlockReason.KILL_SWITCH_ENV
    if config.ml_kill_switch or (config.ml_kill_file and os.path.lexists(config.ml_kill_file)):
        yield MlBlockReason.KILL_SWITCH_CONFIG
    if not config.ml_infer_enabled:
        yield MlBlockReason.INFER_DISABLED
    if not config.ml_active_enabled:
        yield MlBlockReason.ACTIVE_DISABLED
    if config.ml_active_ack != ACK:
        yield MlBlockReason.BAD_ACK
    if obstacle is not None:
        yield obstacle
    if not _environment_allowed(config, environment):
        yield MlBlockReason.ENV_NOT_ALLOWED


def _environment_allowed(config: MlConfig, environment: Environment) -> bool:
    allowed = config.ml_active_allowed_envs
    return not allowed or environment.get(ENVIRONMENT, "") in allowed
