"""The registry as the trading process reads it: `models.json`, staged -> staging, production -> active.

It is a copy for readers that know no log: made anew by each export, for the models the log knows. The stage shadow and
models that others put there stay as they are.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from grinder_resources.contracts.bot_registry import MAX_HISTORY, Pointer, RegisteredModel, Stage
from grinder_resources.contracts.bot_registry import Event as BotEvent
from grinder_resources.contracts.bot_registry import Registry as BotRegistry
from grinder_resources.export.bot_registry import SOURCE, read_registry, write_registry
from grinder_resources.export.durable import locked, written
from grinder_resources.registry.events import Action, Event
from grinder_resources.registry.log import Registry
from grinder_resources.registry.states import Standing, Version, standings

_STAGES: dict[Action, Stage] = {"staged": "staging", "promoted": "active"}


def export_registry(registry: Registry, out: Path, *, commit: str | None, at: str) -> int:
    """Write what the registry says to the file `out`, in one rename; return how many models it then holds.

    Of two that export at once, the later reads the log after the earlier has written: the newest word stands.

    commit
        40 hex characters of the commit of this code, which an active stage of the bot asks for.
    at
        UTC, `YYYY-MM-DDTHH:MM:SSZ`: when the copy was made.

    Raises RegistryRejected where the artifacts do not lie below the file's folder, where a file is there that is no
    such registry, or where a model is in production and there is no commit; StorageFull where the disk refuses. Raises
    what `Registry.read` raises.
    """
    place = _Place(registry.folder.parent, out, commit)
    with written(out), locked(out.parent):
        events = registry.read()
        models = dict(read_registry(out).models) if out.exists() else {}
        for name, standing in standings(events).items():
            own = [event for event in events if event.model == name]
            models[name] = _model(models.get(name, RegisteredModel()), standing, own, place)
        write_registry(out, BotRegistry(models, generated_at_utc=at))
    return len(models)


class _Place:
    """Where pointers start from, and the commit they name."""

    def __init__(self, models_dir: Path, out: Path, commit: str | None) -> None:
        self._start = os.path.relpath(models_dir.resolve(), out.parent.resolve())
        self._commit = commit

    def pointer(self, version: Version | Event, at: str) -> Pointer:
        """Return the pointer to a version that came to its stage at that time."""
        return Pointer(
            artifact_dir=Path(self._start, version.folder).as_posix(),
            artifact_id=version.folder,
            git_sha=self._commit,
            dataset_id=f"{version.model}-{version.artifact.dataset}",
            promoted_at_utc=at,
        )


def _model(old: RegisteredModel, standing: Standing, events: Sequence[Event], place: _Place) -> RegisteredModel:
    staged, production = standing.staged, standing.production
    return replace(
        old,
        staging=place.pointer(staged, staged.since) if staged else None,
        active=place.pointer(production, production.since) if production else None,
        history=tuple(_event(event, place) for event in reversed(events) if event.action in _STAGES)[:MAX_HISTORY],
    )


def _event(event: Event, place: _Place) -> BotEvent:
    return BotEvent(
        ts_utc=event.at,
        to_stage=_STAGES[event.action],
        pointer=place.pointer(event, event.at),
        actor=event.actor,
        source=SOURCE,
        reason=event.reason,
    )
