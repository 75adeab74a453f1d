"""The shadow replay asset: a day decided again, by the rules alone and by the rules with the signal."""

from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from grinder_assets.failures import refusals_as_failures
from grinder_assets.keys import key_of
from grinder_assets.metadata import facts_table, inline_png
from grinder_assets.reports.factory import report_asset
from grinder_assets.reports.origin import origin
from grinder_assets.training.assets import artifact_key
from grinder_resources.code_version import code_version
from grinder_resources.contracts.bronze import INSTRUMENTS
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.errors import NoData
from grinder_resources.learning.specs import SPECS

REGIME = SPECS["regime"]
SHADOW_REPLAY = dg.AssetKey(["reports", "shadow_replay"])

_CODE = code_version("replay", "policy", "inference", "evaluation", "export", "learning", "contracts")


@report_asset(
    SHADOW_REPLAY,
    "The newest day through the rules alone and the rules with the signal, in shadow: nothing is changed.",
    code_version=_CODE,
    deps=[artifact_key(REGIME), key_of(REGIME.dataset), key_of(INSTRUMENTS.name)],
    kinds=frozenset({"onnx", "polars"}),
    model=REGIME.name,
)
def shadow_replay_report(
    context: dg.AssetExecutionContext, lake: LakeResource, models: ModelStore, warehouse: WarehouseResource
) -> dg.MaterializeResult:
    """Replay the newest day twice; without an artifact or a row, say so and end well."""
    from grinder_resources.evaluation.document import write_page
    from grinder_resources.provenance import provenance
    from grinder_resources.replay.page import replay_page
    from grinder_resources.replay.plots import replay_png
    from grinder_resources.replay.report import shadow_replay
    from grinder_resources.replay.summary import Summary, log_line

    store, page = lake.open(), warehouse.pages_path / REGIME.name / "shadow_replay.html"
    with refusals_as_failures():
        try:
            replay = shadow_replay(REGIME.name, store, models.path, _CODE)
        except NoData as error:
            context.log.warning(error.line())
            return dg.MaterializeResult(metadata={"replayed": False, "reason": error.line()})
        facts = provenance(REGIME, store, models.path, _CODE)
        write_page(page, replay_page(replay, facts))
    context.log.info(log_line(replay.decisions))
    return dg.MaterializeResult(
        metadata={
            "headline": Summary(replay).sentence,
            "replayed": True,
            "rebuilt": replay.rebuilt,
            "digest": replay.digest,
            **_page(page, replay_png(replay.decisions)),
            **origin(REGIME, facts),
            **_tables(replay.totals),
        }
    )


def _tables(totals: pl.DataFrame) -> dict[str, Any]:
    def shown(by: str, nothing: str) -> Any:
        named = totals.filter(pl.col("by") == by).with_columns(pl.col("group").replace("", nothing))
        return facts_table(named.drop("by").to_dicts())

    return {
        "totals": shown("all", "all"),
        "by predicted regime": shown("predicted_regime", "no signal"),
        "by refusal": shown("refusal", "none"),
        "by mode": shown("mode", ""),
    }


def _page(page: Path, png: bytes) -> dict[str, Any]:
    return {"page": dg.MetadataValue.path(str(page)), "plot": inline_png(png, "steps, ranges and differences")}
