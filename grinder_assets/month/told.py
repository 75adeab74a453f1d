"""A run of the month in words: who asked for it, what it was, what came of it."""

import dagster as dg

from grinder_assets.keys import key_of
from grinder_assets.month.plan import MODEL
from grinder_assets.month.watching import Watch
from grinder_assets.partitions import RANGE_END
from grinder_assets.run_tags import DETAIL
from grinder_resources.contracts.monitoring import drift_table

_ASKED_BY = ("dagster/schedule_name", "dagster/sensor_name")
_RESULT = {
    "monitor": (key_of(drift_table(MODEL).name), "headline"),
    "retrain": (dg.AssetKey(["registry", MODEL]), "standing"),
}
"""What a job's run is told by: an asset and the name of the sentence in its metadata."""


def who(record: dg.RunRecord) -> str:
    """Return the schedule or sensor that asked for a run."""
    tags = record.dagster_run.tags
    return next((tags[tag] for tag in _ASKED_BY if tag in tags), "operator")


def what(record: dg.RunRecord) -> str:
    """Return job, last day and end of a run."""
    run = record.dagster_run
    until = f" until {run.tags[RANGE_END]}" if RANGE_END in run.tags else ""
    return f"{run.job_name}{until}: {run.status.value.lower()}"


def detail(record: dg.RunRecord, watch: Watch) -> str:
    """Return why there was the run, and the sentence of its result."""
    run = record.dagster_run
    parts = [run.tags.get(DETAIL, "")]
    if run.job_name in _RESULT and run.is_success:
        parts.append(watch.sentence(*_RESULT[run.job_name]))
    return " → ".join(part for part in parts if part)
