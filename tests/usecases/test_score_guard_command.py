"""`grinder backtest` and the report asset: what they print, leave and refuse."""

import json
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from grinder_assets.reports.score_guard import score_guard
from grinder_resources.cli import main
from grinder_resources.contracts.gold import REGIME_DATASET
from grinder_resources.contracts.reports import predictions_table
from grinder_resources.contracts.score_guard import EQUITY, GRID_DECISIONS, POLICIES
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.errors import NoData
from grinder_resources.export.build import build_artifact
from grinder_resources.lake import Lake
from grinder_resources.learning.ledger import LEDGER_FILE, Ledger
from grinder_resources.learning.specs import SPECS
from grinder_resources.usecases.score_guard.fold_scores import fold_scores
from grinder_resources.usecases.score_guard.model_scores import Outputs
from grinder_resources.usecases.score_guard.report import score_guard_report
from tests.learning.regime_gold import land
from tests.usecases.guard_market import DAY, OPEN, STEP, lake_with, scores


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a lake of an hour and a file of scores that close half of it; read only."""
    root = tmp_path_factory.mktemp("house")
    lake_with(str(root / "data" / "lake"), 6)
    scores(*((STEP * n, 9_000 - 1_500 * n, 0) for n in range(6))).write_parquet(root / "scores.parquet")
    return root


def backtest(house: Path, folder: Path, *more: str) -> int:
    """Run `grinder backtest grid` on the day."""
    places = ("--data", str(house / "data"), "--models", str(folder / "models"), "--out", str(folder / "out"))
    return main(["backtest", "grid", "--day", str(DAY), *places, *more])


def test_the_command_prints_both_policies_and_a_verdict(
    house: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 0 with and 1 where a promotion is required; page, verdict and rows lie in the folder; two tries are kept."""
    given = ("--ml-scores", str(house / "scores.parquet"), "--threshold", "5000")
    assert backtest(house, tmp_path, *given) == 0
    printed = capsys.readouterr().out
    assert "it left 3 of 6 decisions" in printed
    assert "heuristic       guarded" in printed
    assert "Tries of this backtest so far, this one included: 1" in printed
    assert "no promotion: the guard earns " in printed
    assert "the scores are not out of sample; fewer than 8 hours" in printed
    assert backtest(house, tmp_path, *given, "--require-promotion", "--fitted-until", "2025-01-05") == 1
    assert "the scores are not out of sample" not in capsys.readouterr().out
    assert len(Ledger(tmp_path / "models" / LEDGER_FILE).read()) == 2
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {
        "backtest.html", "verdict.json", "decisions.parquet", "equity.parquet", "fills.parquet"
    }  # fmt: skip
    verdict = json.loads((out / "verdict.json").read_text())
    assert (verdict["promoted"], verdict["sample"], verdict["guard_opened"]) == (False, "out of sample", 3)
    page = (out / "backtest.html").read_text()
    assert "No promotion: " in page
    assert page.count("<svg") == 2


def test_without_scores_there_is_the_heuristic_alone(
    house: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is compared, so nothing is a try."""
    assert backtest(house, tmp_path) == 0
    assert capsys.readouterr().out.splitlines()[-2] == "no verdict: there are no scores to compare with"
    assert Ledger(tmp_path / "models" / LEDGER_FILE).read() == ()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--symbol", "NONE"), "NO_DATA: the day holds no decision of these symbols"),
        (("--ml-scores", "nowhere.csv"), "NO_DATA: the scores cannot be read"),
        (("--ml-scores", "walk-forward:regime"), "PARTITION_MISSING"),
        (("--hazard-output", "regime/HIGH", "--ml-scores", "."), "UNKNOWN_NAME: a hazard without a score"),
        (("--ml-scores", "SCORES", "--threshold", "10001"), "OUT_OF_RANGE: threshold_bps of a guard"),
        (("--ml-scores", "SCORES", "--score-output", "regime/HIGH"), "UNKNOWN_NAME: scores of a file do not hear this"),
        (("--ml-scores", ".", "--fitted-until", "2025-01-05"), "UNKNOWN_NAME: scores of a model do not hear this"),
    ],
)
def test_what_cannot_be_backtested_is_one_line(
    more: tuple[str, ...], said: str, house: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1, and no try."""
    given = [str(house / "scores.parquet") if each == "SCORES" else each for each in more]
    assert backtest(house, tmp_path, *given) == 1
    assert capsys.readouterr().err.startswith(said)
    assert not (tmp_path / "models").exists()


def test_answers_of_a_walk_forward_are_scores_out_of_sample(tmp_path: Path) -> None:
    """Those of the expanding mode, calibrated; of two folds that answer a row the later; its complement where asked."""
    rows = [
        {"mode": mode, "head": "regime", "class": name, "fold": fold, "calibrated_bps": bps, "ts_ns": OPEN}
        for mode, name, fold, bps in (
            ("expanding", "HIGH", 1, 1_000), ("expanding", "HIGH", 2, 2_500), ("expanding", "LOW", 2, 6_000),
            ("rolling", "HIGH", 2, 9_000),
        )
    ]  # fmt: skip
    table = predictions_table("regime")
    plain = {"date": DAY, "venue": "demo", "symbol": "A", "label_end_ns": 0, "row_id": "", "settled": False}
    numbers = {"label": 0.0, "base_rate": 0.0, "baseline": 0.0, "prediction": 0.0, "margin_q16": 0}
    lake = Lake(str(tmp_path))
    frame = pl.DataFrame([plain | numbers | row for row in rows], schema=table.schema)
    lake.commit(table, frame, day=None, code_version="1")
    found = fold_scores(lake, "regime", None)
    assert found.rows.rows() == [("demo", "A", OPEN, 7_500, 2_500)]
    assert found.sample(DAY) == "out of sample"
    with pytest.raises(NoData, match="no such answer"):
        fold_scores(lake, "regime", Outputs("regime/MID", None))


def test_the_report_is_made_of_the_newest_day_and_a_repetition_is_no_new_try(tmp_path: Path) -> None:
    """The model saw that day, and it is said; made again, nothing is rebuilt, and the record says so."""
    lake, models = lake_with(str(tmp_path / "lake"), 6), tmp_path / "models"
    land(tmp_path)
    build_artifact(SPECS["regime"], REGIME_DATASET, lake, models, "1")
    before = len(Ledger(models / LEDGER_FILE).read())
    first, again = (score_guard_report(lake, models, "1") for _ in range(2))
    assert (first.model, first.rebuilt, again.rebuilt) == ("regime_v1.0.0", True, False)
    assert first.backtest.comparison is not None
    assert first.backtest.comparison.sample == "in sample"
    assert again.backtest.sentence == first.backtest.sentence
    kept = Ledger(models / LEDGER_FILE).read()[before:]
    assert [record.trial.facts.get("verify", False) for record in kept] == [False, True]
    assert kept[0].trial.key == kept[1].trial.key
    rows = {table.name: lake.read(table).height for table in (GRID_DECISIONS, EQUITY, POLICIES)}
    assert rows == {GRID_DECISIONS.name: 6, EQUITY.name: 2 * 51, POLICIES.name: 2}


def test_the_asset_ends_well_without_a_model(house: Path, tmp_path: Path) -> None:
    """No artifact is no failure: the run says so and writes nothing."""
    resources = {
        "lake": LakeResource(root=str(house / "data" / "lake")),
        "models": ModelStore(folder=str(tmp_path / "models")),
        "warehouse": WarehouseResource(pages=str(tmp_path / "reports")),
    }
    instance = dg.DagsterInstance.ephemeral(tempdir=str(tmp_path))
    result = dg.materialize([score_guard], instance=instance, resources=resources)
    (event,) = result.get_asset_materialization_events()
    assert event.materialization.metadata["backtested"].value is False
    assert "there is no artifact to guard with" in event.materialization.metadata["headline"].value
    assert not (tmp_path / "reports").exists()
