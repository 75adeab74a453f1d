"""Until when an asset counts as fresh: what a schedule makes has to be there when the schedule should have made it.

The policy follows from the job an asset belongs to, so neither can be changed without the other. What no schedule makes
(variants of a model, candidate features, use cases) is never late.
"""

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg

from grinder_assets.automation import DAILY_JOB, MONITOR_JOB, RETRAIN_JOB

DAILY = dg.FreshnessPolicy.cron(deadline_cron="0 4 * * *", lower_bound_delta=timedelta(hours=4), timezone="UTC")
"""Made between midnight and 04:00 UTC: `daily_tables` starts at 01:00, `late_data` at 02:30."""

WEEKLY = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=15), warn_window=timedelta(days=8))
"""Models and reports: a week and a day of grace, then a warning; late when a second retrain was missed."""

HOURLY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=25), warn_window=timedelta(hours=3))
"""Monitoring: hourly by default, daily at the least."""

POLICIES = ((DAILY_JOB, DAILY), (RETRAIN_JOB, WEEKLY), (MONITOR_JOB, HOURLY))
"""The first job that makes an asset decides."""


def kept_fresh(assets: Sequence[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """Return the assets, those of a scheduled job with that schedule's freshness policy."""
    policies: dict[dg.AssetKey, dg.FreshnessPolicy] = {}
    for job, policy in reversed(POLICIES):
        assert isinstance(job.selection, dg.AssetSelection)
        policies |= dict.fromkeys(job.selection.resolve(assets), policy)

    def fresh(spec: dg.AssetSpec) -> dg.AssetSpec:
        policy = policies.get(spec.key)
        return spec if policy is None else spec.replace_attributes(freshness_policy=policy)

    return [asset.map_asset_specs(fresh) for asset in assets]
