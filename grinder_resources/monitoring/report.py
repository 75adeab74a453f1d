"""`monitoring/drift/<model>`: a report from the tables of monitoring. Sketches are added up, no input is read again."""

from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from grinder_resources.contracts.monitoring import (
    DAY_HOURS,
    drift_table,
    predictions_log_table,
    references_table,
    sketches_table,
)
from grinder_resources.contracts.operations import MonitoringSettings
from grinder_resources.contracts.reports import predictions_table
from grinder_resources.contracts.table import Table
from grinder_resources.errors import NoData
from grinder_resources.export.verify import read_artifact
from grinder_resources.hashing import sha256_facts
from grinder_resources.lake import Lake, fingerprint
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.splits import MODES
from grinder_resources.monitoring.drift import DriftReport, Window, in_order
from grinder_resources.monitoring.outcomes import of_walk_forward, of_window, outcome_drift
from grinder_resources.monitoring.pairs import input_drift, paired
from grinder_resources.monitoring.skew import skew
from grinder_resources.monitoring.states import Measured, judged
from grinder_resources.registry.served import served_artifact

EPOCH = date(1970, 1, 1)


def drift_report(
    spec: ModelSpec, lake: Lake, models_dir: Path, settings: MonitoringSettings, *, code_version: str
) -> DriftReport:
    """Return how the last hours of the served model lie, and keep the findings in `monitoring/drift/<model>`.

    The window ends with the newest hour that has a sketch of the served model. Without an artifact, or a sketch, the
    report has no findings. Raises RegistryRejected for a torn registry, ManifestRejected or ArtifactRejected for an
    artifact that does not verify, CorruptFile for a table that does not.
    """
    # Before anything is read: what is committed meanwhile makes another report next time, and none that never comes.
    read = _upstream(spec, lake)
    try:
        folder = served_artifact(spec.name, models_dir)
    except NoData:
        report = DriftReport(spec.name, spec.doc, "", "", settings)
    else:
        model_hash = read_artifact(folder).manifest.model_hash
        report = report_on(spec, lake, settings, version=folder.name, model_hash=model_hash)
    table, upstream = drift_table(spec.name), read | {"model": report.model_hash, "settings": _hash_of(settings)}
    if lake.current(table, None, fingerprint(code_version, upstream)) is None:
        lake.commit(table, report.table(), day=None, code_version=code_version, upstream=upstream)
    return report


def report_on(
    spec: ModelSpec, lake: Lake, settings: MonitoringSettings, *, version: str, model_hash: str
) -> DriftReport:
    """Return the report on one version of a model; nothing is committed."""
    sketches, window = _sketches(lake, spec, model_hash, settings.window_hours)
    if window is None:
        return DriftReport(spec.name, spec.doc, version, model_hash, settings)
    pairs = paired(sketches, _of_hash(lake, references_table(spec.name), model_hash), settings.min_rows)
    measured = [*input_drift(pairs), *_of_answers(lake, spec, model_hash, window, settings)]
    findings = in_order(judged(measured, settings))
    return DriftReport(spec.name, spec.doc, version, model_hash, settings, window, findings, pairs)


def _sketches(lake: Lake, spec: ModelSpec, model_hash: str, hours: int) -> tuple[pl.DataFrame, Window | None]:
    """Return the sketches of a model in its last hours, and which those are; None without a sketch."""
    table = sketches_table(spec.name)
    hour = (pl.col("date") - EPOCH).dt.total_days() * DAY_HOURS + pl.col("hour")
    read: list[pl.DataFrame] = []
    # From the newest day back, so that a long table costs no more than a short one.
    for day in reversed(lake.days(table.name)):
        rows = lake.read(table, day, day).filter(pl.col("model_hash") == model_hash).with_columns(at=hour)
        read += [rows] if rows.height else []
        newest = read[0]["at"].to_list() if read else []
        if newest and (day - EPOCH).days * DAY_HOURS <= max(newest) - hours:
            break
    if not read:
        return table.empty(), None
    last = max(read[0]["at"].to_list())
    window = Window(last - hours + 1, last)
    return pl.concat(read).filter(pl.col("at") >= window.first), window


def _of_answers(
    lake: Lake, spec: ModelSpec, model_hash: str, window: Window, settings: MonitoringSettings
) -> list[Measured]:
    """Return what the answers of the window are worth, and whether processes read what the lake has."""
    first, last = (EPOCH + timedelta(days=hour // DAY_HOURS) for hour in (window.first, window.last))
    within = pl.col("ts_ns").is_between(window.start_ns, window.end_ns, closed="left")
    answers = lake.read_or_empty(predictions_log_table(spec.name), first, last)
    answers = answers.filter(within, pl.col("model_hash") == model_hash)
    walked = predictions_table(spec.name)
    out_of_fold = lake.read(walked) if lake.stamps(walked.name) else walked.empty()
    then = of_walk_forward(out_of_fold, MODES[0], window.start_ns)
    return [*outcome_drift(of_window(answers), then, settings.accuracy_threshold), *skew(answers)]


def _of_hash(lake: Lake, table: Table, model_hash: str) -> pl.DataFrame:
    rows = lake.read(table) if lake.stamps(table.name) else table.empty()
    return rows.filter(pl.col("model_hash") == model_hash)


def _upstream(spec: ModelSpec, lake: Lake) -> dict[str, str]:
    """Return the hashes of every commit that the report may have read, by table and day."""
    tables = (references_table, sketches_table, predictions_log_table, predictions_table)
    names = [table(spec.name).name for table in tables]
    return {
        f"{name}/{day}".rstrip("/"): stamp.logical_sha256 for name in names for day, stamp in lake.stamps(name).items()
    }


def _hash_of(settings: MonitoringSettings) -> str:
    return sha256_facts({name: str(value) for name, value in asdict(settings).items()})
