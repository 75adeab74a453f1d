"""Bronze assets: one a table, all fed by the same staged landing files.

Parsing happens once a file, by content, in the staging folder; an asset then takes its table's rows of each day from there.
"""

from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from grinder_assets.bronze.checks import bronze_checks
from grinder_assets.bronze.landing import staged_landing
from grinder_assets.publish import DayPlan, publish_days
from grinder_assets.tables import daily_asset
from grinder_resources.code_version import code_version
from grinder_resources.contracts.bronze import BRONZE
from grinder_resources.contracts.table import Table
from grinder_resources.dagster import LakeResource, LandingResource

_CODE = code_version("ingest", "contracts")


def bronze_asset(table: Table) -> dg.AssetsDefinition:
    """Return the asset that publishes one Bronze table from the landing folder."""

    @daily_asset(table, code_version=_CODE, checks=bronze_checks(table))
    def publish(context: dg.AssetExecutionContext, lake: LakeResource, landing: LandingResource) -> dg.MaterializeResult[Any]:
        staged = staged_landing(landing, [date.fromisoformat(key) for key in context.partition_keys])

        def build(day: date) -> pl.DataFrame:
            return staged.rows(table, day)

        plan = DayPlan(table, _CODE, lambda day: staged.upstream(table, day), build, bronze_checks(table, staged))
        return publish_days(context, lake.open(), plan)

    return publish


BRONZE_ASSETS = [bronze_asset(table) for table in BRONZE]
