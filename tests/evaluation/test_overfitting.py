"""Sharpe ratios that know how many were tried, and how often the best of a past is nothing special in its future."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.evaluation.overfitting import (
    MIN_SUBMATRICES,
    SharpeRatio,
    backtest_overfitting,
    deflated_sharpe_ratio,
    effective_trials,
    expected_maximum_sharpe,
    probabilistic_sharpe_ratio,
    sharpe_ratio,
)
from grinder_resources.learning.metrics import Floats

STRATEGY = SharpeRatio(2.5 / math.sqrt(250), blocks=1250, skewness=-3.0, kurtosis=10.0)
"""The example of Bailey and López de Prado 2014: five years of days, an annual ratio of 2.5."""

VARIANCE = 0.5 / 250


def noise(seed: int, blocks: int = 48, trials: int = 8) -> Floats:
    return np.random.default_rng(seed).normal(size=(blocks, trials))


def test_the_luck_of_a_hundred_trials_is_the_published_one() -> None:
    """0.1132 a day (Bailey and López de Prado 2014)."""
    assert expected_maximum_sharpe(100, VARIANCE) == pytest.approx(0.1132, abs=5e-5)


@pytest.mark.parametrize(("trials", "published"), [(100, 0.9004), (46, 0.9505)])
def test_the_deflated_ratio_is_the_published_one(trials: int, published: float) -> None:
    """A hundred trials refuse the discovery that forty-six would have let pass at 95 %."""
    assert deflated_sharpe_ratio(STRATEGY, trials, VARIANCE) == pytest.approx(published, abs=5e-5)


@pytest.mark.parametrize(("skewness", "kurtosis", "published"), [(0.0, 3.0, 0.982), (-2.448, 10.164, 0.913)])
def test_the_probabilistic_ratio_is_the_published_one(skewness: float, kurtosis: float, published: float) -> None:
    """A hedge fund's 24 months, as if normal and as they were (Bailey and López de Prado 2012)."""
    fund = SharpeRatio(0.458, blocks=24, skewness=skewness, kurtosis=kurtosis)
    assert probabilistic_sharpe_ratio(fund) == pytest.approx(published, abs=7e-4)


def test_a_benchmark_lowers_the_probability() -> None:
    """At the ratio itself it is a coin toss."""
    assert probabilistic_sharpe_ratio(STRATEGY, STRATEGY.value) == 0.5
    assert probabilistic_sharpe_ratio(STRATEGY, 0.1) < probabilistic_sharpe_ratio(STRATEGY)


def test_a_ratio_without_error_has_no_probability() -> None:
    """Two-valued returns can be so skewed that the formula's variance is 0."""
    assert math.isnan(probabilistic_sharpe_ratio(SharpeRatio(1.0, blocks=10, skewness=2.0, kurtosis=5.0)))


def test_a_sharpe_ratio_is_mean_over_sample_deviation() -> None:
    """Skewness and kurtosis are those of the sample."""
    ratio = sharpe_ratio(np.array([1.0, 2.0, 3.0, 4.0]))
    assert ratio is not None
    assert ratio.value == pytest.approx(2.5 / 1.2909944487)
    assert (ratio.blocks, ratio.skewness, ratio.kurtosis) == (4, 0.0, pytest.approx(1.64))


@pytest.mark.parametrize("returns", [[], [5.0], [3.0, 3.0, 3.0]])
def test_returns_that_do_not_differ_have_no_ratio(returns: list[float]) -> None:
    """Nor does a single one."""
    assert sharpe_ratio(np.array(returns)) is None


def test_a_single_trial_was_not_chosen() -> None:
    """It is deflated by nothing."""
    assert expected_maximum_sharpe(1, VARIANCE) == 0.0
    assert deflated_sharpe_ratio(STRATEGY, 1, VARIANCE) == probabilistic_sharpe_ratio(STRATEGY)


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.floats(1e-4, 1.0))
def test_more_trials_deflate_more(few: int, more: int, variance: float) -> None:
    """And so does a wider spread between them."""
    few, more = sorted((few, more))
    assert deflated_sharpe_ratio(STRATEGY, few, variance) >= deflated_sharpe_ratio(STRATEGY, more, variance)
    assert expected_maximum_sharpe(few, variance) <= expected_maximum_sharpe(few, 2 * variance)


@given(st.integers(0, 2**32 - 1), st.integers(-20, 40))
def test_the_unit_of_returns_does_not_matter(seed: int, exponent: int) -> None:
    """Powers of two change no digit of a ratio or of an overfitting."""
    returns = noise(seed, trials=4)
    assert sharpe_ratio(returns[:, 0] * 2.0**exponent) == sharpe_ratio(returns[:, 0])
    scaled, plain = (
        backtest_overfitting(returns * factor, 8) for factor in (2.0 ** np.array([exponent, 0, 3, 0]), np.ones(4))
    )
    assert scaled is not None
    assert plain is not None
    assert scaled.probability == plain.probability
    np.testing.assert_allclose(scaled.slope, plain.slope, rtol=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_trials_does_not_matter(seed: int) -> None:
    """Overfitting is a property of the set."""
    returns = noise(seed, trials=5)
    order = np.random.default_rng(seed).permutation(5)
    shuffled, plain = (backtest_overfitting(table, 8) for table in (returns[:, order], returns))
    assert shuffled is not None
    assert plain is not None
    np.testing.assert_array_equal(shuffled.logits, plain.logits)
    assert shuffled.slope == pytest.approx(plain.slope, rel=1e-9)


@pytest.mark.parametrize("trials", [3, 4, 20])
def test_choosing_among_worthless_trials_is_a_coin_toss(trials: int) -> None:
    """On the average of many markets, for odd and even numbers of trials; what looked better then looks worse now."""
    found = [backtest_overfitting(noise(seed, trials=trials), 8) for seed in range(300)]
    assert np.mean([one.probability for one in found if one]) == pytest.approx(0.5, abs=0.05)
    assert np.mean([one.slope for one in found if one]) < 0.0


def test_one_true_winner_stays_the_winner() -> None:
    """Its probability of overfitting is 0, and of loss too."""
    returns = noise(1, blocks=96, trials=20)
    returns[:, 7] += 1.5
    found = backtest_overfitting(returns)
    assert found is not None
    assert (found.probability, found.loss) == (0.0, 0.0)
    assert (found.trials, found.blocks, found.submatrices, found.halvings) == (20, 96, 16, 12_870)
    assert set(found.logits) == {math.log(20.0)}


def by_hand(returns: Floats, parts: int) -> tuple[float, float, list[float]]:
    """Return probability, loss and logits as the paper tells it, half by half."""
    cuts = np.array_split(np.arange(len(returns)), parts)
    logits, there = [], []
    for half in combinations(range(parts), parts // 2):
        rows = np.concatenate([cuts[part] for part in half])
        others = np.setdiff1d(np.arange(len(returns)), rows)
        inside, outside = (returns[part].mean(axis=0) / returns[part].std(axis=0, ddof=1) for part in (rows, others))
        best = int(inside.argmax())
        rank = (outside <= outside[best]).sum() / (returns.shape[1] + 1)
        logits.append(math.log(rank / (1 - rank)))
        there.append(outside[best])
    below = sum(1.0 if logit < -1e-12 else 0.5 if abs(logit) < 1e-12 else 0.0 for logit in logits)
    return below / len(logits), float(np.mean(np.array(there) < 0)), sorted(logits)


@pytest.mark.parametrize(("blocks", "parts"), [(48, 8), (51, 10)])
def test_overfitting_is_what_the_paper_defines(blocks: int, parts: int) -> None:
    """Uneven parts included."""
    returns = noise(5, blocks=blocks, trials=7) + 0.1
    found = backtest_overfitting(returns, parts)
    assert found is not None
    probability, loss, logits = by_hand(returns, parts)
    assert (found.probability, found.loss) == pytest.approx((probability, loss))
    np.testing.assert_allclose(found.logits, logits, atol=1e-12)


def test_fewer_blocks_are_cut_into_fewer_parts() -> None:
    """An even number of them; below MIN_SUBMATRICES, or with a single trial, there is nothing to say."""
    found = backtest_overfitting(noise(2, blocks=11))
    assert found is not None
    assert found.submatrices == 10
    assert backtest_overfitting(noise(2, blocks=MIN_SUBMATRICES - 1)) is None
    assert backtest_overfitting(noise(2, trials=1)) is None
    assert backtest_overfitting(np.zeros((0, 0))) is None


def test_a_trial_that_never_earned_is_no_winner_and_no_error() -> None:
    """Returns of 0 have a ratio of 0."""
    returns = np.column_stack([np.zeros(48), noise(3, trials=1) + 2.0])
    found = backtest_overfitting(returns)
    assert found is not None
    assert found.probability == 0.0


def test_copies_of_a_trial_are_one_trial() -> None:
    """And unrelated ones are nearly as many as there are; a column without spread is none."""
    base = noise(4, blocks=4000, trials=6)
    assert effective_trials(np.column_stack([base[:, 0]] * 5)) == pytest.approx(1.0)
    assert effective_trials(np.column_stack([base, np.zeros(4000)])) == pytest.approx(6.0, abs=0.3)
    assert effective_trials(np.zeros((0, 0))) == 0.0
