"""From a study to the next model: what is adopted is what is trained, judged and promoted, and only an edge is."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from grinder_assets.training.tuned import tuned_params_asset
from grinder_resources.cli import main
from grinder_resources.contracts.gold import REGIME_DATASET
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.errors import NoData
from grinder_resources.evaluation.promotion_check import promotion
from grinder_resources.evaluation.reports import walk_forward_report
from grinder_resources.export.build import build_artifact
from grinder_resources.export.verify import read_artifact
from grinder_resources.lake import Lake
from grinder_resources.learning.adopted import adopted_path, in_force, read_adopted
from grinder_resources.learning.ledger import LEDGER_FILE, Ledger
from grinder_resources.learning.model_spec import BoosterParams
from grinder_resources.learning.specs import SPECS
from grinder_resources.tuning.adoption import adopt
from grinder_resources.tuning.backend import Outcome
from grinder_resources.tuning.evidence import Judgement
from grinder_resources.tuning.inference import newest_rows
from grinder_resources.tuning.page import study_page
from grinder_resources.tuning.study import Study, tune_training
from tests.learning.regime_gold import land

REGIME = SPECS["regime"]
QUICK = replace(REGIME, params=replace(REGIME.params, rounds=4))
BEST = Outcome(1, {"max_depth": 2, "eta": 0.3, "min_child_weight": 5.0, "max_bin": 64}, "complete", 0.25)
BASE = Outcome(0, {"max_depth": 4}, "complete", 0.20)


def studied(luck: float | None) -> Study:
    """Return a study whose best trial gained 0.05, with that much luck about."""
    judgement = Judgement(BASE, BEST, 48, 0.05, luck)
    return Study("training/regime", "s", "skill", True, BASE.configuration, (BASE, BEST), judgement, {"eta": 1.0})


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with four days of the regime's Gold table, and a study of two trials."""
    root = tmp_path_factory.mktemp("house")
    land(root)
    lines = root / "lines.txt"
    with pytest.MonkeyPatch.context() as patch, lines.open("w") as stream:
        patch.setattr("sys.stdout", stream)
        arguments = ("tune", "regime", "--trials", "2", "--seed", "5", "--adopt")
        assert main([*arguments, "--data", str(root), "--models", str(root / "models")]) == 0
    return root


def test_only_an_edge_is_adopted(tmp_path: Path) -> None:
    """A gain within the luck of the trials is none, nor is one whose luck is not known; the file then is not there."""
    for luck in (0.05, None):
        assert adopt(REGIME, studied(luck), tmp_path) is None
    assert in_force(REGIME, tmp_path) is REGIME
    adopted = adopt(REGIME, studied(0.0499), tmp_path)
    assert adopted is not None
    assert (adopted.trial, adopted.gain_ppm, adopted.luck_ppm) == (1, 50_000, 49_900)
    assert in_force(REGIME, tmp_path).params == BoosterParams(max_depth=2, eta=0.3, min_child_weight=5.0)
    assert read_adopted("regime", tmp_path) == adopted


@pytest.fixture(scope="module")
def adopted(house: Path) -> Path:
    """Return a models folder with adopted settings, and what was trained and judged by them on the same table."""
    lake, models = Lake(str(house / "lake")), house / "adopted"
    adopt(QUICK, studied(0.01), models)
    build_artifact(QUICK, REGIME_DATASET, lake, models, "1")
    walk_forward_report(QUICK, lake, models, code_version="1", facts={})
    return models


def test_what_is_adopted_is_trained_judged_and_promoted(house: Path, adopted: Path, tmp_path: Path) -> None:
    """The artifact names the settings, and the promotion check finds the walk-forward of the very same spec."""
    lake, models = Lake(str(house / "lake")), tmp_path / "models"
    shutil.copytree(adopted, models)
    params = json.loads((models / "regime_v1.0.0" / "config.json").read_text())["params"]
    assert (params["max_depth"], params["eta"], params["rounds"]) == (2, 0.3, 4)
    assert [answer.recorded for answer in promotion(QUICK, lake, models).answers] == [True, True, True]
    adopted_path("regime", models).unlink()
    assert [answer.recorded for answer in promotion(QUICK, lake, models).answers] == [False, False, False]


def test_the_engine_is_tuned_on_the_rows_of_the_served_artifact(
    house: Path, adopted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The newest of its Gold table, as the model takes them; trials say what was measured."""
    artifact = read_artifact(adopted / "regime_v1.0.0")
    rows = newest_rows(artifact, Lake(str(house / "lake")), count=7)
    assert rows.shape == (7, len(artifact.manifest.input_features))
    folders = ("--data", str(house), "--models", str(adopted))
    assert main(["tune", "inference", "--trials", "1", "--objective", "p95_us", *folders]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:2] == ["0", "complete"]
    assert lines[1].endswith("batch 1, threading one")
    with pytest.raises(NoData):
        newest_rows(artifact, Lake(str(tmp_path / "nothing")))


def test_the_command_tells_every_trial_and_adopts_nothing_without_an_edge(house: Path) -> None:
    """Two trials of a label that the reference knows as well: one line each, the verdict, and what came of it."""
    lines = (house / "lines.txt").read_text().splitlines()
    assert lines[0].split() == ["trial", "state", "score", "configuration"]
    assert lines[1].split()[:2] == ["0", "complete"]
    assert "max_depth 4, eta 0.05, min_child_weight 20.0, max_bin 64, each_tree all rows" in lines[1]
    assert lines[2].split()[:2] == ["1", "complete"]
    assert lines[4].endswith(": 2 trials, 2 complete, 0 pruned, 0 failed")
    assert lines[5].startswith("no edge: ")
    assert lines[6:] == ["nothing adopted"]


def test_settings_that_mean_nothing_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """An option is of one kind of component, and days and trials are counted from one."""
    for what, option, owner in (
        ("grid", ["--adopt"], "a model spec"),
        ("regime", ["--model", "toxicity"], "inference"),
        ("regime", ["--objective", "p95_us"], "inference"),
        ("inference", ["--days", "2"], "grid"),
    ):
        assert main(["tune", what, *option]) == 1
        kind = "a model spec" if what == "regime" else what
        expected = f"BAD_DECLARATION: this option is of something else ({option[0]}; got {kind}; expected {owner})"
        assert expected in capsys.readouterr().err
    for option in ("--days", "--trials"):
        with pytest.raises(SystemExit, match="2"):
            main(["tune", "grid", option, "0"])
        assert f"argument {option}: '0' is no whole number from 1" in capsys.readouterr().err


def test_trials_are_tries_on_the_dataset(house: Path) -> None:
    """Each counts where luck is counted: a record an answer, with the data's hash and the hours' returns."""
    records = [record.trial for record in Ledger(house / "models" / LEDGER_FILE).read()]
    tries = [trial for trial in records if trial.kind == "tuning"]
    assert [trial.question for trial in tries] == 2 * ["regime/LOW", "regime/MID", "regime/HIGH"]
    assert {trial.facts["dataset"] for trial in tries} == {"gold/training/regime"}
    assert {len(trial.blocks) for trial in tries} == {8}
    assert {trial.kind for trial in records} == {"fit", "tuning"}


def test_the_asset_goes_on_with_the_study_and_shows_it(house: Path, tmp_path: Path) -> None:
    """From two trials to three, with the verdict, both plots and the page; settings of the run are its config."""
    shutil.copytree(house / "models", tmp_path / "models")
    node = "training__regime__tuned_params"
    result = dg.materialize(
        [tuned_params_asset(REGIME)],
        resources={
            "lake": LakeResource(root=str(house / "lake")),
            "models": ModelStore(folder=str(tmp_path / "models")),
            "warehouse": WarehouseResource(pages=str(tmp_path / "pages")),
        },
        run_config={"ops": {node: {"config": {"trials": 3, "seed": 5, "adopt": True}}}},
        instance=dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)),
    )
    (made,) = result.asset_materializations_for_node(node)
    shown = {name: value.value for name, value in made.metadata.items()}
    assert shown["trials complete"] == 3
    assert shown["adopted"] == "nothing adopted"
    assert str(shown["headline"]).startswith("no edge")
    assert str(shown["plot"]).startswith("![history and importance](data:image/png;base64,")
    page = (tmp_path / "pages" / "regime" / "tuned_params.html").read_text()
    assert str(shown["headline"]) in page
    assert "<svg" in page
    again = tune_training(REGIME, Lake(str(house / "lake")), tmp_path / "models", trials=1, seed=5)
    assert len(again.outcomes) == 3


def test_the_page_of_an_edge_says_what_came_of_it() -> None:
    """And one without a score has no figure."""
    page = study_page(studied(0.01), "Ranges.", "adopted: trial 1", {"Dataset": "gold/training/regime"})
    assert '<div class="verdict good"><p>an edge: trial 1 scores 0.2500' in page
    assert "adopted: trial 1" in page
    bare = replace(studied(None), outcomes=(), judgement=Judgement(None, None))
    assert "<svg" not in study_page(bare, "Ranges.", "", {})
