"""The Gold asset of the gate stream: gates with sign and size of what came after, ready to fit on."""

from datetime import date

import dagster as dg
import polars as pl

from grinder_assets.checks import contract_check
from grinder_assets.gold.checks import DATE_COVERAGE
from grinder_assets.keys import key_of
from grinder_assets.publish import DayPlan, publish_days
from grinder_assets.tables import daily_asset, upstream_hashes
from grinder_resources.code_version import code_version
from grinder_resources.contracts.gates import GATE_EVENTS, GATE_ROC_DATASET
from grinder_resources.dagster import LakeResource, WarehouseResource
from grinder_resources.datasets import dataset_manifest, write_manifest

_CODE = code_version("learning", "contracts")
_CHECKS = (contract_check(GATE_ROC_DATASET), DATE_COVERAGE)


@daily_asset(GATE_ROC_DATASET, code_version=_CODE, deps=[key_of(GATE_EVENTS.name)], checks=_CHECKS)
def gate_roc(
    context: dg.AssetExecutionContext, lake: LakeResource, warehouse: WarehouseResource
) -> dg.MaterializeResult:
    """Build the gate dataset."""
    store = lake.open()

    def build(day: date) -> pl.DataFrame:
        from grinder_resources.learning.gate_roc import gate_roc_rows

        return gate_roc_rows(store.read(GATE_EVENTS, day, day))

    plan = DayPlan(GATE_ROC_DATASET, _CODE, lambda day: upstream_hashes(store, [GATE_EVENTS], day, day), build, _CHECKS)
    result = publish_days(context, store, plan)
    write_manifest(
        dataset_manifest(store, GATE_ROC_DATASET, GATE_EVENTS.name), warehouse.pages_path / "gate_roc.manifest.json"
    )
    return result


GATE_DATASET_ASSETS = [gate_roc]
