"""The guarded grid is the heuristic's where the guard is open, and nothing at all where it is closed."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from grinder_resources.contracts.score_guard import GUARDED, HEURISTIC
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.contracts.simulation import Costs
from grinder_resources.learning.ledger import Ledger
from grinder_resources.usecases.score_guard.grid import Market, read_market, rule_decisions
from grinder_resources.usecases.score_guard.grid_try import try_grid
from grinder_resources.usecases.score_guard.guard import Guard
from grinder_resources.usecases.score_guard.scores import Scores
from grinder_resources.usecases.score_guard.tries import Backtest
from tests.usecases.guard_market import DAY, KEY, OPEN, SECOND, STEP, lake_with, market, scores

DECISIONS = 6
LAST_TWO_CLOSED = scores(*((STEP * n, 8_000 if n < 3 else 2_000, 500 * n) for n in range(DECISIONS)))
USUAL = Guard(5_000, None, 600)
CHEAP = Costs(maker_fee_ppm=10, taker_fee_ppm=20)


@pytest.fixture(scope="module")
def day() -> Market:
    """Return an hour less ten minutes of swings."""
    return market(DECISIONS)


def tried(folder: Path, day: Market, rows: pl.DataFrame, guard: Guard = USUAL, costs: Costs = CHEAP) -> Backtest:
    """Return a try of the day."""
    found = Scores("by hand", "0" * 64, rows, None)
    ledger = Ledger(folder / "ledger.jsonl")
    return try_grid(lake_with(str(folder / "lake"), 1), [day], found, ledger, guard=guard, costs=costs)


def fills(found: Backtest, policy: str) -> list[tuple[int, ...]]:
    """Return time after the open, side, price and size of a policy's fills."""
    own = found.fills.filter(pl.col("policy") == policy)
    return own.select(pl.col("ts_ns") - OPEN, "side", "price_ticks", "size_lots").rows()


def test_decisions_stand_until_the_rules_say_something_else(day: Market) -> None:
    """A wide quote is a thin book, lines twice as far apart; without a snapshot there is none."""
    seen = day.snapshots.with_columns(
        natr_bps=pl.Series([20, 21, 20, 20, 20, 20], dtype=pl.Int64),
        spread_bps=pl.Series([1, 1, 1, 45, 1, 1], dtype=pl.Int64),
        thin_l1_lots=pl.Series([500, 500, 500, 50, 500, 500], dtype=pl.Int64),
    ).filter(pl.col("ts_ns") != OPEN + 4 * STEP)
    decided = rule_decisions(replace(day, snapshots=seen)).drop("ts_ns", "venue", "symbol")
    assert decided.rows() == [
        ("RANGE", 6_000, 20, True),
        ("RANGE", 6_000, 20, False),
        ("RANGE", 6_000, 20, False),
        ("THIN_BOOK", 12_000, 20, True),
        ("", None, None, False),
        ("RANGE", 6_000, 20, True),
    ]


def test_the_guard_closes_exactly_its_intervals(day: Market, tmp_path: Path) -> None:
    """Open from 0 to 1800 s: the same fills; then what is held goes at the next quote, and no more."""
    found = tried(tmp_path, day, LAST_TWO_CLOSED)
    assert found.decisions["open"].to_list() == [True, True, True, False, False, False]
    before, after = (
        [fill for fill in fills(found, GUARDED) if (fill[0] < 3 * STEP) is early] for early in (True, False)
    )
    assert before == [fill for fill in fills(found, HEURISTIC) if fill[0] < 3 * STEP]
    assert len(before) > 50
    assert all(3 * STEP <= fill[0] <= 3 * STEP + 10 * SECOND for fill in after)
    position = found.nav.filter(pl.col("policy") == GUARDED, pl.col("ts_ns") > OPEN + 3 * STEP + 60 * SECOND)
    assert position["position_lots"].unique().to_list() == [0]
    assert [str(found.comparison.openness), found.comparison.sample] == ["3 of 6 decisions", "of unknown sample"]  # type: ignore[union-attr]


def test_scores_from_the_future_are_never_used(day: Market, tmp_path: Path) -> None:
    """Scores a nanosecond late speak at the next decision; what comes after the last decision changes nothing."""
    late = LAST_TWO_CLOSED.with_columns(pl.col("ts_ns") + 1)
    found = tried(tmp_path, day, late)
    assert found.decisions["reason"].to_list() == ["no score", "", "", "", *["score below the threshold"] * 2]
    shown = found.decisions.filter(pl.col("score_ts_ns").is_not_null())
    assert (shown["score_ts_ns"] <= shown["ts_ns"]).all()
    beyond = late.with_columns(score_bps=pl.when(pl.col("ts_ns") > OPEN + 5 * STEP).then(9_999).otherwise("score_bps"))
    assert tried(tmp_path, day, beyond).decisions.equals(found.decisions)


def test_every_setting_changes_the_result(day: Market, tmp_path: Path) -> None:
    """Threshold, hazard and age close other intervals; dearer fees cost exactly what they are dearer."""
    usual = tried(tmp_path, day, LAST_TWO_CLOSED)
    low, hazard, young = (
        tried(tmp_path, day, rows, guard=guard)
        for rows, guard in (
            (LAST_TWO_CLOSED, Guard(2_000, None, 600)),
            (LAST_TWO_CLOSED, Guard(5_000, 500, 600)),
            (LAST_TWO_CLOSED.with_columns(pl.col("ts_ns") - 5 * SECOND), Guard(5_000, None, 4)),
        )
    )
    assert fills(low, GUARDED) == fills(low, HEURISTIC) == fills(usual, HEURISTIC)
    assert hazard.decisions["open"].to_list() == [True, True, False, False, False, False]
    assert young.decisions["reason"].unique().to_list() == ["no score"]
    assert fills(young, GUARDED) == []
    dear = tried(tmp_path, day, LAST_TWO_CLOSED, costs=replace(CHEAP, maker_fee_ppm=20, taker_fee_ppm=40))
    for cheap_one, dear_one in zip(usual.policies, dear.policies, strict=True):
        assert dear_one.fees_x1000 in range(2 * cheap_one.fees_x1000 - 1, 2 * cheap_one.fees_x1000 + 2)
        paid = cheap_one.pnl_x1000 - dear_one.pnl_x1000
        assert abs(paid - (dear_one.fees_x1000 - cheap_one.fees_x1000)) <= 1
    slow = tried(tmp_path, day, LAST_TWO_CLOSED, costs=replace(CHEAP, order_latency_ns=15 * SECOND))
    assert slow.policies[0].pnl_x1000 != usual.policies[0].pnl_x1000


def test_a_try_is_one_record_and_the_same_try_is_counted_once(day: Market, tmp_path: Path) -> None:
    """Each call adds a record; another threshold is another try, a repetition is not."""
    tries = [
        tried(tmp_path, day, LAST_TWO_CLOSED, guard=Guard(threshold, None, 600)).comparison.tries  # type: ignore[union-attr]
        for threshold in (5_000, 6_000, 5_000)
    ]
    records = Ledger(tmp_path / "ledger.jsonl").read()
    assert tries == [1, 2, 2]
    assert len(records) == 3
    trial = records[1].trial
    assert (trial.kind, trial.subject, trial.question) == ("backtest", "score_guard", "grid")
    assert (trial.facts["threshold_bps"], trial.facts["scores"], trial.facts["passed"]) == (6_000, "0" * 64, 0)
    assert trial.facts["costs"]["maker_fee_ppm"] == 10
    assert trial.facts["data"].startswith("2025-01-06 .. 2025-01-06 ")


def test_an_instrument_without_quotes_is_left_out(tmp_path: Path) -> None:
    """It has snapshots, of its books; counted in, it would only make every mean smaller."""
    lake = lake_with(str(tmp_path), 2)
    seen = lake.read(SNAPSHOTS, DAY, DAY)
    lake.commit(SNAPSHOTS, pl.concat([seen, seen.with_columns(symbol=pl.lit("B"))]), day=DAY, code_version="2")
    found = read_market(lake, DAY, ())
    assert (found.snapshots["symbol"].unique().to_list(), list(found.ends)) == (["A"], [KEY])
