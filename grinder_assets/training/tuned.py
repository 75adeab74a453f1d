"""Tuning assets: a study of a model's boosters, its plots and page, and on request what it found in force."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from grinder_assets.automation import FULL_RUN_SPECS, USE_CASE_SPECS
from grinder_assets.failures import refusals_as_failures
from grinder_assets.keys import key_of
from grinder_assets.metadata import facts_table, inline_png
from grinder_assets.partitions import SINGLE_RUN
from grinder_assets.tables import OWNERS
from grinder_resources.code_version import code_version
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.tuning.backend import SEED, TRIALS

if TYPE_CHECKING:
    from grinder_resources.tuning.report import TuningReport

_CODE = code_version(
    "contracts",
    "evaluation",
    "export",
    "features",
    "gold",
    "learning",
    "market",
    "policy",
    "registry",
    "simulation",
    "tuning",
)


class TuningConfig(dg.Config):
    """How many trials the study has in all, the seed of its suggestions, and whether an edge comes into force."""

    trials: int = TRIALS
    seed: int = SEED
    adopt: bool = False


def tuned_params_key(spec: ModelSpec) -> dg.AssetKey:
    """Return the asset key of a spec's study."""
    return dg.AssetKey(["training", spec.name, "tuned_params"])


def tuned_params_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Return the asset that looks for better booster settings of `spec`, by a purged walk-forward, out of fold.

    It is in no job: whoever wants a study asks for it. What it adopts, the next training fits with.
    """

    @dg.asset(
        key=tuned_params_key(spec),
        description=f"Booster settings of {spec.name}: every trial out of fold, what mattered, and how much is luck.",
        group_name="training",
        kinds={"optuna", "xgboost"},
        owners=OWNERS,
        tags={"layer": "training", "model": spec.name},
        code_version=_CODE,
        backfill_policy=SINGLE_RUN,
        deps=[key_of(spec.dataset)],
        pool="training",
    )
    def tuned_params(
        context: dg.AssetExecutionContext,
        config: TuningConfig,
        lake: LakeResource,
        models: ModelStore,
        warehouse: WarehouseResource,
    ) -> dg.MaterializeResult:
        from grinder_resources.tuning.report import tuning_report

        page = warehouse.pages_path / spec.name / "tuned_params.html"
        with refusals_as_failures():
            made = tuning_report(
                spec,
                lake.open(),
                models.path,
                page,
                code_version=_CODE,
                trials=config.trials,
                seed=config.seed,
                adopting=config.adopt,
            )
        context.log.info(f"{spec.name}: {made.study.judgement.sentence}; {made.adopted}")
        return dg.MaterializeResult(metadata=_metadata(made, page))

    return tuned_params


def _metadata(made: "TuningReport", page: Path) -> dict[str, Any]:
    """Return what the UI shows of a study: the verdict, both plots in one, and its best trials."""
    from grinder_resources.tuning.page import best_rows, importance_rows
    from grinder_resources.tuning.plots import study_png

    study, png = made.study, study_png(made.study)
    return {
        "headline": study.judgement.sentence,
        "adopted": made.adopted,
        **{f"trials {state}": count for state, count in study.counts.items()},
        "best trials": facts_table(best_rows(study)),
        "importance": facts_table(importance_rows(study)),
        "page": dg.MetadataValue.path(str(page)),
        **({"plot": inline_png(png, "history and importance")} if png else {}),
    }


TUNED_PARAMS_ASSETS = [tuned_params_asset(spec) for spec in (*FULL_RUN_SPECS, *USE_CASE_SPECS)]
