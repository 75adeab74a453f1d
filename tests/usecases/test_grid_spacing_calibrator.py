"""A trained artifact answers with a grid of the lattice, with a pause, or says why it cannot."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from grinder_resources.contracts.gold import SNAPSHOT_FEATURES
from grinder_resources.contracts.gold_grid import EARNED_LABELS, GRID_SPACING, LEVELS_LABEL, SIZE_LABEL, SPACING_LABEL
from grinder_resources.errors import ArtifactRejected
from grinder_resources.export.build import build_artifact
from grinder_resources.inference.reasons import Refusal, RefusalCode
from grinder_resources.lake import Lake
from grinder_resources.learning.model_spec import BoosterParams
from grinder_resources.learning.specs import SPECS
from grinder_resources.usecases.grid_spacing.calibrator import ParameterCalibrator, Parameters
from tests.learning.test_regime import dataset

SPEC = replace(SPECS["grid_spacing"], params=BoosterParams(max_depth=1, eta=0.5, rounds=8, early_stopping=8))
FLAT = {column.name: 1 for column in SNAPSHOT_FEATURES}


def rows() -> pl.DataFrame:
    """Return windows in which 5 bps earned 9 where the last minute ranged above 1500; what else there is lost 9.

    The best grid had 4 lines of 2 units; 50 bps never moved, so that nothing can be learned of it.
    """
    base = dataset(per_day=120).with_columns(label_end_ns=pl.col("ts_ns") + 600 * 10**9)
    wild = base["range_60s_x1000"].to_numpy() > 1_500
    labels = {name: np.where(wild & (bps == 5), 9_000, -9_000) for bps, name in EARNED_LABELS.items()}
    labels |= {SPACING_LABEL: np.where(wild, 5_000, 50_000), EARNED_LABELS[50]: np.zeros(len(wild))}
    noise = np.arange(len(wild)) % 2
    labels |= {LEVELS_LABEL: 4 + noise, SIZE_LABEL: 2 - noise}
    known = base.with_columns(pl.Series(name, values).cast(pl.Int64) for name, values in labels.items())
    filled = [pl.col(name) if name in known.columns else pl.lit(1).alias(name) for name in GRID_SPACING.schema]
    return known.select(filled).cast(GRID_SPACING.schema)


def built(spec: Any, folder: Path) -> Path:
    lake = Lake(str(folder / "lake"))
    for (day,), part in rows().group_by("date", maintain_order=True):
        lake.commit(GRID_SPACING, part, day=day, code_version="1")
    return build_artifact(spec, GRID_SPACING, lake, folder / "models", "code").folder


@pytest.fixture(scope="module")
def calibrator(tmp_path_factory: pytest.TempPathFactory) -> ParameterCalibrator:
    return ParameterCalibrator.open(built(SPEC, tmp_path_factory.mktemp("grid")))


def test_it_asks_for_the_spacing_that_is_expected_to_earn(calibrator: ParameterCalibrator) -> None:
    """5 bps where the last minute ranged far; nothing earns elsewhere, so no grid."""
    assert calibrator.predict_parameters(FLAT | {"range_60s_x1000": 2_900}) == Parameters(5, 4, 2)
    assert calibrator.predict_parameters(FLAT | {"range_60s_x1000": 100}) is None


def test_a_spacing_that_cannot_be_learned_is_no_head(calibrator: ParameterCalibrator) -> None:
    """It was never filled: the model says nothing about it, and the others answer."""
    assert "earned_50" not in calibrator.heads
    assert set(calibrator.heads) >= {"spacing", "levels", "size", "earned_5"}


@pytest.mark.parametrize(
    ("features", "code"),
    [
        ({}, RefusalCode.MISSING_FEATURE),
        (FLAT | {"range_60s_x1000": None}, RefusalCode.MISSING_FEATURE),
        (FLAT | {"spread_bps": "2"}, RefusalCode.BAD_FEATURE),
        (FLAT | {"spread_bps": float("inf")}, RefusalCode.NOT_FINITE),
    ],
)
def test_what_cannot_be_read_is_refused(
    calibrator: ParameterCalibrator, features: dict[str, Any], code: RefusalCode
) -> None:
    """Absent, null though it never was in training, a text, no number."""
    refusal = calibrator.predict_parameters(features)
    assert isinstance(refusal, Refusal)
    assert refusal.code is code


def test_a_model_of_something_else_is_refused(tmp_path: Path) -> None:
    """Without a head for the size there is no grid."""
    folder = built(replace(SPEC, name="other", heads=SPEC.heads[:2]), tmp_path)
    with pytest.raises(ArtifactRejected, match="grid parameters need a model of them"):
        ParameterCalibrator.open(folder)
