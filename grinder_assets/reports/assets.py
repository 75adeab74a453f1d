"""Report assets: walk-forward and calibration of every model, each a table, a plot and a self-contained page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from grinder_assets.failures import refusals_as_failures
from grinder_assets.keys import key_of
from grinder_assets.metadata import facts_table, inline_png
from grinder_assets.reports.factory import AssetDecorator, report_asset
from grinder_assets.reports.origin import origin
from grinder_assets.training.assets import artifact_key
from grinder_resources.code_version import code_version
from grinder_resources.contracts.reports import calibration_table, walk_forward_table
from grinder_resources.contracts.table import Table
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.specs import SPECS

_CODE = code_version("learning", "evaluation", "contracts")


def report_keys(spec: ModelSpec) -> list[dg.AssetKey]:
    """Return the asset keys of a spec's reports."""
    return [_key("walk_forward", spec), _key("calibration", spec)]


def _key(kind: str, spec: ModelSpec) -> dg.AssetKey:
    return dg.AssetKey(["reports", f"{spec.name}_{kind}"])


def _report_asset(
    kind: str, spec: ModelSpec, description: str, deps: list[dg.AssetKey], table: Table
) -> AssetDecorator:
    return report_asset(_key(kind, spec), description, code_version=_CODE, deps=deps, model=spec.name, table=table)


def walk_forward_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Return the walk-forward asset of a model: fit on the past, answer the next day, move on."""

    @_report_asset(
        "walk_forward",
        spec,
        f"Expanding and rolling walk-forward by day of {spec.name}, purged and embargoed: scores and verdicts.",
        [artifact_key(spec), key_of(spec.dataset)],
        walk_forward_table(spec.name),
    )
    def report(
        context: dg.AssetExecutionContext, lake: LakeResource, models: ModelStore, warehouse: WarehouseResource
    ) -> dg.MaterializeResult:
        from grinder_resources.evaluation.html import walk_forward_page, write_page
        from grinder_resources.evaluation.plots import walk_forward_png
        from grinder_resources.evaluation.reports import walk_forward_report
        from grinder_resources.evaluation.summary import headline
        from grinder_resources.provenance import provenance

        store = lake.open()
        with refusals_as_failures():
            facts = provenance(spec, store, models.path, _CODE)
            made = walk_forward_report(spec, store, models.path, code_version=_CODE, facts=facts)
            page = warehouse.pages_path / spec.name / "walk_forward.html"
            write_page(page, walk_forward_page(made.report))
        context.log.info(f"{spec.name}: {headline(made.report.verdicts)}")
        plot = ("AUC and skill", walk_forward_png(made.report))
        return _result(made, headline(made.report.verdicts), page, plot, origin(spec, facts))

    return report


def calibration_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Return the calibration asset of a model: what was promised against what happened, out of fold."""

    @_report_asset(
        "calibration",
        spec,
        f"Probabilities of {spec.name}, out of fold, before and after calibration: curves, ECE, MCE, Brier, groups.",
        [_key("walk_forward", spec)],
        calibration_table(spec.name),
    )
    def report(
        context: dg.AssetExecutionContext, lake: LakeResource, models: ModelStore, warehouse: WarehouseResource
    ) -> dg.MaterializeResult:
        from grinder_resources.evaluation.calibration_plots import reliability_png
        from grinder_resources.evaluation.calibration_summary import (
            before_and_after,
            calibration_headline,
            calibration_of_groups,
        )
        from grinder_resources.evaluation.html import calibration_page, write_page
        from grinder_resources.evaluation.reports import calibration_report
        from grinder_resources.provenance import provenance

        store = lake.open()
        with refusals_as_failures():
            facts = provenance(spec, store, models.path, _CODE)
            made = calibration_report(spec, store, code_version=_CODE, facts=facts)
            page = warehouse.pages_path / spec.name / "calibration.html"
            write_page(page, calibration_page(made.report))
        sentence = calibration_headline(made.report.scores)
        context.log.info(f"{spec.name}: {sentence}")
        tables = {"before and after": facts_table(before_and_after(made.report))} | {
            f"by {group}": facts_table(calibration_of_groups(made.report, group)) for group in ("day", "symbol")
        }
        plot = ("reliability", reliability_png(made.report))
        return _result(made, sentence, page, plot, {**origin(spec, facts), **tables})

    return report


def _result(
    made: Any, sentence: str, page: Path, plot: tuple[str, bytes | None], more: Mapping[str, Any]
) -> dg.MaterializeResult:
    """Return what the UI shows of a report: what it says, its plot with what that shows, then all that is behind it."""
    alt, png = plot
    verdicts = made.report.verdicts.select("mode", "head", "class", "rows", "verdict").to_dicts()
    return dg.MaterializeResult(
        metadata={
            "headline": sentence,
            **({"plot": inline_png(png, alt)} if png else {}),
            "page": dg.MetadataValue.path(str(page)),
            "answers": len(verdicts),
            "answers_with_edge": made.report.verdicts["edge"].sum(),
            "rebuilt": made.rebuilt,
            "verdicts": facts_table(verdicts),
            "limits": facts_table([{"what could not be done": limit} for limit in made.report.limits]),
            **more,
        }
    )


REPORT_ASSETS = [make(spec) for spec in SPECS.values() for make in (walk_forward_asset, calibration_asset)]
