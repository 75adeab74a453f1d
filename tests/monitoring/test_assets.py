"""The job `monitor`: what is in it, what it makes of a day, and what the sensor reads of its report."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import dagster as dg

from grinder_assets.automation import FULL_RUN_SPECS
from grinder_assets.definitions import defs
from grinder_assets.monitoring.assets import MONITORING_ASSETS
from grinder_assets.monitoring.drift import DRIFT_ASSETS
from grinder_assets.partitions import range_tags
from grinder_resources.contracts.monitoring import drift_table, predictions_log_table, references_table, sketches_table
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.lake import Lake
from grinder_resources.learning.specs import REGIME
from tests.learning import regime_gold

LAST = regime_gold.FIRST + timedelta(days=regime_gold.DAYS - 1)
TABLES = (references_table, predictions_log_table, sketches_table, drift_table)


REPORTED = (*MONITORING_ASSETS, *DRIFT_ASSETS)


def run(
    folder: Path, first: date, last: date, assets: Sequence[dg.AssetsDefinition] = REPORTED
) -> dg.ExecuteInProcessResult:
    """Make the tables and the report of the regime model over some days."""
    resources = {
        "lake": LakeResource(root=str(folder / "lake")),
        "models": ModelStore(folder=str(folder / "models")),
        "warehouse": WarehouseResource(pages=str(folder / "pages")),
    }
    ours = [asset for asset in assets if asset.key.path[-1] == REGIME.name]
    return dg.materialize(ours, resources=resources, tags=range_tags(first, last))


def shown(result: dg.ExecuteInProcessResult, table: str) -> dict[str, object]:
    """Return the metadata of an asset's newest materialisation."""
    event = result.asset_materializations_for_node(f"monitoring__{table}__{REGIME.name}")[-1]
    return {name: value.value for name, value in event.metadata.items()}


def test_the_job_holds_every_model_of_a_full_run_and_nothing_else() -> None:
    """Four assets a model: references, answers, sketches, report."""
    keys = {key.to_user_string() for key in defs.resolve_job_def("monitor").asset_layer.selected_asset_keys}
    assert keys == {table(spec.name).name for spec in FULL_RUN_SPECS for table in TABLES}


def test_a_report_says_in_three_values_whether_to_train_again(trained: Path) -> None:
    """A day like those of training: no drift, in a state and a sentence, with a page and gauges beside it."""
    report = shown(run(trained, LAST, LAST), "drift")
    assert report["has_drift"] is False
    assert report["state"] in {"ok", "warning"}
    assert isinstance(report["reason"], str)
    assert report["window"] == "2025-01-08 04:00 to 2025-01-09 04:00 UTC"
    assert str(report["model_version"]).startswith("regime_v1.0.0, ")
    assert Path(str(report["page"])).is_file()
    gauges = Path(str(report["page"])).with_suffix(".prom").read_text(encoding="utf-8")
    assert 'grinder_ml_has_drift{model="regime"} 0.0' in gauges


def test_days_that_have_not_changed_are_left_alone(trained: Path) -> None:
    """The second run makes nothing; a day without rows is there, and empty."""
    first, last = LAST - timedelta(days=1), LAST + timedelta(days=1)
    run(trained, first, last, MONITORING_ASSETS)
    again = run(trained, first, last, MONITORING_ASSETS)
    assert shown(again, "predictions")["rewritten"] == "0 of 3 days rewritten"
    assert shown(again, "sketches")["rewritten"] == "0 of 3 days rewritten"
    assert shown(again, "references")["rebuilt"] is False
    stamp = Lake(str(trained / "lake")).stamp(predictions_log_table(REGIME.name).name, last)
    assert stamp is not None
    assert stamp.rows == 0


def test_before_the_first_model_the_report_says_so(trained: Path, tmp_path: Path) -> None:
    """An hourly job that starts before anything was trained is no failure."""
    (tmp_path / "lake").symlink_to(trained / "lake")
    report = shown(run(tmp_path, LAST, LAST), "drift")
    assert (report["has_drift"], report["state"], report["reason"]) == (
        False,
        "unknown",
        "nothing has been sketched yet",
    )
