"""Gold assets: the production training table, promoted from one feature version, and the regime dataset."""

from datetime import date

import dagster as dg
import polars as pl

from grinder_assets.checks import contract_check
from grinder_assets.failures import refusals_as_failures
from grinder_assets.gold.checks import DATE_COVERAGE, null_share_check
from grinder_assets.keys import key_of
from grinder_assets.publish import DayPlan, publish_days
from grinder_assets.silver.checks import LABELS_AFTER_FEATURES, LABELS_AGREE
from grinder_assets.tables import daily_asset, upstream_hashes
from grinder_resources.code_version import code_version
from grinder_resources.contracts.gold import REGIME_DATASET, signals_table
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.dagster import LakeResource, WarehouseResource
from grinder_resources.datasets import dataset_manifest, write_manifest
from grinder_resources.features.manifest import feature_table, versions

_CODE = code_version("learning", "contracts")
_PRODUCTION = "v2.0_full_ensemble"
_NEEDED = ("atr_sum_half_ticks", "distance_half_ticks", "prior_touches")
_SIGNAL_CHECKS = (LABELS_AGREE, LABELS_AFTER_FEATURES, DATE_COVERAGE, null_share_check(_NEEDED))


class Promotion(dg.Config):
    """Which feature version becomes production training data."""

    silver_version: str = _PRODUCTION


_SIGNALS = signals_table(feature_table(_PRODUCTION))


@daily_asset(
    _SIGNALS,
    code_version=_CODE,
    deps=[key_of(feature_table(version).name) for version in versions()],
    checks=(contract_check(_SIGNALS), *_SIGNAL_CHECKS),
)
def signals_production(
    context: dg.AssetExecutionContext, config: Promotion, lake: LakeResource, warehouse: WarehouseResource
) -> dg.MaterializeResult:
    """Promote one feature version to production training data."""
    store = lake.open()
    with refusals_as_failures():
        source = feature_table(config.silver_version)
    table = signals_table(source)
    plan = DayPlan(
        table,
        _CODE,
        lambda day: upstream_hashes(store, [source], day, day),
        lambda day: store.read(source, day, day),
        (contract_check(table), *_SIGNAL_CHECKS),
    )
    result = publish_days(context, store, plan)
    write_manifest(
        dataset_manifest(store, table, source.name), warehouse.pages_path / "signals_production.manifest.json"
    )
    return result


_REGIME_CHECKS = (contract_check(REGIME_DATASET), DATE_COVERAGE)


@daily_asset(REGIME_DATASET, code_version=_CODE, deps=[key_of(SNAPSHOTS.name)], checks=_REGIME_CHECKS)
def regime(context: dg.AssetExecutionContext, lake: LakeResource, warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Build the regime dataset: one snapshot a minute and the range of the minute after it."""
    store = lake.open()

    def build(day: date) -> pl.DataFrame:
        from grinder_resources.learning.regime import regime_rows

        return regime_rows(store.read(SNAPSHOTS, day, day))

    plan = DayPlan(
        REGIME_DATASET, _CODE, lambda day: upstream_hashes(store, [SNAPSHOTS], day, day), build, _REGIME_CHECKS
    )
    result = publish_days(context, store, plan)
    write_manifest(
        dataset_manifest(store, REGIME_DATASET, SNAPSHOTS.name), warehouse.pages_path / "regime.manifest.json"
    )
    return result


GOLD_ASSETS = [signals_production, regime]
