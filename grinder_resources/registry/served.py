"""Which artifact of a model is in use: the one question that monitoring, reports and the operator ask alike."""

from pathlib import Path

from grinder_resources.contracts.artifacts import MANIFEST_FILE
from grinder_resources.errors import NoData, RegistryRejected
from grinder_resources.export.artifact import latest_version
from grinder_resources.hashing import sha256_file
from grinder_resources.registry.log import Registry
from grinder_resources.registry.states import Version


def served_artifact(name: str, models_dir: Path) -> Path:
    """Return the folder of the version in production; of the newest where none is, or where there is no registry.

    Raises NoData if the model has no artifact at all; RegistryRejected if the registry is torn, or if the folder of
    the version in production is gone or does not hold what was promoted.
    """
    registry = Registry(models_dir)
    standing = registry.standings().get(name) if registry.exists else None
    if standing and standing.production:
        return registered_folder(standing.production, models_dir)
    return models_dir / f"{name}_{newest_version(name, models_dir)}"


def newest_version(name: str, models_dir: Path) -> str:
    """Return the highest published version of a model, e.g. `v1.0.1`. Raises NoData if it has no artifact."""
    newest = latest_version(models_dir, name)
    if newest is None:
        raise NoData("the model has no artifact", where=str(models_dir), got=name, hint="Train it first")
    return newest


def registered_folder(version: Version, models_dir: Path) -> Path:
    """Return a version's folder, whose manifest is the one that was registered. Raises RegistryRejected otherwise."""
    folder = models_dir / version.folder
    manifest = folder / MANIFEST_FILE
    found = sha256_file(manifest) if manifest.is_file() else ""
    if found != version.artifact.manifest:
        raise RegistryRejected(
            "a registered artifact is not there as it was registered",
            where=str(manifest),
            got=f"sha256 {found[:16]}" if found else "no such file",
            expected=version.artifact.manifest[:16],
            hint="Restore it from a copy, or roll back.",
        )
    return folder
