"""How many were tried is read off the ledger, and no try counts twice or is forgotten."""

from pathlib import Path

import numpy as np
import pytest

from grinder_resources.evaluation.trials import trials_on
from grinder_resources.learning.ledger import Kind, Ledger, Trial

FACTS = {"dataset": "gold/toy", "mode": "expanding", "data": "monday", "spec": "a"}


def trial(returns: dict[int, int], kind: Kind = "walk_forward", question: str = "up/yes", **facts: object) -> Trial:
    return Trial(kind, "toy", question, {**FACTS, **facts}, tuple(returns), tuple(returns.values()))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.jsonl")


def test_distinct_tries_on_the_dataset_count(ledger: Ledger) -> None:
    """Another spec, mode, question or kind is another try; fits and other datasets are none."""
    ledger.append(
        [
            trial({0: 1}),
            trial({0: 1}, spec="b"),
            trial({0: 1}, mode="rolling"),
            trial({0: 1}, question="down/yes"),
            trial({}, kind="threshold"),
            trial({}, kind="fit"),
            trial({0: 1}, dataset="gold/other"),
        ]
    )
    assert trials_on(ledger.read(), "gold/toy").count == 5


def test_the_same_try_over_more_days_counts_once_and_the_newest_speaks(ledger: Ledger) -> None:
    """More rows are more evidence, not another idea."""
    ledger.append([trial({0: 1}), trial({0: 1, 24: 7}, data="tuesday"), trial({0: 2}, spec="b", data="tuesday")])
    trials = trials_on(ledger.read(), "gold/toy")
    assert trials.count == 2
    assert trials.behind("toy", "up/yes", "expanding", {0: 1}) is None
    assert trials.behind("toy", "up/yes", "expanding", {0: 1, 24: 7}) == trials.distinct[0]


def test_a_threshold_is_the_same_try_whatever_passes_it(ledger: Ledger) -> None:
    """What came of it is no part of what was tried."""
    ledger.append([trial({}, kind="threshold", gate=gate, passed=passed) for gate in (1, 2) for passed in (["up"], [])])
    assert trials_on(ledger.read(), "gold/toy").count == 2


def test_the_matrix_is_of_trials_over_the_same_rows(ledger: Ledger) -> None:
    """A trial with nothing open in an hour earned 0 there; thresholds earn nothing and other rows do not compare."""
    ledger.append(
        [
            trial({3: 5, 1: 4}),
            trial({1: 2, 2: -1}, spec="b"),
            trial({9: 9}, spec="c", data="tuesday"),
            trial({}, kind="threshold"),
        ]
    )
    matrix = trials_on(ledger.read(), "gold/toy").matrix("monday")
    np.testing.assert_array_equal(matrix, [[4, 2], [0, -1], [5, 0]])


def test_the_spread_of_ratios_is_over_trials_that_have_one(ledger: Ledger) -> None:
    """1 +- 1 and 3 +- 1 are ratios of 0.71 and 2.12; a single hour has none, and two hours of luck spread by 1."""
    ledger.append([trial({0: 0, 1: 2}), trial({0: 2, 1: 4}, spec="b"), trial({0: 8}, spec="c")])
    trials = trials_on(ledger.read(), "gold/toy")
    assert trials.sharpe_variance == pytest.approx(1.0)
    assert trials_on(ledger.read()[2:], "gold/toy").sharpe_variance == 0.0


def test_what_stands_behind_answers_is_of_their_question_and_mode(ledger: Ledger) -> None:
    """Equal returns of another question or mode, or of a backtest, prove nothing."""
    ledger.append([trial({0: 1}), trial({0: 2}, kind="backtest")])
    trials = trials_on(ledger.read(), "gold/toy")
    assert trials.behind("toy", "up/yes", "expanding", {0: 1}) is not None
    assert trials.behind("toy", "up/yes", "rolling", {0: 1}) is None
    assert trials.behind("toy", "up/no", "expanding", {0: 1}) is None
    assert trials.behind("other", "up/yes", "expanding", {0: 1}) is None
    assert trials.behind("toy", "up/yes", "expanding", {0: 2}) is None
