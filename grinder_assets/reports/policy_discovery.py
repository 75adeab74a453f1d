"""The policy discovery asset: rules that say which grid to trade when, each with what it was worth afterwards."""

import dagster as dg

from grinder_assets.failures import refusals_as_failures
from grinder_assets.keys import key_of
from grinder_assets.metadata import facts_table, inline_png
from grinder_assets.reports.factory import report_asset
from grinder_resources.code_version import code_version
from grinder_resources.contracts.gold_grid import GRID_SPACING, GRID_SWEEP
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.errors import NoData, TooFewDays

POLICY_DISCOVERY = dg.AssetKey(["reports", "policy_discovery_use_case"])


class DiscoveryConfig(dg.Config):
    """What may be asked for in the launchpad: the tree's depth, and how many windows a rule needs to be found.

    Few days need a smaller leaf; another value is another try on the ledger.
    """

    max_depth: int = 5
    min_samples_leaf: int = 100


_CODE = code_version("usecases/policy_discovery", "evaluation", "export", "learning", "contracts")


@report_asset(
    POLICY_DISCOVERY,
    "Policy rules as data: found by a tree on earlier days, each judged on later ones, failures with why.",
    code_version=_CODE,
    deps=[key_of(GRID_SWEEP.name), key_of(GRID_SPACING.name)],
    kinds=frozenset({"scikitlearn", "polars"}),
)
def policy_discovery_report(
    context: dg.AssetExecutionContext,
    config: DiscoveryConfig,
    lake: LakeResource,
    models: ModelStore,
    warehouse: WarehouseResource,
) -> dg.MaterializeResult:
    """Find rules and judge them; with windows of a single day, or none, say so and end well."""
    from grinder_resources.evaluation.document import write_page
    from grinder_resources.usecases.policy_discovery.book import Settings
    from grinder_resources.usecases.policy_discovery.page import discovery_page
    from grinder_resources.usecases.policy_discovery.plots import rules_png
    from grinder_resources.usecases.policy_discovery.report import (
        FOLDER,
        policy_discovery,
        rule_rows,
        tries,
        write_book,
    )

    settings = Settings(max_depth=config.max_depth, min_samples_leaf=config.min_samples_leaf)
    folder = warehouse.pages_path / FOLDER
    with refusals_as_failures():
        try:
            found = policy_discovery(lake.open(), models.path, _CODE, settings)
        except (NoData, TooFewDays) as error:
            context.log.warning(error.line())
            return dg.MaterializeResult(metadata={"headline": error.line(), "discovered": False})
        write_book(folder, found.book)
        write_page(folder / "use_case.html", discovery_page(found, tries(models.path)))
    context.log.info(found.book.sentence)
    shown = rule_rows(found.book).select("rule", "conditions", "policy", "later_rows", "later_lift_x1000", "reasons")
    png = rules_png(found.book)
    return dg.MaterializeResult(
        metadata={
            "headline": found.book.sentence,
            **({"plot": inline_png(png, "support and lift of the rules")} if png else {}),
            "discovered": True,
            "kept": len(found.book.kept),
            "rules": facts_table(shown.to_dicts()),
            "page": dg.MetadataValue.path(str(folder / "use_case.html")),
        }
    )
