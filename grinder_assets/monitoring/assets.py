"""Monitoring assets: how the served model's training rows lay, what it answered day by day, and sketches of both.

A trading process that keeps a log is taken at its word; where none does, the served model answers the day's Gold rows
again. A day is made again when its rows, its log or the served model change, and is empty where there is no model yet.
"""

from datetime import date

import dagster as dg

from grinder_assets.automation import FULL_RUN_SPECS
from grinder_assets.checks import contract_check
from grinder_assets.failures import refusals_as_failures
from grinder_assets.keys import key_of
from grinder_assets.metadata import facts_table, table_metadata
from grinder_assets.partitions import SINGLE_RUN
from grinder_assets.publish import DayPlan, publish_days
from grinder_assets.registry.assets import registry_key
from grinder_assets.tables import OWNERS, daily_asset
from grinder_resources.code_version import code_version
from grinder_resources.contracts.bronze import PREDICTIONS
from grinder_resources.contracts.monitoring import predictions_log_table, references_table, sketches_table
from grinder_resources.dagster import LakeResource, ModelStore
from grinder_resources.learning.model_spec import ModelSpec

MONITORING_CODE = code_version(
    "monitoring", "interpretability", "registry", "evaluation", "inference", "export", "learning", "contracts"
)


def references_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Return the asset that counts the training rows of the served model, and its answers to rows it did not learn."""
    table = references_table(spec.name)

    @dg.asset(
        key=key_of(table.name),
        description=table.doc,
        group_name=table.layer,
        kinds={"polars", "deltalake"},
        owners=OWNERS,
        tags={"layer": table.layer, "model": spec.name},
        code_version=MONITORING_CODE,
        backfill_policy=SINGLE_RUN,
        deps=[registry_key(spec), key_of(spec.dataset)],
        metadata=table_metadata(table),
    )
    def references(lake: LakeResource, models: ModelStore) -> dg.MaterializeResult:
        from grinder_resources.monitoring.references import publish_references
        from grinder_resources.monitoring.watch import watch

        with refusals_as_failures():
            made = publish_references(watch(spec, lake.open(), models.path), MONITORING_CODE)
        return dg.MaterializeResult(
            metadata={"model": made.model, "rebuilt": made.rebuilt, "inputs and answers": facts_table(made.shown)}
        )

    return references


def predictions_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Return the asset of a day's answers and their outcomes."""
    table = predictions_log_table(spec.name)
    checks = (contract_check(table),)
    deps = [registry_key(spec), key_of(spec.dataset), key_of(PREDICTIONS.name)]

    @daily_asset(table, code_version=MONITORING_CODE, deps=deps, checks=checks, kinds=frozenset({"onnx", "polars"}))
    def predictions(context: dg.AssetExecutionContext, lake: LakeResource, models: ModelStore) -> dg.MaterializeResult:
        from grinder_resources.monitoring.predictions import predictions_day, predictions_upstream
        from grinder_resources.monitoring.skewed import skewed_inputs
        from grinder_resources.monitoring.watch import watch

        with refusals_as_failures():
            watched = watch(spec, lake.open(), models.path)
        plan = DayPlan(
            table,
            MONITORING_CODE,
            lambda day: predictions_upstream(watched, day),
            lambda day: predictions_day(watched, day),
            checks,
        )
        made = publish_days(context, watched.lake, plan)
        skewed = skewed_inputs(watched, [date.fromisoformat(key) for key in context.partition_keys])
        shown = {"answered by": watched.served, "inputs read otherwise": facts_table(skewed)}
        return made._replace(metadata={**(made.metadata or {}), **shown})

    return predictions


def sketches_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Return the asset of a day's inputs and answers, counted by hour."""
    table = sketches_table(spec.name)
    checks = (contract_check(table),)
    tables = (references_table(spec.name).name, predictions_log_table(spec.name).name, spec.dataset, PREDICTIONS.name)

    @daily_asset(table, code_version=MONITORING_CODE, deps=[key_of(name) for name in tables], checks=checks)
    def sketches(context: dg.AssetExecutionContext, lake: LakeResource, models: ModelStore) -> dg.MaterializeResult:
        from grinder_resources.monitoring.sketches import sketches_day, sketches_upstream
        from grinder_resources.monitoring.watch import watch

        with refusals_as_failures():
            watched = watch(spec, lake.open(), models.path)
        plan = DayPlan(
            table,
            MONITORING_CODE,
            lambda day: sketches_upstream(watched, day),
            lambda day: sketches_day(watched, day),
            checks,
        )
        return publish_days(context, watched.lake, plan)

    return sketches


MONITORING_ASSETS = [
    make(spec) for make in (references_asset, predictions_asset, sketches_asset) for spec in FULL_RUN_SPECS
]
