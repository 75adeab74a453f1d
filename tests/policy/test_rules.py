"""The bot's rules in literal numbers: regimes in their order, steps, widths, lines, and what a signal does to them."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.policy.grid import LEVELS, MIN_STEP_BPS, ROOT_X100, GridPlan, apply_signal, plan
from grinder_resources.policy.regimes import (
    PolicyInputs,
    Regime,
    RegimeName,
    RuleFeatures,
    classify,
    full_lots,
    toxicity_blocked,
)

CALM = RuleFeatures(
    natr_bps=20, spread_bps=2, net_return_bps=10, range_score=9, warmup_bars=15, thin_l1_lots=100, full_l1_lots=100
)
RANGE = Regime(RegimeName.RANGE, 80)


@pytest.mark.parametrize(
    ("change", "name", "confidence"),
    [
        ({}, "RANGE", 80),
        ({"warmup_bars": 14}, "RANGE", 60),
        ({"net_return_bps": 201, "range_score": 3}, "TREND_UP", 75),
        ({"net_return_bps": -201, "range_score": 3}, "TREND_DOWN", 75),
        ({"net_return_bps": 200, "range_score": 3}, "RANGE", 80),
        ({"net_return_bps": 201, "range_score": 4}, "RANGE", 80),
        ({"natr_bps": 500}, "RANGE", 80),
        ({"natr_bps": 501, "net_return_bps": 201, "range_score": 3}, "VOL_SHOCK", 85),
        ({"spread_bps": 100}, "RANGE", 80),
        ({"spread_bps": 101, "natr_bps": 501}, "THIN_BOOK", 90),
        ({"thin_l1_lots": 99, "natr_bps": 501}, "THIN_BOOK", 90),
    ],
)
def test_the_first_rule_that_holds_names_the_regime(change: dict[str, int], name: str, confidence: int) -> None:
    """Each threshold is strict, and a rule wins over those below it."""
    assert classify(PolicyInputs(replace(CALM, **change))) == Regime(RegimeName(name), confidence)


def test_switches_come_before_features() -> None:
    """The kill switch wins over toxic flow, that over whatever the market looks like; no features are a range."""
    assert classify(PolicyInputs(CALM, toxicity_blocked=True, kill_switch=True)) == Regime(RegimeName.EMERGENCY, 100)
    assert classify(PolicyInputs(None, toxicity_blocked=True)) == Regime(RegimeName.TOXIC, 100)
    assert classify(PolicyInputs(None)) == Regime(RegimeName.RANGE, 50)


@pytest.mark.parametrize(("lot", "lots"), [("0.001", 100), ("0.1", 1), ("1", 1), ("0.03", 4), ("0.00000001", 10**7)])
def test_a_tenth_of_a_unit_in_lots(lot: str, lots: int) -> None:
    """The fewest lots that are not thinner than 0.1 base units, exactly."""
    assert full_lots(Decimal(lot)) == lots


@given(lots=st.integers(0, 10**9), lot=st.decimals("0.00000001", "1000", places=8))
def test_thin_in_lots_is_thin_in_base_units(lots: int, lot: Decimal) -> None:
    """Comparing lots says what comparing sizes says."""
    assert (lots < full_lots(lot)) == (lots * lot < Decimal("0.1"))


@pytest.mark.parametrize(
    ("spread_bps", "move_x1000", "toxic"),
    [(50, 500_000, False), (51, 0, True), (0, 500_001, True), (0, -500_001, True), (0, None, False)],
)
def test_toxic_flow_is_a_wide_spread_or_a_jump(spread_bps: int, move_x1000: int | None, toxic: bool) -> None:
    """More than 50 bps of spread, or more than 500 bps in five seconds; an unknown move blocks nothing."""
    assert toxicity_blocked(spread_bps, move_x1000) is toxic


@pytest.mark.parametrize(
    ("name", "natr_bps", "expected"),
    [
        ("RANGE", 0, GridPlan(5, 20, 20, 4, 4)),
        ("RANGE", 20, GridPlan(6, 308, 308, 20, 20)),
        ("RANGE", 19, GridPlan(5, 294, 294, 20, 20)),
        ("RANGE", 100, GridPlan(30, 500, 500, 17, 17)),
        ("TREND_UP", 100, GridPlan(30, 650, 500, 20, 17)),
        ("TREND_DOWN", 100, GridPlan(30, 500, 650, 17, 20)),
        ("VOL_SHOCK", 600, GridPlan(270, 500, 500, 2, 2)),
        ("THIN_BOOK", 100, GridPlan(60, 500, 500, 9, 9)),
        ("TOXIC", 100, GridPlan(60, 500, 500, 9, 9)),
        ("EMERGENCY", 100, GridPlan(30, 500, 500, 17, 17)),
    ],
)
def test_the_grid_of_a_regime(name: str, natr_bps: int, expected: GridPlan) -> None:
    """Step, widths and lines as the bot's formulas give them."""
    assert ROOT_X100 == 774
    assert plan(Regime(RegimeName(name), 80), natr_bps) == expected


@pytest.mark.parametrize(
    ("multiplier", "step", "levels"), [(1_000, 30, 17), (500, 15, 20), (2_000, 60, 9), (1_050, 32, 16), (100, 5, 20)]
)
def test_a_signal_moves_the_step_and_the_lines_follow(multiplier: int, step: int, levels: int) -> None:
    """31.5 is rounded to the even 32; 5 bps is the least; the width stays."""
    assert apply_signal(plan(RANGE, 100), multiplier) == GridPlan(step, 500, 500, levels, levels)


@given(natr_bps=st.integers(0, 5_000), multiplier=st.integers(500, 2_000), name=st.sampled_from(RegimeName))
def test_laws_of_a_grid(natr_bps: int, multiplier: int, name: RegimeName) -> None:
    """A neutral signal changes nothing, none changes the width, and steps and lines stay within their limits."""
    rules = plan(Regime(name, 80), natr_bps)
    moved = apply_signal(rules, multiplier)
    assert apply_signal(rules, 1_000) == rules
    assert (moved.width_up_bps, moved.width_down_bps) == (rules.width_up_bps, rules.width_down_bps)
    assert moved.step_bps >= MIN_STEP_BPS
    assert all(LEVELS[0] <= levels <= LEVELS[1] for levels in (moved.levels_up, moved.levels_down))
    assert (moved.step_bps >= rules.step_bps) if multiplier >= 1_000 else (moved.step_bps <= rules.step_bps)
