"""Training, where tracking is asked for: it has to be possible before anything is fitted, and may fail after."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from grinder_assets.registry.assets import registry_asset
from grinder_assets.training.assets import training_asset
from grinder_resources.dagster import LakeResource, ModelStore
from grinder_resources.lake import Lake
from grinder_resources.learning.model_spec import BoosterParams
from grinder_resources.learning.specs import REGIME
from grinder_resources.tracking.address import Store
from grinder_resources.tracking.telling import tell
from tests.learning.regime_gold import land
from tests.tracking.tracked import regime, walk_forward

pytestmark = pytest.mark.filterwarnings(
    # MLflow 3.17 maps its tables in a way that SQLAlchemy 2.1 means to drop
    "ignore:The ``noload`` loader strategy is deprecated"
)

SPEC = replace(REGIME, params=BoosterParams(max_depth=2, rounds=3, early_stopping=3))


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Return an instance that is forgotten."""
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        yield instance


def resources(root: Path) -> dict[str, object]:
    return {"lake": LakeResource(root=str(root / "lake")), "models": ModelStore(folder=str(root / "models"))}


def materialize(root: Path, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    asset = training_asset(SPEC)
    return dg.materialize([asset], instance=instance, resources=resources(root), raise_on_error=False)


def shown(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    (made,) = result.asset_materializations_for_node("training__regime")
    return {name: value.value for name, value in made.metadata.items()}


def test_a_model_is_made_whether_or_not_anyone_can_be_told(
    tmp_path: Path, instance: dg.DagsterInstance, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is down is a warning; the next run tells of the unchanged model; unasked, nothing is said."""
    land(tmp_path)
    monkeypatch.setenv("GRINDER_TRACKING", "http://127.0.0.1:9")
    down = shown(materialize(tmp_path, instance))
    assert (tmp_path / "models" / "regime_v1.0.0" / "model.onnx").exists()
    assert (down["trained"], down["tracked"]) == (True, False)
    assert str(down["tracking"]).startswith("TRACKING_FAILED: the tracking store did not take a run")
    monkeypatch.setenv("GRINDER_TRACKING", store.uri)
    told = shown(materialize(tmp_path, instance))
    assert told["tracked"] is True
    assert "made in sqlite:///" in str(told["tracking"])
    monkeypatch.delenv("GRINDER_TRACKING")
    assert "tracked" not in shown(materialize(tmp_path, instance))


def test_the_registry_adds_what_the_walk_forward_found(
    tmp_path: Path, instance: dg.DagsterInstance, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the run of the same artifact: its scores of folds come after it was trained."""
    lake = Lake(str(tmp_path / "lake"))
    folder = regime(tmp_path / "models", b"staged")
    made = tell(folder, store, lake)
    walk_forward(lake)
    monkeypatch.setenv("GRINDER_TRACKING", store.uri)
    result = dg.materialize([registry_asset(REGIME)], instance=instance, resources=resources(tmp_path))
    said = str(result.asset_materializations_for_node("registry__regime")[0].metadata["tracking"].value)
    assert f"run {made.run_id[:8]} brought up to date in" in said
    assert made.scores == 3
    assert ", 7 scores, " in said


def test_without_the_extra_nothing_is_fitted(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asking for what is not installed is found out in the first second, not after hours."""
    land(tmp_path)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setenv("GRINDER_TRACKING", "local")
    result = materialize(tmp_path, instance)
    assert not result.success
    assert "EXTRA_MISSING" in str(result.all_events)
    assert not (tmp_path / "models").exists()
