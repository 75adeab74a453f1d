"""The report asset of grid parameters: every way to choose a grid, scored on the same out-of-fold windows."""

import dagster as dg

from grinder_assets.failures import refusals_as_failures
from grinder_assets.keys import key_of
from grinder_assets.metadata import facts_table, inline_png
from grinder_assets.reports.assets import report_keys
from grinder_assets.reports.factory import report_asset
from grinder_assets.reports.origin import origin
from grinder_resources.code_version import code_version
from grinder_resources.contracts.bronze import INSTRUMENTS, QUOTES, TRADES
from grinder_resources.contracts.gold_grid import GRID_SPACING, GRID_SWEEP
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.learning.specs import SPECS

SPEC = SPECS["grid_spacing"]
GRID_SPACING_REPORT = dg.AssetKey(["reports", f"{SPEC.name}_use_case"])

_CODE = code_version(
    *("usecases", "gold", "simulation", "policy", "inference", "export", "evaluation", "learning"),
    *("features", "market", "contracts"),
)
_READ = (GRID_SWEEP, GRID_SPACING, QUOTES, TRADES, INSTRUMENTS)


@report_asset(
    GRID_SPACING_REPORT,
    "What the model's grids earned against a static one, the rules, the past's best and no grid at all.",
    code_version=_CODE,
    deps=[report_keys(SPEC)[0], *(key_of(table.name) for table in _READ)],
    model=SPEC.name,
)
def grid_spacing_report(
    context: dg.AssetExecutionContext, lake: LakeResource, models: ModelStore, warehouse: WarehouseResource
) -> dg.MaterializeResult:
    """Score every policy out of fold and trade the newest day; without an answered window, say so and end well."""
    from grinder_resources.evaluation.document import write_page
    from grinder_resources.provenance import provenance
    from grinder_resources.usecases.grid_spacing.page import grid_page
    from grinder_resources.usecases.grid_spacing.plots import surface_png
    from grinder_resources.usecases.grid_spacing.report import grid_report
    from grinder_resources.usecases.grid_spacing.summary import promoted, sentence

    store, page = lake.open(), warehouse.pages_path / SPEC.name / "use_case.html"
    with refusals_as_failures():
        report = grid_report(SPEC, store, _CODE)
        facts = provenance(SPEC, store, models.path, _CODE)
        write_page(page, grid_page(report, facts))
    said = sentence(report.scores)
    context.log.info(f"{SPEC.name}: {said}")
    png = surface_png(report.surface)
    return dg.MaterializeResult(
        metadata={
            "headline": said,
            **({"plot": inline_png(png, "pnl by spacing and regime")} if png else {}),
            "promote": promoted(report.scores),
            "rebuilt": report.rebuilt,
            "page": dg.MetadataValue.path(str(page)),
            **origin(SPEC, facts),
            "policies": facts_table(report.scores.select("policy", "windows", "pnl", "pnl_low", "pnl_high").to_dicts()),
        }
    )
