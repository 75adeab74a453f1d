"""Rules that are really there are found and kept; rules that are luck are listed with the reason, and never kept."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from grinder_resources.errors import TooFewDays
from grinder_resources.usecases.policy_discovery.book import Settings, choose
from grinder_resources.usecases.policy_discovery.discovery import Discovery, discover
from grinder_resources.usecases.policy_discovery.evidence import bootstrap_bounds
from grinder_resources.usecases.policy_discovery.policies import NAMES
from grinder_resources.usecases.policy_discovery.rules import Condition, Performance
from grinder_resources.usecases.policy_discovery.tree import grow, leaves, looked_at
from grinder_resources.usecases.policy_discovery.validation import by_hour, hold, holds
from tests.usecases.policy_windows import COLUMNS, windows

FAST = Settings(draws=999)


@pytest.fixture(scope="module")
def planted() -> Discovery:
    return discover(windows(4, planted=2_000), Settings(), "code")


def test_a_planted_rule_is_recovered(planted: Discovery) -> None:
    """Where depth and swing decide, the tree cuts there within a unit, and the rule alone is kept."""
    book = planted.book
    assert book.default == "pause"
    assert [(str(rule.rule), rule.reasons) for rule in book.rules] == [
        ("IF depth <= 30 AND swing <= 50 THEN pause", ("SAME_AS_DEFAULT",)),
        ("IF depth <= 30 AND swing > 50 THEN wide", ()),
        ("IF depth > 30 THEN pause", ("SAME_AS_DEFAULT",)),
    ]
    kept = book.kept[0]
    assert kept.evidence is not None
    assert 0 < kept.evidence.low_x1000 < 2_000 < kept.evidence.high_x1000
    assert book.sentence == "1 of 3 rules hold out of sample: r02 (wide)."


def test_a_kept_rule_chooses_and_the_default_is_left_for_the_rest(planted: Discovery) -> None:
    """The rule's edge belongs to it, and where a value is missing it does not hold."""
    chosen = [
        choose(planted.book, {"depth": depth, "swing": swing})
        for depth, swing in ((30, 51), (31, 51), (30, 50), (None, 51), (0, None))
    ]
    assert chosen == ["wide", "pause", "pause", "pause", "pause"]


def test_noise_is_kept_about_as_often_as_declared() -> None:
    """Of markets in which no rule is worth anything, one in ten has a kept rule at a rate of 10 %."""
    found = [discover(windows(seed, days=4), FAST, "code").book for seed in range(40)]
    assert sum(book.tested for book in found) > 100
    assert sum(bool(book.kept) for book in found) <= 8
    assert {code for book in found for rule in book.rules for code in rule.reasons} > {"NO_LIFT", "NOT_SIGNIFICANT"}


def test_the_same_windows_give_the_same_book(planted: Discovery) -> None:
    """A discovery is a function of its windows and settings."""
    assert discover(windows(4, planted=2_000), Settings(), "code") == planted
    assert discover(windows(1, planted=2_000), Settings(), "code").book.data_sha256 != planted.book.data_sha256


def test_later_days_do_not_reach_the_tree() -> None:
    """What is earned on the later days decides which rules are kept, never which are found."""
    seen = windows(2, planted=2_000)
    later = (seen.frame["date"] >= seen.frame["date"].unique().sort()[3]).to_numpy()
    turned = replace(seen, pnl=np.where(later[:, None], -seen.pnl, seen.pnl))
    found, other = (discover(one, FAST, "code").book for one in (seen, turned))
    assert [rule.rule for rule in found.rules] == [rule.rule for rule in other.rules]
    assert (len(found.kept), len(other.kept)) == (1, 0)


def test_windows_that_end_within_a_window_of_the_later_days_are_not_trained_on(planted: Discovery) -> None:
    """Of three days of two instruments the last four starts are dropped: 23:40, 23:45, 23:50 and 23:55."""
    assert (planted.book.training.windows, planted.book.later.windows) == (3 * 576 - 8, 2 * 576)


@pytest.mark.parametrize(
    "settings",
    [
        {"max_depth": 1},
        {"min_samples_leaf": 700},
        {"later_days_percent": 60},
        {"max_null_bps": 100},
        {"false_discovery_ppm": 1},
        {"draws": 99},
        {"seed": 7},
    ],
    ids=str,
)
def test_every_setting_is_heard(settings: dict[str, int]) -> None:
    """Another one gives another book, of windows whose swing is unknown in one of fifty."""
    seen = windows(4, planted=2_000)
    known = pl.when(pl.int_range(pl.len()) % 50 > 0).then("swing")
    seen = replace(seen, frame=seen.frame.with_columns(swing=known))
    usual = discover(seen, FAST, "code").book
    other = discover(seen, replace(FAST, **settings), "code").book
    assert replace(other, settings=usual.settings) != usual


@pytest.mark.parametrize(
    ("settings", "reasons"),
    [({"min_rows": 500}, ("TOO_FEW_ROWS",)), ({"min_hours": 49}, ("TOO_FEW_HOURS",))],
    ids=["rows", "hours"],
)
def test_a_rule_that_rarely_holds_is_not_tested(settings: dict[str, int], reasons: tuple[str, ...]) -> None:
    """Two days have 48 hours, and the planted rule holds in a sixth of the windows."""
    book = discover(windows(0, planted=2_000), replace(FAST, **settings), "code").book
    assert [rule.reasons for rule in book.rules if rule.rule.policy == "wide"] == [reasons]
    assert book.tested == 0


def test_columns_without_enough_values_are_not_looked_at() -> None:
    """Nulls in more than 5 % of the windows, one value only, and numbers that float32 confuses."""
    seen = windows(3)
    rows = np.arange(seen.frame.height)
    nulls = pl.when(pl.col("ts_ns") % 7 == 0).then(None).otherwise(pl.col("depth"))
    poor = seen.frame.with_columns(depth=nulls, speed=pl.lit(4), swing=pl.col("swing") + (1 << 24))
    assert looked_at(seen, rows, FAST) == COLUMNS
    assert looked_at(replace(seen, frame=poor), rows, FAST) == ()
    assert grow(replace(seen, frame=poor), rows, FAST).leaves == 1


def test_every_window_with_values_is_in_one_leaf() -> None:
    """Rules do not overlap, and the same ones hold whether a table is asked or a single window."""
    seen = windows(6)
    gaps = pl.when(pl.col("ts_ns") // 10**9 % 86_400 < 3_000).then(None).otherwise(pl.col("depth"))
    holed = replace(seen, frame=seen.frame.with_columns(depth=gaps))
    found = list(leaves(grow(holed, np.arange(holed.frame.height), FAST).root))
    inside = np.array([holds(holed, conditions) for conditions, _ in found])
    features = holed.frame.select(COLUMNS).to_dicts()
    assert [[all(one.holds(row) for one in path) for row in features] for path, _ in found] == inside.tolist()
    complete = holed.frame["depth"].is_not_null().to_numpy()
    assert len(found) > 3
    assert set(inside[:, complete].sum(axis=0)) == {1}
    assert [leaf.windows for _, leaf in found] == inside.sum(axis=1).tolist()


def test_a_leaf_advises_what_earned_most_not_what_was_best_most_often() -> None:
    """`tight` wins 10 in four windows of five and loses 100 in the fifth: it is best there, and not worth it."""
    seen = windows(7)
    pnl, slow = np.zeros_like(seen.pnl), (seen.frame["speed"] <= 50).to_numpy()
    pnl[:, NAMES.index("tight")] = np.where(slow, np.where(seen.frame["swing"] < 20, -100, 10), -1)
    pnl[:, NAMES.index("rules")] = np.where(slow, -5, 3)
    found = grow(replace(seen, pnl=pnl), np.arange(len(pnl)), replace(FAST, max_depth=1))
    assert [(str(*path), leaf.policy) for path, leaf in leaves(found.root)] == [
        ("speed <= 50", "pause"),
        ("speed > 50", "rules"),
    ]


def test_a_rule_is_measured_by_hand() -> None:
    """`wide` is held against `pause` in the four of five windows where depth is at most 4; 14 / 4 is 4, half-even."""
    seen = windows(8, days=1)
    rows = np.array([0, 1, 12, 24, 25])
    pnl = np.zeros_like(seen.pnl)
    pnl[rows, NAMES.index("wide")] = [4, 12, -2, 0, 100]
    frame = seen.frame.with_columns(depth=pl.Series([*[4] * 25, 5, *[4] * (len(pnl) - 26)]))
    held = hold(replace(seen, frame=frame, pnl=pnl), rows, ([Condition("depth", "<=", 4)], "wide"), "pause")
    assert held.performance == Performance(
        rows=4, share_bps=8_000, hours=2, instruments=2, lift_x1000=4, hit_lift_bps=0
    )
    hours, sums, counts = by_hour(seen, held)
    assert hours.tolist() == [482_256, 482_257]
    assert (sums.tolist(), counts.tolist()) == ([14, 0], [3, 1])


def test_bounds_are_widened_for_the_rules_that_were_tested() -> None:
    """With none kept of several, each bound misses as rarely as if one of them had been chosen."""
    seen = windows(1, days=4)
    book = discover(seen, FAST, "code").book
    assert (book.tested, len(book.kept)) == (10, 0)
    rule = next(rule for rule in book.rules if rule.evidence)
    later = np.flatnonzero(seen.frame["date"].is_in(seen.frame["date"].unique().sort()[3:].implode()).to_numpy())
    held = hold(seen, later, (rule.rule.conditions, rule.rule.policy), book.default)
    bounds = bootstrap_bounds(*by_hour(seen, held)[1:], 100_000 // book.tested, FAST.draws, FAST.seed)
    assert rule.evidence is not None
    assert (rule.evidence.low_x1000, rule.evidence.high_x1000) == bounds


def test_one_day_is_not_enough() -> None:
    """A rule is judged on a day it was not found on."""
    with pytest.raises(TooFewDays):
        discover(windows(0, days=1), FAST, "code")
