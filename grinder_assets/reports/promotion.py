"""Promotion assets: whether the evidence carries a model, as a table, a page and one calm sentence."""

from pathlib import Path
from typing import Any

import dagster as dg

from grinder_assets.failures import refusals_as_failures
from grinder_assets.metadata import facts_table, inline_png
from grinder_assets.reports.assets import report_keys
from grinder_assets.reports.factory import report_asset
from grinder_assets.reports.origin import origin
from grinder_resources.code_version import code_version
from grinder_resources.contracts.promotion import promotion_table
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.specs import SPECS

_CODE = code_version("learning", "evaluation", "contracts")


def promotion_key(spec: ModelSpec) -> dg.AssetKey:
    """Return the asset key of a spec's promotion check."""
    return dg.AssetKey(["reports", f"{spec.name}_promotion"])


def promotion_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Return the promotion asset of a model: the default gates, held against its walk-forward and the trial ledger.

    It never fails on "no promotion": that is a result. Those who must not go on without one ask `grinder promotion
    check`, whose exit code says so.
    """

    @report_asset(
        promotion_key(spec),
        f"Whether the evidence carries {spec.name}: intervals, deflated Sharpe ratio, overfitting, alarms.",
        code_version=_CODE,
        deps=report_keys(spec),
        model=spec.name,
        table=promotion_table(spec.name),
    )
    def report(
        context: dg.AssetExecutionContext, lake: LakeResource, models: ModelStore, warehouse: WarehouseResource
    ) -> dg.MaterializeResult:
        from grinder_resources.evaluation.document import write_page
        from grinder_resources.evaluation.promotion_check import commit_promotion, promotion
        from grinder_resources.evaluation.promotion_page import promotion_page
        from grinder_resources.evaluation.promotion_plots import promotion_png
        from grinder_resources.provenance import provenance

        store, page = lake.open(), warehouse.pages_path / spec.name / "promotion.html"
        with refusals_as_failures():
            found = promotion(spec, store, models.path)
            rows = commit_promotion(store, found, _CODE)
            facts = provenance(spec, store, models.path, _CODE)
            write_page(page, promotion_page(found, spec.doc, facts))
        context.log.info(found.sentence)
        shown = rows.select("head", "class", "auc_low", "auc_beyond", "skill_low", "dsr", "codes").to_dicts()
        shows = _result(found.sentence, found.promoted, page, shown, promotion_png(found))
        return dg.MaterializeResult(metadata={**shows, **origin(spec, facts)})

    return report


def _result(
    sentence: str, promoted: bool, page: Path, answers: list[dict[str, object]], png: bytes | None
) -> dict[str, Any]:
    return {
        "headline": sentence,
        **({"plot": inline_png(png, "Sharpe ratios and overfitting")} if png else {}),
        "page": dg.MetadataValue.path(str(page)),
        "promote": promoted,
        "answers": facts_table(answers),
    }


PROMOTION_ASSETS = [promotion_asset(spec) for spec in SPECS.values()]
