"""Drift assets: how the last hours of the served model lie against what it was made on, as a table, figures, a page."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from grinder_assets.automation import FULL_RUN_SPECS
from grinder_assets.failures import refusals_as_failures
from grinder_assets.keys import key_of
from grinder_assets.metadata import facts_table, inline_png, table_metadata
from grinder_assets.monitoring.assets import MONITORING_CODE
from grinder_assets.partitions import SINGLE_RUN
from grinder_assets.reports.assets import report_keys
from grinder_assets.reports.origin import origin
from grinder_assets.tables import OWNERS
from grinder_resources.contracts.monitoring import (
    drift_table,
    predictions_log_table,
    references_table,
    sketches_table,
)
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
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
        metadata=table_metadata(table),
    )
    def drift(
        context: dg.AssetExecutionContext, lake: LakeResource, models: ModelStore, warehouse: WarehouseResource
    ) -> dg.MaterializeResult:
        from grinder_resources.evaluation.document import write_page
        from grinder_resources.monitoring.gauges import write_gauges
        from grinder_resources.monitoring.page import drift_page
        from grinder_resources.monitoring.report import drift_report
        from grinder_resources.operations import operations
        from grinder_resources.provenance import provenance

        store, page = lake.open(), warehouse.pages_path / spec.name / "drift.html"
        with refusals_as_failures():
            report = drift_report(spec, store, models.path, operations().monitoring, code_version=MONITORING_CODE)
            facts = provenance(spec, store, models.path, MONITORING_CODE) | {"Model": _served(report)}
            write_page(page, drift_page(report, facts))
            write_gauges(page.with_suffix(".prom"), report)
        context.log.info(report.sentence)
        return dg.MaterializeResult(metadata={**_metadata(report, page), **origin(spec, facts)})

    return drift


def _served(report: "DriftReport") -> str:
    return f"{report.version}, {report.model_hash}" if report.version else "no version yet"


def _metadata(report: "DriftReport", page: Path) -> dict[str, Any]:
    """Return what the sensor reads, has_drift, state and reason, and what people look at."""
    from grinder_resources.monitoring.plots import drift_png
    from grinder_resources.monitoring.states import WORST_FIRST

    png = drift_png(report)
    worst = sorted(report.findings, key=lambda finding: (WORST_FIRST.index(finding.state), -finding.effect))
    return {
        "headline": report.sentence,
        **({"plot": inline_png(png, "how far inputs and answers moved")} if png else {}),
        "page": dg.MetadataValue.path(str(page)),
        "has_drift": report.has_drift,
        "state": report.state,
        "reason": report.reason,
        "window": report.window.label if report.window else "nothing sketched yet",
        "rows": report.rows,
        "worst findings": facts_table(
            [
                {"kind": finding.measured.kind, "state": finding.state, "in words": finding.words}
                for finding in worst[:SHOWN]
            ]
        ),
    }


DRIFT_ASSETS = [drift_asset(spec) for spec in FULL_RUN_SPECS]
