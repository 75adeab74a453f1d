"""Gold assets of grid parameters: the sweep over a lattice of grids, and the dataset made of it."""

from datetime import date

import dagster as dg
import polars as pl

from grinder_assets.checks import contract_check
from grinder_assets.gold.checks import DATE_COVERAGE
from grinder_assets.keys import key_of
from grinder_assets.publish import DayPlan, publish_days
from grinder_assets.tables import daily_asset, upstream_hashes
from grinder_resources.code_version import code_version
from grinder_resources.contracts.bronze import INSTRUMENTS, QUOTES, TRADES
from grinder_resources.contracts.gold_grid import GRID_SPACING, GRID_SWEEP
from grinder_resources.contracts.instruments import instruments_of
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.dagster import LakeResource, WarehouseResource
from grinder_resources.datasets import dataset_manifest, write_manifest

_CODE = code_version("gold", "simulation", "policy", "learning", "features", "market", "contracts")
_SWEPT = (SNAPSHOTS, QUOTES, TRADES, INSTRUMENTS)
_SWEEP_CHECKS = (contract_check(GRID_SWEEP), DATE_COVERAGE)
_SPACING_CHECKS = (contract_check(GRID_SPACING), DATE_COVERAGE)


@daily_asset(GRID_SWEEP, code_version=_CODE, deps=[key_of(table.name) for table in _SWEPT], checks=_SWEEP_CHECKS)
def grid_sweep(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """Simulate every grid of the lattice, and the rules' grid, in every window of a day."""
    store = lake.open()

    def build(day: date) -> pl.DataFrame:
        from grinder_resources.gold.grid_sweep import sweep_rows

        snapshots, quotes, trades, instruments = (store.read(table, day, day) for table in _SWEPT)
        return sweep_rows(snapshots, quotes, trades, instruments_of(instruments))

    plan = DayPlan(GRID_SWEEP, _CODE, lambda day: upstream_hashes(store, _SWEPT, day, day), build, _SWEEP_CHECKS)
    return publish_days(context, store, plan)


@daily_asset(
    GRID_SPACING,
    code_version=_CODE,
    deps=[key_of(table.name) for table in (SNAPSHOTS, GRID_SWEEP)],
    checks=_SPACING_CHECKS,
)
def grid_spacing(
    context: dg.AssetExecutionContext, lake: LakeResource, warehouse: WarehouseResource
) -> dg.MaterializeResult:
    """Build the dataset of grid parameters. The graph declares the same day; a commit names earlier sweeps as well."""
    from grinder_resources.gold.grid_spacing import LOOK_BACK, spacing_rows

    store = lake.open()

    def upstream(day: date) -> dict[str, str]:
        sweeps = upstream_hashes(store, [GRID_SWEEP], day - LOOK_BACK, day)
        return {**upstream_hashes(store, [SNAPSHOTS], day, day), **sweeps}

    def build(day: date) -> pl.DataFrame:
        return spacing_rows(store.read(SNAPSHOTS, day, day), store.read(GRID_SWEEP, day - LOOK_BACK, day))

    result = publish_days(context, store, DayPlan(GRID_SPACING, _CODE, upstream, build, _SPACING_CHECKS))
    write_manifest(
        dataset_manifest(store, GRID_SPACING, GRID_SWEEP.name), warehouse.pages_path / "grid_spacing.manifest.json"
    )
    return result


GRID_SPACING_ASSETS = [grid_sweep, grid_spacing]
