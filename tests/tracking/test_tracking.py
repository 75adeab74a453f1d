"""Tracking: off unless asked for, one run an artifact, and nothing that it can stop."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grinder_resources.cli import main
from grinder_resources.contracts.artifacts import MANIFEST_FILE
from grinder_resources.errors import BadDeclaration, ExtraMissing, TrackingFailed
from grinder_resources.hashing import sha256_file
from grinder_resources.lake import Lake
from grinder_resources.learning.adopted import Adopted, adopted_path
from grinder_resources.learning.model_spec import BoosterParams
from grinder_resources.learning.specs import REGIME
from grinder_resources.tracking.address import Store, store_of
from grinder_resources.tracking.facts import Score, run_facts
from grinder_resources.tracking.runs import track
from grinder_resources.tracking.telling import tell, tell_if_possible
from grinder_resources.tracking.walk_forward import fold_scores
from tests.tracking.tracked import LEVELS, artifact, regime, walk_forward

pytestmark = pytest.mark.filterwarnings(
    # MLflow 3.17 maps its tables in a way that SQLAlchemy 2.1 means to drop
    "ignore:The ``noload`` loader strategy is deprecated"
)

CREATED_MS = 1_765_794_600_000
"""2025-12-15T10:30:00Z."""


def runs(store: Store, key: str) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(store.uri)
    experiment = client.get_experiment_by_name("grinder_boosted_trees")
    return list(client.search_runs([experiment.experiment_id], f"tags.manifest_sha256 = '{key}'"))


def history(store: Store, run_id: str, name: str) -> list[tuple[int, float]]:
    from mlflow import MlflowClient

    return [(metric.step, metric.value) for metric in MlflowClient(store.uri).get_metric_history(run_id, name)]


def test_nobody_is_told_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset and empty are off; local is a database beside the models; anything else is a URI."""
    assert store_of(tmp_path) is None
    assert store_of(tmp_path, "") is None
    assert store_of(tmp_path, "local") == Store(f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("GRINDER_TRACKING", "http://mlflow.example:5000")
    assert store_of(tmp_path) == Store("http://mlflow.example:5000")
    with pytest.raises(BadDeclaration, match=r"a tracking store is a URI .*got runs"):
        store_of(tmp_path, "runs")


def test_without_the_extra_asking_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which says how to install it; not asking needs nothing."""
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert store_of(tmp_path) is None
    with pytest.raises(ExtraMissing) as refused:
        store_of(tmp_path, "local")
    assert refused.value.line() == (
        "EXTRA_MISSING: tracking needs an optional package (got no mlflow). "
        "`pip install 'grinder-lakehouse[tracking]'`, or unset GRINDER_TRACKING"
    )


def test_the_facts_of_an_artifact(tmp_path: Path) -> None:
    """Parameters, scores, tags and hashes, all of them from its own files."""
    folder = artifact(tmp_path, b"one")
    facts = run_facts(folder, git_sha="c" * 40)
    assert facts.name == "boosted_trees-v2.0_full-stage_b-full-2025-01-06_2025-01-11"
    assert facts.at_ms == CREATED_MS
    assert facts.params == {
        "eta": "0.05",
        "max_depth": "4",
        "days/test": "2025-01-11",
        "days/train": "2025-01-06 .. 2025-01-09, 4 days",
        "days/val": "2025-01-10",
        "rows/test": "30",
        "rows/train": "100",
        "calibration/h": "none",
        "dataset": "gold/training/signals_production",
        "embargo_ns": "480",
        "inputs": "2",
    }
    assert facts.scores == (Score("test/h/mae", 0.5), Score("val/h/HIGH/auc", 0.75), Score("val/h/HIGH/skill", -0.125))
    hashes = {name: value for name, value in facts.tags.items() if name.startswith("sha256/")}
    assert hashes == {
        f"sha256/{path.name}": sha256_file(path) for path in folder.iterdir() if path.name != MANIFEST_FILE
    }
    assert {name: value for name, value in facts.tags.items() if name not in hashes} == {
        "stage": "stage_b",
        "ablation": "full",
        "features_version": "v2.0_full",
        "git_sha": "c" * 40,
        "manifest_sha256": sha256_file(folder / MANIFEST_FILE),
        "artifact": "levels_v1.0.0",
        "model_hash": sha256_file(folder / "model.onnx")[:16],
        "chain_root": facts.tags["chain_root"],
        "dataset_hash": "d" * 16,
        "spec_hash": facts.tags["spec_hash"],
        "code_version": "",
    }


def test_a_model_without_stage_is_called_by_its_name(tmp_path: Path) -> None:
    """And no tag says what there is not."""
    facts = run_facts(regime(tmp_path))
    assert facts.name == "boosted_trees-regime-2025-01-06_2025-01-08"
    assert {"stage", "ablation", "features_version", "git_sha"} & set(facts.tags) == set()


def test_scores_out_of_fold_belong_to_the_rows_they_are_of(tmp_path: Path) -> None:
    """Each fold is a step; another dataset, or other settings than the artifact was fitted with, gives none."""
    folder, lake = regime(tmp_path / "models"), Lake(str(tmp_path / "lake"))
    assert fold_scores(folder, lake) == ()
    walk_forward(lake, "e" * 64)
    assert fold_scores(folder, lake) == ()
    walk_forward(lake, spec=replace(REGIME, params=BoosterParams(max_depth=2)))
    assert fold_scores(folder, lake) == ()
    walk_forward(lake)
    assert set(fold_scores(folder, lake)) == {
        Score("fold/regime/HIGH/skill", 0.25, 1),
        Score("fold/regime/HIGH/skill", 0.5, 2),
        Score("fold/regime/HIGH/pooled/skill", 0.375),
        Score("fold_calibrated/regime/HIGH/pooled/skill", 0.4),
    }
    adopted = Adopted("regime", BoosterParams(max_depth=2), "s", 1, 2, 1, "f" * 64)
    adopted_path("regime", folder.parent).parent.mkdir()
    adopted_path("regime", folder.parent).write_bytes(adopted.encoded())
    assert fold_scores(folder, lake) == ()


def test_an_artifact_has_one_run_however_often_it_is_told(tmp_path: Path, store: Store) -> None:
    """The second telling adds what has become known since, and doubles nothing; another artifact is another run."""
    folder, lake = regime(tmp_path / "models"), Lake(str(tmp_path / "lake"))
    first = tell(folder, store, lake)
    walk_forward(lake)
    again = [tell(folder, store, lake) for _ in range(2)]
    assert first.made
    assert [(one.made, one.run_id) for one in again] == [(False, first.run_id)] * 2
    (run,) = runs(store, sha256_file(folder / MANIFEST_FILE))
    assert run.info.run_name == first.name
    assert run.info.status == "FINISHED"
    assert (run.info.start_time, run.info.end_time) == (CREATED_MS, CREATED_MS)
    assert run.data.params["max_depth"] == "4"
    assert run.data.metrics["val/h/HIGH/auc"] == 0.75
    assert run.data.tags["artifact"] == "regime_v1.0.0"
    assert history(store, first.run_id, "fold/regime/HIGH/skill") == [(1, 0.25), (2, 0.5)]
    assert history(store, first.run_id, "test/h/mae") == [(0, 0.5)]
    assert track(store, run_facts(artifact(tmp_path / "models", b"two"))).made


def test_more_than_one_call_takes_is_told_in_several(tmp_path: Path, store: Store) -> None:
    """MLflow takes a hundred parameters and a thousand scores in one."""
    params = {f"p{number:03}": number for number in range(150)}
    folder = artifact(tmp_path, b"many", config={**LEVELS, "params": params})
    told = track(store, run_facts(folder, tuple(Score("fold/h/skill", float(step), step) for step in range(1, 1201))))
    assert (told.params, told.scores) == (159, 1203)
    (run,) = runs(store, sha256_file(folder / MANIFEST_FILE))
    assert len(run.data.params) == 159
    assert len(history(store, run.info.run_id, "fold/h/skill")) == 1200


def test_a_store_that_is_down_is_one_line(tmp_path: Path) -> None:
    """Without the password that its address may hold; who only wants to mention it gets the line and no error."""
    folder, lake = artifact(tmp_path, b"one"), Lake(str(tmp_path / "lake"))
    down = Store("http://me:secret@127.0.0.1:9")
    with pytest.raises(
        TrackingFailed, match=r"did not take a run \(http://127.0.0.1:9; got .*`grinder track"
    ) as refused:
        tell(folder, down, lake)
    assert "secret" not in refused.value.line()
    told = tell_if_possible(folder, down, lake)
    assert (told.tracked, told.sentence) == (False, refused.value.line())


def test_a_database_of_another_kind_is_one_line(tmp_path: Path) -> None:
    """A file that is no database."""
    (tmp_path / "mlflow.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    found = store_of(tmp_path, "local")
    assert found is not None
    with pytest.raises(TrackingFailed, match="file is not a database"):
        track(found, run_facts(artifact(tmp_path, b"one")))


def test_the_command_tells_where_it_is_asked_to(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By option or by environment, with the scores of the lake that is named."""
    folder = regime(tmp_path / "models", b"commanded")
    walk_forward(Lake(str(tmp_path / "data" / "lake")))
    assert main(["track", str(folder), "--to", store.uri, "--data", str(tmp_path / "nothing")]) == 0
    monkeypatch.setenv("GRINDER_TRACKING", store.uri)
    assert main(["track", str(folder), "--data", str(tmp_path / "data")]) == 0
    made, added = capsys.readouterr().out.splitlines()
    assert f" made in {store.uri}, 18 parameters, 3 scores, " in made
    assert f" brought up to date in {store.uri}, 18 parameters, 7 scores, " in added
