"""Which grid every policy takes in a window, and that nothing but hindsight looks into it."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.grid_report import POLICIES
from grinder_resources.gold.lattice import GridChoice
from grinder_resources.usecases.grid_spacing.decision import Answers, expected, nearest
from grinder_resources.usecases.grid_spacing.policies import policy_windows
from grinder_resources.usecases.grid_spacing.scoring import scores, surface
from grinder_resources.usecases.grid_spacing.summary import NOTHING, promoted, sentence
from tests.gold.sweeps import EVERY_NS, NOON_NS, sweep
from tests.usecases.grid_answers import QUIET, SPEC, predictions

DAY = 288
"""Windows of a day: window 288 starts at noon of the second one."""

NARROW, MIDDLE, WIDE = "s5_l4_u2", "s20_l4_u2", "s50_l4_u2"


def taken(windows: pl.DataFrame, number: int) -> dict[str, tuple[str, int]]:
    """Return policy -> grid and pnl in a window."""
    rows = windows.filter(pl.col("ts_ns") == NOON_NS + number * EVERY_NS)
    return {policy: (grid, pnl) for policy, grid, pnl in rows.select("policy", "grid", "pnl_x1000").rows()}


@pytest.mark.parametrize(
    ("answers", "optimum", "model"),
    [
        (QUIET, MIDDLE, None),
        (QUIET | {"earned_5": 1, "earned_50": 0}, MIDDLE, NARROW),
        (QUIET | {"earned_5": 7, "earned_50": 7}, MIDDLE, WIDE),
        (QUIET | {"spacing": 3_000, "levels": 2, "size": 4, "earned_12": 1, "earned_3": None}, "s3_l2_u4", "s12_l2_u4"),
    ],
)
def test_two_readings_of_one_model(answers: Answers, optimum: str, model: str | None) -> None:
    """The nearest grid to the optimum; and the spacing that earns most, wider on ties, none where none earns."""
    assert nearest(answers).name == optimum
    choice = expected(answers)
    assert (choice.name if choice else None) == model


def test_every_policy_takes_its_own_grid() -> None:
    """The day before, 5 bps earned most and 50 lost; in the hours before, 50 did; in the window itself, 20."""
    before = {(window, name): pnl for window in range(6) for name, pnl in ((NARROW, 9), (MIDDLE, 1), (WIDE, -9))}
    hours = {(DAY + window, name): pnl for window in range(12) for name, pnl in ((NARROW, -1), (MIDDLE, 0), (WIDE, 2))}
    now = {(DAY + 13, name): pnl for name, pnl in ((NARROW, -4), (MIDDLE, 6), (WIDE, 5), ("rules", -7))}
    answers = predictions({DAY + 13: QUIET | {"earned_5": 3}}, modes=("expanding", "rolling"))
    windows = policy_windows(SPEC, answers, sweep(before | hours | now))
    assert taken(windows, DAY + 13) == {
        "pause": ("pause", 0),
        "static": (NARROW, -4),
        "rules": ("rules", -7),
        "past": (WIDE, 5),
        "optimum": (MIDDLE, 6),
        "model": (NARROW, -4),
        "hindsight": (MIDDLE, 6),
    }
    assert windows.height == len(POLICIES)


def test_a_policy_without_a_grid_pauses() -> None:
    """No earlier day, no past, nothing expected to earn, and nothing that earned."""
    windows = policy_windows(SPEC, predictions({0: QUIET}), sweep({(0, MIDDLE): -3, (0, "rules"): -1}))
    paused = dict.fromkeys(("pause", "static", "past", "model", "hindsight"), ("pause", 0))
    assert taken(windows, 0) == paused | {"rules": ("rules", -1), "optimum": (MIDDLE, -3)}


EARNED = st.lists(st.integers(-9, 9), min_size=4, max_size=4)


@settings(max_examples=15)
@given(st.lists(EARNED, min_size=15, max_size=15), st.integers(1, 9), st.integers(1, 9))
def test_nothing_earns_more_than_hindsight_and_nothing_else_sees_the_window(
    earned: list[list[int]], narrow: int, wide: int
) -> None:
    """Whatever a window brings changes what policies earn in it, never what they take."""
    names = (NARROW, MIDDLE, WIDE, "rules")
    known = {(window, name): pnl for window, row in enumerate(earned) for name, pnl in zip(names, row, strict=True)}
    last = len(earned) - 1
    answers = predictions({window: QUIET | {"earned_5": narrow, "earned_50": wide} for window in (last - 1, last)})
    turned = known | {(last, name): -known[last, name] for name in names}
    first, second = (policy_windows(SPEC, answers, sweep(rows)) for rows in (known, turned))
    for windows in (first, second):
        most = windows.group_by("ts_ns").agg(
            pl.col("pnl_x1000").max(), bound=pl.col("pnl_x1000").filter(pl.col("policy") == "hindsight").first()
        )
        assert most["bound"].to_list() == most["pnl_x1000"].to_list()
    grids = [{policy: grid for policy, (grid, _) in taken(windows, last).items()} for windows in (first, second)]
    assert {**grids[0], "hindsight": ""} == {**grids[1], "hindsight": ""}


def test_scores_by_hand() -> None:
    """Two windows of an hour: the model earned 4 and -1, the rules -2 and -5. Too few hours for an interval."""
    earned = {(0, NARROW): 4_000, (1, NARROW): -1_000, (0, "rules"): -2_000, (1, "rules"): -5_000}
    rows = sweep(earned, fees_x1000=500, orders=4, orders_filled=1, max_drawdown_x1000=1_500, round_trips=2)
    windows = policy_windows(SPEC, predictions(dict.fromkeys((0, 1), QUIET | {"earned_5": 1})), rows)
    found = {row["policy"]: row for row in scores(windows).to_dicts()}
    model = {name: found["model"][name] for name in ("pnl", "over_static", "over_rules", "fees", "worst", "quoted")}
    assert model == {"pnl": 1.5, "over_static": 1.5, "over_rules": 5.0, "fees": 0.5, "worst": -1.0, "quoted": 1.0}
    assert (found["model"]["fill_rate"], found["model"]["round_trips"], found["model"]["earning"]) == (0.25, 2.0, 0.5)
    assert (found["pause"]["over_rules"], found["pause"]["quoted"], found["pause"]["fill_rate"]) == (3.5, 0.0, None)
    assert [row["pnl_low"] for row in found.values()] == [None] * len(POLICIES)
    assert sentence(scores(windows)) == (
        "No promotion: the model quoted in 100% of windows and earned 1.50 (no interval) bps of capital a window, "
        "1.50 (no interval) against the static grid and 5.00 (no interval) against the rules."
    )


@pytest.mark.parametrize(("low", "carries"), [(0.01, True), (0.0, False), (None, False)])
def test_a_model_carries_where_all_three_intervals_lie_above_nothing(low: float | None, carries: bool) -> None:
    """Money, over static and over the rules: one that does not is enough to say no."""
    windows = policy_windows(SPEC, predictions({0: QUIET}), sweep({(0, MIDDLE): 1, (0, "rules"): 1}))
    lows = ("pnl_low", "over_static_low", "over_rules_low")
    sure = scores(windows).with_columns(pl.lit(1.0).alias(name) for name in lows)
    for name in lows:
        assert promoted(sure.with_columns(pl.lit(low, pl.Float64).alias(name))) is carries


def test_the_surface_cuts_windows_into_terciles_of_the_range_before() -> None:
    """Six windows with ranges of 1 to 6: the two calm ones earned 1 at 5 bps, the wild ones 10 and 12 at 20 bps."""
    pnl = {
        NARROW: (1_000, 1_000, 0, 0, 0, 0),
        "s5_l8_u1": (2_000, 2_000, 0, 0, 0, 0),
        MIDDLE: (0, 0, 0, 0, 10_000, 12_000),
    }
    rows = sweep({(window, name): every[window] for name, every in pnl.items() for window in range(6)})
    starts = rows.select("venue", "symbol", "ts_ns").unique().sort("ts_ns")
    ranges = starts.with_columns(range_300s_x1000=pl.Series([1, 2, 3, 4, 5, 6]))
    assert surface(rows, ranges).rows() == [
        ("calm", 5, 2, 1.5),
        ("calm", 20, 2, 0.0),
        ("usual", 5, 2, 0.0),
        ("usual", 20, 2, 0.0),
        ("wild", 5, 2, 0.0),
        ("wild", 20, 2, 11.0),
    ]


def test_no_answers_give_no_windows_and_a_sentence_that_says_so() -> None:
    """Too few days for a walk-forward."""
    windows = policy_windows(SPEC, predictions({0: QUIET}).clear(), sweep({(0, MIDDLE): 1}))
    assert windows.is_empty()
    assert sentence(scores(windows)) == NOTHING
    assert not promoted(scores(windows))


def test_the_grids_of_the_answers_are_of_the_lattice() -> None:
    """Whatever the model asks for, the nearest grid was swept."""
    assert nearest({"spacing": -7, "levels": 0, "size": 99}) == GridChoice(3_000, 2, 4)
