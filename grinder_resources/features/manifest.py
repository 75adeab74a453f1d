"""The declared feature versions, one YAML manifest each in `manifests/`; old versions stay buildable.

`vMAJOR.MINOR_snake_name`: MAJOR changes when columns go or change their meaning, MINOR when columns are added.
"""

import re
from functools import cache
from importlib.resources import files

from grinder_resources.contracts.table import Table
from grinder_resources.errors import BadDeclaration, UnknownName
from grinder_resources.features.parsing import parse_manifest
from grinder_resources.features.version import FeatureManifest

_FOLDER = files("grinder_resources.features") / "manifests"


def versions() -> list[str]:
    """Return every declared version, oldest first."""
    names = (entry.name.removesuffix(".yaml") for entry in _FOLDER.iterdir() if entry.name.endswith(".yaml"))
    return sorted(names, key=lambda name: (*map(int, re.findall(r"\d+", name)[:2]), name))


@cache
def load_manifest(version: str) -> FeatureManifest:
    """Return the manifest of a version. Raises UnknownName if there is none, BadDeclaration if it breaks a rule."""
    if version not in versions():
        raise UnknownName(
            "no such feature version", where="features/manifests", got=version, expected=", ".join(versions())
        )
    manifest = parse_manifest((_FOLDER / f"{version}.yaml").read_text(encoding="utf-8"), where=f"{version}.yaml")
    if manifest.version != version:
        raise BadDeclaration(
            "the file is named after its version", where=f"{version}.yaml", got=manifest.version, expected=version
        )
    if manifest.parent_version is not None and manifest.parent_version not in versions():
        raise UnknownName(
            "no such parent version",
            where=f"{version}.yaml",
            got=manifest.parent_version,
            expected=", ".join(versions()),
        )
    return manifest


def feature_table(version: str) -> Table:
    """Return the contract of `silver/features/<version>`. Raises as `load_manifest` does."""
    return load_manifest(version).table
