"""Which columns a model sees, as literal lists over the two feature versions."""

import polars as pl
import pytest

from grinder_resources.contracts.events import CONTEXT_NAMES, IDENTITY_NAMES, LABEL_NAMES, LEVEL_EVENTS, WATERMARK
from grinder_resources.errors import UnknownName
from grinder_resources.features.manifest import feature_table
from grinder_resources.learning.selection import ABLATIONS, STAGES, FeatureSet, select_features

FULL = feature_table("v2.0_full_ensemble").schema
ROLLING = feature_table("v2.1_rolling").schema
MECHANICS = feature_table("v1.0_mechanics_only").schema

BASE = ("level_kind_name", "direction")
TA = (
    "direction_sign",
    "distance_atr_x1000",
    "distance_signed_atr_x1000",
    "distance_beyond_atr_x1000",
    "level_price_pct_x1000",
    "atr_bps_x1000",
    "bars_since_open",
    "is_first_15m",
    "dist_to_prior_high_atr_x1000",
    "dist_to_prior_low_atr_x1000",
    "approach_velocity_atr_x1000",
    "approach_distance_atr_x1000",
    "approach_bars",
    "prior_touches",
    "attempt_index",
    "dist_to_sma_200_atr_x1000",
    "sma_200_slope_atr_x1000",
    "sma_200_slope_5bar_atr_x1000",
    "dist_to_sma_400_atr_x1000",
    "sma_400_slope_atr_x1000",
    "sma_400_slope_5bar_atr_x1000",
    "sma_spread_atr_x1000",
    "mean_reversion_pressure_200_x1000",
    "mean_reversion_pressure_400_x1000",
    "mean_reversion_velocity_200_atr_x1000",
    "mean_reversion_velocity_400_atr_x1000",
    "confluence_count",
    "confluence_weighted_score_x1000",
    "confluence_min_distance_atr_x1000",
    "confluence_pressure_x1000",
    "confluence_alignment",
)
BOOK_AND_TAPE = (
    "barrier_delta_liq_lots",
    "barrier_delta_liq_x1000",
    "barrier_replenishment_ratio_x1000",
    "wall_ratio_x1000",
    "tape_imbalance_bps",
    "tape_buy_vol_lots",
    "tape_sell_vol_lots",
    "tape_trades",
    "tape_velocity_atr_x1000",
    "liquidity_pressure_x1000",
    "tape_pressure_x1000",
    "net_break_pressure_x1000",
    "barrier_delta_liq_x1000_trend",
    "barrier_replenishment_ratio_x1000_trend",
    "tape_velocity_atr_x1000_trend",
    "tape_imbalance_bps_trend",
)
PULL = "reversion_pressure_x1000"


@pytest.mark.parametrize(
    ("stage", "ablation", "numeric", "categorical"),
    [
        ("stage_a", "ta", {*TA}, BASE),
        ("stage_b", "ta", {*TA}, BASE),
        ("stage_a", "mechanics", {PULL}, BASE),
        ("stage_b", "mechanics", {*BOOK_AND_TAPE, PULL}, (*BASE, "barrier_state")),
        ("stage_a", "full", {*TA, PULL, "rel_vol_ratio_x1000"}, BASE),
        (
            "stage_b",
            "full",
            {*TA, *BOOK_AND_TAPE, PULL, "rel_vol_ratio_x1000", "sweep_detected"},
            (*BASE, "barrier_state"),
        ),
    ],
)
def test_full_ensemble(stage: str, ablation: str, numeric: set[str], categorical: tuple[str, ...]) -> None:
    """Stage A sees no order book and no tape, not even as a category; ablations split the rest."""
    features = select_features(FULL, stage, ablation)
    assert set(features.numeric) == numeric
    assert features.categorical == categorical
    assert list(features.numeric) == [name for name in FULL if name in numeric]


def test_rolling_version() -> None:
    """What rolls over volatility is technical and in stage A; what rolls over quotes, book and flow is neither."""
    added = [name for name in ROLLING if name not in FULL]
    technical = [name for name in added if name.startswith(("natr_", "range_score_"))]
    mechanical = [name for name in added if name not in technical]
    assert (len(technical), len(mechanical)) == (10, 32)
    for stage, ablation, more in (
        ("stage_a", "full", technical),
        ("stage_a", "mechanics", []),
        ("stage_b", "ta", technical),
        ("stage_b", "mechanics", mechanical),
        ("stage_b", "full", added),
    ):
        chosen, before = (set(select_features(schema, stage, ablation).numeric) for schema in (ROLLING, FULL))
        assert chosen - before == set(more)
        assert before <= chosen


def test_mechanics_only_version() -> None:
    """The small version has its own columns, and the context that every version keeps."""
    features = select_features(MECHANICS, "stage_b", "mechanics")
    assert features.numeric == tuple(name for name in BOOK_AND_TAPE if name in MECHANICS)
    assert select_features(MECHANICS, "stage_a", "mechanics").numeric == ()


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("ablation", ABLATIONS)
def test_labels_and_identity_never_enter(stage: str, ablation: str) -> None:
    """Neither do the prices in the context, nor anything a later version may store under a label's name."""
    later = {
        name: pl.Int64()
        for name in ("t1_300", "t2_break_180", "t1", "outcome_4min", "future_price_5min", "anchor_spot")
    }
    features = select_features(pl.Schema({**LEVEL_EVENTS.schema, **FULL, **later}), stage, ablation)
    used = {*features.numeric, *features.categorical}
    allowed = {"level_kind_name", "direction", "direction_sign"}
    never = {*IDENTITY_NAMES, WATERMARK.name, *CONTEXT_NAMES, *LABEL_NAMES, *later, "attempt_confirm_ts_ns"}
    assert not used & (never - allowed)


def test_only_declared_categories_and_numbers_enter() -> None:
    """A text column without declared values is left out; t1-like prefixes need their underscore."""
    schema = pl.Schema({"note": pl.String(), "t10_speed": pl.Int32(), "direction": pl.String(), "open": pl.Boolean()})
    assert select_features(schema, "stage_b") == FeatureSet(numeric=("t10_speed", "open"), categorical=("direction",))


@pytest.mark.parametrize(
    ("stage", "ablation"), [("stage_c", "full"), ("stage_a", "ta_only"), ("stage_b", "mechanics_only"), ("", "all")]
)
def test_other_names_are_refused(stage: str, ablation: str) -> None:
    """There are two stages and three ablations."""
    with pytest.raises(UnknownName, match="no such"):
        select_features(FULL, stage, ablation)
