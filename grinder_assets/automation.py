"""Jobs: what is made together. When they run by themselves is in `schedules` and `sensors`."""

import dagster as dg

from grinder_assets.keys import key_of
from grinder_assets.registry.assets import registry_key
from grinder_assets.reports.assets import report_keys
from grinder_assets.reports.importance import importance_key
from grinder_assets.reports.model_card import model_card_key
from grinder_assets.reports.promotion import promotion_key
from grinder_assets.reports.shadow_replay import SHADOW_REPLAY
from grinder_assets.training.assets import artifact_key
from grinder_resources.contracts.gold_bot import REGIME_BOT_DATASET
from grinder_resources.contracts.gold_grid import GRID_SWEEP
from grinder_resources.features.manifest import feature_table, load_manifest, versions
from grinder_resources.features.version import CANDIDATE
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.specs import SPECS

FULL_RUN_SPECS = (SPECS["level_signals_stage_b_full"], SPECS["regime"], SPECS["gate_roc"])
"""The models that belong to every full run; the other variants are there to pick."""

USE_CASE_SPECS = (SPECS["toxicity"], SPECS["fill_probability"], SPECS["grid_spacing"])
"""The models of the use cases."""

USE_CASE_TABLES = tuple(key_of(name) for name in (GRID_SWEEP.name, *(spec.dataset for spec in USE_CASE_SPECS)))
"""What the use cases need of every day, beyond what the main job makes."""

USE_CASES = ("toxicity", "fill_probability", "grid_spacing", "policy_discovery", "score_guard")

USE_CASE_REPORTS = tuple(dg.AssetKey(["reports", f"{name}_use_case"]) for name in USE_CASES)
"""The report of each use case, in this order."""

_CANDIDATES = dg.AssetSelection.assets(
    *(key_of(feature_table(version).name) for version in versions() if CANDIDATE in load_manifest(version).tags)
)
"""Feature versions on trial: there to pick, in no job."""

_FOR_THE_BOT = dg.AssetSelection.assets(key_of(REGIME_BOT_DATASET.name))
"""Training rows in the bot's own numbers: there to pick with the model `regime_bot`, in no job."""

_OF_USE_CASES = dg.AssetSelection.assets(*USE_CASE_TABLES)

_TABLES = dg.AssetSelection.groups("bronze", "silver", "gold") - _CANDIDATES - _FOR_THE_BOT - _OF_USE_CASES


def _model_keys(spec: ModelSpec) -> list[dg.AssetKey]:
    return [artifact_key(spec), *report_keys(spec), promotion_key(spec), importance_key(spec), model_card_key(spec)]


def retrain_keys(spec: ModelSpec) -> list[dg.AssetKey]:
    """Return what training one model again makes: the model, its reports, its place in the registry, the warehouse."""
    return [*_model_keys(spec), registry_key(spec), WAREHOUSE]


WAREHOUSE = dg.AssetKey("warehouse")
_MODELS = dg.AssetSelection.assets(*(key for spec in FULL_RUN_SPECS for key in retrain_keys(spec)), SHADOW_REPLAY)
_WAREHOUSE = dg.AssetSelection.assets(WAREHOUSE)

MAIN_JOB = dg.define_asset_job(
    "main",
    selection=_TABLES | _MODELS | _WAREHOUSE,
    description="Bronze to reports: every table, the models of every full run, the warehouse.",
)
DAILY_JOB = dg.define_asset_job("daily", selection=_TABLES, description="Bronze to Gold of one day.")
RETRAIN_JOB = dg.define_asset_job(
    "retrain", selection=_MODELS | _WAREHOUSE, description="Fit, export and judge the models on all Gold days."
)

USE_CASE_RESULTS = (
    artifact_key(SPECS["regime"]),
    *(key for spec in USE_CASE_SPECS for key in _model_keys(spec)),
    *USE_CASE_REPORTS,
)
"""Models, reports and promotion checks of the use cases: once over all days. The regime model is made again, for its
spacing comes from the sweep."""

USE_CASES_JOB = dg.define_asset_job(
    "use_cases",
    selection=_OF_USE_CASES | dg.AssetSelection.assets(*USE_CASE_RESULTS) | _WAREHOUSE,
    description="Toxicity, fill probability, grid parameters, policies and the score guard, on tables of the main job.",
)

MONITOR_JOB = dg.define_asset_job(
    "monitor",
    selection=dg.AssetSelection.groups("monitoring"),
    description="How models in use are doing: their answers of some days, sketches of them, and a report of drift.",
)
"""Its tables are daily: whoever starts it names the days whose rows or logs may be new, e.g. `range_tags`."""
