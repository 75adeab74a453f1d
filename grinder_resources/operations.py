"""Settings of operations, from the `ml:` block of a YAML file (ML spec 12.13)."""

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from grinder_resources.contracts.operations import Operations
from grinder_resources.errors import BadDeclaration, OutOfRange, UnknownName

VARIABLE = "GRINDER_OPERATIONS"
"""Names the settings file; where it is not set, every setting has its default."""

Settings = TypeVar("Settings")

_SHARES = ("warning_threshold", "drift_threshold", "accuracy_threshold", "false_discovery_rate")
"""Settings that may be fractions."""
_AT_MOST = {**dict.fromkeys(_SHARES, 1), "drift_check_interval_hours": 24}
_MAY_BE_ZERO = {"min_training_samples", "cool_down_hours", "retrain_interval_days"}


def operations() -> Operations:
    """Return the settings in force: those of the file `GRINDER_OPERATIONS`, else the defaults.

    Raises what `load_operations` raises.
    """
    path = os.environ.get(VARIABLE)
    return load_operations(Path(path)) if path else Operations()


def load_operations(path: Path) -> Operations:
    """Return the settings of the `ml:` block of a YAML file; what it leaves out has its default.

    Raises BadDeclaration for a file that is not there, not YAML or without that block, or a value of another kind;
    UnknownName for a key nobody reads; OutOfRange for a value that makes no sense.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadDeclaration("the settings of operations cannot be read", where=str(path), got=str(error)) from error
    if not isinstance(raw, dict) or "ml" not in raw:
        raise BadDeclaration("settings of operations stand in a block `ml:`", where=str(path))
    block = _mapping(raw["ml"], f"{path}: ml")
    sections = {field.name: type(getattr(Operations(), field.name)) for field in fields(Operations)}
    _refuse_unknown(block, sections, f"{path}: ml")
    found = {name: _section(kind, block.get(name), f"{path}: ml.{name}") for name, kind in sections.items()}
    settings = Operations(**found)
    _refuse_inverted(settings, str(path))
    return settings


def _section(kind: type[Settings], raw: Any, where: str) -> Settings:
    """Return one dataclass of settings from its block of the file."""
    block, defaults = _mapping(raw, where), kind()
    _refuse_unknown(block, vars(defaults), where)
    return kind(**{name: _value(name, value, f"{where}.{name}") for name, value in block.items()})


def _value(name: str, value: Any, where: str) -> float | None:
    """Return a setting that is of its kind and in its range."""
    if name == "accuracy_threshold" and value is None:
        return None
    share = name in _SHARES
    if isinstance(value, bool) or not isinstance(value, (int, float) if share else int):
        kind = "a share" if share else "a whole number"
        raise BadDeclaration(f"a setting is {kind}", where=where, got=repr(value))
    least, most = 0 if name in _MAY_BE_ZERO or share else 1, _AT_MOST.get(name)
    if not (value >= least and (most is None or value <= most)):
        raise OutOfRange("a setting is out of range", where=where, got=str(value), expected=_range(least, most))
    return value


def _range(least: int, most: int | None) -> str:
    return f">= {least}" if most is None else f"{least} to {most}"


def _refuse_inverted(settings: Operations, where: str) -> None:
    monitoring = settings.monitoring
    if monitoring.warning_threshold > monitoring.drift_threshold:
        raise OutOfRange(
            "a warning comes before the critical state",
            where=f"{where}: ml.monitoring.warning_threshold",
            got=str(monitoring.warning_threshold),
            expected=f"<= drift_threshold {monitoring.drift_threshold}",
        )


def _mapping(raw: Any, where: str) -> Mapping[str, Any]:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise BadDeclaration("a block of settings maps names to values", where=where, got=repr(raw))
    return raw


def _refuse_unknown(block: Mapping[str, Any], known: Mapping[str, Any], where: str) -> None:
    unknown = sorted(str(name) for name in block if name not in known)
    if unknown:
        raise UnknownName("no such setting", where=where, got=", ".join(unknown), expected=", ".join(known))
