"""The job `monitor`: what is in it, what it makes of a day, and what the sensor reads of its report."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from grinder_assets.automation import FULL_RUN_SPECS, retrain_keys
from grinder_assets.definitions import defs
from grinder_assets.monitoring.assets import MONITORING_ASSETS
from grinder_assets.monitoring.drift import DRIFT_ASSETS
from grinder_assets.partitions import range_tags
from grinder_assets.schedules import hourly_monitor, weekly_retrain
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


def settle(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put settings in force."""
    path = folder / "operations.yaml"
    path.write_text(f"ml: {text}", encoding="utf-8")
    monkeypatch.setenv("GRINDER_OPERATIONS", str(path))


@pytest.mark.parametrize(("hours", "first"), [(24, "2025-01-08"), (48, "2025-01-07")])
def test_the_hour_asks_for_the_days_of_the_window_that_have_rows(
    hours: int, first: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One day more than window_hours, for the window ends with the newest row; the day that has just begun has none."""
    settle(tmp_path, f"{{monitoring: {{window_hours: {hours}}}}}", monkeypatch)
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime(2025, 1, 10, 1, tzinfo=UTC),
        resources={"lake": LakeResource(root=str(trained / "lake"))},
    )
    request = hourly_monitor(context)
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == "monitor-2025-01-10T01"
    assert request.tags == {**range_tags(date.fromisoformat(first), LAST), "grinder/reason": "hourly"}


@pytest.mark.parametrize(
    ("needs", "why_not"),
    [
        ((4, 960), ""),
        ((5, 960), "regime: trained until 4 days ago, not due (every 5 days)"),
        ((4, 961), "regime: 960 rows, 961 are needed"),
    ],
)
def test_monday_asks_for_the_models_that_are_due_alone(
    needs: tuple[int, int], why_not: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four days after the end of its data, with rows just enough; both settings decide, and no other model is asked."""
    calibration = "{{retrain_interval_days: {}, min_training_samples: {}}}".format(*needs)
    settle(tmp_path, f"{{calibration: {calibration}}}", monkeypatch)
    resources = {
        "lake": LakeResource(root=str(trained / "lake")),
        "models": ModelStore(folder=str(trained / "models")),
    }
    monday = datetime(2025, 1, 13, 4, tzinfo=UTC)
    answer = weekly_retrain(dg.build_schedule_context(scheduled_execution_time=monday, resources=resources))
    if why_not:
        assert isinstance(answer, dg.SkipReason)
        assert why_not in str(answer.skip_message)
        return
    assert isinstance(answer, dg.RunRequest)
    assert (answer.run_key, answer.asset_selection) == ("retrain-2025-01-13", retrain_keys(REGIME))
    assert answer.tags == {
        "grinder/reason": "due",
        "grinder/detail": "regime: trained until 4 days ago, due (every 4 days)",
    }


def test_before_the_first_model_the_report_says_so(trained: Path, tmp_path: Path) -> None:
    """An hourly job that starts before anything was trained is no failure."""
    (tmp_path / "lake").symlink_to(trained / "lake")
    report = shown(run(tmp_path, LAST, LAST), "drift")
    assert (report["has_drift"], report["state"], report["reason"]) == (
        False,
        "unknown",
        "nothing has been sketched yet",
    )
