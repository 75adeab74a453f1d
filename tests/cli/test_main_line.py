"""The main line on a small demo market: from landing files to artifacts, reports and the warehouse, by one command."""

import json
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from grinder_resources.cli import main
from grinder_resources.contracts.gold import REGIME_DATASET
from grinder_resources.contracts.replay import DECISIONS
from grinder_resources.contracts.reports import verdicts_table
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.export.artifact import latest_version
from grinder_resources.registry.changes import candidacy
from grinder_resources.registry.log import Registry
from grinder_resources.replay.decisions import digest
from grinder_resources.replay.totals import balanced
from tests.cli.conftest import House, run

pytestmark = pytest.mark.usefixtures("environment")


def test_every_table_has_every_day(house: House) -> None:
    """Five days of source files give five days in every daily table."""
    days = [date(2025, 1, day) for day in range(6, 11)]
    daily = [name for name in house.lake.tables() if not name.startswith("reports/")]
    assert len(daily) == 18
    assert {name: house.lake.days(name) for name in daily} == dict.fromkeys(daily, days)


def test_bronze_conserves_rows(house: House) -> None:
    """What went in came out: nothing quarantined, nothing lost, in every file of the clean demo."""
    from grinder_resources.contracts.bronze import INGEST_LOG, QUARANTINE

    log = house.lake.read(INGEST_LOG)
    assert log["rows_in"].sum() == log["rows_out"].sum() > 0
    assert house.lake.read(QUARANTINE).is_empty()


def test_snapshots_know_no_later_quote(house: House) -> None:
    """A row's quote is never younger than the row."""
    rows = house.lake.read(SNAPSHOTS)
    assert rows.filter(pl.col("quote_ts_ns") > pl.col("ts_ns")).is_empty()
    assert rows.height > 5 * 4 * 3600 * 0.9


def test_artifacts_verify(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Both models of the full run verify from the command line."""
    for name in ("level_signals_stage_b_full", "regime"):
        assert (
            main(["verify", str(house.root / "models" / f"{name}_{latest_version(house.root / 'models', name)}")]) == 0
        )
    assert capsys.readouterr().out.count("OK ") == 2


def test_the_manifest_names_the_training_data(house: House) -> None:
    """data_hash and input_features tie the artifact to its dataset."""
    from grinder_resources.datasets import dataset_sha256

    manifest = json.loads((house.root / "models" / "regime_v1.0.0" / "manifest.json").read_text())
    assert manifest["schema_version"] == 1
    assert manifest["output_classes"] == ["LOW", "MID", "HIGH"]
    assert manifest["training_metadata"]["data_hash"] == dataset_sha256(house.lake, REGIME_DATASET.name)[:16]


def test_the_graph_answers_for_gold_rows(house: House) -> None:
    """The exported graph gives integer probabilities that sum to exactly 10,000 bps for rows of the Gold table."""
    import onnxruntime

    folder = house.root / "models" / "regime_v1.0.0"
    columns = json.loads((folder / "manifest.json").read_text())["input_features"]
    rows = house.lake.read(REGIME_DATASET).select(pl.col(columns).cast(pl.Float32)).to_numpy()
    session = onnxruntime.InferenceSession((folder / "model.onnx").read_bytes(), providers=["CPUExecutionProvider"])
    (bps,) = session.run(["regime"], {"input": rows.astype(np.float32)})
    assert (bps.dtype, bps.shape) == (np.int32, (len(rows), 3))
    assert np.all(bps.sum(axis=1) == 10_000)


def test_reports_are_pages_tables_and_verdicts(house: House) -> None:
    """Each model has five pages and a verdict for every head; the regime model's replay is a sixth."""
    for name, more in (("level_signals_stage_b_full", []), ("regime", ["shadow_replay.html"])):
        pages = house.root / "data" / "reports" / name
        assert sorted(path.name for path in pages.iterdir()) == [
            "calibration.html",
            "importance.html",
            "model_card.html",
            "promotion.html",
            *more,
            "walk_forward.html",
        ]
    heads = house.lake.read(verdicts_table("level_signals_stage_b_full"))["head"].unique()
    assert len(heads) == 15


def test_models_are_staged_and_none_is_promoted(house: House) -> None:
    """With the evidence of the same run, of the very settings and rows they were fitted with; promoting is no run's."""
    standings = Registry(house.models).standings()
    assert set(standings) == {"level_signals_stage_b_full", "regime"}
    for name, standing in standings.items():
        assert standing.production is None
        assert standing.staged is not None
        found = candidacy(standings, name, "", house.models)[1]
        assert [finding.gate.name for finding in found if finding.passed][:2] == ["artifact", "evidence"]


def test_the_newest_day_was_replayed_in_shadow(house: House) -> None:
    """Every row of the last day has a decision of the newest model, none was used, and the sums balance."""
    rows = house.lake.read(REGIME_DATASET, date(2025, 1, 10), date(2025, 1, 10))
    decisions = house.lake.read(DECISIONS)
    assert decisions.height == rows.height > 200
    assert decisions["model_hash"].unique().to_list() == [
        json.loads((house.models / "regime_v1.0.0" / "manifest.json").read_text())["model_hash"]
    ]
    assert decisions["done_x1000"].unique().to_list() == [0]
    assert balanced(decisions, rows) == 0


def test_the_warehouse_answers_sql(house: House) -> None:
    """Every layer is a schema and a view counts the rows of its table."""
    with duckdb.connect(str(house.root / "data" / "grinder.duckdb"), read_only=True) as db:
        ((count,),) = db.execute("select count(*) from silver.snapshots").fetchall()
        ((versions,),) = db.execute('select count(*) from silver."features_v2_0_full_ensemble"').fetchall()
    assert count == house.lake.read(SNAPSHOTS).height
    assert versions > 0


def test_a_second_run_rewrites_nothing(house: House, landing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Materialising twice changes no logical hash, no commit and no model."""
    before, versions = house.hashes(), {name: house.lake.files(name) for name in house.lake.tables()}
    run(landing, house.root)
    assert house.hashes() == before
    assert {name: house.lake.files(name) for name in house.lake.tables()} == versions
    assert sorted(path.name for path in house.models.glob("*_v*")) == [
        "level_signals_stage_b_full_v1.0.0",
        "regime_v1.0.0",
    ]
    shown = capsys.readouterr().out
    assert "model regime v1.0.0" in shown
    assert f"digest {digest(house.lake.read(DECISIONS))[:16]}" in shown


def test_another_folder_gives_the_same_bits(house: House, landing: Path, tmp_path: Path) -> None:
    """Path, clock and run order do not enter: tables, model.onnx and every replayed decision are equal elsewhere."""
    other = run(landing, tmp_path)
    assert other.hashes() == house.hashes()
    assert digest(other.lake.read(DECISIONS)) == digest(house.lake.read(DECISIONS))
    for name in ("level_signals_stage_b_full_v1.0.0", "regime_v1.0.0"):
        ours, theirs = (root / "models" / name / "model.onnx" for root in (house.root, tmp_path))
        assert ours.read_bytes() == theirs.read_bytes()


def test_too_few_days_say_so(landing: Path, tmp_path: Path) -> None:
    """With two days tables are made, no model is, so none is replayed, and the page says what could not be done."""
    house = run(landing, tmp_path, "--from", "2025-01-06", "--to", "2025-01-07")
    assert house.lake.days(SNAPSHOTS.name) == [date(2025, 1, 6), date(2025, 1, 7)]
    assert not list((tmp_path / "models").glob("*_v*"))
    assert DECISIONS.name not in house.lake.tables()
    page = (tmp_path / "data" / "reports" / "regime" / "walk_forward.html").read_text()
    assert "TOO_FEW_DAYS" in page
