"""Whether the registry says what was written, and whether the artifacts it names are there as they were registered."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grinder_resources.export.verify import verify_artifact
from grinder_resources.registry.events import Event
from grinder_resources.registry.keys import check_signatures
from grinder_resources.registry.log import Registry
from grinder_resources.registry.served import registered_folder
from grinder_resources.registry.signing import check_artifact
from grinder_resources.registry.states import standings


@dataclass(frozen=True)
class Verified:
    """What was found in order.

    signed, artifacts_signed
        Events and artifacts whose signatures were checked; None where no key was given.
    """

    path: Path
    events: tuple[Event, ...]
    models: int
    artifacts: int
    signed: int | None
    artifacts_signed: int | None

    @property
    def lines(self) -> Iterator[str]:
        """What a person reads; the last line is the root to keep elsewhere."""
        yield f"{self.path}: {_count(len(self.events), 'event')} of {_count(self.models, 'model')}, chain unbroken"
        yield f"as registered: {_count(self.artifacts, 'artifact')}"
        if self.signed is not None:
            yield f"signed with this key: the newest {_count(self.signed, 'event')}"
        if self.artifacts_signed is not None:
            yield f"signed with this key: {_count(self.artifacts_signed, 'artifact')}"
        if self.events:
            yield f"root {self.events[-1].sha256}"


def verify_registry(models_dir: Path, *, public_key: Path | None = None, artifact_key: Path | None = None) -> Verified:
    """Check the log, and the artifact of every version that is not retired.

    public_key
        Ed25519 key that the newest event, and all back to the first so signed, have to be signed with.
    artifact_key
        Key that the folder of every staged version and every version in production has to be signed with.

    Raises RegistryRejected, ArtifactRejected, ManifestRejected or SignatureRejected for the first that is not in order.
    """
    registry = Registry(models_dir)
    events = registry.read()
    versions = [version for standing in standings(events).values() for version in standing.kept]
    folders = {version: registered_folder(version, models_dir) for version in versions}
    for folder in folders.values():
        verify_artifact(folder)
    in_use = [folders[version] for version in versions if version.state != "deprecated"]
    if artifact_key:
        for folder in in_use:
            check_artifact(folder, artifact_key)
    return Verified(
        path=registry.path,
        events=events,
        models=len({event.model for event in events}),
        artifacts=len(folders),
        signed=check_signatures(events, public_key) if public_key else None,
        artifacts_signed=len(in_use) if artifact_key else None,
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
