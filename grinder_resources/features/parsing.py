"""Strict reading of feature manifests: an unknown key, group, column or parameter is refused with its place."""

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

import yaml

from grinder_resources.errors import BadDeclaration, UnknownName
from grinder_resources.features.moment import Settings
from grinder_resources.features.registry import ABSENT_SOURCES, GROUPS
from grinder_resources.features.version import FeatureGroup, FeatureManifest

VERSION = re.compile(r"v(0|[1-9]\d*)\.(0|[1-9]\d*)_[a-z][a-z0-9]*(_[a-z0-9]+)*")


def parse_manifest(text: str, where: str) -> FeatureManifest:
    """Return the manifest a YAML text declares. Raises BadDeclaration or UnknownName, with the place."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadDeclaration("not a YAML text", where=where, got=str(error)) from error
    raw = _checked(raw, FeatureManifest, where)
    if not VERSION.fullmatch(str(raw["version"])):
        raise BadDeclaration(
            "a version reads vMAJOR.MINOR_snake_name",
            where=where,
            got=str(raw["version"]),
            expected="v1.0_mechanics_only",
        )
    groups = tuple(
        _group(group, f"{where}: feature_groups[{place}]")
        for place, group in enumerate(_listed(raw["feature_groups"], where))
    )
    manifest = FeatureManifest(
        **{
            **raw,
            "feature_groups": groups,
            "parameters": _settings(raw["parameters"], f"{where}: parameters"),
            "tags": tuple(_listed(raw.get("tags", []), where)),
        }
    )
    _check_groups(manifest, where)
    return manifest


def _group(raw: Any, where: str) -> FeatureGroup:
    raw = _checked(raw, FeatureGroup, where)
    lists = {key: tuple(_listed(raw.get(key, []), f"{where}.{key}")) for key in ("columns", "dependencies")}
    group = FeatureGroup(**{**raw, **lists})
    if group.optional:
        if group.requires not in ABSENT_SOURCES:
            raise BadDeclaration(
                "an optional group requires a source without reader",
                where=where,
                got=str(group.requires),
                expected=", ".join(ABSENT_SOURCES),
            )
    elif group.requires is not None:
        raise BadDeclaration("only an optional group requires a source", where=where, got=group.requires)
    elif group.name not in GROUPS:
        raise UnknownName("no such feature group", where=where, got=group.name, expected=", ".join(GROUPS))
    else:
        _check_columns(group, where)
    return group


def _check_columns(group: FeatureGroup, where: str) -> None:
    there = [column.name for column in GROUPS[group.name].columns]
    unknown = [name for name in group.columns if name not in there]
    if unknown:
        raise UnknownName(
            f"no such column in {group.name}", where=where, got=", ".join(unknown), expected=", ".join(there)
        )
    if set(group.dependencies) != set(GROUPS[group.name].needs):
        raise BadDeclaration(
            f"dependencies of {group.name} differ from what it reads",
            where=where,
            got=", ".join(group.dependencies) or "none",
            expected=", ".join(GROUPS[group.name].needs) or "none",
        )


def _check_groups(manifest: FeatureManifest, where: str) -> None:
    names = [group.name for group in manifest.feature_groups]
    columns = [column for group in manifest.feature_groups for column in group.columns]
    for what, listed in (("group", names), ("column", columns)):
        twice = sorted({name for name in listed if listed.count(name) > 1})
        if twice:
            raise BadDeclaration(f"a {what} is declared once", where=where, got=", ".join(twice))
    present = {group.name for group in manifest.present}
    for group in manifest.present:
        missing = sorted(set(group.dependencies) - present)
        if missing:
            raise BadDeclaration(
                f"{group.name} needs groups that are not declared",
                where=where,
                got="absent",
                expected=", ".join(missing),
            )


def _settings(raw: Any, where: str) -> Settings:
    raw = _checked(raw, Settings, where)
    wrong = {key: value for key, value in raw.items() if type(value) is not int or value < 1}
    if wrong:
        raise BadDeclaration("parameters are positive whole numbers", where=where, got=str(wrong))
    return Settings(**raw)


def _checked(raw: Any, kind: type, where: str) -> dict[str, Any]:
    """Return a mapping that has fields of the dataclass `kind` as keys, all required ones, with texts as texts."""
    if not isinstance(raw, Mapping):
        raise BadDeclaration("a mapping is expected here", where=where, got=type(raw).__name__)
    known = {field.name: field for field in fields(kind)}
    unknown = sorted(str(key) for key in raw if key not in known)
    if unknown:
        raise BadDeclaration("unknown keys", where=where, got=", ".join(unknown), expected=", ".join(known))
    missing = [name for name, field in known.items() if field.default is MISSING and name not in raw]
    if missing:
        raise BadDeclaration(
            "keys are missing", where=where, got=", ".join(map(str, raw)) or "none", expected=", ".join(missing)
        )
    wrong = [name for name in raw if known[name].type in (str, bool) and type(raw[name]) is not known[name].type]
    if wrong:
        raise BadDeclaration("texts are texts and flags are true or false", where=where, got=", ".join(wrong))
    return dict(raw)


def _listed(raw: Any, where: str) -> list[Any]:
    if not isinstance(raw, list):
        raise BadDeclaration("a list is expected here", where=where, got=type(raw).__name__)
    return raw
