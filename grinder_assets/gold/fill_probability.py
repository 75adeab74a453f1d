"""The Gold asset behind the fill model: orders placed by replay and real ones, and when they were filled."""

from datetime import date, timedelta

import dagster as dg
import polars as pl

from grinder_assets.checks import contract_check
from grinder_assets.gold.checks import DATE_COVERAGE, null_share_check
from grinder_assets.keys import key_of
from grinder_assets.publish import DayPlan, publish_days
from grinder_assets.tables import daily_asset, upstream_hashes
from grinder_resources.code_version import code_version
from grinder_resources.contracts.bronze import INSTRUMENTS, ORDERS, QUOTES, TRADES
from grinder_resources.contracts.gold_fills import FILL_DATASET, FILL_HORIZONS_S, LOOK_BACK_DAYS, filled_label
from grinder_resources.contracts.instruments import instruments_of
from grinder_resources.contracts.silver import BARS, SNAPSHOTS
from grinder_resources.dagster import LakeResource, WarehouseResource
from grinder_resources.datasets import dataset_manifest, write_manifest

_CODE = code_version("gold", "simulation", "policy", "learning", "features", "market", "contracts")
_INPUTS = (SNAPSHOTS, BARS, QUOTES, TRADES, INSTRUMENTS)
_LABELS = tuple(filled_label(seconds) for seconds in FILL_HORIZONS_S)
_CHECKS = (contract_check(FILL_DATASET), DATE_COVERAGE, null_share_check(_LABELS))


@daily_asset(
    FILL_DATASET, code_version=_CODE, deps=[key_of(table.name) for table in (*_INPUTS, ORDERS)], checks=_CHECKS
)
def fill_probability(
    context: dg.AssetExecutionContext, lake: LakeResource, warehouse: WarehouseResource
) -> dg.MaterializeResult:
    """Build the fill dataset. As for level events, the graph declares the same day and a commit names earlier ones."""
    store = lake.open()

    def upstream(day: date) -> dict[str, str]:
        bars = upstream_hashes(store, [BARS], day - timedelta(days=LOOK_BACK_DAYS), day)
        # A lake may be older than its first real order.
        orders = upstream_hashes(store, [ORDERS], day, day) if store.days(ORDERS.name, day, day) else {}
        return {**upstream_hashes(store, _INPUTS, day, day), **bars, **orders}

    def build(day: date) -> pl.DataFrame:
        from grinder_resources.gold.fill_probability import MarketDay, fill_rows

        of_day = {table: store.read(table, day, day) for table in _INPUTS}
        return fill_rows(
            MarketDay(
                day=day,
                snapshots=of_day[SNAPSHOTS],
                bars=store.read(BARS, day - timedelta(days=LOOK_BACK_DAYS), day),
                quotes=of_day[QUOTES],
                trades=of_day[TRADES],
                orders=store.read_or_empty(ORDERS, day, day),
                instruments=instruments_of(of_day[INSTRUMENTS]),
            )
        )

    result = publish_days(context, store, DayPlan(FILL_DATASET, _CODE, upstream, build, _CHECKS))
    write_manifest(
        dataset_manifest(store, FILL_DATASET, SNAPSHOTS.name), warehouse.pages_path / "fill_probability.manifest.json"
    )
    return result


FILL_DATASET_ASSETS = [fill_probability]
