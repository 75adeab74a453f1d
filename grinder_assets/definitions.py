"""The code location: the one list of everything. It only assembles; nothing here works."""

import os
from collections.abc import Mapping
from typing import Any

import dagster as dg

from grinder_assets.automation import DAILY_JOB, MAIN_JOB, MONITOR_JOB, RETRAIN_JOB, USE_CASES_JOB
from grinder_assets.bronze.assets import BRONZE_ASSETS
from grinder_assets.freshness import kept_fresh
from grinder_assets.gold.assets import GOLD_ASSETS
from grinder_assets.gold.bot import BOT_DATASET_ASSETS
from grinder_assets.gold.fill_probability import FILL_DATASET_ASSETS
from grinder_assets.gold.gates import GATE_DATASET_ASSETS
from grinder_assets.gold.grid_spacing import GRID_SPACING_ASSETS
from grinder_assets.gold.toxicity import TOXICITY_DATASET_ASSETS
from grinder_assets.monitoring.assets import MONITORING_ASSETS
from grinder_assets.monitoring.drift import DRIFT_ASSETS
from grinder_assets.registry.assets import REGISTRY_ASSETS
from grinder_assets.reports.assets import REPORT_ASSETS
from grinder_assets.reports.fill_probability import fill_probability_report
from grinder_assets.reports.grid_spacing import grid_spacing_report
from grinder_assets.reports.importance import IMPORTANCE_ASSETS
from grinder_assets.reports.model_card import MODEL_CARD_ASSETS
from grinder_assets.reports.policy_discovery import policy_discovery_report
from grinder_assets.reports.promotion import PROMOTION_ASSETS
from grinder_assets.reports.score_guard import score_guard
from grinder_assets.reports.shadow_replay import shadow_replay_report
from grinder_assets.reports.toxicity import toxicity_report_asset
from grinder_assets.reports.warehouse import warehouse
from grinder_assets.schedules import SCHEDULES
from grinder_assets.sensors import SENSORS
from grinder_assets.silver.assets import SILVER_ASSETS
from grinder_assets.silver.gates import GATE_EVENT_ASSETS
from grinder_assets.training.assets import TRAINING_ASSETS
from grinder_assets.training.tuned import TUNED_PARAMS_ASSETS
from grinder_resources.dagster import LakeResource, LandingResource, ModelStore, WarehouseResource
from grinder_resources.errors import OutOfRange

TABLE_ASSETS = [
    *BRONZE_ASSETS,
    *SILVER_ASSETS,
    *GATE_EVENT_ASSETS,
    *GOLD_ASSETS,
    *GATE_DATASET_ASSETS,
    *BOT_DATASET_ASSETS,
    *GRID_SPACING_ASSETS,
    *FILL_DATASET_ASSETS,
    *TOXICITY_DATASET_ASSETS,
]

USE_CASE_ASSETS = [
    fill_probability_report,
    grid_spacing_report,
    policy_discovery_report,
    score_guard,
    toxicity_report_asset,
]
"""What the models are used for: each of these reports judges one use case."""

EXECUTORS = {"in_process": dg.in_process_executor, "multiprocess": dg.multiprocess_executor}
"""One process by default: a step then costs 0.05 s instead of the 2 s of a fresh Python."""


def build_defs(resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Return the code location; tests and command lines override resources by name.

    `GRINDER_EXECUTOR` chooses one of EXECUTORS. Raises OutOfRange for another name.
    """
    name = os.environ.get("GRINDER_EXECUTOR", "in_process")
    if name not in EXECUTORS:
        raise OutOfRange("no such executor", where="GRINDER_EXECUTOR", got=name, expected=" or ".join(EXECUTORS))
    return dg.Definitions(
        assets=kept_fresh(
            [
                *TABLE_ASSETS,
                *TRAINING_ASSETS,
                *TUNED_PARAMS_ASSETS,
                *REPORT_ASSETS,
                *PROMOTION_ASSETS,
                *REGISTRY_ASSETS,
                *MONITORING_ASSETS,
                *DRIFT_ASSETS,
                *IMPORTANCE_ASSETS,
                *MODEL_CARD_ASSETS,
                *USE_CASE_ASSETS,
                shadow_replay_report,
                warehouse,
            ]
        ),
        jobs=[MAIN_JOB, DAILY_JOB, RETRAIN_JOB, MONITOR_JOB, USE_CASES_JOB],
        schedules=SCHEDULES,
        sensors=SENSORS,
        executor=EXECUTORS[name],
        resources={
            "lake": LakeResource(),
            "landing": LandingResource(),
            "models": ModelStore(),
            "warehouse": WarehouseResource(),
            **(resource_overrides or {}),
        },
    )


defs = build_defs()
