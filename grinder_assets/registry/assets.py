"""Registry assets: the newest artifact becomes the candidate, the gates speak, and the history is there to see.

No run ever promotes: that is a person's `grinder registry promote`, or a job of theirs.
"""

import dagster as dg

from grinder_assets.failures import refusals_as_failures
from grinder_assets.metadata import facts_table, inline_png, table_metadata
from grinder_assets.partitions import SINGLE_RUN
from grinder_assets.registry.checks import gate_check_results, gate_check_specs
from grinder_assets.reports.promotion import promotion_key
from grinder_assets.tables import OWNERS
from grinder_assets.training.assets import artifact_key
from grinder_assets.training.tracked import tracked
from grinder_resources.clock import utc_now
from grinder_resources.code_version import code_version
from grinder_resources.contracts.registry import history_table
from grinder_resources.dagster import LakeResource, ModelStore
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.specs import SPECS
from grinder_resources.tracking.address import store_of

_CODE = code_version("registry", "export", "evaluation", "learning", "contracts")


def registry_key(spec: ModelSpec) -> dg.AssetKey:
    """Return the asset key of a model's place in the registry."""
    return dg.AssetKey(["registry", spec.name])


def registry_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Return the asset that stages the newest artifact of a model with the evidence there is of it.

    It makes the registry if there never was one; one that is torn, or gone while the lake remembers it, fails the run.
    """

    @dg.asset(
        key=registry_key(spec),
        description=f"Versions of {spec.name}: which is staged, which in production, and everything that happened.",
        group_name="registry",
        kinds={"json"},
        owners=OWNERS,
        tags={"layer": "registry", "model": spec.name},
        code_version=_CODE,
        backfill_policy=SINGLE_RUN,
        deps=[artifact_key(spec), promotion_key(spec)],
        check_specs=gate_check_specs(registry_key(spec)),
        metadata=table_metadata(history_table(spec.name)),
    )
    def registry(context: dg.AssetExecutionContext, lake: LakeResource, models: ModelStore) -> dg.MaterializeResult:
        from grinder_resources.operations import operations
        from grinder_resources.registry.keys import signer_in_force
        from grinder_resources.registry.report import commit_history, registry_report
        from grinder_resources.registry.timeline import timeline_png

        store = lake.open()
        with refusals_as_failures():
            keep, signer = operations().registry.max_versions, signer_in_force()
            found = registry_report(spec, store, models.path, keep=keep, actor="dagster", at=utc_now(), signer=signer)
            commit_history(store, spec.name, found.events, _CODE)
            shown = found.standing.staged or found.standing.production
            # by now there is a walk-forward, whose scores were not known when training told of the artifact
            told = tracked(context, models.path / shown.folder, store_of(models.path), store) if shown else {}
        context.log.info(found.sentence)
        png = timeline_png(found.events)
        return dg.MaterializeResult(
            check_results=gate_check_results(found.findings),
            metadata={
                "standing": found.sentence,
                "versions": facts_table(found.versions),
                "evidence": facts_table(found.evidence),
                "history": facts_table(found.history),
                **told,
                **({"timeline": inline_png(png, "Versions over time")} if png else {}),
            },
        )

    return registry


REGISTRY_ASSETS = [registry_asset(spec) for spec in SPECS.values()]
