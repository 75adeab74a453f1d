"""Every reason a signal is not used, with its one sentence; docs/errors.md holds the same."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class MlBlockReason(StrEnum):
    """Why ACTIVE is blocked, in order of priority: the first that holds is the one that is told (ML spec M8-02c-3)."""

    KILL_SWITCH_ENV = "KILL_SWITCH_ENV"
    KILL_SWITCH_CONFIG = "KILL_SWITCH_CONFIG"
    INFER_DISABLED = "INFER_DISABLED"
    ACTIVE_DISABLED = "ACTIVE_DISABLED"
    BAD_ACK = "BAD_ACK"
    ONNX_UNAVAILABLE = "ONNX_UNAVAILABLE"
    ARTIFACT_DIR_MISSING = "ARTIFACT_DIR_MISSING"
    MANIFEST_INVALID = "MANIFEST_INVALID"
    MODEL_NOT_LOADED = "MODEL_NOT_LOADED"
    ENV_NOT_ALLOWED = "ENV_NOT_ALLOWED"


class RefusalCode(StrEnum):
    """Why a snapshot got no signal, though nothing blocks ACTIVE as a whole."""

    ML_DISABLED = "ML_DISABLED"
    NOT_IN_CANARY = "NOT_IN_CANARY"
    CANARY_ROLLED_BACK = "CANARY_ROLLED_BACK"
    STALE_MODEL = "STALE_MODEL"
    BAD_SNAPSHOT = "BAD_SNAPSHOT"
    BAD_FEATURE = "BAD_FEATURE"
    MISSING_FEATURE = "MISSING_FEATURE"
    NOT_FINITE = "NOT_FINITE"
    NO_SIGNAL = "NO_SIGNAL"
    STALE_SIGNAL = "STALE_SIGNAL"
    DEADLINE = "DEADLINE"
    INFERENCE_FAILED = "INFERENCE_FAILED"
    WORKER_STARTING = "WORKER_STARTING"
    BREAKER_OPEN = "BREAKER_OPEN"
    OUTPUT_REJECTED = "OUTPUT_REJECTED"
    DEFECT = "DEFECT"


REASONS = MappingProxyType(
    {
        MlBlockReason.KILL_SWITCH_ENV: "the environment holds `ML_KILL_SWITCH=1`",
        MlBlockReason.KILL_SWITCH_CONFIG: "the settings hold `ml_kill_switch: true`, or `ml_kill_file` is there",
        MlBlockReason.INFER_DISABLED: "`ml_infer_enabled` is false: the first of the two keys",
        MlBlockReason.ACTIVE_DISABLED: "`ml_active_enabled` is false: the second of the two keys",
        MlBlockReason.BAD_ACK: "`ml_active_ack` is not the sentence that has to be typed",
        MlBlockReason.ONNX_UNAVAILABLE: "onnxruntime is not installed",
        MlBlockReason.ARTIFACT_DIR_MISSING: "there is no folder where the model should be",
        MlBlockReason.MANIFEST_INVALID: "the model's manifest or registry is missing or breaks its schema",
        MlBlockReason.MODEL_NOT_LOADED: "no model passed the door",
        MlBlockReason.ENV_NOT_ALLOWED: "`GRINDER_ENV` is not among the environments that may use signals",
        RefusalCode.ML_DISABLED: "`enabled` is false: rules alone decide",
        RefusalCode.NOT_IN_CANARY: "the symbol is not in the canary's share",
        RefusalCode.CANARY_ROLLED_BACK: "the canary degraded and was rolled back; it stays so until a restart",
        RefusalCode.STALE_MODEL: "the model's training data ended longer ago than `max_model_age_days`",
        RefusalCode.BAD_SNAPSHOT: "the snapshot has no time, symbol or features that a signal could be about",
        RefusalCode.BAD_FEATURE: "a feature is no number: a text, a truth value or another type",
        RefusalCode.MISSING_FEATURE: "a feature the model reads is absent, or null though it never was in training",
        RefusalCode.NOT_FINITE: "a feature is NaN or infinite, or too large to be exact",
        RefusalCode.NO_SIGNAL: "no signal of the symbol is as old as the snapshot",
        RefusalCode.STALE_SIGNAL: "the symbol's latest signal is older than `max_signal_age_ms`",
        RefusalCode.DEADLINE: "the model did not answer within `max_inference_latency_ms`",
        RefusalCode.INFERENCE_FAILED: "the model raised an error, or its process died",
        RefusalCode.WORKER_STARTING: "the model's process is starting again",
        RefusalCode.BREAKER_OPEN: "the model's process failed too often in a short time",
        RefusalCode.OUTPUT_REJECTED: "the model's answer breaks the contract of a signal",
        RefusalCode.DEFECT: "an error inside the runtime itself, caught at its border",
    }
)
"""Sentence by code."""


@dataclass(frozen=True)
class Refusal:
    """Why a snapshot's signal is not used: a code that is documented, and what was seen, for people."""

    code: MlBlockReason | RefusalCode
    detail: str = ""
