"""The warehouse asset: the DuckDB file over everything in the lake."""

import dagster as dg

from grinder_assets.failures import refusals_as_failures
from grinder_assets.gold.assets import GOLD_ASSETS
from grinder_assets.gold.gates import GATE_DATASET_ASSETS
from grinder_assets.metadata import facts_table
from grinder_assets.partitions import SINGLE_RUN
from grinder_assets.registry.assets import REGISTRY_ASSETS
from grinder_assets.reports.assets import REPORT_ASSETS
from grinder_assets.reports.importance import IMPORTANCE_ASSETS
from grinder_assets.reports.shadow_replay import shadow_replay_report
from grinder_assets.tables import OWNERS
from grinder_resources.dagster import LakeResource, WarehouseResource

_LATEST = (
    *GOLD_ASSETS,
    *GATE_DATASET_ASSETS,
    *REPORT_ASSETS,
    *REGISTRY_ASSETS,
    *IMPORTANCE_ASSETS,
    shadow_replay_report,
)
"""What comes last in the graph: once these are made, so is everything."""


@dg.asset(
    key="warehouse",
    group_name="reports",
    kinds={"duckdb"},
    owners=OWNERS,
    tags={"layer": "reports"},
    backfill_policy=SINGLE_RUN,
    deps=[key for asset in _LATEST for key in asset.keys],
)
def warehouse(lake: LakeResource, warehouse: WarehouseResource) -> dg.MaterializeResult:
    """One DuckDB file with a view over every table, swapped in by one rename: an open notebook never blocks a run."""
    from grinder_resources.warehouse import build_warehouse

    with refusals_as_failures():
        rows = build_warehouse(lake.open(), warehouse.path)
    return dg.MaterializeResult(
        metadata={
            "file": dg.MetadataValue.path(str(warehouse.path)),
            "views": facts_table([{"view": view, "rows": count} for view, count in rows.items()]),
        }
    )
