"""A canary is a stable share of symbols and takes itself back when it degrades."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.errors import ConfigRejected
from grinder_resources.inference.canary import Canary, CanaryRule, in_canary

RULE = CanaryRule(
    window=100, min_rows=20, max_error_rate_bps=1_000, max_p99_latency_ms=10, max_calibration_gap_bps=1_000
)
SYMBOLS = [f"SYM{number}USDT" for number in range(1_000)]


def test_the_share_is_about_as_large_as_asked() -> None:
    """Of a thousand names, the same ones on every machine."""
    assert [sum(in_canary(symbol, pct) for symbol in SYMBOLS) for pct in (1, 5, 50, 99)] == [11, 58, 505, 991]
    assert [symbol for symbol in SYMBOLS if in_canary(symbol, 1)][:3] == ["SYM47USDT", "SYM225USDT", "SYM245USDT"]


@given(st.text(), st.integers(0, 100), st.integers(0, 100))
def test_a_larger_share_keeps_the_smaller_ones_symbols(symbol: str, one: int, other: int) -> None:
    """So that growing a canary never takes a symbol out; 0 is none and 100 all."""
    assert in_canary(symbol, min(one, other)) <= in_canary(symbol, max(one, other))
    assert not in_canary(symbol, 0)
    assert in_canary(symbol, 100)


def fed(rule: CanaryRule, answers: list[tuple[bool, int]]) -> Canary:
    canary = Canary(rule)
    for failed, latency_us in answers:
        canary.record(failed=failed, latency_us=latency_us)
    return canary


def test_too_many_errors_roll_it_back() -> None:
    """More than a tenth of the last hundred; exactly a tenth is allowed, and so is anything below twenty rows."""
    good, bad = (False, 100), (True, 100)
    assert fed(RULE, [good] * 18 + [bad] * 2).rolled_back == ""
    assert fed(RULE, [good] * 18 + [bad] * 3).rolled_back == "3 of 21 snapshots got no signal"
    assert fed(RULE, [bad] * 19).rolled_back == ""
    assert fed(RULE, [bad] * 20).rolled_back == "20 of 20 snapshots got no signal"
    spread_out = ([bad] + [good] * 10) * 40
    assert fed(RULE, [good] * 20 + spread_out).rolled_back == ""


def test_too_many_slow_answers_roll_it_back() -> None:
    """More than one in a hundred above the limit; the limit itself is not above it."""
    fast, slow = (False, 10_000), (False, 10_001)
    assert fed(RULE, [fast] * 99 + [slow]).rolled_back == ""
    assert fed(RULE, [fast] * 99 + [slow] * 2).rolled_back == "2 of 100 answers took more than 10 ms"


def test_probabilities_that_do_not_come_true_roll_it_back() -> None:
    """HIGH was given 20 % and came true every time: off by 80 points."""
    canary = Canary(RULE)
    for _ in range(19):
        canary.observe((5_000, 3_000, 2_000), 2)
    assert canary.rolled_back == ""
    canary.observe((5_000, 3_000, 2_000), 2)
    assert canary.rolled_back == "probabilities are off by 8000 bps over 20 outcomes"


def test_probabilities_that_come_true_do_not() -> None:
    """Half LOW, three tenths MID, two tenths HIGH, as was said, for longer than the window."""
    canary = Canary(RULE)
    for number in range(400):
        canary.observe((5_000, 3_000, 2_000), (0, 1, 0, 2, 0, 1, 0, 2, 0, 1)[number % 10])
    assert canary.rolled_back == ""


def test_a_rollback_stays() -> None:
    """Good answers afterwards change nothing."""
    canary = fed(RULE, [(True, 0)] * 20 + [(False, 0)] * 500)
    assert canary.rolled_back == "20 of 20 snapshots got no signal"


@pytest.mark.parametrize("rule", [{"min_rows": 0}, {"min_rows": 201}, {"window": -1}, {"max_error_rate_bps": -1}])
def test_an_impossible_rule_is_refused(rule: dict[str, int]) -> None:
    """A rule that could never judge, or always would, is a mistake."""
    with pytest.raises(ConfigRejected, match="min_rows"):
        CanaryRule(**rule)
