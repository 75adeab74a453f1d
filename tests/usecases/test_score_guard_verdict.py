"""What follows from two policies: numbers by hand, every reason against a promotion, and the words for it."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.evaluation.trials import Trials
from grinder_resources.learning.ledger import Trial
from grinder_resources.usecases.score_guard.comparison import REASONS, Comparison, Openness, compare
from grinder_resources.usecases.score_guard.policies import DAILY, HOUR_NS, HOURLY, Policy, earned, together

HOURS = 24
GOOD = [3_000 + 100 * (hour % 3) for hour in range(HOURS)]
FLAT = [-100 - hour % 2 for hour in range(HOURS)]


def policy(returns: list[int], name: str = "p", period: object = HOURLY) -> Policy:
    """Return a policy that earns so much hour by hour, bps x 1000."""
    times = [HOUR_NS * (1 + hour) for hour in range(len(returns))]
    equity = pl.DataFrame({"ts_ns": [0, *times], "equity_x1000": [0, *returns]}, schema_overrides={"ts_ns": pl.Int64()})
    return Policy(name, equity.with_columns(pl.col("equity_x1000").cum_sum()), 5, 3, 6, period)  # type: ignore[arg-type]


def judged(
    guarded: list[int], heuristic: list[int] = FLAT, *, left: int = 9, sample: str = "out of sample", tries: int = 1
) -> Comparison:
    """Return the comparison of two policies by their hours; the guard left `left` of ten decisions."""
    others = [Trial("backtest", "score_guard", "grid", {"n": n}, (1, 2, 3), (1, -1, n % 3)) for n in range(tries)]
    return compare(
        policy(heuristic, "heuristic"), policy(guarded, "guarded"), Openness(10, left), sample=sample,
        tried=Trials(tuple(others)),
    )  # fmt: skip


def test_numbers_of_a_policy_by_hand() -> None:
    """Returns 2, -1, 2: mean 1, deviation sqrt 2, of losses sqrt 1/3, stretched to 24 hours; a fall of 1."""
    found = policy([2, -1, 2])
    assert (found.returns, found.pnl_x1000, found.max_drawdown_x1000) == ([2, -1, 2], 3, 1)
    assert found.sharpe_x1000 == int(1_000 * (24 / 2) ** 0.5) == 3_464
    assert found.sortino_x1000 == int(1_000 * (24 * 3) ** 0.5) == 8_485
    assert policy([-5, 1]).max_drawdown_x1000 == 5
    assert (policy([1, 1]).sharpe_x1000, policy([1, 2]).sortino_x1000) == (None, None)
    assert policy([1] * 24 + [-3] * 24, period=DAILY).returns == [24, -72]


def test_a_block_ends_with_its_last_moment() -> None:
    """What stands at the full hour was earned in the hour before it; hours without a sample are left out."""
    times = [0, HOUR_NS, HOUR_NS + 1, 5 * HOUR_NS]
    equity = pl.DataFrame({"ts_ns": times, "equity_x1000": [0, 10, 15, 7]})
    assert earned(equity, HOUR_NS) == {0: 10, 1: 5, 4: -8}


def test_instruments_share_the_capital() -> None:
    """Two instruments that earn 30 and 11 in all earn 20 of both capitals, half-even of what has come together."""
    samples = pl.DataFrame({"ts_ns": [1, 1, 2, 3], "step_x1000": [10, 5, 20, 6]})
    assert together(samples, 2).rows() == [(1, 8), (2, 18), (3, 20)]


def test_a_guard_that_earns_is_promoted_with_its_numbers() -> None:
    """Nothing speaks against it, and the sentence says what speaks for it."""
    found = judged(GOOD)
    assert found.codes == ()
    assert found.sentence == (
        "promote: the guard earns +76.8 [+76.0, +77.6] bps of capital more over 24 hours, +76.6 [+75.8, +77.4] more "
        "than at random, out of sample; drawdown 0.0 instead of 2.4 bps; deflated Sharpe ratio 1.00 after 1 try"
    )


@pytest.mark.parametrize(
    ("found", "codes"),
    [
        (judged(GOOD, sample="in sample"), ("NOT_OUT_OF_SAMPLE",)),
        (judged(GOOD, sample="of unknown sample"), ("NOT_OUT_OF_SAMPLE",)),
        (judged(GOOD[:7], FLAT[:7]), ("NOT_JUDGED",)),
        (judged(FLAT, FLAT), ("MAY_BE_NOTHING", "AS_GOOD_AT_RANDOM", "NOTHING_EARNED", "LUCKIEST_TRY")),
        (judged([0] * HOURS, left=0), ("AS_GOOD_AT_RANDOM", "NOTHING_EARNED")),
        (judged([*GOOD[1:], -300], [0] * HOURS), ("DEEPER_DRAWDOWN",)),
        (judged([35, -30, 30, 10] * 6, [5, -20, 5, 5] * 6, tries=50), ("LUCKIEST_TRY",)),
    ],
    ids=["in sample", "unknown", "seven hours", "no difference", "not trading", "drawdown", "many tries"],
)
def test_everything_that_speaks_against_it_is_said(found: Comparison, codes: tuple[str, ...]) -> None:
    """Not to trade beats a losing heuristic by more than any interval, and is no merit of a score."""
    assert found.codes == codes
    assert found.sentence.startswith("no promotion: the guard earns ")
    assert found.headline.startswith("No promotion: ")


def test_every_reason_is_documented() -> None:
    """docs/usecases/score_guard.md holds each code with its sentence."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "usecases" / "score_guard.md").read_text(encoding="utf-8")
    assert [code for code, text in REASONS.items() if f"| `{code}` | {text} |" not in page] == []


@settings(max_examples=25)
@given(st.lists(st.integers(-1_000, 1_000), min_size=8, max_size=40), st.integers(0, 10))
def test_a_guard_that_closes_at_random_is_never_promoted(heuristic: list[int], left: int) -> None:
    """A policy that keeps the same share of every hour is no better than that share at random."""
    kept = judged([each * left for each in heuristic], [each * 10 for each in heuristic], left=left)
    assert kept.beyond_random.value == 0.0
    assert "AS_GOOD_AT_RANDOM" in kept.codes
