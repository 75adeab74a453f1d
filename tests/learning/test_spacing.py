"""Spacing multipliers are ratios of medians of train rows."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from grinder_resources.contracts.calibration import Spacing
from grinder_resources.contracts.gold import REGIME_LABEL
from grinder_resources.learning.spacing import fit_spacing, spacing_multipliers
from grinder_resources.learning.specs import SPECS
from grinder_resources.learning.splits import split_by_date


def test_multipliers_by_hand() -> None:
    """Medians 20, 40 and 70 over 40; the lower one of two in the middle."""
    ranges = np.array([10.0, 20, 30, 40, 40, 50, 60, 70, 90, 100])
    code = np.array([0.0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
    assert spacing_multipliers(ranges, code, 3) == (500, 1_000, 1_750)
    assert spacing_multipliers(ranges[::-1], code[::-1], 3) == (500, 1_000, 1_750)


@pytest.mark.parametrize(
    ("ranges", "multipliers"),
    [((1.0, 100.0, 900.0), (500, 1_000, 2_000)), ((0.0, 0.0, 9.0), (1_000, 1_000, 1_000)), ((), (1_000,) * 3)],
)
def test_multipliers_are_clamped_and_neutral_where_nothing_is_known(
    ranges: tuple[float, ...], multipliers: tuple[int, ...]
) -> None:
    """A median of nought, or no rows."""
    assert spacing_multipliers(np.array(ranges), np.arange(float(len(ranges))), 3) == multipliers


DAYS = tuple(date(2025, 3, day) for day in (3, 4, 5))
NOON_NS, DAY_NS, MINUTE_NS = 1_741_003_200_000_000_000, 86_400_000_000_000, 60_000_000_000
RANGES = (100, 200, 300, 400, 500, 600, 700, 800, 900)


def minutes(factor: int) -> pl.DataFrame:
    """Return nine minutes a day with ranges of 100 to 900; those of the last two days times a factor."""
    number = np.repeat(np.arange(3), len(RANGES))
    ts = NOON_NS + number * DAY_NS + np.tile(np.arange(len(RANGES)), 3) * MINUTE_NS
    label = np.tile(RANGES, 3) * np.where(number == 0, 1, factor)
    columns = {"date": [DAYS[day] for day in number], "ts_ns": ts, "label_end_ns": ts + MINUTE_NS, REGIME_LABEL: label}
    return pl.DataFrame(columns)


def test_spacing_is_learned_from_train_rows_alone() -> None:
    """Terciles 100-300, 400-600 and 700-900 of the first day, whatever the ranges of validation and test are."""
    split = split_by_date(DAYS)
    expected = Spacing("regime", (500, 1_000, 1_600))
    for factor in (1, 7):
        assert (
            fit_spacing(SPECS["regime"], minutes(factor).sample(fraction=1.0, shuffle=True, seed=1), split) == expected
        )


def swept(totals: dict[tuple[int, int], int]) -> pl.DataFrame:
    """Return one row for each (minute, spacing bps) of the first day with what it earned; windows last ten minutes."""
    keys = [
        {"venue": "v", "symbol": "S", "ts_ns": NOON_NS + minute * MINUTE_NS, "spacing_x1000": 1_000 * bps}
        for minute, bps in totals
    ]
    earned = pl.DataFrame(keys).with_columns(pnl_x1000=pl.Series(list(totals.values())), grid=pl.lit("s"))
    return earned.with_columns(window_end_ns=pl.col("ts_ns") + 10 * MINUTE_NS)


BY_RANGE = Spacing("regime", (500, 1_000, 1_600))
SWEEP = {(0, 5): 6, (0, 10): 5, (3, 5): -9, (3, 10): 2, (6, 5): -9, (6, 10): -1, (6, 30): 1}


def test_where_grids_were_swept_what_they_earned_decides() -> None:
    """Best in all: 10 bps with 5 + 2 - 1. LOW, minutes 0 to 2: 5 bps; MID, 3 to 5: 10; HIGH, 6 to 8: 30, clamped."""
    split, frame = split_by_date(DAYS), minutes(1).with_columns(venue=pl.lit("v"), symbol=pl.lit("S"))
    sweep = swept(SWEEP)
    rules = sweep.with_columns(grid=pl.lit("rules"), pnl_x1000=pl.lit(99, pl.Int64))
    for rows in (sweep, pl.concat([rules, sweep]).sample(fraction=1.0, shuffle=True, seed=1)):
        assert fit_spacing(SPECS["regime"], frame, split, rows) == Spacing("regime", (500, 1_000, 2_000))
    calm = swept({(0, 5): 6, (0, 10): 7, (0, 30): 1})
    assert fit_spacing(SPECS["regime"], frame, split, calm) == Spacing("regime", (1_000, 1_000, 1_000))


@pytest.mark.parametrize("best", [(6, 30), (0, 5)])
def test_a_best_at_the_edge_of_the_sweep_decides_nothing(best: tuple[int, int]) -> None:
    """Who knows whether a wider one, or a narrower one, had been better still? Then the range decides."""
    split, frame = split_by_date(DAYS), minutes(1).with_columns(venue=pl.lit("v"), symbol=pl.lit("S"))
    assert fit_spacing(SPECS["regime"], frame, split, swept(SWEEP | {best: 99})) == BY_RANGE
    assert fit_spacing(SPECS["regime"], frame, split, swept(SWEEP).clear()) == BY_RANGE


def test_a_window_that_reaches_the_validation_days_decides_nothing() -> None:
    """It ends, with the embargo, a nanosecond too late; then the range alone decides, as without a sweep."""
    split, frame = split_by_date(DAYS), minutes(1).with_columns(venue=pl.lit("v"), symbol=pl.lit("S"))
    ends = NOON_NS + DAY_NS - split.embargo_ns
    for window_end_ns, expected in ((ends - 1, Spacing("regime", (500, 1_000, 2_000))), (ends, BY_RANGE)):
        moved = swept(SWEEP).with_columns(window_end_ns=pl.lit(window_end_ns, pl.Int64))
        assert fit_spacing(SPECS["regime"], frame, split, moved) == expected


def test_a_model_without_a_spacing_head_has_no_spacing() -> None:
    """It says nothing about how wide a grid should be."""
    assert fit_spacing(SPECS["level_signals_stage_b_full"], pl.DataFrame(), split_by_date(DAYS)) is None
