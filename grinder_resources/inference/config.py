"""The `ml:` block of the bot's settings (ML spec 12.5.1 and M8-02), as one frozen fact. Everything is off by default.

A key that is not known, twice there or of another type is refused: a misspelt `ml_kill_switch` must not be ignored.
What the settings may not say together is judged by `grinder_resources.inference.gates.guard`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from grinder_resources.errors import ConfigRejected
from grinder_resources.inference.canary import CanaryRule
from grinder_resources.inference.config_yaml import ml_block

Fallback = Literal["neutral", "previous", "error"]
Stage = Literal["shadow", "staging", "active"]

MAX_CONFIG_BYTES = 1 << 20


@dataclass(frozen=True)
class MlConfig:
    """How far the runtime may go.

    enabled
        The global gate. False: no model code runs at all.
    model_dir
        Artifact folder, e.g. `models/regime_v1.0.0`.
    max_inference_latency_ms
        Deadline of one answer. In process, a late answer is thrown away; with `isolate_model`, it is not waited for.
    fallback_on_error
        What stands in for a signal that should have been applied: `neutral` (MID, 1000), `previous` (the symbol's last
        signal, for at most `max_signal_age_ms`), or `error` (SignalHalted is raised).
    use_l2_features, use_l1_features
        False: features of the book, or of the best prices, are withheld from the model, as if absent.
    shadow_only
        Score and log, never use, whatever else is set.
    canary_pct
        Share of symbols, in percent, whose signals are used; None = all of them.
    ml_shadow_mode, ml_infer_enabled, ml_active_enabled
        Score in shadow; score at all; use. ACTIVE needs the last two, shadow the first two.
    onnx_artifact_dir
        The bot's own artifact, for shadow only.
    ml_registry_path, ml_model_name, ml_stage
        A `models.json`, and which model of which stage; it wins over folders.
    ml_active_ack
        The sentence that has to be typed: gates.ACK.
    ml_kill_switch, ml_kill_file
        Stop everything, like the variable `ML_KILL_SWITCH=1` of the process: a setting, and a file whose being there
        is enough, so that anyone who may make it can stop a process that runs.
    ml_active_allowed_envs
        Values of `GRINDER_ENV` that may use signals; empty = any.
    signal_file, signal_sha256
        Signals computed before, in the bot's `signal.json` form, instead of a model; read only if their hash is this.
    isolate_model
        Run the model in a process of its own, which is killed at the deadline.
    max_signal_age_ms
        Oldest signal that is selected or stays in force; None = any age.
    max_model_age_days
        Days from the end of the model's training data to a snapshot, at most; None = any.
    prediction_log, prediction_venue
        Folder that every decision is logged in, and the venue it is logged under, as the lake spells it.
    canary
        When a canary is rolled back.
    """

    enabled: bool = False
    model_dir: str = ""
    max_inference_latency_ms: int = 10
    fallback_on_error: Fallback = "neutral"
    use_l2_features: bool = True
    use_l1_features: bool = True
    shadow_only: bool = False
    canary_pct: int | None = None
    ml_shadow_mode: bool = False
    ml_infer_enabled: bool = False
    onnx_artifact_dir: str = ""
    ml_registry_path: str = ""
    ml_model_name: str = ""
    ml_stage: Stage = "shadow"
    ml_active_enabled: bool = False
    ml_active_ack: str = ""
    ml_kill_switch: bool = False
    ml_kill_file: str = ""
    ml_active_allowed_envs: tuple[str, ...] = ()
    signal_file: str = ""
    signal_sha256: str = ""
    isolate_model: bool = False
    max_signal_age_ms: int | None = None
    max_model_age_days: int | None = None
    prediction_log: str = ""
    prediction_venue: str = ""
    canary: CanaryRule = field(default_factory=CanaryRule)

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not _FITS[str(one.type)](value):
                raise ConfigRejected("a setting has another type", where=one.name, got=f"{value!r:.60}")


def load_config(path: str | Path) -> MlConfig:
    """Return the `ml:` block of a YAML file; other blocks are the bot's own and are passed over.

    Raises ConfigRejected where the file cannot be read, is no YAML mapping, repeats a key, or holds a setting that is
    unknown or of another type.
    """
    try:
        if not Path(path).is_file():  # reading anything else might never end
            raise ConfigRejected("the settings are in no file", where=str(path))
        with Path(path).open("rb") as handle:
            data = handle.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise ConfigRejected("the settings cannot be read", where=str(path), got=error.strerror or "") from error
    return parse_config(data, str(path))


def parse_config(data: bytes, where: str = "ml") -> MlConfig:
    """Return the `ml:` block of YAML bytes. Raises ConfigRejected, as `load_config` does."""
    if len(data) > MAX_CONFIG_BYTES:
        raise ConfigRejected("the settings are too long", where=where, expected=f"at most {MAX_CONFIG_BYTES} bytes")
    return _config(ml_block(data, where), where)


def _config(block: Mapping[str, Any], where: str) -> MlConfig:
    known = {one.name for one in fields(MlConfig)}
    unknown = [name for name in block if name not in known]
    if unknown:
        raise ConfigRejected("no such setting", where=where, got=unknown[0][:60], expected=", ".join(sorted(known)))
    return MlConfig(**{name: _built(value, f"{where}: {name}") for name, value in block.items()})


def _built(value: Any, where: str) -> Any:
    """Return a value of YAML as the settings hold it: lists are tuples, and the one mapping is the canary's rule."""
    if isinstance(value, dict):
        try:
            return CanaryRule(**value)
        except TypeError as error:
            raise ConfigRejected("no such setting", where=where, got=str(error)[:80]) from error
    return tuple(value) if isinstance(value, list) else value


def _is(kind: type) -> Callable[[Any], bool]:
    """Return a test for exactly a type: `1` is not true, and `yes` is YAML's true."""
    return lambda value: type(value) is kind


_FITS: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        str(bool): _is(bool),
        str(int): _is(int),
        str(str): _is(str),
        str(int | None): lambda value: value is None or type(value) is int,
        str(tuple[str, ...]): lambda value: type(value) is tuple and all(type(one) is str for one in value),
        str(Fallback): lambda value: value in get_args(Fallback),
        str(Stage): lambda value: value in get_args(Stage),
        str(CanaryRule): _is(CanaryRule),
    }
)
"""What a value of each type has to be."""
