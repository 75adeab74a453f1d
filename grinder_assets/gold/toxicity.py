"""The Gold asset behind the toxicity model: every minute with its flow and costs, and how toxic the next one was."""

from datetime import date

import dagster as dg
import polars as pl

from grinder_assets.checks import contract_check
from grinder_assets.gold.checks import DATE_COVERAGE, null_share_check
from grinder_assets.keys import key_of
from grinder_assets.publish import DayPlan, publish_days
from grinder_assets.tables import daily_asset, upstream_hashes
from grinder_resources.code_version import code_version
from grinder_resources.contracts.bronze import DEPTH, INSTRUMENTS, QUOTES, TRADES
from grinder_resources.contracts.gold_toxicity import SCORE_INPUTS, TOXICITY_DATASET, VOLATILITY
from grinder_resources.contracts.instruments import instruments_of
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.dagster import LakeResource, WarehouseResource
from grinder_resources.datasets import dataset_manifest, write_manifest

_CODE = code_version("gold", "simulation", "policy", "learning", "features", "market", "contracts")
_READ = (SNAPSHOTS, QUOTES, TRADES, INSTRUMENTS)
_INPUTS = (*_READ, DEPTH)
_NEEDED = (VOLATILITY, *(column.name for column in SCORE_INPUTS if column.name != "vpin_x1000"))
_CHECKS = (contract_check(TOXICITY_DATASET), DATE_COVERAGE, null_share_check(_NEEDED))


@daily_asset(TOXICITY_DATASET, code_version=_CODE, deps=[key_of(table.name) for table in _INPUTS], checks=_CHECKS)
def toxicity(
    context: dg.AssetExecutionContext, lake: LakeResource, warehouse: WarehouseResource
) -> dg.MaterializeResult:
    """Build the toxicity dataset of every day."""
    store = lake.open()

    def build(day: date) -> pl.DataFrame:
        from grinder_resources.gold.best_quotes import best_quotes
        from grinder_resources.gold.toxicity import toxicity_rows

        snapshots, quotes, trades, units = (store.read(table, day, day) for table in _READ)
        best = best_quotes(quotes, snapshots, lambda: store.read(DEPTH, day, day))
        return toxicity_rows(snapshots, best, trades, instruments_of(units))

    plan = DayPlan(TOXICITY_DATASET, _CODE, lambda day: upstream_hashes(store, _INPUTS, day, day), build, _CHECKS)
    result = publish_days(context, store, plan)
    write_manifest(
        dataset_manifest(store, TOXICITY_DATASET, SNAPSHOTS.name), warehouse.pages_path / "toxicity.manifest.json"
    )
    return result


TOXICITY_DATASET_ASSETS = [toxicity]
