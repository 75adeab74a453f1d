"""The composite score and its inputs, worked out by hand."""

from fractions import Fraction

import pytest

from grinder_resources.gold.toxicity_score import (
    amihud_x1000,
    kyle_x1000,
    ofi_strength_x1000,
    score_x1000,
    spread_excess_x1000,
)


@pytest.mark.parametrize(
    ("ret", "minute", "hour", "kyle"),
    [
        (100_000, 10, 600, 909),  # 1 % at the usual volume: 1 / 1.1
        (-100_000, 30, 600, 323),  # three times the usual volume: 1 / 3.1
        (100_000, 0, 600, 3_000),  # nothing traded: 1 / 0.1, clipped
        (11_000, 0, 0, 100),  # no hour of prints yet counts as usual: 0.11 / 1.1
        (0, 5, 600, 0),
        (None, 10, 600, None),
    ],
)
def test_kyle_is_the_return_a_unit_of_relative_volume(
    ret: int | None, minute: int, hour: int, kyle: int | None
) -> None:
    """In percent, either way, over the volume ratio and a tenth."""
    assert kyle_x1000(ret, minute, hour) == kyle


@pytest.mark.parametrize(
    ("ret", "tick_lots", "amihud"),
    [
        (100_000, 990_000_000, 1_000),  # 1 % on 990,000: 1 / (0.99 + 0.01)
        (-1_000, 0, 1_000),  # 0.01 % on nothing: 0.01 / 0.01
        (5_000, 10_000_000, 2_500),  # 0.05 % on 10,000: 0.05 / 0.02
        (100_000, 0, 3_000),
        (None, 0, None),
    ],
)
def test_amihud_is_the_return_a_million_traded(ret: int | None, tick_lots: int, amihud: int | None) -> None:
    """A tick-lot is worth 0.01 x 0.1 in quote currency."""
    assert amihud_x1000(ret, tick_lots, Fraction("0.001")) == amihud


def test_spread_counts_above_its_mean_in_fives() -> None:
    """8 bps against a mean of 14 / 4 = 3.5: 4.5 / 5; nothing below the mean, never above 3."""
    assert spread_excess_x1000(8, 14, 4) == 900
    assert spread_excess_x1000(3, 14, 4) == 0
    assert spread_excess_x1000(60, 14, 4) == 3_000


def test_ofi_counts_in_thirds_of_its_z_score() -> None:
    """Either sign; the z-score itself ends at 5."""
    assert [ofi_strength_x1000(z) for z in (-5_000, 1_000, 4_500)] == [1_667, 333, 1_500]


def test_score_is_the_mean_by_the_weights_of_the_constants() -> None:
    """.25 VPIN + .20 Kyle + .15 Amihud + .20 spread + .20 OFI, half-even; unknown where one input is."""
    assert score_x1000(1_000, 0, 0, 0, 0) == 250
    assert score_x1000(0, 1_000, 0, 0, 0) == score_x1000(0, 0, 0, 1_000, 0) == score_x1000(0, 0, 0, 0, 1_000) == 200
    assert score_x1000(0, 0, 1_000, 0, 0) == 150
    assert score_x1000(400, 100, 30, 10, 7) == 128  # 100 + 20 + 4.5 + 2 + 1.4 = 127.9
    assert score_x1000(3_000, 3_000, 3_000, 3_000, 3_000) == 3_000
    assert score_x1000(2, 0, 0, 0, 0) == 0  # 0.5 goes to the even neighbour
    assert score_x1000(None, 1, 1, 1, 1) is None
