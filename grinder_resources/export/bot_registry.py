"""`models.json`, the bot's model registry: one reader, one writer, and the way from a model and stage to its artifact.

The reader refuses what would leave in doubt which model is meant; fields it does not know are ignored, as the bot does.
The writer replaces the file in one rename, and refuses to drop a field it does not know.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from grinder_resources.contracts.bot import relative_parts
from grinder_resources.contracts.bot_registry import (
    MAX_HISTORY,
    REGISTRY_FILE,
    REGISTRY_SCHEMA,
    STAGES,
    Event,
    Pointer,
    RegisteredModel,
    Registry,
    Stage,
)
from grinder_resources.errors import ArtifactRejected, ManifestRejected, RegistryRejected
from grinder_resources.export.durable import replace_file
from grinder_resources.export.folder import opened_folder, read_plain
from grinder_resources.export.strict_json import items, json_bytes, mapping, reject, strict_json, text

MAX_REGISTRY_BYTES = 4 << 20
SOURCE = "cli"
"""What the bot's own tool writes as the source of an event."""

_POINTER = tuple(field.name for field in fields(Pointer))
_EVENT = tuple(field.name for field in fields(Event) if field.name != "pointer")


def parse_registry(data: bytes) -> Registry:
    """Return the registry in `data`. Raises RegistryRejected, naming the field, for what schema "v1" forbids."""
    with _as_registry_faults():
        document = mapping(strict_json(data, REGISTRY_FILE, MAX_REGISTRY_BYTES), REGISTRY_FILE)
        schema = document.get("schema_version", "none")
        if schema != REGISTRY_SCHEMA:
            reject("this registry's schema_version has no reader", REGISTRY_FILE, repr(schema), repr(REGISTRY_SCHEMA))
        models = mapping(document.get("models"), "models")
        return Registry(
            models={name: _model(value, f"models.{name}") for name, value in models.items()},
            **_texts(document, ("generated_at_utc",), (), REGISTRY_FILE),
        )


def dump_registry(registry: Registry) -> bytes:
    """Return the canonical bytes of a registry: sorted keys, two spaces, a newline; what is not said is null."""
    models = {name: asdict(model) for name, model in registry.models.items()}
    facts = {"schema_version": REGISTRY_SCHEMA, "generated_at_utc": registry.generated_at_utc, "models": models}
    return json_bytes(facts)


def read_registry(path: Path) -> Registry:
    """Return the registry in a file.

    Raises RegistryRejected if it is missing, a link, larger than 4 MiB, torn, or breaks schema "v1".
    """
    return parse_registry(_read(path))


def write_registry(path: Path, registry: Registry) -> None:
    """Replace the registry file, or make it, in one rename. The caller sees to it that nobody else writes meanwhile.

    Raises RegistryRejected, and leaves the file as it is, where it holds fields that would be lost or cannot be read;
    StorageFull where the disk refuses.
    """
    data = dump_registry(registry)
    if path.exists():
        old = _read(path)
        kept = json.loads(dump_registry(parse_registry(old)))
        lost = next(_lost(json.loads(old), kept, ""), None)
        if lost:
            raise RegistryRejected("a field of the registry would be lost", where=str(path), got=lost)
    replace_file(path, data)


def promoted(
    registry: Registry | None, model: str, stage: Stage, pointer: Pointer, *, at: str, reason: str | None = None
) -> Registry:
    """Return a registry where `stage` of `model` points to `pointer` since `at`, a UTC time, and its history says so.

    None stands for no registry yet. As the bot's own tool does, the newest event comes first, 50 are kept, and neither
    another stage nor the stage it came from is touched or named.
    """
    models = dict(registry.models) if registry else {}
    old = models.get(model, RegisteredModel())
    event = Event(at, stage, pointer, actor=pointer.actor, source=SOURCE, reason=reason)
    stages: dict[str, Any] = {stage: pointer}
    models[model] = replace(old, **stages, history=(event, *old.history)[:MAX_HISTORY])
    return Registry(models, generated_at_utc=at)


def resolve(path: Path, model: str, stage: Stage) -> tuple[Path, Pointer]:
    """Return the artifact folder that a stage of a model points to, and the pointer.

    The folder lies below the registry's, and no name on the way there is a link. Raises RegistryRejected where the
    registry cannot be read, does not know the model, has nothing at the stage, or points to what is no folder.
    """
    registry = read_registry(path)
    if model not in registry.models:
        known = ", ".join(sorted(registry.models))
        raise RegistryRejected("the registry does not know the model", where=str(path), got=model, expected=known)
    pointer = registry.models[model].pointer(stage)
    if pointer is None:
        raise RegistryRejected("the registry has no artifact at this stage", where=f"{path}, {model}", got=stage)
    directory = path.parent
    for part in relative_parts(pointer.artifact_dir) or ():
        directory /= part
        if directory.is_symlink() or not directory.is_dir():
            raise RegistryRejected(
                "an artifact's folder is a folder below the registry's, without links",
                where=f"{path}, {model}, {stage}",
                got=pointer.artifact_dir,
            )
    return directory, pointer


def _read(path: Path) -> bytes:
    with _as_registry_faults(), opened_folder(path.parent, follow=True) as folder:
        return read_plain(folder, path.name, MAX_REGISTRY_BYTES)


def _model(value: object, where: str) -> RegisteredModel:
    found = mapping(value, where)
    stages = {stage: _pointer(found[stage], f"{where}.{stage}") for stage in STAGES if found.get(stage) is not None}
    return RegisteredModel(**stages, history=items(found.get("history") or [], _event, f"{where}.history"))


def _pointer(value: object, where: str) -> Pointer:
    return Pointer(**_texts(mapping(value, where), _POINTER, ("artifact_dir", "artifact_id"), where))


def _event(value: object, where: str) -> Event:
    found = mapping(value, where)
    pointer = _pointer(found.get("pointer"), f"{where}.pointer")
    return Event(pointer=pointer, **_texts(found, _EVENT, ("ts_utc", "to_stage"), where))


def _texts(found: Mapping[str, object], names: tuple[str, ...], needed: tuple[str, ...], where: str) -> dict[str, Any]:
    """Return the texts among an object's fields; what is null or missing is left out, unless it is needed."""
    asked = (name for name in names if name in needed or found.get(name) is not None)
    return {name: text(found.get(name), f"{where}.{name}") for name in asked}


def _lost(old: object, new: object, where: str) -> Iterator[str]:
    """Yield the places of `old` that `new` has no field for."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name, value in old.items():
            place = f"{where}.{name}".lstrip(".")
            if name not in new:
                yield place
            else:
                yield from _lost(value, new[name], place)
    elif isinstance(old, list) and isinstance(new, list):
        for number, (left, right) in enumerate(zip(old, new, strict=False)):
            yield from _lost(left, right, f"{where}[{number}]")


@contextmanager
def _as_registry_faults() -> Iterator[None]:
    """Raise what the shared readers of files and JSON refuse as RegistryRejected."""
    try:
        yield
    except (ManifestRejected, ArtifactRejected) as error:
        raise RegistryRejected(
            error.what, where=error.where, got=error.got, expected=error.expected, hint=error.hint
        ) from error
