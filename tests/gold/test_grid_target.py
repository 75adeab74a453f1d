"""What is best: metrics by hand, constraints as they are written, ties, and that order decides nothing."""

from math import inf

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.errors import OutOfRange, UnknownName
from grinder_resources.gold.calibration_target import CalibrationTarget, totals, with_metrics
from grinder_resources.gold.lattice import LATTICE
from tests.gold.sweeps import sweep

NARROW, WIDE = "s5_l4_u1", "s20_l4_u1"


def two(narrow: dict[str, int], wide: dict[str, int]) -> pl.DataFrame:
    """Return one window in which the two grids did what is given."""
    return pl.concat(
        [sweep({(0, name): facts.pop("pnl", 0)}, **facts) for name, facts in ((NARROW, narrow), (WIDE, wide))]
    )


def best(target: CalibrationTarget, rows: pl.DataFrame) -> str | None:
    choice = target.best(rows)
    return choice.name if choice else None


def test_metrics_by_hand() -> None:
    """Two windows earned 30 and -10 in 20 changes whose squares sum to 1000; 2 round trips earned 7; 3 of 8 filled.

    Sharpe: 20 / sqrt(20 x 1000 - 400) = 0.1428; expectancy: 7 / 2 = 3.5, half-even 4; fill rate 37.5 %.
    """
    facts = {"squares": 500, "round_trip_x1000": 3, "round_trips": 1, "orders": 4, "orders_filled": 1}
    first, second = sweep({(0, NARROW): 30}, **facts), sweep({(1, NARROW): -10}, max_drawdown_x1000=9, **facts)
    second = second.with_columns(round_trip_x1000=pl.lit(4, pl.Int64), orders_filled=pl.lit(2, pl.Int64))
    row = with_metrics(totals(pl.concat([first, second]), ())).row(0, named=True)
    names = ("windows", "pnl", "sharpe", "rt_expectancy", "fill_rate", "max_dd")
    assert [row[name] for name in names] == [2, 20, 142, 4, 3_750, 9]


def test_a_grid_without_a_metric_is_not_chosen_by_it() -> None:
    """No money moved, no round trip, no order: no Sharpe ratio, no expectancy, no fill rate, but money: 0."""
    rows = two({}, {})
    assert [best(CalibrationTarget(name), rows) for name in ("sharpe", "rt_expectancy", "fill_rate", "pnl")] == [
        *(None,) * 3,
        WIDE,
    ]


@pytest.mark.parametrize(
    ("bounds", "chosen"),
    [
        ((0, 0.05), NARROW),
        ((0, 0.0499999), WIDE),
        ((0, 0.04), WIDE),
        ((0, 0.0399999), None),
        ((0.05, inf), NARROW),
        ((0.0500001, inf), None),
    ],
)
def test_bounds_are_inclusive_and_in_the_unit_they_are_written_in(
    bounds: tuple[float, float], chosen: str | None
) -> None:
    """Drawdowns of 5 % and 4 %; the narrow grid earned more. No grid left is a pause."""
    rows = two({"pnl": 9, "max_drawdown_x1000": 500_000}, {"pnl": 8, "max_drawdown_x1000": 400_000})
    assert best(CalibrationTarget("pnl", {"max_dd": bounds}), rows) == chosen


def test_a_grid_has_to_have_earned_where_that_is_asked_for() -> None:
    """1 bps is 1000; what lost pauses."""
    earning = CalibrationTarget("fill_rate", {"pnl": (0.001, inf)})
    facts = {"orders": 2, "orders_filled": 1}
    assert best(earning, two({"pnl": 1, **facts}, {"pnl": 0, **facts})) == NARROW
    assert best(earning, two({"pnl": 0, **facts}, {"pnl": -1, **facts})) is None


def test_of_equal_grids_the_widest_with_fewest_lines_and_smallest_size_is_taken() -> None:
    """In that order, and the rules' grid is none of the lattice's."""
    assert best(CalibrationTarget(), sweep({(0, name): 7 for name in LATTICE} | {(0, "rules"): 8})) == "s50_l2_u4"
    four = {(0, name): 7 for name in LATTICE if "_l2_" not in name}
    assert best(CalibrationTarget(), sweep(four)) == "s50_l4_u1"


def test_unknown_metrics_and_empty_bounds_are_refused() -> None:
    """With the names that are known; a drawdown cannot be what is made large."""
    with pytest.raises(UnknownName, match="got max_dd; expected pnl, sharpe, rt_expectancy, fill_rate"):
        CalibrationTarget("max_dd")
    with pytest.raises(UnknownName, match="got dd"):
        CalibrationTarget("pnl", {"dd": (0, 1)})
    with pytest.raises(OutOfRange, match="max_dd"):
        CalibrationTarget("pnl", {"max_dd": (1, 0)})


EARNED = st.dictionaries(
    st.tuples(st.integers(0, 3), st.sampled_from(sorted(LATTICE))), st.integers(-9, 9), min_size=2, max_size=30
)


@given(EARNED, st.randoms(use_true_random=False))
def test_the_order_of_rows_decides_nothing_and_nothing_is_better(
    earned: dict[tuple[int, str], int], random: object
) -> None:
    """The best of a window earned as much as any grid in it."""
    rows, by = sweep(earned), ("venue", "symbol", "ts_ns")
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=random.getrandbits(32))  # type: ignore[attr-defined]
    found = CalibrationTarget().best_by(totals(rows, by), by)
    assert CalibrationTarget().best_by(totals(shuffled, by), by).equals(found)
    most = rows.group_by("ts_ns").agg(pl.col("pnl_x1000").max()).sort("ts_ns")
    assert found["pnl_x1000"].to_list() == most["pnl_x1000"].to_list()
