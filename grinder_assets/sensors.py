"""Sensors: what runs when something has happened. All are off until switched on in the UI."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from grinder_assets.automation import DAILY_JOB, FULL_RUN_SPECS, RETRAIN_JOB, retrain_keys
from grinder_assets.failure_message import failure_message
from grinder_assets.monitoring.drift import drift_key
from grinder_assets.partitions import contiguous, range_tags
from grinder_assets.run_tags import DRIFT, DRIFTED, NEW_FILES, REASON, reason
from grinder_resources.dagster import LakeResource, LandingResource, ModelStore
from grinder_resources.hashing import sha256_facts
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.market.minutes import LOOK_BACK_DAYS

NO_NEW_REPORT = "no new report"
_AND = ","
"""Between the names of models in a tag."""


@dg.sensor(
    job=DAILY_JOB,
    minimum_interval_seconds=60,
    name="landing_files",
    description="Bronze to Gold of every day that a new or changed landing file covers.",
)
def landing_sensor(
    context: dg.SensorEvaluationContext, landing: LandingResource
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request the days whose files are new, have changed or have gone, in one run a stretch of days.

    Days that are built on them are asked for too: of the day before, gates are settled by them; of the days after,
    levels look back. A run over all days would read them all to find that most have not changed.
    """
    from grinder_resources.ingest.landing import named_days

    folder = landing.folder_path
    now = {day.isoformat(): listing for day, listing in named_days(folder).items()}
    seen: dict[str, str] = json.loads(context.cursor) if context.cursor else {}
    changed = {date.fromisoformat(day) for day in now.keys() | seen.keys() if now.get(day) != seen.get(day)}
    if not changed:
        yield dg.SkipReason(f"nothing new in {folder}")
        return
    context.update_cursor(json.dumps(now))
    listing = sha256_facts(now)
    for first, last in contiguous(_touched(changed, [date.fromisoformat(day) for day in now])):
        yield dg.RunRequest(run_key=f"{listing}-{first}", tags={**range_tags(first, last), **reason(NEW_FILES)})


def _touched(changed: Collection[date], named: Iterable[date]) -> list[date]:
    """Return the changed days, and the named days that are built on one of them, ascending."""
    reach = range(-LOOK_BACK_DAYS, 2)
    return sorted({*changed, *(day for day in named if any(day + timedelta(days=step) in changed for step in reach))})


@dg.sensor(
    job=RETRAIN_JOB,
    minimum_interval_seconds=60,
    name="drift",
    description="Train a model again when its newest report says that it has drifted; at most once in cool_down_hours.",
)
def drift_sensor(
    context: dg.SensorEvaluationContext, lake: LakeResource, models: ModelStore
) -> dg.RunRequest | dg.SkipReason:
    """Request one run over the models whose newest report has drifted, each report being looked at once.

    Each model cools down by itself: reports of one check come minutes apart, and the first asks for its model alone. A
    report inside the cool-down asks for nothing; the next one will, if the drift is still there.
    """
    from grinder_resources.operations import operations
    from grinder_resources.retraining import retrain_need

    fresh = _fresh_reports(context)
    drifted = [report for report in fresh if report.has_drift]
    if not drifted:
        return dg.SkipReason(f"{len(fresh)} new reports, none has drifted" if fresh else NO_NEW_REPORT)
    settings, at = operations(), max(report.at for report in drifted)
    cooling = _cooling(context.instance, at, timedelta(hours=settings.monitoring.cool_down_hours))
    ready = [report for report in drifted if report.spec.name not in cooling]
    if not ready:
        until = max(cooling[report.spec.name] for report in drifted)
        return dg.SkipReason(f"{_names(drifted)}: drift again, cooling down until {until:%Y-%m-%d %H:%M} UTC")
    store, today = lake.open(), at.date()
    needs = [retrain_need(one.spec, store, models.path, settings.calibration, today) for one in ready]
    chosen = [report for report, need in zip(ready, needs, strict=True) if need.enough]
    if not chosen:
        return dg.SkipReason("drift, but " + "; ".join(need.sentence for need in needs))
    return dg.RunRequest(
        run_key=f"drift-{_names(chosen)}-{at:%Y-%m-%dT%H:%M:%S}",
        asset_selection=list(dict.fromkeys(key for report in chosen for key in retrain_keys(report.spec))),
        tags={
            **reason(DRIFTED, "; ".join(f"{report.spec.name}: {report.why}" for report in chosen)),
            DRIFT: _names(chosen),
        },
    )


@dataclass(frozen=True)
class _Report:
    """A drift report as the graph recorded it: of which model, when, and what it says."""

    spec: ModelSpec
    at: datetime
    has_drift: bool
    why: str


def _fresh_reports(context: dg.SensorEvaluationContext) -> list[_Report]:
    """Return the newest report of each model that has one since the last look, and move the cursor past them."""
    seen: dict[str, int] = json.loads(context.cursor) if context.cursor else {}
    fresh = []
    for spec in FULL_RUN_SPECS:
        for record in context.instance.fetch_materializations(drift_key(spec), limit=1).records:
            event = record.asset_materialization
            if event is None or record.storage_id <= seen.get(spec.name, 0):
                continue
            seen[spec.name] = record.storage_id
            facts = {name: event.metadata[name].value for name in ("has_drift", "reason")}
            at = datetime.fromtimestamp(record.timestamp, UTC)
            fresh.append(_Report(spec, at, facts["has_drift"] is True, str(facts["reason"])))
    context.update_cursor(json.dumps(seen))
    return fresh


def _cooling(instance: dg.DagsterInstance, at: datetime, cool_down: timedelta) -> dict[str, datetime]:
    """Return the models whose drift asked for a run within the cool-down, whatever became of it, and until when."""
    asked = instance.get_run_records(dg.RunsFilter(tags={REASON: DRIFTED}, created_after=at - cool_down))
    return {
        name: record.create_timestamp.astimezone(UTC) + cool_down
        for record in reversed(asked)
        for name in record.dagster_run.tags.get(DRIFT, "").split(_AND)
    }


def _names(reports: Sequence[_Report]) -> str:
    return _AND.join(report.spec.name for report in reports)


@dg.run_failure_sensor(
    name="failed_runs",
    description="Says of every failed run what failed, why, what to do, and how to run it again.",
)
def failure_sensor(context: dg.RunFailureSensorContext) -> None:
    """Log one message a failed run; whoever wants it elsewhere has one function to call."""
    context.log.error(failure_message(context.dagster_run, context.get_step_failure_events()))


SENSORS = [landing_sensor, drift_sensor, failure_sensor]
