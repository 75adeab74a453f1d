"""The breaker: when it opens, how long, and what a trial changes."""

from grinder_resources.inference.breaker import Breaker, BreakerState


def state(breaker: Breaker, *failures: float) -> BreakerState:
    broken = BreakerState(breaker)
    for moment in failures:
        broken.failed(moment)
    return broken


def test_three_failures_within_a_minute_open_it_for_a_minute() -> None:
    """It opens with the third failure, and lets one trial through a minute after that."""
    assert not state(Breaker(), 0, 20).is_open(20)
    assert [state(Breaker(), 0, 20, 60).is_open(now) for now in (60, 119.9, 120)] == [True, True, False]


def test_failures_that_lie_further_apart_leave_it_closed() -> None:
    """Only the last three count, and only if the window holds them all."""
    assert not state(Breaker(), 0, 20, 60.1).is_open(60.1)
    assert state(Breaker(), 0, 20, 60.1, 61).is_open(61)


def test_its_two_numbers_are_settings() -> None:
    """`failures` and `window_s` decide when it opens and for how long."""
    assert state(Breaker(failures=1), 5).is_open(5)
    assert not state(Breaker(failures=4), 5, 5, 5).is_open(5)
    assert not state(Breaker(window_s=9), 0, 5, 10).is_open(10)
    assert [state(Breaker(window_s=10), 0, 5, 10).is_open(now) for now in (19, 20)] == [True, False]


def test_a_failed_trial_opens_it_again_and_a_good_one_forgets() -> None:
    """Half-open, one failure is enough to open; a success starts the count anew."""
    failed, good = state(Breaker(), 0, 1, 2), state(Breaker(), 0, 1, 2)
    failed.failed(70)
    assert [failed.is_open(now) for now in (70, 129, 130)] == [True, True, False]
    good.succeeded()
    good.failed(70)
    good.failed(71)
    assert not good.is_open(71)


def test_a_success_between_failures_forgives_none() -> None:
    """A process that dies at every other row is not a good one."""
    broken = state(Breaker(), 0, 1)
    broken.succeeded()
    broken.failed(2)
    assert broken.is_open(2)
