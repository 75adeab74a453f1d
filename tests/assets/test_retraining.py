"""Models are trained again when it is time or when they have drifted, and every refusal to do so says its numbers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from grinder_assets import schedules, sensors
from grinder_assets.monitoring.drift import drift_key
from grinder_resources.dagster import LakeResource, ModelStore
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.specs import SPECS
from grinder_resources.retraining import Need

REGIME = SPECS["regime"]


@pytest.mark.parametrize(
    ("need", "due", "sentence"),
    [
        (Need("regime", 99, 100, 30, 7), False, "regime: 99 rows, 100 are needed"),
        (Need("regime", 100, 100, None, 7), True, "regime: 100 rows and no model yet"),
        (Need("regime", 100, 100, 7, 7), True, "regime: trained until 7 days ago, due (every 7 days)"),
        (Need("regime", 100, 100, 6, 7), False, "regime: trained until 6 days ago, not due (every 7 days)"),
    ],
)
def test_a_model_is_due_when_it_is_time_and_there_are_rows(need: Need, due: bool, sentence: str) -> None:
    """Both bounds belong to the side that trains."""
    assert (need.due, need.sentence) == (due, sentence)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def report(instance: dg.DagsterInstance, has_drift: bool, spec: ModelSpec = REGIME) -> None:
    instance.report_runless_asset_event(
        dg.AssetMaterialization(drift_key(spec), metadata={"has_drift": has_drift, "reason": "spread_bps moved"})
    )


def settings(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "operations.yaml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("GRINDER_OPERATIONS", str(path))


def resources(folder: Path) -> dict[str, object]:
    return {"lake": LakeResource(root=str(folder / "lake")), "models": ModelStore(folder=str(folder / "models"))}


def look(instance: dg.DagsterInstance, folder: Path, cursor: str | None = None) -> tuple[object, str | None]:
    context = dg.build_sensor_context(instance=instance, cursor=cursor, resources=resources(folder))
    return sensors.drift_sensor(context), context.cursor


def test_drift_asks_for_a_run_over_the_model_with_its_reason(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tags say why there is such a run, and which model has drifted; a report is looked at once."""
    settings(tmp_path, "ml: {calibration: {min_training_samples: 0}}", monkeypatch)
    report(instance, has_drift=True)
    request, cursor = look(instance, tmp_path)
    assert isinstance(request, dg.RunRequest)
    assert request.tags == {
        "grinder/reason": "drift",
        "grinder/detail": "regime: spread_bps moved",
        "grinder/drift": "regime",
    }
    assert dg.AssetKey(["training", "regime"]) in (request.asset_selection or [])
    assert dg.AssetKey(["training", "gate_roc"]) not in (request.asset_selection or [])
    again, _ = look(instance, tmp_path, cursor)
    assert isinstance(again, dg.SkipReason)
    assert again.skip_message == "no new report"


def test_a_report_without_drift_asks_for_nothing(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """It is counted as seen."""
    report(instance, has_drift=False)
    answer, _ = look(instance, tmp_path)
    assert isinstance(answer, dg.SkipReason)
    assert answer.skip_message == "1 new reports, none has drifted"


@pytest.mark.parametrize(("hours", "asks"), [(24, False), (0, True)])
def test_drift_cools_down(
    hours: int, asks: bool, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within cool_down_hours of the last run that drift asked for there is no other."""
    text = f"ml: {{calibration: {{min_training_samples: 0}}, monitoring: {{cool_down_hours: {hours}}}}}"
    settings(tmp_path, text, monkeypatch)
    instance.create_run_for_job(_idle(), tags={"grinder/reason": "drift", "grinder/drift": "gate_roc,regime"})
    report(instance, has_drift=True)
    answer, _ = look(instance, tmp_path)
    assert isinstance(answer, dg.RunRequest) is asks
    if not asks:
        assert isinstance(answer, dg.SkipReason)
        assert "regime: drift again, cooling down until" in str(answer.skip_message)


def test_each_model_cools_down_by_itself(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model whose report comes a minute after another's has asked is not kept waiting for a day."""
    settings(tmp_path, "ml: {calibration: {min_training_samples: 0}}", monkeypatch)
    instance.create_run_for_job(_idle(), tags={"grinder/reason": "drift", "grinder/drift": "regime"})
    report(instance, has_drift=True)
    report(instance, has_drift=True, spec=SPECS["gate_roc"])
    request, _ = look(instance, tmp_path)
    assert isinstance(request, dg.RunRequest)
    assert request.tags["grinder/drift"] == "gate_roc"
    assert dg.AssetKey(["training", "regime"]) not in (request.asset_selection or [])


def test_drift_without_rows_enough_asks_for_nothing(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """A model cannot be trained on what is not there."""
    report(instance, has_drift=True)
    answer, _ = look(instance, tmp_path)
    assert isinstance(answer, dg.SkipReason)
    assert answer.skip_message == "drift, but regime: 0 rows, 10,000 are needed"


def _idle() -> dg.JobDefinition:
    @dg.job
    def idle() -> None:
        """Do nothing."""

    return idle


def test_monday_says_of_every_model_why_it_is_not_due(tmp_path: Path) -> None:
    """An empty lake has too few rows for all three."""
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime(2025, 1, 13, 4, tzinfo=UTC),
        resources=resources(tmp_path),
    )
    answer = schedules.weekly_retrain(context)
    assert isinstance(answer, dg.SkipReason)
    assert answer.skip_message == (
        "level_signals_stage_b_full: 0 rows, 10,000 are needed; regime: 0 rows, 10,000 are needed; "
        "gate_roc: 0 rows, 10,000 are needed"
    )


@pytest.mark.parametrize(
    ("every", "hour", "said"),
    [
        (6, 5, "every 6 hours: the next check is at 06:00 UTC"),
        (6, 6, "no Gold rows since 2025-01-11"),
        (5, 22, "every 5 hours: the next check is at 02:00 UTC"),
        (24, 1, "every 24 hours: the next check is at 00:00 UTC"),
    ],
)
def test_the_hourly_check_keeps_its_interval(
    every: int, hour: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """drift_check_interval_hours is what lies between two checks, across midnight too."""
    settings(tmp_path, f"ml: {{monitoring: {{drift_check_interval_hours: {every}}}}}", monkeypatch)
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime(2025, 1, 13, hour, tzinfo=UTC),
        resources={"lake": LakeResource(root=str(tmp_path / "lake"))},
    )
    answer = schedules.hourly_monitor(context)
    assert isinstance(answer, dg.SkipReason)
    assert answer.skip_message == said
