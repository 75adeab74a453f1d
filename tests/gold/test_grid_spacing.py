"""The dataset of grid parameters: the grid that was best in a window, and the one chosen on windows that had ended."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.gold_grid import EARNED_LABELS, GRID_SPACING
from grinder_resources.gold.calibration_target import TARGET, CalibrationTarget
from grinder_resources.gold.grid_spacing import choices, earned, spacing_rows
from grinder_resources.learning.leaks.case import case_of
from grinder_resources.learning.leaks.checks import find_leaks
from grinder_resources.learning.specs import SPECS
from tests.gold.sweeps import EVERY_NS, NOON_NS, sweep
from tests.learning.test_regime import snapshots

NARROW, WIDE = "s5_l4_u1", "s20_l4_u2"


def chosen(rows: pl.DataFrame) -> dict[int, tuple[str, int]]:
    """Return window -> the grid chosen on its past, and what that earned in it."""
    columns = choices(rows).select((pl.col("ts_ns") - NOON_NS) // EVERY_NS, "grid", "earned")
    return {window: (grid, earned) for window, grid, earned in columns.rows()}


def both(narrow: list[int], wide: list[int]) -> dict[tuple[int, str], int]:
    return {(window, name): pnl for name, every in ((NARROW, narrow), (WIDE, wide)) for window, pnl in enumerate(every)}


def test_a_grid_is_chosen_on_the_windows_that_have_ended() -> None:
    """Window 13 sees windows 0 to 11: a tie, so the wider; 14 sees 12 as well, in which the narrow grid earned more."""
    rows = sweep(both([*(2,) * 6, *(0,) * 6, 1, -5, 40, 0], [*(1,) * 12, 0, 7, -6, 0]))
    assert chosen(rows) == {13: (WIDE, 7), 14: (NARROW, 40), 15: (WIDE, 0)}


def test_the_past_is_judged_by_the_target() -> None:
    """The narrow grid earned more and fell further: who bounds the fall gets the wide one, in it and in hindsight."""
    falls = pl.when(pl.col("grid") == NARROW).then(900_000).otherwise(100_000)
    rows = sweep(both([5] * 14, [1] * 14)).with_columns(max_drawdown_x1000=falls.cast(pl.Int64))
    careful = CalibrationTarget(constraints={"max_dd": (0, 0.05)})
    assert choices(rows)["grid"].to_list() == [NARROW]
    assert choices(rows, careful)["grid"].to_list() == [WIDE]
    market = snapshots([100] * 601)
    best = [spacing_rows(market, rows, target)["optimal_spacing_x1000"][0] for target in (TARGET, careful)]
    assert best == [5_000, 20_000]


def test_windows_of_four_hours_ago_are_forgotten() -> None:
    """Window 0 ended 10 minutes after noon; 4 hours later window 50 starts, and counts those that ended since."""
    grids = [grid for grid, _ in chosen(sweep(both([100, *(0,) * 51], [1] * 52))).values()]
    assert grids == [NARROW] * 37 + [WIDE] * 2


def test_what_a_spacing_earned_is_the_mean_over_its_shapes() -> None:
    """5 bps earned 1 and 4, half-even 2; 20 bps 1 and 2, half-even 2; the rules' grid is no shape of the lattice."""
    rows = sweep({(0, "s5_l4_u1"): 1, (0, "s5_l8_u2"): 4, (0, "s20_l4_u1"): 1, (0, "s20_l4_u2"): 2, (0, "rules"): 90})
    known = earned(rows)
    assert known.columns == ["venue", "symbol", "ts_ns", *EARNED_LABELS.values()]
    assert known.row(0)[3:] == (None, 2, None, None, 2, None, None)


@settings(max_examples=15)
@given(st.lists(st.integers(-9, 9), min_size=34, max_size=34), st.integers(0, 16), st.integers(-99, 99))
def test_what_has_not_ended_decides_nothing(pnl: list[int], window: int, other: int) -> None:
    """Another result of any window changes no choice before the one that starts at its end."""
    known = both(pnl[:17], pnl[17:])
    changed = {key: other if key[0] == window else old for key, old in known.items()} | {(window, NARROW): 99}
    before, after = ({at: grid for at, (grid, _) in chosen(sweep(rows)).items()} for rows in (known, changed))
    assert {at: grid for at, grid in before.items() if at < window + 2} == {
        at: grid for at, grid in after.items() if at < window + 2
    }


def test_a_row_holds_features_the_best_grid_and_the_chosen_one() -> None:
    """Fourteen windows, the last with a past. A window that the sweep lacks has no labels; eleven are no past."""
    market = snapshots([100] * (13 * 300 + 601))
    known = both([3] * 14, [*(2,) * 12, 4, 5])
    rows = spacing_rows(market, sweep({key: pnl for key, pnl in known.items() if key[0] != 1}))
    assert rows.height == 14
    labels = rows.select(pl.col("^(optimal|best|chosen)_.*$")).rows()
    assert labels[:2] == [(5_000, 4, 1, 3, *(None,) * 4), (None,) * 8]
    assert labels[12] == (20_000, 4, 2, 4, *(None,) * 4)
    assert labels[13] == (20_000, 4, 2, 5, *(None,) * 4)
    whole = spacing_rows(market, sweep(known))
    assert whole.select(pl.col("^(optimal|best|chosen)_.*$")).row(13) == (20_000, 4, 2, 5, 5_000, 4, 1, 3)
    assert (whole["label_end_ns"] - whole["ts_ns"]).unique().to_list() == [2 * EVERY_NS]


def test_the_dataset_passes_every_leak_check() -> None:
    """Labels named like labels, windows that overlap, and nothing in a row that is not known when it starts."""
    market = snapshots([100 + second % 7 for second in range(40 * 300 + 601)])
    known = both([window % 5 for window in range(41)], [window % 3 for window in range(41)])
    rows = spacing_rows(market, sweep(known))
    noted = rows.with_columns(watermark_ns=pl.col("ts_ns"), range_60s_x1000=pl.int_range(pl.len()) * 7_919 % 1_000)
    case = case_of(SPECS["grid_spacing"], noted.cast(GRID_SPACING.schema))
    assert find_leaks(case) == ()
    assert find_leaks(case_of(SPECS["grid_spacing"], case.frame.with_columns(watermark_ns=pl.col("ts_ns") + 1)))
