"""The code location: what it holds, and that every door leads to the same one."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from grinder_assets.automation import FULL_RUN_SPECS, USE_CASE_SPECS
from grinder_assets.definitions import build_defs, defs
from grinder_assets.freshness import DAILY, HOURLY, WEEKLY
from grinder_assets.schedules import late_data
from grinder_resources.errors import OutOfRange

ROOT = Path(__file__).resolve().parents[2]

LINE = {
    "bronze/trades": set(),
    "bronze/quotes": set(),
    "bronze/depth": set(),
    "bronze/gates": set(),
    "bronze/orders": set(),
    "bronze/predictions": set(),
    "bronze/instruments": set(),
    "bronze/quarantine": set(),
    "bronze/ingest_log": {
        "bronze/trades",
        "bronze/quotes",
        "bronze/depth",
        "bronze/gates",
        "bronze/orders",
        "bronze/predictions",
    },
    "silver/bars": {"bronze/trades", "bronze/quotes"},
    "silver/snapshots": {"bronze/trades", "bronze/quotes", "bronze/depth", "bronze/instruments"},
    "silver/level_events": {"bronze/quotes", "bronze/instruments", "silver/bars"},
    "silver/gate_events": {"bronze/gates", "bronze/ingest_log"},
    "gold/training/regime": {"silver/snapshots"},
    "gold/training/gate_roc": {"silver/gate_events"},
    "gold/training/regime_bot": {"silver/snapshots", "silver/bars", "bronze/quotes", "bronze/instruments"},
    "gold/training/signals_production": {
        "silver/features/v1_0_mechanics_only",
        "silver/features/v2_0_full_ensemble",
        "silver/features/v2_1_rolling",
    },
    "training/regime": {"gold/training/regime", "gold/grid_sweep"},
    "training/regime_bot": {"gold/training/regime_bot", "gold/grid_sweep"},
    "training/level_signals_stage_b_full": {"gold/training/signals_production"},
    "training/regime/tuned_params": {"gold/training/regime"},
    "reports/regime_walk_forward": {"training/regime", "gold/training/regime"},
    "reports/regime_calibration": {"reports/regime_walk_forward"},
    "gold/grid_sweep": {"silver/snapshots", "bronze/quotes", "bronze/trades", "bronze/instruments"},
    "gold/training/grid_spacing": {"silver/snapshots", "gold/grid_sweep"},
    "training/grid_spacing": {"gold/training/grid_spacing"},
    "reports/grid_spacing_use_case": {
        "reports/grid_spacing_walk_forward",
        "gold/grid_sweep",
        "gold/training/grid_spacing",
        "bronze/quotes",
        "bronze/trades",
        "bronze/instruments",
    },
    "reports/policy_discovery_use_case": {"gold/grid_sweep", "gold/training/grid_spacing"},
    "reports/shadow_replay": {"training/regime", "gold/training/regime", "bronze/instruments"},
}
"""The main line: every asset and what it is made from."""


def test_the_main_line_is_wired_as_drawn() -> None:
    """Keys and dependencies are literal facts, so a change of the graph is a change of this table."""
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    wired = {name: {dep.asset_key.to_user_string() for dep in specs[name].deps} for name in LINE}
    assert wired == LINE


def test_all_variants_of_level_signals_are_there_to_pick() -> None:
    """Stages times ablations, each with artifact, walk-forward and calibration."""
    names = {spec.key.to_user_string() for spec in defs.resolve_all_asset_specs()}
    variants = {
        f"level_signals_{stage}_{what}" for stage in ("stage_a", "stage_b") for what in ("ta", "mechanics", "full")
    }
    for place in ("training/{}", "reports/{}_walk_forward", "reports/{}_calibration"):
        assert {place.format(variant) for variant in variants} <= names


def test_every_asset_tells_its_story() -> None:
    """Description, group, kinds, owner and code version are never missing; tables show their columns."""
    for spec in defs.resolve_all_asset_specs():
        assert spec.description, spec.key
        assert spec.kinds, spec.key
        assert spec.owners == ["team:grinder"], spec.key
        if spec.group_name in {"bronze", "silver", "gold", "monitoring", "registry"}:
            assert spec.code_version, spec.key
            assert spec.metadata["dagster/column_schema"].columns, spec.key


def test_what_a_schedule_makes_has_a_time_by_which_it_is_late() -> None:
    """Tables of the daily job are due at four, models within eight days, monitoring by the hour, no others."""
    due = {spec.key: spec.freshness_policy for spec in defs.resolve_all_asset_specs() if spec.freshness_policy}
    for job, policy in (("daily", DAILY), ("retrain", WEEKLY), ("monitor", HOURLY)):
        made = set(defs.resolve_job_def(job).asset_layer.selected_asset_keys)
        assert {key for key, its in due.items() if its == policy} == made
    assert set(due.values()) == {DAILY, WEEKLY, HOURLY}


def test_every_part_says_what_it_is_for() -> None:
    """Jobs, schedules, sensors and checks have a sentence of their own."""
    repository = defs.get_repository_def()
    named = [*(defs.jobs or ()), *repository.schedule_defs, *repository.sensor_defs]
    checks = [check for asset in defs.assets or () for check in asset.check_specs]
    assert {job.name for job in defs.jobs or ()} == {"main", "daily", "retrain", "monitor", "use_cases"}
    assert [part for part in (*named, *checks) if not part.description] == []


def test_columns_lead_to_the_columns_they_come_from() -> None:
    """A column of Gold names its source with a link to that table's page; bounds and keys are shown."""
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    regime = specs["gold/training/regime"].metadata["dagster/column_schema"]
    label = next(column for column in regime.columns if column.name == "range_60s_forward_x1000")
    assert label.description.endswith("from [silver/snapshots](/assets/silver/snapshots): `mid_half_ticks`")
    assert regime.constraints.other == ["one row: venue, symbol, ts_ns", "order: venue, symbol, ts_ns"]
    aggressor = next(
        c for c in specs["bronze/trades"].metadata["dagster/column_schema"].columns if c.name == "aggressor"
    )
    assert aggressor.constraints.other == ["≥ -1", "≤ 1"]


def test_every_asset_runs_a_range_in_one_run() -> None:
    """One ranged run covers Bronze to reports only if no asset wants a run of its own."""
    graph = defs.resolve_asset_graph()
    assert {graph.get(key).backfill_policy.policy_type.value for key in graph.materializable_asset_keys} == {
        "SINGLE_RUN"
    }


def test_the_main_job_holds_the_full_run_and_no_optional_variant() -> None:
    """stage_b/full and the regime model belong to every run; the other five variants do not."""
    keys = {key.to_user_string() for key in defs.resolve_job_def("main").asset_layer.selected_asset_keys}
    trained = {key for key in keys if key.startswith("training/")}
    assert trained == {f"training/{spec.name}" for spec in FULL_RUN_SPECS}
    assert {"warehouse", "reports/shadow_replay"} <= keys


@pytest.mark.parametrize("job", ["main", "daily"])
def test_a_candidate_feature_version_is_there_to_pick_and_in_no_job(job: str) -> None:
    """The versions in use are built every day, the one on trial when it is asked for."""
    everything = {spec.key.to_user_string() for spec in defs.resolve_all_asset_specs()}
    keys = {key.to_user_string() for key in defs.resolve_job_def(job).asset_layer.selected_asset_keys}
    features = {key for key in everything if key.startswith("silver/features/")}
    assert features - keys == {"silver/features/v2_1_rolling"}


def test_studies_of_settings_are_there_to_pick_and_in_no_job() -> None:
    """One a model of the full run and of the use cases: whoever wants one asks for it."""
    everything = {spec.key.to_user_string() for spec in defs.resolve_all_asset_specs()}
    studies = {f"training/{spec.name}/tuned_params" for spec in (*FULL_RUN_SPECS, *USE_CASE_SPECS)}
    assert {name for name in everything if name.endswith("tuned_params")} == studies
    for job in defs.jobs or ():
        keys = defs.resolve_job_def(job.name).asset_layer.selected_asset_keys
        assert studies.isdisjoint(key.to_user_string() for key in keys)


@pytest.mark.parametrize("job", ["main", "daily", "retrain"])
def test_the_model_for_the_bot_is_there_to_pick_and_in_no_job(job: str) -> None:
    """Its rows cost reading every quote again, for a model that only a handover needs."""
    everything = {spec.key.to_user_string() for spec in defs.resolve_all_asset_specs()}
    keys = {key.to_user_string() for key in defs.resolve_job_def(job).asset_layer.selected_asset_keys}
    own = {"gold/training/regime_bot", "training/regime_bot", "reports/regime_bot_walk_forward"}
    assert own <= everything
    assert not own & keys


@pytest.mark.parametrize("job", ["main", "daily", "retrain"])
def test_use_cases_have_a_job_of_their_own(job: str) -> None:
    """Their tables cost reading every quote again; the other jobs make none of them, and theirs makes all."""
    keys = {key.to_user_string() for key in defs.resolve_job_def(job).asset_layer.selected_asset_keys}
    theirs = {key.to_user_string() for key in defs.resolve_job_def("use_cases").asset_layer.selected_asset_keys}
    own = {"gold/grid_sweep", "gold/training/toxicity", "training/fill_probability", "reports/score_guard_use_case"}
    assert own <= theirs
    assert not own & keys
    assert {key for key in theirs if key.startswith("training/")} == {
        "training/toxicity",
        "training/fill_probability",
        "training/grid_spacing",
        "training/regime",
    }


def test_pyproject_and_workspace_name_the_same_location() -> None:
    """`dagster dev` reads one file, the daemon the other: both must name the same module and location."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["dg"]["project"]
    (entry,) = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    assert entry["python_module"] == {
        "module_name": project["code_location_target_module"],
        "location_name": project["code_location_name"],
    }


@pytest.mark.parametrize(
    "command", [["dagster", "definitions", "validate", "-w", "workspace.yaml"], ["dg", "list", "defs", "--json"]]
)
def test_both_command_lines_load_the_location(command: list[str], tmp_path: Path) -> None:
    """The older and the newer Dagster command line find the same definitions."""
    tool = Path(sys.executable).parent / command[0]
    environment = {**os.environ, "DAGSTER_HOME": str(tmp_path), "DAGSTER_DISABLE_TELEMETRY": "yes"}
    done = subprocess.run([tool, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_executor_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """GRINDER_EXECUTOR chooses the executor; another name is refused with the names there are."""
    monkeypatch.setenv("GRINDER_EXECUTOR", "multiprocess")
    assert build_defs().executor.name == "multiprocess"
    assert defs.executor.name == "in_process"
    monkeypatch.setenv("GRINDER_EXECUTOR", "steam")
    with pytest.raises(OutOfRange, match=r"got steam; expected in_process or multiprocess"):
        build_defs()


def test_late_data_asks_for_the_last_days_in_one_run() -> None:
    """The schedule requests one range that ends yesterday."""
    from datetime import UTC, datetime

    import dagster as dg

    with dg.build_schedule_context(scheduled_execution_time=datetime(2025, 1, 10, 2, 30, tzinfo=UTC)) as context:
        request = late_data(context)
    assert request.tags == {
        "dagster/asset_partition_range_start": "2025-01-07",
        "dagster/asset_partition_range_end": "2025-01-09",
        "grinder/reason": "late_data",
    }
