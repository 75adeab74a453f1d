"""Bronze assets: one a table, all fed by the same staged landing files.

A file is parsed once, by content, into the staging folder; an asset takes its table's rows of each day from there.
"""

from collections.abc import Sequence
from datetime import date

import dagster as dg

from grinder_assets.bronze.checks import conservation_check
from grinder_assets.checks import contract_check
from grinder_assets.failures import refusals_as_failures
from grinder_assets.keys import key_of
from grinder_assets.publish import DayCheck, DayPlan, publish_days
from grinder_assets.tables import daily_asset
from grinder_resources.code_version import code_version
from grinder_resources.contracts.bronze import (
    DEPTH,
    GATES,
    INGEST_LOG,
    INSTRUMENTS,
    ORDERS,
    PREDICTIONS,
    QUARANTINE,
    QUOTES,
    TRADES,
)
from grinder_resources.contracts.table import Table
from grinder_resources.dagster import LakeResource, LandingResource
from grinder_resources.lake import Lake

_CODE = code_version("ingest", "contracts")


def _checks(table: Table, lake: Lake | None = None) -> Sequence[DayCheck]:
    return (contract_check(table), conservation_check(lake)) if table is INGEST_LOG else (contract_check(table),)


def bronze_asset(table: Table, deps: Sequence[Table] = ()) -> dg.AssetsDefinition:
    """Return the asset that publishes one Bronze table from the landing folder."""

    @daily_asset(table, code_version=_CODE, deps=[key_of(dep.name) for dep in deps], checks=_checks(table))
    def publish(
        context: dg.AssetExecutionContext, lake: LakeResource, landing: LandingResource
    ) -> dg.MaterializeResult:
        from grinder_assets.bronze.landing import staged_landing
        from grinder_resources.ingest.bronze import bronze_day, source_fingerprint

        store = lake.open()
        with refusals_as_failures():
            staged = staged_landing(landing, [date.fromisoformat(key) for key in context.partition_keys])
        plan = DayPlan(
            table,
            _CODE,
            lambda day: {"landing": source_fingerprint(staged, table, day)},
            lambda day: bronze_day(staged, table, day),
            _checks(table, store),
        )
        return publish_days(context, store, plan)

    return publish


_MARKET = (TRADES, QUOTES, DEPTH, GATES, ORDERS, PREDICTIONS)

BRONZE_ASSETS = [
    *(bronze_asset(table) for table in (*_MARKET, INSTRUMENTS, QUARANTINE)),
    bronze_asset(INGEST_LOG, deps=_MARKET),
]
