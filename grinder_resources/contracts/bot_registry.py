"""The bot's model registry, `models.json` of schema "v1": by model, the artifact of each stage and how it got there.

The bot's stages are shadow (answers are logged), staging, and active (answers are used). Paths are relative to the
folder the registry lies in.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from grinder_resources.contracts.bot import is_git_sha, relative_parts
from grinder_resources.errors import RegistryRejected

REGISTRY_FILE = "models.json"
REGISTRY_SCHEMA = "v1"

Stage = Literal["shadow", "staging", "active"]
STAGES: tuple[Stage, ...] = ("shadow", "staging", "active")

MAX_HISTORY = 50
"""Events the bot keeps of a model."""

_MODEL = re.compile(r"[a-z0-9_]{1,64}")
_UTC = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z", re.ASCII)


@dataclass(frozen=True)
class Pointer:
    """Where a stage's artifact lies.

    artifact_dir
        Path of its folder, relative to the registry's folder.
    artifact_id
        The bot's name of it, by convention `name_vYYYY_MM_DD_seq`.
    git_sha, dataset_id, promoted_at_utc
        Commit, data set and time behind it; an active pointer needs all three.
    feature_order_hash
        The bot's tools write null and read nothing.
    """

    artifact_dir: str
    artifact_id: str
    git_sha: str | None = None
    dataset_id: str | None = None
    promoted_at_utc: str | None = None
    notes: str | None = None
    actor: str | None = None
    source: str | None = None
    feature_order_hash: str | None = None

    def __post_init__(self) -> None:
        inside = relative_parts(self.artifact_dir) is not None
        _require(inside, "a path stays inside the registry's folder", "artifact_dir", self.artifact_dir)
        _require(self.artifact_id, "an artifact has a name", "artifact_id", self.artifact_id)
        _require_git_sha(self.git_sha, "git_sha")
        _require_time(self.promoted_at_utc, "promoted_at_utc")


@dataclass(frozen=True)
class Event:
    """One promotion of a model: which artifact got to which stage when. The bot's tools leave `from_stage` null."""

    ts_utc: str
    to_stage: Stage
    pointer: Pointer
    from_stage: str | None = None
    actor: str | None = None
    source: str | None = None
    reason: str | None = None
    notes: str | None = None
    registry_git_sha: str | None = None

    def __post_init__(self) -> None:
        _require_time(self.ts_utc, "ts_utc")
        _require(self.to_stage in STAGES, "a stage is shadow, staging or active", "to_stage", self.to_stage)
        _require_git_sha(self.registry_git_sha, "registry_git_sha")


@dataclass(frozen=True)
class RegisteredModel:
    """A model's artifact by stage, None where the stage has none, and its history, newest first."""

    shadow: Pointer | None = None
    staging: Pointer | None = None
    active: Pointer | None = None
    history: tuple[Event, ...] = ()

    def __post_init__(self) -> None:
        few = len(self.history) <= MAX_HISTORY
        _require(few, f"a history has at most {MAX_HISTORY} events", "history", len(self.history))
        for name in ("git_sha", "dataset_id", "promoted_at_utc") if self.active else ():
            _require(
                getattr(self.active, name), "an active pointer names commit, data set and time", f"active.{name}", None
            )

    def pointer(self, stage: Stage) -> Pointer | None:
        """Return the pointer of a stage."""
        return {"shadow": self.shadow, "staging": self.staging, "active": self.active}[stage]


@dataclass(frozen=True)
class Registry:
    """All registered models, at least one, by name. Raises RegistryRejected where a value breaks the schema."""

    models: Mapping[str, RegisteredModel]
    generated_at_utc: str | None = None

    def __post_init__(self) -> None:
        _require(self.models, "a registry names models", "models", "none")
        for name in self.models:
            _require(_MODEL.fullmatch(name), "a model name is lower-case letters, digits and _", "models", name)
        _require_time(self.generated_at_utc, "generated_at_utc")


def _require(condition: object, rule: str, where: str, got: object) -> None:
    if not condition:
        raise RegistryRejected(rule, where=where, got=repr(got)[:100])


def _require_time(text: str | None, where: str) -> None:
    _require(text is None or _UTC.fullmatch(text), "a UTC time is YYYY-MM-DDTHH:MM:SSZ", where, text)


def _require_git_sha(text: str | None, where: str) -> None:
    _require(text is None or is_git_sha(text), "a commit is 40 lower-case hex characters", where, text)
