"""The score guard asset: the newest day's grid by the bot's rules, and again with a model's score in their way."""

import dagster as dg

from grinder_assets.failures import refusals_as_failures
from grinder_assets.keys import key_of
from grinder_assets.metadata import facts_table, inline_png
from grinder_assets.reports.factory import report_asset
from grinder_assets.training.assets import artifact_key
from grinder_resources.code_version import code_version
from grinder_resources.contracts.bronze import INSTRUMENTS, QUOTES, TRADES
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.errors import NoData, PartitionMissing
from grinder_resources.learning.specs import SPECS

SCORE_GUARD = dg.AssetKey(["reports", "score_guard_use_case"])

_INPUTS = (SNAPSHOTS, QUOTES, TRADES, INSTRUMENTS)
_CODE = code_version(
    "usecases",
    "simulation",
    "gold",
    "policy",
    "evaluation",
    "export",
    "inference",
    "learning",
    "features",
    "market",
    "contracts",
)


@report_asset(
    SCORE_GUARD,
    "The newest day's grid by the bot's rules, alone and guarded by the toxicity model: promote, or not.",
    code_version=_CODE,
    deps=[
        *(artifact_key(SPECS[name]) for name in ("toxicity", "regime")),
        key_of(SPECS["toxicity"].dataset),
        *(key_of(table.name) for table in _INPUTS),
    ],
    kinds=frozenset({"onnx", "polars"}),
)
def score_guard(
    context: dg.AssetExecutionContext, lake: LakeResource, models: ModelStore, warehouse: WarehouseResource
) -> dg.MaterializeResult:
    """Backtest the newest day; without an artifact or a row, say so and end well."""
    from grinder_resources.evaluation.document import write_page
    from grinder_resources.evaluation.drawing import png
    from grinder_resources.usecases.score_guard.folder import policy_rows
    from grinder_resources.usecases.score_guard.page import backtest_page
    from grinder_resources.usecases.score_guard.plots import money_figure
    from grinder_resources.usecases.score_guard.report import score_guard_report

    page = warehouse.pages_path / "score_guard" / "use_case.html"
    with refusals_as_failures():
        try:
            report = score_guard_report(lake.open(), models.path, _CODE)
        except (NoData, PartitionMissing) as error:
            context.log.warning(error.line())
            return dg.MaterializeResult(metadata={"headline": error.line(), "backtested": False})
        write_page(page, backtest_page(report.backtest, {"Model": report.model, "Code version": _CODE}))
    sentence = report.backtest.sentence
    context.log.info(sentence)
    shown = policy_rows(report.backtest).drop("first_day", "last_day", "verdict")
    return dg.MaterializeResult(
        metadata={
            "headline": sentence,
            "plot": inline_png(png(money_figure(report.backtest)), "money and drawdown of both policies"),
            "backtested": True,
            "rebuilt": report.rebuilt,
            "policies": facts_table(shown.to_dicts()),
            "page": dg.MetadataValue.path(str(page)),
        }
    )
