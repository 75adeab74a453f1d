"""Global importance: by hand, from the lake where nothing changed, and as an asset."""

import shutil
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest

from grinder_assets.reports.importance import IMPORTANCE_ASSETS, importance_asset, importance_key
from grinder_resources.contracts.gold import REGIME_DATASET
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.errors import NoData
from grinder_resources.interpretability.contributions import contributions
from grinder_resources.interpretability.importance import importance, input_facts, spaced
from grinder_resources.interpretability.importance_page import importance_figure, importance_page, leading_inputs
from grinder_resources.lake import Lake
from grinder_resources.learning.specs import REGIME, SPECS
from grinder_resources.learning.training import prepare
from tests.interpretability.asked import TEST_DAY, lake_of


def test_what_is_said_of_an_input() -> None:
    """Mean size, mean, share, rank and direction; an input that moves nothing or never varies has no direction."""
    values = np.array([[1, 5, 2], [2, 5, 2], [3, 5, np.nan]], dtype=np.float32)
    moved = np.array([[-0.3, 0.1, 0.0], [0.0, 0.1, 0.0], [0.6, 0.1, 0.0]])
    assert list(input_facts(values, moved, ("up", "flat", "idle"))) == [
        {
            "input": "up",
            "rank": 1,
            "mean_abs_x1e6": 300_000,
            "mean_x1e6": 100_000,
            "share_bps": 7_500,
            "direction_ppm": 1_000_000,
        },
        {
            "input": "flat",
            "rank": 2,
            "mean_abs_x1e6": 100_000,
            "mean_x1e6": 100_000,
            "share_bps": 2_500,
            "direction_ppm": None,
        },
        {
            "input": "idle",
            "rank": 3,
            "mean_abs_x1e6": 0,
            "mean_x1e6": 0,
            "share_bps": 0,
            "direction_ppm": None,
        },
    ]


def test_of_too_many_rows_evenly_spaced_ones_are_taken() -> None:
    """The first and the last among them."""
    assert spaced(np.arange(10, 21), most=3).tolist() == [10, 15, 20]
    assert spaced(np.arange(3), most=3).tolist() == [0, 1, 2]


def test_importance_is_the_mean_size_over_the_test_day(root: Path) -> None:
    """Of the rows of that day alone, for every class."""
    lake = lake_of(root)
    found = importance(REGIME, lake, root / "models", code_version="1")
    rows = prepare(REGIME, lake.read(REGIME_DATASET, TEST_DAY, TEST_DAY)).matrix
    booster = (root / "models" / found.folder / "regime.ubj").read_bytes()
    size = np.abs(contributions(booster, rows.values).values).mean(axis=0)
    for place, output in enumerate(("LOW", "MID", "HIGH")):
        told = found.rows.filter(pl.col("class") == output)
        by_name = dict(told.select("input", "mean_abs_x1e6").iter_rows())
        np.testing.assert_allclose([by_name[name] / 1e6 for name in rows.columns], size[place], atol=2e-6)
        assert (told["rows"].unique().to_list(), sorted(told["rank"])) == ([240], list(range(1, 41)))
    assert (found.days, found.rebuilt) == ((TEST_DAY,), False)


def test_it_is_made_again_where_code_or_rows_changed(root: Path, tmp_path: Path) -> None:
    """And read back otherwise; without an artifact there is nothing to explain."""
    lake = Lake(str(shutil.copytree(root / "lake", tmp_path / "lake")))
    assert importance(REGIME, lake, root / "models", code_version="2").rebuilt
    assert not importance(REGIME, lake, root / "models", code_version="2").rebuilt
    with pytest.raises(NoData, match="no artifact of the model"):
        importance(REGIME, lake, tmp_path / "none", code_version="2")


def test_the_planted_input_leads(root: Path) -> None:
    """The label leans on the last minute's range; the sentence, the page and the figure say so."""
    found = importance(REGIME, lake_of(root), root / "models", code_version="1")
    assert found.sentence == ("range_60s_x1000 moves 2 of 3 answers most; of regime: LOW it is 63 % of all movement.")
    assert found.sentence in importance_page(found, REGIME.doc, {"Dataset": REGIME.dataset})
    assert [row["answer"] for row in leading_inputs(found, 2)] == ["regime: HIGH", "regime: LOW", "regime: MID"]
    assert leading_inputs(found, 1)[1]["inputs"] == "range_60s_x1000 63 %"
    labels = [label.get_text() for label in importance_figure(found.rows).axes[0].get_yticklabels()]
    assert (len(labels), labels[0]) == (18, "range_60s_x1000")


@pytest.mark.parametrize("models", ["models", "none"])
def test_the_asset_explains_or_says_why_not(root: Path, tmp_path: Path, models: str) -> None:
    """Without an artifact the run ends well, with the reason."""
    result = dg.materialize(
        [importance_asset(REGIME)],
        instance=dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)),
        resources={
            "lake": LakeResource(root=str(shutil.copytree(root / "lake", tmp_path / "lake"))),
            "models": ModelStore(folder=str(root / models)),
            "warehouse": WarehouseResource(pages=str(tmp_path / "reports")),
        },
    )
    (event,) = result.asset_materializations_for_node("reports__regime_importance")
    assert event.metadata["explained"].value is (models == "models")
    assert (tmp_path / "reports" / "regime" / "importance.html").is_file() is (models == "models")
    assert str(event.metadata["headline"].value).startswith(
        "range_60s" if models == "models" else "NO_DATA: there is no"
    )


def test_every_model_has_one() -> None:
    """After its artifact and from its dataset."""
    assert [asset.key for asset in IMPORTANCE_ASSETS] == [importance_key(spec) for spec in SPECS.values()]
    asset = importance_asset(REGIME)
    assert {key.to_user_string() for key in asset.asset_deps[asset.key]} == {"training/regime", "gold/training/regime"}
