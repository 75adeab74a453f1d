"""Schedules: what runs at its time. All are off until switched on in the UI."""

from datetime import UTC, date, timedelta

import dagster as dg

from grinder_assets.automation import DAILY_JOB, FULL_RUN_SPECS, MONITOR_JOB, RETRAIN_JOB, retrain_keys
from grinder_assets.partitions import range_tags
from grinder_assets.run_tags import DAY_ENDED, DUE, HOURLY, LATE_DATA, reason
from grinder_resources.dagster import LakeResource, ModelStore

LATE_DAYS = 3
"""Days the late-data schedule looks at again."""
_DAY_HOURS, _HOUR_S = 24, 3600


def _today(context: dg.ScheduleEvaluationContext) -> date:
    return context.scheduled_execution_time.astimezone(UTC).date()


@dg.schedule(
    job=DAILY_JOB,
    cron_schedule="0 1 * * *",
    execution_timezone="UTC",
    description="Bronze to Gold of the day that has just ended.",
)
def daily_tables(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Make the tables of the day that has just ended."""
    yesterday = _today(context) - timedelta(days=1)
    return dg.RunRequest(run_key=f"daily-{yesterday}", partition_key=yesterday.isoformat(), tags=reason(DAY_ENDED))


@dg.schedule(
    job=DAILY_JOB,
    cron_schedule="30 2 * * *",
    execution_timezone="UTC",
    description=f"The last {LATE_DAYS} days again, for files that came late; days that have not changed are skipped.",
)
def late_data(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Look at the last days again, in one run; a day whose files have not changed is skipped."""
    today = _today(context)
    first, last = today - timedelta(days=LATE_DAYS), today - timedelta(days=1)
    return dg.RunRequest(run_key=f"late-{today}", tags={**range_tags(first, last), **reason(LATE_DATA)})


@dg.schedule(
    job=MONITOR_JOB,
    cron_schedule="0 * * * *",
    execution_timezone="UTC",
    description="How the models in use are doing, every drift_check_interval_hours.",
)
def hourly_monitor(context: dg.ScheduleEvaluationContext, lake: LakeResource) -> dg.RunRequest | dg.SkipReason:
    """Sketch the days of the window and report drift; skipped between two checks and where no day has rows."""
    from grinder_resources.operations import operations

    settings, now = operations().monitoring, context.scheduled_execution_time.astimezone(UTC)
    every = settings.drift_check_interval_hours
    wait = -(int(now.timestamp()) // _HOUR_S) % every
    if wait:
        return dg.SkipReason(f"every {every} hours: the next check is at {now + timedelta(hours=wait):%H:00} UTC")
    first = (now - timedelta(hours=settings.window_hours + _DAY_HOURS)).date()
    store = lake.open()
    days = sorted({day for spec in FULL_RUN_SPECS for day in store.days(spec.dataset) if day >= first})
    if not days:
        return dg.SkipReason(f"no Gold rows since {first}")
    return dg.RunRequest(run_key=f"monitor-{now:%Y-%m-%dT%H}", tags={**range_tags(days[0], days[-1]), **reason(HOURLY)})


@dg.schedule(
    job=RETRAIN_JOB,
    cron_schedule="0 4 * * 1",
    execution_timezone="UTC",
    description="Every Monday: the models whose retrain_interval_days have passed, if they have min_training_samples.",
)
def weekly_retrain(
    context: dg.ScheduleEvaluationContext, lake: LakeResource, models: ModelStore
) -> dg.RunRequest | dg.SkipReason:
    """Train the models again that are due; where none is, say of each why not, in numbers."""
    from grinder_resources.operations import operations
    from grinder_resources.retraining import retrain_need

    today, store, settings = _today(context), lake.open(), operations().calibration
    needs = {spec.name: retrain_need(spec, store, models.path, settings, today) for spec in FULL_RUN_SPECS}
    due = [spec for spec in FULL_RUN_SPECS if needs[spec.name].due]
    if not due:
        return dg.SkipReason("; ".join(need.sentence for need in needs.values()))
    return dg.RunRequest(
        run_key=f"retrain-{today}",
        asset_selection=list(dict.fromkeys(key for spec in due for key in retrain_keys(spec))),
        tags=reason(DUE, "; ".join(needs[spec.name].sentence for spec in due)),
    )


SCHEDULES = [daily_tables, late_data, hourly_monitor, weekly_retrain]
