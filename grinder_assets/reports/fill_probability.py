"""The fill use case as a report: how likely orders fill, whether that was known, and what it is worth."""

import dagster as dg

from grinder_assets.failures import refusals_as_failures
from grinder_assets.keys import key_of
from grinder_assets.metadata import facts_table, inline_png
from grinder_assets.reports.assets import report_keys
from grinder_assets.reports.factory import report_asset
from grinder_assets.reports.origin import origin
from grinder_resources.code_version import code_version
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.errors import NoData
from grinder_resources.learning.specs import FILL_PROBABILITY

FILL_USE_CASE = dg.AssetKey(["reports", "fill_probability_use_case"])

_CODE = code_version("usecases/fill_probability", "evaluation", "learning", "contracts")


@report_asset(
    FILL_USE_CASE,
    "How often limit orders fill by distance and horizon, how often that was said, and what it is worth.",
    code_version=_CODE,
    deps=[report_keys(FILL_PROBABILITY)[0], key_of(FILL_PROBABILITY.dataset)],
    model=FILL_PROBABILITY.name,
)
def fill_probability_report(
    context: dg.AssetExecutionContext, lake: LakeResource, models: ModelStore, warehouse: WarehouseResource
) -> dg.MaterializeResult:
    """Report on every order answered out of fold; with too few days to have one, say so and end well."""
    from grinder_resources.evaluation.document import write_page
    from grinder_resources.provenance import provenance
    from grinder_resources.usecases.fill_probability.page import fill_page
    from grinder_resources.usecases.fill_probability.plots import fill_png
    from grinder_resources.usecases.fill_probability.report import fill_report
    from grinder_resources.usecases.fill_probability.words import reliability, sentence, worth

    store, page = lake.open(), warehouse.pages_path / FILL_PROBABILITY.name / "use_case.html"
    with refusals_as_failures():
        try:
            report = fill_report(store, _CODE)
        except NoData as error:
            context.log.warning(error.line())
            return dg.MaterializeResult(metadata={"headline": error.line(), "reported": False})
        facts = provenance(FILL_PROBABILITY, store, models.path, _CODE)
        write_page(page, fill_page(report, facts))
    context.log.info(f"{sentence(report)} {worth(report)}")
    return dg.MaterializeResult(
        metadata={
            "headline": sentence(report),
            "plot": inline_png(fill_png(report), "shares filled over time, and what was said against what happened"),
            "worth": worth(report),
            "reliability": reliability(report),
            "reported": True,
            "rebuilt": report.rebuilt,
            "page": dg.MetadataValue.path(str(page)),
            **origin(FILL_PROBABILITY, facts),
            "shares": facts_table(report.shares.to_dicts()),
            "costs": facts_table(report.costs.to_dicts()),
        }
    )
