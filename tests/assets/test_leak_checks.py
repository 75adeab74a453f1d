"""Leak checks beside the training assets: a poisoned Gold partition fails the run, says why, and publishes nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from grinder_assets.training.assets import TRAINING_ASSETS, training_asset
from grinder_resources.contracts.gold import REGIME_DATASET, REGIME_LABEL
from grinder_resources.dagster import LakeResource, ModelStore
from grinder_resources.lake import Lake
from grinder_resources.learning.leaks.checks import LEAK_FAMILIES
from grinder_resources.learning.model_spec import BoosterParams
from grinder_resources.learning.specs import REGIME
from tests.learning.regime_gold import FIRST, Poison, gold_day, land

SPEC = replace(REGIME, params=BoosterParams(rounds=5, early_stopping=2, min_child_weight=5.0))


@dataclass(frozen=True)
class Outcome:
    """What a run of the training asset left behind."""

    success: bool
    failure: str
    checks: dict[str, dg.AssetCheckEvaluation]
    metadata: dict[str, Any]
    artifacts: list[str]


@pytest.fixture
def train(tmp_path: Path) -> Iterator[Callable[[], Outcome]]:
    instance = dg.DagsterInstance.ephemeral(tempdir=str(tmp_path))

    def run() -> Outcome:
        resources = {
            "lake": LakeResource(root=str(tmp_path / "lake")),
            "models": ModelStore(folder=str(tmp_path / "m")),
        }
        result = dg.materialize([training_asset(SPEC)], instance=instance, resources=resources, raise_on_error=False)
        events = [entry.dagster_event for entry in instance.all_logs(result.run_id) if entry.dagster_event]
        failures = [event.step_failure_data.user_failure_data.description for event in events if event.is_step_failure]
        checked = [e.asset_check_evaluation_data for e in events if e.event_type_value == "ASSET_CHECK_EVALUATION"]
        made = [event.materialization.metadata for event in events if event.is_step_materialization]
        return Outcome(
            success=result.success,
            failure=str(failures[0]) if failures else "",
            checks={evaluation.check_name: evaluation for evaluation in checked},
            metadata=dict(made[0]) if made else {},
            artifacts=sorted(path.name for path in (tmp_path / "m").glob("regime_v*")),
        )

    yield run
    instance.dispose()


def test_clean_days_are_trained_on(train: Callable[[], Outcome], tmp_path: Path) -> None:
    """Every check passes and shows its days, and the artifact is there."""
    land(tmp_path)
    outcome = train()
    assert outcome.success, outcome.failure
    assert outcome.artifacts == ["regime_v1.0.0"]
    assert set(outcome.checks) == {f"leak_{family.name}" for family in LEAK_FAMILIES}
    assert all(evaluation.passed and evaluation.blocking for evaluation in outcome.checks.values())
    days = str(outcome.checks["leak_times"].metadata["days"].value)
    assert days.splitlines()[0] == "| date | rows | leaking | check | where | example |"
    assert "| 2025-01-08 | 240 | 0 |  |  |  |" in days


def late(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col("watermark_ns") + 1)


def answered(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns((3 * pl.col(REGIME_LABEL).cast(pl.Int64) + 7).alias("volume_60s_lots"))


def ended_early(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col("ts_ns").alias("label_end_ns"))


def copied(rows: pl.DataFrame) -> pl.DataFrame:
    times = ("date", "ts_ns", "watermark_ns", "label_end_ns")
    return gold_day(0).with_columns(rows[name] for name in times)


@pytest.mark.parametrize(
    ("poison", "family", "check"),
    [
        (late, "times", "watermark"),
        (answered, "inputs", "label_copy"),
        (ended_early, "times", "label_window"),
        (copied, "rows", "copied_rows"),
    ],
)
def test_a_poisoned_partition_blocks_training(
    train: Callable[[], Outcome], tmp_path: Path, poison: Poison, family: str, check: str
) -> None:
    """The run fails in one line that names check, day and rows; its check is red, and no artifact is published."""
    land(tmp_path, poison)
    outcome = train()
    assert not outcome.success
    assert outcome.artifacts == []
    assert outcome.failure.startswith(f"LEAK_FOUND: check '{check}' refused the data")
    assert len(outcome.failure.splitlines()) == 1
    assert not outcome.checks[f"leak_{family}"].passed
    assert f"| 2025-01-08 | 240 | 240 | {check} |" in str(outcome.checks[f"leak_{family}"].metadata["days"].value)


def test_one_poison_turns_one_family_red(train: Callable[[], Outcome], tmp_path: Path) -> None:
    """The other checks are recorded as passed, so that the table says what is wrong and what is not."""
    land(tmp_path, late)
    checks = train().checks
    assert [name for name, evaluation in checks.items() if not evaluation.passed] == ["leak_times"]
    assert len(checks) == len(LEAK_FAMILIES)


def test_the_artifact_before_the_poison_stands(train: Callable[[], Outcome], tmp_path: Path) -> None:
    """A later leak takes nothing away: the newest honest artifact is still there."""
    land(tmp_path)
    assert train().success
    land(tmp_path, answered)
    outcome = train()
    assert not outcome.success
    assert outcome.artifacts == ["regime_v1.0.0"]


def test_too_few_days_are_checked_and_not_trained(train: Callable[[], Outcome], tmp_path: Path) -> None:
    """Without a split the rows alone are judged; the run ends well and says why nothing was made."""
    rows = gold_day(0)
    Lake(str(tmp_path / "lake")).commit(REGIME_DATASET, rows, day=FIRST, code_version="1")
    outcome = train()
    assert outcome.success
    assert "TOO_FEW_DAYS" in outcome.metadata["reason"].value
    assert outcome.checks["leak_inputs"].passed
    assert outcome.artifacts == []


def test_every_training_asset_declares_every_check() -> None:
    """One factory: no model is trained without them, and all of them block."""
    expected = {f"leak_{family.name}" for family in LEAK_FAMILIES}
    for asset in TRAINING_ASSETS:
        specs = list(asset.check_specs)
        assert {spec.name for spec in specs} == expected
        assert all(spec.blocking and spec.description for spec in specs)
