"""The promotion asset: "no promotion" is a result, with a table, a page and a sentence, never a failed run."""

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from grinder_assets.reports.promotion import PROMOTION_ASSETS, promotion_asset, promotion_key
from grinder_resources.contracts.gold import REGIME_DATASET
from grinder_resources.contracts.promotion import promotion_table
from grinder_resources.contracts.reports import predictions_table, walk_forward_table
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.lake import Lake
from grinder_resources.learning.specs import REGIME, SPECS


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Return the lake after a walk-forward that had too few days."""
    store = Lake(str(tmp_path / "lake"))
    store.commit(REGIME_DATASET, REGIME_DATASET.empty(), day=date(2025, 1, 6), code_version="1")
    for table in (predictions_table("regime"), walk_forward_table("regime")):
        store.commit(table, table.empty(), day=None, code_version="1")
    return store


def check(folder: Path) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [promotion_asset(REGIME)],
        instance=dg.DagsterInstance.ephemeral(tempdir=str(folder)),
        resources={
            "lake": LakeResource(root=str(folder / "lake")),
            "models": ModelStore(folder=str(folder / "models")),
            "warehouse": WarehouseResource(pages=str(folder / "reports")),
        },
        raise_on_error=False,
    )


def test_every_model_has_a_promotion_after_its_reports() -> None:
    """Downstream of walk-forward and calibration."""
    assert [asset.key for asset in PROMOTION_ASSETS] == [promotion_key(spec) for spec in SPECS.values()]
    asset = promotion_asset(REGIME)
    assert {key.to_user_string() for key in asset.asset_deps[asset.key]} == {
        "reports/regime_walk_forward",
        "reports/regime_calibration",
    }


def test_no_promotion_is_a_result(lake: Lake, tmp_path: Path) -> None:
    """The run succeeds and says what is missing, in its metadata, in the table and on the page."""
    result = check(tmp_path)
    assert result.success
    (event,) = result.asset_materializations_for_node("reports__regime_promotion")
    sentence = "No promotion of regime: the evidence does not carry its only head yet."
    assert event.metadata["headline"].value == sentence
    assert event.metadata["promote"].value is False
    assert "NOT_JUDGED" in str(event.metadata["answers"].value)
    assert lake.read(promotion_table("regime"))["class"].to_list() == ["HIGH", "LOW", "MID"]
    assert sentence in (tmp_path / "reports" / "regime" / "promotion.html").read_text(encoding="utf-8")


def test_without_a_walk_forward_the_step_fails_in_one_line(tmp_path: Path) -> None:
    """There is nothing to judge."""
    result = check(tmp_path)
    assert not result.success
    (failure,) = (event for event in result.all_events if event.is_step_failure)
    assert "PARTITION_MISSING" in str(failure.step_failure_data.error)
