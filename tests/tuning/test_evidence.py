"""What of the best trial is luck."""

import numpy as np
import pytest

from grinder_resources.tuning.backend import Outcome
from grinder_resources.tuning.component import Earnings
from grinder_resources.tuning.evidence import Judgement, judge, luck_of

HOURS = 48
DEFAULTS = {"x": 0}


def studied(gain: int, *, worthless: int = 9, hours: int = HOURS, maximise: bool = True) -> Judgement:
    """Return the judgement of defaults, of trials that differ from them by noise alone, and of one that gains."""
    rng = np.random.default_rng(3)
    noise = rng.integers(-100, 101, (worthless + 2, hours))
    noise[0], noise[1] = 0, noise[1] + gain
    earned: dict[int, Earnings] = {
        number: {"a": dict(enumerate((500 + row).tolist()))} for number, row in enumerate(noise)
    }
    outcomes = [
        Outcome(number, {"x": number}, "complete", sum(of_one["a"].values()) / (1_000 * hours))
        for number, of_one in earned.items()
    ]
    return judge(outcomes, earned, {"a": 1_000 * hours}, DEFAULTS, maximise=maximise)


def test_a_gain_beyond_the_luck_of_all_trials_is_an_edge() -> None:
    """Half the noise in every hour, for two days."""
    found = studied(gain=50)
    assert found.found
    assert found.best is not None
    assert found.best.number == 1
    assert found.gain == pytest.approx(0.05, abs=0.02)
    assert found.sentence.startswith("an edge: trial 1 scores 0.5")


def test_the_best_of_many_worthless_trials_is_no_edge() -> None:
    """It gained, and by less than the luckiest of so many does."""
    found = studied(gain=0, worthless=30)
    assert found.gain > 0.0
    assert found.luck is not None
    assert found.luck > found.gain
    assert not found.found
    assert "is not more than the luck of so many trials" in found.sentence


def test_more_trials_make_more_luck() -> None:
    """The same hours and noise; of one trial alone it is that of its own interval."""
    lucks = [studied(gain=0, worthless=number).luck or 0.0 for number in (1, 10, 100)]
    assert lucks == sorted(lucks)
    assert lucks[2] > 1.3 * lucks[0]


def test_less_may_be_better() -> None:
    """Then a trial that took less is the best, and its gain is above 0."""
    found = studied(gain=-50, maximise=False)
    assert found.found
    assert found.best is not None
    assert found.best.number == 1
    assert found.gain > 0.0


def test_seven_hours_are_too_few_to_say() -> None:
    """As everywhere: eight blocks of time, or no interval."""
    assert studied(gain=500, hours=7).luck is None
    assert not studied(gain=500, hours=7).found
    assert "7 blocks of time are too few" in studied(gain=500, hours=7).sentence
    assert studied(gain=500, hours=8).found


def test_defaults_that_nothing_beats_are_the_best() -> None:
    """And of two equals the defaults are."""
    equal = [Outcome(number, {"x": number}, "complete", 0.5) for number in (0, 1)]
    found = judge(equal, {0: {"a": {1: 5}}, 1: {"a": {1: 5}}}, {"a": 10}, DEFAULTS)
    assert found.best == found.base == equal[0]
    assert found.sentence == "no edge: nothing scored better than the settings in force, 0.5000"


def test_without_a_score_of_the_defaults_there_is_no_verdict() -> None:
    """Failed and pruned trials are no candidates."""
    outcomes = [Outcome(0, DEFAULTS, "failed", None), Outcome(1, {"x": 1}, "pruned", 9.0)]
    assert judge(outcomes, {}, {}, DEFAULTS).sentence.startswith("no verdict")


def test_luck_is_that_of_the_deviations() -> None:
    """A gain that is the same in every hour is certain; one hour's alone may be drawn twice or not at all."""
    steady, lonely = np.full(HOURS, 0.25), np.zeros(HOURS)
    lonely[5] = 1.0
    assert luck_of(steady[None], 0) == 0.0
    assert luck_of(lonely[None], 0) == pytest.approx(2.0)
    assert luck_of(-lonely[None], 0) == pytest.approx(1.0)
    assert luck_of(np.array([steady, lonely]), 0) == 0.0


def test_wild_trials_do_not_speak_for_steady_ones() -> None:
    """A second trial of the same kind, only ten times as wild, leaves the luck of the first as it was."""
    one, other = np.random.default_rng(1).normal(size=(2, HOURS))
    both = luck_of(np.array([one, other]), 0)
    assert luck_of(np.array([one, 10.0 * other]), 0) == pytest.approx(both)
    assert luck_of(np.array([other, one]), 1) == pytest.approx(both)
    assert luck_of(one[None], 0) < both


def test_worthless_studies_rarely_speak_of_an_edge() -> None:
    """In about 5 of 100: two days, fifteen trials that share their hours, each as wild as it likes."""
    rng, edges = np.random.default_rng(0), 0
    for _ in range(200):
        shared = rng.normal(size=(1, HOURS))
        gains = np.exp(rng.normal(size=(15, 1))) * (0.6 * shared + rng.normal(size=(15, HOURS)))
        best = int(gains.sum(axis=1).argmax())
        edges += int(gains[best].sum() > luck_of(gains, best))
    assert 2 <= edges <= 20
