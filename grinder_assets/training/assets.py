"""Training assets: one exported, verified artifact a model spec, all from one factory."""

import dagster as dg

from grinder_assets.failures import refusals_as_failures
from grinder_assets.keys import key_of
from grinder_assets.metadata import facts_table
from grinder_assets.partitions import SINGLE_RUN
from grinder_assets.tables import OWNERS
from grinder_assets.training.checks import leak_check_results, leak_check_specs
from grinder_assets.training.tracked import tracked
from grinder_resources.code_version import code_version
from grinder_resources.dagster import LakeResource, ModelStore
from grinder_resources.datasets import gold_table
from grinder_resources.errors import NothingTrainable, TooFewDays
from grinder_resources.learning.leaks.case import case_of
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.specs import SPECS
from grinder_resources.tracking.address import store_of

TRAINING_CODE = code_version("learning", "export", "contracts")


def artifact_key(spec: ModelSpec) -> dg.AssetKey:
    """Return the asset key of a spec's artifact."""
    return dg.AssetKey(["training", spec.name])


def training_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Return the asset that fits every head of `spec` and exports them as one ONNX graph.

    Before anything is fitted, every leak check looks at the rows and their splits; a leak fails the run in one line and
    publishes nothing. Where the data cannot teach anything the asset still ends well: it says so, publishes no
    artifact, and the newest one stands.
    """

    @dg.asset(
        key=artifact_key(spec),
        description=spec.doc,
        group_name="training",
        kinds={"xgboost", "onnx"},
        owners=OWNERS,
        tags={"layer": "training", "model": spec.name},
        code_version=TRAINING_CODE,
        backfill_policy=SINGLE_RUN,
        deps=[key_of(dataset) for dataset in (spec.dataset, spec.spacing_dataset) if dataset],
        check_specs=leak_check_specs(artifact_key(spec)),
        pool="training",
    )
    def artifact(context: dg.AssetExecutionContext, lake: LakeResource, models: ModelStore) -> dg.MaterializeResult:
        from grinder_resources.export.build import build_artifact

        store = lake.open()
        with refusals_as_failures():
            tracking = store_of(models.path)  # what is asked for has to be installed, before anything is fitted
            table = gold_table(store, spec.dataset)
            checked = leak_check_results(context, case_of(spec, store.read(table)))
            try:
                built = build_artifact(spec, table, store, models.path, TRAINING_CODE)
            except (TooFewDays, NothingTrainable) as error:
                context.log.warning(error.line())
                return dg.MaterializeResult(metadata={"trained": False, "reason": error.line()}, check_results=checked)
        context.log.info(built.sentence)
        return dg.MaterializeResult(
            check_results=checked,
            metadata={
                "summary": built.sentence,
                "trained": True,
                "artifact": dg.MetadataValue.path(str(built.folder)),
                "model_hash": built.model_hash,
                "data": dg.MetadataValue.asset(key_of(spec.dataset)),
                "heads": facts_table(built.heads),
                "untrainable": facts_table(built.untrainable),
                "parity": facts_table(built.parity),
                **tracked(context, built.folder, tracking, store),
            },
        )

    return artifact


TRAINING_ASSETS = [training_asset(spec) for spec in SPECS.values()]
