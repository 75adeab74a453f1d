"""The lattice by name, a unit in lots, the rules' grid, and the nearest grid to three numbers."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.contracts.instruments import Instrument
from grinder_resources.contracts.simulation import GridParameters
from grinder_resources.gold.lattice import LATTICE, GridChoice, snapped, unit_lots


def test_the_lattice_holds_every_spacing_in_every_shape() -> None:
    """Seven spacings, five shapes; the name says what a grid is."""
    assert len(LATTICE) == 35
    assert list(LATTICE)[:6] == ["s3_l2_u4", "s3_l4_u2", "s3_l8_u1", "s3_l4_u1", "s3_l8_u2", "s5_l2_u4"]
    assert LATTICE["s50_l8_u2"] == GridChoice(50_000, 8, 2)


def test_a_grid_in_lots_recentres_beyond_its_last_line_and_holds_the_capital_at_most() -> None:
    """12 bps, 4 lines, 2 units of 10 lots: 20 lots an order, 48 bps, 160 lots."""
    assert LATTICE["s12_l4_u2"].parameters(10, 5) == GridParameters(12_000, 4, 20, 48_000, 160, 5)


@pytest.mark.parametrize(
    ("mid_half_ticks", "tick", "lot", "lots"),
    [(20_000, "0.01", "1", 10), (20_000_000, "0.01", "0.001", 10), (80_000, "0.01", "1", 2), (500_000, "0.01", "1", 1)],
)
def test_a_unit_is_worth_about_a_thousand(mid_half_ticks: int, tick: str, lot: str, lots: int) -> None:
    """Lots at 100, 100, 400 and 2,500 a lot: 2.5 of them are 2, half-even, and less than one is one."""
    assert unit_lots(mid_half_ticks, Instrument("v", "S", Decimal(tick), Decimal(lot))) == lots


def test_the_rules_grid_has_as_many_lines_on_both_sides() -> None:
    """NATR 40: a step of 12 bps and a width of 2 x 309 / 100 x 2; in a trend the wider side decides."""
    calm = {"natr_bps": 40, "spread_bps": 2, "net_return_bps": 10, "range_score": 9, "warmup_bars": 15}
    calm |= {"thin_l1_lots": 100, "ret_5s_x1000": 0}
    assert GridChoice.of_rules(calm, 100) == GridChoice(12_000, 20, 1)
    wide = calm | {"natr_bps": 4}
    assert GridChoice.of_rules(wide, 100) == GridChoice(5_000, 12, 1)
    assert GridChoice.of_rules(wide | {"net_return_bps": 300, "range_score": 1}, 100) == GridChoice(5_000, 16, 1)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ((11_999, 4, 2), "s12_l4_u2"),
        ((-5, 0, 0), "s3_l4_u1"),
        ((10**6, 99, 1), "s50_l8_u1"),
        ((38_000, 3, 4), "s30_l2_u4"),
        ((39_000, 3, 3), "s50_l2_u4"),
    ],
)
def test_numbers_move_to_the_nearest_grid_in_ratio(asked: tuple[int, int, int], name: str) -> None:
    """38 is nearer to 30 (1.27 times) than to 50 (1.32); 39 is not."""
    assert snapped(*asked).name == name


@given(st.sampled_from(sorted(LATTICE)))
def test_a_grid_of_the_lattice_stays_where_it_is(name: str) -> None:
    """What is nearest to itself is itself."""
    choice = LATTICE[name]
    assert snapped(choice.spacing_x1000, choice.levels, choice.size_units) == choice
