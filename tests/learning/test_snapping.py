import json

import numpy as np
import pytest

from grinder_resources.errors import NotExportable, OutOfRange
from grinder_resources.learning.boosters import booster_settings, fit, row_set
from grinder_resources.learning.snapping import MARGIN_SCALE, load, snap_leaves, snapped
from tests.learning.booster_rows import BINARY, PARAMS, SIZE, TARGETS, THREE, VALUES, fitted, forest


def test_leaves_are_the_nearest_grid_points_of_xgboosts_own() -> None:
    """Each is at most half a grid step from its float32, base score included; splits are not touched."""
    import xgboost

    booster = xgboost.train(booster_settings(SIZE, PARAMS), xgboost.DMatrix(VALUES, TARGETS["size"]), 30)
    raw = bytes(booster.save_raw("json"))
    before, after = forest(raw), forest(snap_leaves(raw, SIZE))
    (base,) = json.loads(json.loads(raw)["learner"]["learner_model_param"]["base_score"])
    for number, (old, new) in enumerate(zip(before["trees"], after["trees"], strict=True)):
        leaf = np.array(old["left_children"]) == -1
        shifted = np.array(old["split_conditions"]) + leaf * base * (number == 0)
        moved = np.abs(np.array(new["split_conditions"]) - shifted)
        assert moved[leaf].max() <= 0.5001 / MARGIN_SCALE
        assert (moved[~leaf] == 0.0).all()
        np.testing.assert_array_equal(np.array(new["base_weights"])[leaf], np.array(new["split_conditions"])[leaf])
        assert old.keys() == new.keys()
        assert all(old[name] == new[name] for name in old.keys() - {"split_conditions", "base_weights"})


def test_a_booster_written_otherwise_is_refused() -> None:
    """Rather than left with leaves off the grid."""
    binary = bytes(load(fitted(BINARY)).save_raw("ubj"))
    with pytest.raises(NotExportable, match=r"are not where XGBoost.*got (\d+), \1, 0, \1; expected \1 trees"):
        snapped(binary.replace(b"split_conditions", b"split_thresholds"), BINARY)
    with pytest.raises(NotExportable, match=r"without one of its settings.*base_score"):
        snapped(binary.replace(b"base_score", b"best_score"), BINARY)


def test_snapping_twice_changes_nothing() -> None:
    """The leaves are on the grid and the base margin is zero already."""
    model = fitted(THREE)
    assert snap_leaves(model, THREE) == model
    assert bytes(load(model).save_raw("json")) == model


def test_leaves_too_large_for_exact_sums_are_refused() -> None:
    """A target in thousandths needs a unit."""
    target = TARGETS["size"] * 1000
    with pytest.raises(OutOfRange, match=r"head size.*below 256.*larger unit"):
        fit(SIZE, row_set(VALUES[:500], VALUES[500:700], PARAMS), target[:500], target[500:700], PARAMS)
