"""The registry's asset: it stages and warns, promotes nothing, and fails where the registry was lost."""

import shutil
from pathlib import Path

import dagster as dg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grinder_assets.automation import FULL_RUN_SPECS
from grinder_assets.definitions import defs
from grinder_assets.registry.assets import registry_asset
from grinder_resources.contracts.registry import history_table
from grinder_resources.dagster import LakeResource, ModelStore
from grinder_resources.lake import Lake
from grinder_resources.learning.specs import REGIME
from grinder_resources.registry import changes
from grinder_resources.registry.keys import check_signatures
from grinder_resources.registry.log import REGISTRY_FOLDER, Registry
from grinder_resources.registry.timeline import stays
from tests.registry.registries import AT, BAD, promote, roll_back, stage, started
from tests.registry.test_keys import key_pair


@pytest.fixture
def house(judged: Path, tmp_path: Path) -> Path:
    shutil.copytree(judged, tmp_path / "house", ignore=shutil.ignore_patterns("folds"))
    return tmp_path / "house"


def materialize(house: Path) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [registry_asset(REGIME)],
        instance=dg.DagsterInstance.ephemeral(tempdir=str(house)),
        resources={"lake": LakeResource(root=str(house / "lake")), "models": ModelStore(folder=str(house / "models"))},
        raise_on_error=False,
    )


def standing(result: dg.ExecuteInProcessResult) -> str:
    (event,) = result.asset_materializations_for_node("registry__regime")
    return str(event.metadata["standing"].value)


def test_the_newest_artifact_is_staged_and_gates_warn(house: Path) -> None:
    """The run is a success; the registry is made, as there never was one."""
    result = materialize(house)
    assert result.success
    codes = "NO_PROMOTION CALIBRATION_ABOVE_GATE"
    said = f"regime: no version is in production, v1.0.0 is staged; gates speak against it: {codes}."
    assert standing(result) == said
    checks = result.get_asset_check_evaluations()
    assert {check.severity for check in checks} == {dg.AssetCheckSeverity.WARN}
    assert [check.check_name for check in checks if not check.passed] == ["gate_verdict", "gate_calibration"]
    assert not any(check.blocking for check in checks)


def test_history_is_a_table_a_list_and_a_figure(house: Path) -> None:
    """What people did in between is there after the next run, which has nothing to stage."""
    materialize(house)
    change = changes.promotion("regime", "", house / "models", reason="", despite="for shadow", keep=10)
    Registry(house / "models").change(change, actor="maria", at=AT)
    result = materialize(house)
    assert standing(result) == "regime: v1.0.0 is in production, nothing is staged."
    assert all(check.passed for check in result.get_asset_check_evaluations())
    rows = Lake(str(house / "lake")).read(history_table("regime"))
    assert rows.select("seq", "action", "version", "actor", "overridden").rows() == [
        (1, "staged", "v1.0.0", "dagster", ""),
        (2, "promoted", "v1.0.0", "maria", "NO_PROMOTION CALIBRATION_ABOVE_GATE"),
    ]
    (event,) = result.asset_materializations_for_node("registry__regime")
    assert "| 2 |" in str(event.metadata["history"].value).splitlines()[2]
    assert str(event.metadata["timeline"].value).startswith("![Versions over time](data:image/png;base64,")


def test_a_registry_that_was_lost_fails_the_run(house: Path) -> None:
    """The lake remembers it, so no empty one takes its place."""
    materialize(house)
    shutil.rmtree(house / "models" / REGISTRY_FOLDER)
    result = materialize(house)
    assert not result.success
    (failure,) = result.get_step_failure_events()
    assert "the registry is gone, but the lake remembers it" in str(failure.step_failure_data.user_failure_data)
    assert not Registry(house / "models").exists


def test_an_artifact_that_does_not_verify_fails_the_run(house: Path) -> None:
    """It is no candidate, not even one with a warning."""
    (house / "models" / "regime_v1.0.0" / "model.onnx").write_bytes(b"own")
    result = materialize(house)
    assert not result.success
    (failure,) = result.get_step_failure_events()
    assert "ARTIFACT_REJECTED" in str(failure.step_failure_data.user_failure_data)
    assert Registry(house / "models").read() == ()


def test_nothing_is_staged_where_nothing_was_trained(tmp_path: Path) -> None:
    """A model without an artifact has an empty history."""
    result = materialize(tmp_path)
    assert standing(result) == "regime: no version is in production, nothing is staged."


@pytest.mark.parametrize("job", ["main", "retrain"])
def test_models_of_a_full_run_are_staged_by_it(job: str) -> None:
    """After the promotion check, and before the warehouse, which shows the history."""
    keys = {key.to_user_string() for key in defs.resolve_job_def(job).asset_layer.selected_asset_keys}
    assert {key for key in keys if key.startswith("registry/")} == {f"registry/{spec.name}" for spec in FULL_RUN_SPECS}
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    assert {dep.asset_key.to_user_string() for dep in specs["registry/regime"].deps} == {
        "training/regime",
        "reports/regime_promotion",
    }
    assert "registry/regime" in {dep.asset_key.to_user_string() for dep in specs["warehouse"].deps}


def test_the_figure_shows_each_stay(tmp_path: Path) -> None:
    """From when to when a version was staged or in production; what still is reaches beyond the newest event."""
    registry = started(tmp_path)
    for content in (b"one", b"two"):
        stage(registry, content, BAD)
        promote(registry, despite="so")
    roll_back(registry)
    found = [(version, state, begins == ends) for version, state, begins, ends in stays(registry.read())]
    assert found == [
        ("v1.0.0", "staged", True),
        ("v1.0.0", "production", True),
        ("v1.0.1", "staged", True),
        ("v1.0.1", "production", True),
        ("v1.0.0", "production", False),
    ]


def test_the_asset_signs_with_the_key_in_force(house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or what it stages would break the row of signed events."""
    private, public = key_pair(tmp_path / "keys", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    monkeypatch.setenv("GRINDER_SIGNING_KEY", str(private))
    assert materialize(house).success
    assert check_signatures(Registry(house / "models").read(), public) == 1
