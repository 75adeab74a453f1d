"""Drift assets: how the last hours of the served model lie against what it was made on, as a table, figures, a page."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from grinder_assets.automation import FULL_RUN_SPECS
from grinder_assets.failures import refusals_as_failures
from grinder_assets.keys import key_of
from grinder_assets.metadata import column_schema, facts_table
from grinder_assets.monitoring.assets import MONITORING_CODE
from grinder_assets.partitions import SINGLE_RUN
from grinder_assets.reports.assets import report_keys
from grinder_assets.tables import OWNERS
from grinder_resources.contracts.monitoring import (
    drift_table,
    predictions_log_table,
    references_table,
    sketches_table,
)
from grinder_resources.dagster import LakeResource, ModelStore
from grinder_resources.learning.model_spec import ModelSpec

if TYPE_CHECKING:
    from grinder_resources.monitoring.drift import DriftReport

SHOWN = 10
"""Findings that the UI shows; all of them are in the table and on the page."""


def drift_key(spec: ModelSpec) -> dg.AssetKey:
    """Return the asset key of a model's drift report."""
    return key_of(drift_table(spec.name).name)


def drift_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Return the asset that holds the served model's last hours against its training rows and its walk-forward."""
    table = drift_table(spec.name)
    tables = (references_table, sketches_table, predictions_log_table)

    @dg.asset(
        key=drift_key(spec),
        description=table.doc,
        group_name=table.layer,
        kinds={"polars", "matplotlib"},
        owners=OWNERS,
        tags={"layer": table.layer, "model": spec.name},
        code_version=MONITORING_CODE,
        backfill_policy=SINGLE_RUN,
        deps=[*(key_of(one(spec.name).name) for one in tables), report_keys(spec)[0]],
        metadata={"dagster/column_schema": column_schema(table), "dagster/table_name": table.name},
    )
    def drift(context: dg.AssetExecutionContext, lake: LakeResource, models: ModelStore) -> dg.MaterializeResult:
        from grinder_resources.monitoring.report import drift_report
        from grinder_resources.operations import operations

        with refusals_as_failures():
            report = drift_report(spec, lake.open(), models.path, operations().monitoring, code_version=MONITORING_CODE)
        context.log.info(report.sentence)
        return dg.MaterializeResult(metadata=_metadata(report))

    return drift


def _metadata(report: "DriftReport") -> dict[str, Any]:
    """Return what the sensor reads, and what people look at."""
    return {
        "has_drift": report.has_drift,
        "state": report.state,
        "reason": report.reason,
        "headline": report.sentence,
        "model": f"{report.version}, {report.model_hash}" if report.version else "no version yet",
        "window": report.window.label if report.window else "nothing sketched yet",
        "rows": report.rows,
        "findings": facts_table(
            [
                {"kind": one.measured.kind, "name": one.measured.name, "state": one.state, "what": one.measured.words}
                for one in sorted(report.findings, key=lambda one: -one.effect)[:SHOWN]
            ]
        ),
    }


DRIFT_ASSETS = [drift_asset(spec) for spec in FULL_RUN_SPECS]
