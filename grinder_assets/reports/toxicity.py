"""The toxicity use case as a report: regimes, transitions, and what the demo market's hidden state says of them."""

import dagster as dg

from grinder_assets.failures import refusals_as_failures
from grinder_assets.keys import key_of
from grinder_assets.metadata import facts_table, inline_png
from grinder_assets.reports.assets import report_keys
from grinder_assets.reports.factory import report_asset
from grinder_assets.reports.origin import origin
from grinder_resources.code_version import code_version
from grinder_resources.contracts.bronze import INSTRUMENTS
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.dagster import LakeResource, LandingResource, ModelStore, WarehouseResource
from grinder_resources.errors import NoData, TooFewDays
from grinder_resources.learning.specs import TOXICITY

TOXICITY_USE_CASE = dg.AssetKey(["reports", "toxicity_use_case"])

_CODE = code_version("usecases/toxicity", "simulation", "market", "evaluation", "learning", "contracts")


@report_asset(
    TOXICITY_USE_CASE,
    "Which regime follows which within a minute, how often that was said, and what ranks toxic minutes.",
    code_version=_CODE,
    deps=[report_keys(TOXICITY)[0], key_of(TOXICITY.dataset), key_of(SNAPSHOTS.name), key_of(INSTRUMENTS.name)],
    model=TOXICITY.name,
)
def toxicity_report_asset(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    landing: LandingResource,
    models: ModelStore,
    warehouse: WarehouseResource,
) -> dg.MaterializeResult:
    """Report on every out-of-fold minute; with too few days to have one, say so and end well."""
    from grinder_resources.evaluation.document import write_page
    from grinder_resources.provenance import provenance
    from grinder_resources.usecases.toxicity.page import toxicity_page
    from grinder_resources.usecases.toxicity.plots import day_png
    from grinder_resources.usecases.toxicity.report import toxicity_report
    from grinder_resources.usecases.toxicity.words import sentence

    store, page = lake.open(), warehouse.pages_path / TOXICITY.name / "use_case.html"
    with refusals_as_failures():
        try:
            report = toxicity_report(store, landing.folder_path, _CODE)
        except (NoData, TooFewDays) as error:
            context.log.warning(error.line())
            return dg.MaterializeResult(metadata={"headline": error.line(), "reported": False})
        facts = provenance(TOXICITY, store, models.path, _CODE)
        write_page(page, toxicity_page(report, facts))
    context.log.info(sentence(report.hit_rates))
    return dg.MaterializeResult(
        metadata={
            "headline": sentence(report.hit_rates),
            "plot": inline_png(day_png(report.newest), "price and regimes of the newest day"),
            "reported": True,
            "rebuilt": report.rebuilt,
            "page": dg.MetadataValue.path(str(page)),
            **origin(TOXICITY, facts),
            "transitions": facts_table(report.transitions.to_dicts()),
            "hit rates": facts_table(report.hit_rates.to_dicts()),
            "areas under the ROC curve": facts_table(report.ranking.to_dicts()),
        }
    )
