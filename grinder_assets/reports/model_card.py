"""Model card assets: one self-contained page about a model's newest artifact, made from facts."""

from pathlib import Path
from typing import Any

import dagster as dg

from grinder_assets.failures import refusals_as_failures
from grinder_assets.metadata import facts_table, inline_png
from grinder_assets.registry.assets import registry_key
from grinder_assets.reports.assets import report_keys
from grinder_assets.reports.factory import report_asset
from grinder_assets.reports.importance import importance_key
from grinder_assets.reports.origin import origin
from grinder_assets.reports.promotion import promotion_key
from grinder_assets.training.assets import artifact_key
from grinder_resources.code_version import code_version
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.errors import NoData
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.specs import SPECS

_CODE = code_version(
    "cards", "interpretability", "registry", "inference", "evaluation", "export", "learning", "contracts"
)


def model_card_key(spec: ModelSpec) -> dg.AssetKey:
    """Return the asset key of a spec's model card."""
    return dg.AssetKey(["reports", f"{spec.name}_model_card"])


def model_card_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Return the model card asset of a model; `grinder card` makes the same page of any older artifact."""

    @report_asset(
        model_card_key(spec),
        f"Card of the newest {spec.name}: what it is for, made from and worth, its limits, and how to verify it.",
        code_version=_CODE,
        deps=[artifact_key(spec), *report_keys(spec), promotion_key(spec), importance_key(spec), registry_key(spec)],
        model=spec.name,
    )
    def report(
        context: dg.AssetExecutionContext, lake: LakeResource, models: ModelStore, warehouse: WarehouseResource
    ) -> dg.MaterializeResult:
        from grinder_resources.cards.facts import newest_card
        from grinder_resources.cards.page import card_page
        from grinder_resources.evaluation.document import write_page
        from grinder_resources.provenance import provenance

        store, page = lake.open(), warehouse.pages_path / spec.name / "model_card.html"
        with refusals_as_failures():
            try:
                card = newest_card(spec, store, models.path)
            except NoData as error:
                context.log.warning(error.line())
                return dg.MaterializeResult(metadata={"headline": error.line(), "carded": False})
            write_page(page, card_page(card))
            facts = provenance(spec, store, models.path, _CODE)
        shows = _result(card, page)
        context.log.info(f"{card.title}: {shows['headline']}")
        return dg.MaterializeResult(metadata={**shows, **origin(spec, facts)})

    return report


def _result(card: Any, page: Path) -> dict[str, Any]:
    """Return what the UI shows of a card."""
    from grinder_resources.cards.page import card_png
    from grinder_resources.cards.words import limits, verdict_of

    (sentence, carries), png = verdict_of(card), card_png(card)
    return {
        "headline": sentence,
        **({"plot": inline_png(png, "AUC and skill against chance")} if png else {}),
        "page": dg.MetadataValue.path(str(page)),
        "carded": True,
        "carries": carries,
        "registry": card.stage or "there is none",
        "limits": facts_table([{"limit": limit} for limit in limits(card)]),
    }


MODEL_CARD_ASSETS = [model_card_asset(spec) for spec in SPECS.values()]
