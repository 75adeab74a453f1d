"""Which artifact is in use, for everyone who asks; and the copy that the trading process reads."""

import json
from pathlib import Path

import pytest

from grinder_resources.contracts.bot_registry import MAX_HISTORY
from grinder_resources.errors import NoData, RegistryRejected
from grinder_resources.export.bot_registry import read_registry, resolve
from grinder_resources.registry.bot import export_registry
from grinder_resources.registry.log import Draft, Registry
from grinder_resources.registry.served import served_artifact
from tests.export.plain_artifacts import put
from tests.registry.registries import AT, MODEL, promote, roll_back, stage, started

COMMIT = "0" * 39 + "1"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return a registry with v1.0.0 in production and v1.0.1 staged."""
    registry = started(tmp_path)
    stage(registry, b"one")
    promote(registry)
    stage(registry, b"two")
    return registry


def test_production_is_served_and_not_the_newest(registry: Registry, tmp_path: Path) -> None:
    """Until the newest is promoted, and again after it was rolled back."""
    assert served_artifact(MODEL, tmp_path) == tmp_path / "plain_v1.0.0"
    promote(registry)
    assert served_artifact(MODEL, tmp_path) == tmp_path / "plain_v1.0.1"
    roll_back(registry)
    assert served_artifact(MODEL, tmp_path) == tmp_path / "plain_v1.0.0"


def test_the_newest_is_served_where_nothing_was_promoted(tmp_path: Path) -> None:
    """With a registry or without one; where there is no artifact, there is nothing to serve."""
    with pytest.raises(NoData, match="the model has no artifact"):
        served_artifact(MODEL, tmp_path)
    put(tmp_path, b"one")
    put(tmp_path, b"two")
    assert served_artifact(MODEL, tmp_path) == tmp_path / "plain_v1.0.1"
    stage(started(tmp_path), b"three")
    assert served_artifact(MODEL, tmp_path) == tmp_path / "plain_v1.0.2"


def test_a_torn_registry_serves_nothing(registry: Registry, tmp_path: Path) -> None:
    """Not even the newest: nobody knows what is in production."""
    registry.path.write_bytes(registry.path.read_bytes()[:-20])
    with pytest.raises(RegistryRejected, match="torn"):
        served_artifact(MODEL, tmp_path)


def test_an_artifact_that_is_not_the_registered_one_is_not_served(registry: Registry, tmp_path: Path) -> None:
    """Its manifest is another, or gone."""
    manifest = tmp_path / "plain_v1.0.0" / "manifest.json"
    manifest.write_bytes((tmp_path / "plain_v1.0.1" / "manifest.json").read_bytes())
    with pytest.raises(RegistryRejected, match=r"not there as it was registered.*got sha256"):
        served_artifact(MODEL, tmp_path)
    manifest.unlink()
    with pytest.raises(RegistryRejected, match=r"not there as it was registered.*got no such file"):
        served_artifact(MODEL, tmp_path)


def test_the_copy_leads_the_trading_process_to_the_same_artifact(registry: Registry, tmp_path: Path) -> None:
    """Production is its stage active, what is staged its stage staging; paths start at the file."""
    out = tmp_path / "models.json"
    assert export_registry(registry, out, commit=COMMIT, at=AT) == 1
    assert resolve(out, MODEL, "active")[0] == served_artifact(MODEL, tmp_path)
    directory, pointer = resolve(out, MODEL, "staging")
    assert (directory.name, pointer.dataset_id, pointer.git_sha) == ("plain_v1.0.1", "plain-" + "0" * 16, COMMIT)
    history = read_registry(out).models[MODEL].history
    assert [(event.to_stage, event.pointer.artifact_id) for event in history] == [
        ("staging", "plain_v1.0.1"),
        ("active", "plain_v1.0.0"),
        ("staging", "plain_v1.0.0"),
    ]


def test_the_copy_leaves_what_is_not_its_own(registry: Registry, tmp_path: Path) -> None:
    """Other models in the file, and the stage shadow; a model has the newest events only."""
    out = tmp_path / "models.json"
    export_registry(registry, out, commit=COMMIT, at=AT)
    document = json.loads(out.read_bytes())
    document["models"]["theirs"] = document["models"][MODEL]
    document["models"][MODEL]["shadow"] = document["models"][MODEL]["active"]
    out.write_text(json.dumps(document))
    once = registry.standings()[MODEL].staged
    assert once is not None
    again = Draft("staged", MODEL, once.version, once.artifact, "again")
    registry.change(lambda _: [again] * MAX_HISTORY, actor="test", at=AT)
    assert export_registry(registry, out, commit=COMMIT, at=AT) == 2
    models = read_registry(out).models
    assert models["theirs"].active == models[MODEL].shadow
    assert len(models[MODEL].history) == MAX_HISTORY
    assert resolve(out, MODEL, "active")[0].name == "plain_v1.0.0"


def test_a_copy_that_would_point_elsewhere_is_not_written(registry: Registry, tmp_path: Path) -> None:
    """Artifacts lie below the file's folder, and an active stage names a commit."""
    with pytest.raises(RegistryRejected, match="a path stays inside the registry's folder"):
        export_registry(registry, tmp_path / "sub" / "models.json", commit=COMMIT, at=AT)
    with pytest.raises(RegistryRejected, match="an active pointer names commit"):
        export_registry(registry, tmp_path / "models.json", commit=None, at=AT)
    assert not (tmp_path / "models.json").exists()
