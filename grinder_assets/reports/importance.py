"""Importance assets: which inputs move a model's answers, as a table, a figure and a page."""

from pathlib import Path
from typing import Any

import dagster as dg

from grinder_assets.failures import refusals_as_failures
from grinder_assets.keys import key_of
from grinder_assets.metadata import facts_table, inline_png
from grinder_assets.reports.factory import report_asset
from grinder_assets.reports.origin import origin
from grinder_assets.training.assets import artifact_key
from grinder_resources.code_version import code_version
from grinder_resources.contracts.importance import importance_table
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.errors import NoData
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.specs import SPECS

SHOWN = 5
"""Inputs of an answer that the UI shows."""

_CODE = code_version("interpretability", "registry", "inference", "evaluation", "export", "learning", "contracts")


def importance_key(spec: ModelSpec) -> dg.AssetKey:
    """Return the asset key of a spec's importance report."""
    return dg.AssetKey(["reports", f"{spec.name}_importance"])


def importance_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Return the importance asset of a model: exact Shapley values over the test days of its newest artifact."""

    @report_asset(
        importance_key(spec),
        f"Which inputs move the answers of {spec.name}: exact Shapley values (TreeSHAP) over its test days.",
        code_version=_CODE,
        deps=[artifact_key(spec), key_of(spec.dataset)],
        model=spec.name,
        table=importance_table(spec.name),
    )
    def report(
        context: dg.AssetExecutionContext, lake: LakeResource, models: ModelStore, warehouse: WarehouseResource
    ) -> dg.MaterializeResult:
        from grinder_resources.evaluation.document import write_page
        from grinder_resources.interpretability.importance import importance
        from grinder_resources.interpretability.importance_page import importance_page
        from grinder_resources.provenance import provenance

        store, page = lake.open(), warehouse.pages_path / spec.name / "importance.html"
        with refusals_as_failures():
            try:
                found = importance(spec, store, models.path, code_version=_CODE)
            except NoData as error:
                context.log.warning(error.line())
                return dg.MaterializeResult(metadata={"headline": error.line(), "explained": False})
            facts = provenance(spec, store, models.path, _CODE)
            write_page(page, importance_page(found, spec.doc, facts))
        context.log.info(f"{spec.name}: {found.sentence}")
        return dg.MaterializeResult(metadata={**_result(found, page), **origin(spec, facts)})

    return report


def _result(found: Any, page: Path) -> dict[str, Any]:
    """Return what the UI shows of an importance."""
    from grinder_resources.interpretability.importance_page import importance_png, leading_inputs

    return {
        "headline": found.sentence,
        "plot": inline_png(importance_png(found), "shares of all movement"),
        "page": dg.MetadataValue.path(str(page)),
        "explained": True,
        "rebuilt": found.rebuilt,
        "leading inputs": facts_table(leading_inputs(found, SHOWN)),
    }


IMPORTANCE_ASSETS = [importance_asset(spec) for spec in SPECS.values()]
