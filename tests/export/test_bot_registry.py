"""The bot's registry: what is in doubt is refused, what is written is kept, and a pointer leads inside."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.bot_registry import MAX_HISTORY, Event, Pointer, RegisteredModel, Registry
from grinder_resources.errors import RegistryRejected
from grinder_resources.export.bot_registry import (
    dump_registry,
    parse_registry,
    promoted,
    read_registry,
    resolve,
    write_registry,
)
from tests.export.bot_artifacts import GIT_SHA

AT = "2026-02-16T00:00:00Z"
SHADOW = Pointer("artifacts/regime_v2026_02_15_1", "regime_v2026_02_15_1")
ACTIVE = Pointer("a", "a", git_sha=GIT_SHA, dataset_id="golden_test", promoted_at_utc=AT)

SHIPPED = {
    "schema_version": "v1",
    "generated_at_utc": "2026-02-16T00:00:00Z",
    "models": {
        "regime_classifier": {
            "shadow": {"artifact_dir": "tests/golden_regime", "artifact_id": "golden_regime_v1", "git_sha": None},
            "staging": None,
            "active": None,
            "history": [],
        }
    },
}
"""A registry as the bot's repository ships one."""

words = st.text("abc_ 1", min_size=1, max_size=8)
maybe = st.none() | words
shas = st.none() | st.text("0123456789abcdef", min_size=40, max_size=40)
times = st.datetimes().map(lambda moment: f"{moment:%Y}".zfill(4) + f"{moment:-%m-%dT%H:%M:%SZ}")
pointers = st.builds(
    Pointer, st.lists(words, min_size=1, max_size=3).map("/".join), words, shas, maybe, st.none() | times, maybe, maybe
)
actives = pointers.map(lambda one: replace(one, git_sha=GIT_SHA, dataset_id="d", promoted_at_utc=AT))
events = st.builds(Event, times, st.sampled_from(["shadow", "staging", "active"]), pointers, maybe, maybe, maybe, maybe)
models = st.builds(
    RegisteredModel,
    st.none() | pointers,
    st.none() | pointers,
    st.none() | actives,
    st.lists(events, max_size=3).map(tuple),
)
registries = st.builds(
    Registry, st.dictionaries(st.text("abc_1", min_size=1, max_size=6), models, min_size=1, max_size=3), times
)


def written(**fields: Any) -> bytes:
    """Return the shipped registry with top-level fields replaced."""
    return json.dumps(SHIPPED | fields).encode()


def one_model(**fields: Any) -> bytes:
    """Return a registry of one model."""
    return written(models={"m": fields})


def pointer(**fields: Any) -> dict[str, Any]:
    """Return a pointer as JSON."""
    return {"artifact_dir": "a", "artifact_id": "a"} | fields


@given(registries)
@settings(max_examples=40, deadline=None)
def test_parse_undoes_dump(registry: Registry) -> None:
    """What is written is read back as the same facts, and the bytes are canonical."""
    data = dump_registry(registry)
    assert parse_registry(data) == registry
    assert dump_registry(parse_registry(data)) == data
    assert data.endswith(b"}\n")


def test_the_shipped_registry_is_read() -> None:
    """Stages without an artifact are null or absent, and other stages are ignored."""
    stages = SHIPPED["models"] | {"other": {"canary": {"artifact_dir": "../x"}}}
    read = parse_registry(written(models=stages))
    assert read.models["regime_classifier"].shadow == Pointer("tests/golden_regime", "golden_regime_v1")
    assert read.models["other"] == RegisteredModel()


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "not UTF-8 JSON"),
        (written()[:-20], "not UTF-8 JSON"),
        (b'{"schema_version": "v1", "schema_version": "v1"}', "a key appears twice"),
        (written(generated_at_utc=float("nan")), "not finite"),
        (b" " * (4 << 20) + b"{}", "too large"),
        (b"[]", "an object is needed here"),
        (written(schema_version="v2"), r"no reader .*got 'v2'; expected 'v1'"),
        (written(schema_version=1), "no reader"),
        (written(models={}), "a registry names models"),
        (written(models=None), "an object is needed here"),
        (written(models={"Regime": {}}), "a model name is"),
        (written(generated_at_utc="yesterday"), "a UTC time is"),
        (one_model(shadow=7), "an object is needed here"),
        (one_model(shadow=pointer(artifact_dir="/abs")), "stays inside"),
        (one_model(shadow=pointer(artifact_dir="a/../../b")), "stays inside"),
        (one_model(shadow=pointer(artifact_dir="a\\b")), "stays inside"),
        (one_model(shadow={"artifact_id": "a"}), r"a text is needed here \(models.m.shadow.artifact_dir"),
        (one_model(shadow=pointer(artifact_id="")), "an artifact has a name"),
        (one_model(shadow=pointer(git_sha=GIT_SHA.upper())), "40 lower-case hex"),
        (one_model(shadow=pointer(promoted_at_utc="2026-02-16")), "a UTC time is"),
        (one_model(active=pointer()), r"names commit, data set and time \(active.git_sha"),
        (one_model(active=pointer(git_sha=GIT_SHA, dataset_id="", promoted_at_utc=AT)), "active.dataset_id"),
        (one_model(active=pointer(git_sha=GIT_SHA, dataset_id="d")), "active.promoted_at_utc"),
        (one_model(history=7), "a list is needed here"),
        (one_model(history=[{"ts_utc": AT, "to_stage": "shadow"}]), "an object is needed here"),
        (one_model(history=[{"ts_utc": AT, "to_stage": "gone", "pointer": pointer()}]), "a stage is shadow"),
        (one_model(history=[{"to_stage": "active", "pointer": pointer()}]), r"history\[0\].ts_utc"),
        (one_model(history=[{"ts_utc": AT, "to_stage": "active", "pointer": pointer()}] * 51), "at most 50 events"),
    ],
)
def test_a_registry_in_doubt_is_refused(data: bytes, rule: str) -> None:
    """Torn, doubled, unknown, or pointing outside: one line says where."""
    with pytest.raises(RegistryRejected, match=rule) as refusal:
        parse_registry(data)
    assert refusal.value.line().startswith("REGISTRY_REJECTED: ")


def test_a_promotion_is_the_newest_event() -> None:
    """It touches one stage, and the history keeps 50, as the bot's own tool does."""
    registry = promoted(None, "regime", "shadow", SHADOW, at=AT, reason="first")
    assert registry == Registry(
        {
            "regime": RegisteredModel(
                shadow=SHADOW, history=(Event(AT, "shadow", SHADOW, source="cli", reason="first"),)
            )
        },
        generated_at_utc=AT,
    )
    for number in range(MAX_HISTORY):
        later = f"2026-02-17T00:00:{number:02}Z"
        registry = promoted(registry, "regime", "active", ACTIVE, at=later)
    model = registry.models["regime"]
    assert (model.shadow, model.staging, model.active) == (SHADOW, None, ACTIVE)
    assert [event.ts_utc[-3:] for event in model.history] == [f"{number:02}Z" for number in range(49, -1, -1)]
    assert {event.from_stage for event in model.history} == {None}


def test_writing_keeps_what_is_there(tmp_path: Path) -> None:
    """The file is replaced, not appended to; nothing else is left in the folder."""
    path = tmp_path / "models.json"
    registry = promoted(None, "regime", "shadow", SHADOW, at=AT)
    write_registry(path, registry)
    more = promoted(read_registry(path), "other", "staging", SHADOW, at=AT)
    write_registry(path, more)
    assert read_registry(path) == more
    assert path.read_bytes() == dump_registry(more)
    assert [entry.name for entry in tmp_path.iterdir()] == ["models.json"]


@pytest.mark.parametrize(
    ("foreign", "lost"),
    [
        (written(owner="us"), "owner"),
        (one_model(canary=None), "models.m.canary"),
        (one_model(history=[{"ts_utc": AT, "to_stage": "active", "pointer": pointer(x=1)}]), "pointer.x"),
        (b"{", "not UTF-8 JSON"),
    ],
)
def test_writing_never_drops_a_field(foreign: bytes, lost: str, tmp_path: Path) -> None:
    """A registry that says more than is understood, or that is torn, stays as it is."""
    path = tmp_path / "models.json"
    path.write_bytes(foreign)
    with pytest.raises(RegistryRejected, match=lost):
        write_registry(path, promoted(None, "regime", "shadow", SHADOW, at=AT))
    assert path.read_bytes() == foreign


def test_a_pointer_leads_to_a_folder_beside_the_registry(tmp_path: Path) -> None:
    """The base is the folder the registry lies in; the pointer comes with it."""
    path = tmp_path / "models.json"
    write_registry(path, promoted(None, "regime", "shadow", SHADOW, at=AT))
    (tmp_path / SHADOW.artifact_dir).mkdir(parents=True)
    assert resolve(path, "regime", "shadow") == (tmp_path / SHADOW.artifact_dir, SHADOW)


def test_what_a_registry_does_not_hold_is_refused_by_name(tmp_path: Path) -> None:
    """An unknown model, an empty stage, no folder, a link on the way, no registry."""
    path = tmp_path / "models.json"
    with pytest.raises(RegistryRejected, match=r"models\.json"):
        resolve(path, "regime", "shadow")
    write_registry(path, promoted(None, "regime", "shadow", SHADOW, at=AT))
    with pytest.raises(RegistryRejected, match=r"does not know the model .*got fill; expected regime"):
        resolve(path, "fill", "shadow")
    with pytest.raises(RegistryRejected, match=r"no artifact at this stage .*got active"):
        resolve(path, "regime", "active")
    with pytest.raises(RegistryRejected, match="a folder below the registry's"):
        resolve(path, "regime", "shadow")
    (tmp_path / "elsewhere" / SHADOW.artifact_id).mkdir(parents=True)
    (tmp_path / "artifacts").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RegistryRejected, match="without links"):
        resolve(path, "regime", "shadow")


def test_a_linked_registry_is_refused(tmp_path: Path) -> None:
    """The name must be the file."""
    (tmp_path / "real.json").write_bytes(written())
    (tmp_path / "models.json").symlink_to(tmp_path / "real.json")
    with pytest.raises(RegistryRejected, match=r"models\.json"):
        read_registry(tmp_path / "models.json")
