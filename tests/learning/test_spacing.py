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


def test_a_model_without_a_spacing_head_has_no_spacing() -> None:
    """It says nothing about how wide a grid should be."""
    assert fit_spacing(SPECS["level_signals_stage_b_full"], pl.DataFrame(), split_by_date(DAYS)) is None
