"""The Gold asset behind a model for the bot: the regime dataset in the numbers the bot's runtime feeds."""

from datetime import date, timedelta

import dagster as dg
import polars as pl

from grinder_assets.checks import contract_check
from grinder_assets.gold.checks import DATE_COVERAGE
from grinder_assets.keys import key_of
from grinder_assets.publish import DayPlan, publish_days
from grinder_assets.tables import daily_asset, upstream_hashes
from grinder_resources.code_version import code_version
from grinder_resources.contracts.bronze import INSTRUMENTS, QUOTES
from grinder_resources.contracts.gold_bot import LOOK_BACK_DAYS, REGIME_BOT_DATASET
from grinder_resources.contracts.instruments import instruments_of
from grinder_resources.contracts.silver import BARS, SNAPSHOTS
from grinder_resources.dagster import LakeResource, WarehouseResource
from grinder_resources.datasets import dataset_manifest, write_manifest

_CODE = code_version("learning", "contracts")
_INPUTS = (SNAPSHOTS, BARS, QUOTES, INSTRUMENTS)
_CHECKS = (contract_check(REGIME_BOT_DATASET), DATE_COVERAGE)


@daily_asset(REGIME_BOT_DATASET, code_version=_CODE, deps=[key_of(table.name) for table in _INPUTS], checks=_CHECKS)
def regime_bot(
    context: dg.AssetExecutionContext, lake: LakeResource, warehouse: WarehouseResource
) -> dg.MaterializeResult:
    """Build the bot's dataset. As for level events, the graph declares the same day and a commit names earlier ones."""
    store = lake.open()

    def upstream(day: date) -> dict[str, str]:
        bars = upstream_hashes(store, [BARS], day - timedelta(days=LOOK_BACK_DAYS), day)
        return {**upstream_hashes(store, _INPUTS, day, day), **bars}

    def build(day: date) -> pl.DataFrame:
        from grinder_resources.learning.regime_bot import regime_bot_rows

        snapshots, quotes = store.read(SNAPSHOTS, day, day), store.read(QUOTES, day, day)
        bars = store.read(BARS, day - timedelta(days=LOOK_BACK_DAYS), day)
        return regime_bot_rows(snapshots, quotes, bars, instruments_of(store.read(INSTRUMENTS, day, day)))

    result = publish_days(context, store, DayPlan(REGIME_BOT_DATASET, _CODE, upstream, build, _CHECKS))
    write_manifest(
        dataset_manifest(store, REGIME_BOT_DATASET, SNAPSHOTS.name), warehouse.pages_path / "regime_bot.manifest.json"
    )
    return result


BOT_DATASET_ASSETS = [regime_bot]
