"""When a finding counts: with enough rows, beyond luck, and large."""

from dataclasses import replace

import pytest

from grinder_resources.contracts.operations import MonitoringSettings
from grinder_resources.monitoring.states import Finding, Measured, State, judged, worst

USUAL = MonitoringSettings()
LARGE = Measured("feature", "spread_bps", rows=100, statistic=0.4, effect=0.5, p_value=0.001, words="spread_bps")


def state(measured: Measured, settings: MonitoringSettings = USUAL) -> State:
    """Return the state of one finding that is alone."""
    return judged([measured], settings)[0].state


@pytest.mark.parametrize(("rows", "expected"), [(0, "unknown"), (99, "unknown"), (100, "critical"), (101, "critical")])
def test_the_hundredth_row_decides(rows: int, expected: State) -> None:
    """Of 99 rows nothing is said, whatever they look like; of exactly 100 it is."""
    assert state(replace(LARGE, rows=rows)) == expected


@pytest.mark.parametrize(
    ("effect", "expected"),
    [(0.0999, "ok"), (0.10, "warning"), (0.1999, "warning"), (0.20, "critical"), (-3.0, "ok"), (None, "unknown")],
)
def test_both_bounds_belong_to_the_worse_state(effect: float | None, expected: State) -> None:
    """A tenth is a warning, a fifth is critical; what is better than it was never alarms."""
    assert state(replace(LARGE, effect=effect)) == expected


@pytest.mark.parametrize(("usual", "expected"), [(0.5, "ok"), (0.4999, "critical"), (None, "critical")])
def test_what_a_training_day_showed_has_to_be_passed(usual: float | None, expected: State) -> None:
    """As far as a training day lay from the others is nothing new; where that is not known, the bound alone decides."""
    assert state(replace(LARGE, usual=usual)) == expected
    assert state(replace(LARGE, usual=usual, rows=99)) == "unknown"


def test_the_sentence_says_what_excuses() -> None:
    """Only where the finding would be worse otherwise."""
    large, small = judged([replace(LARGE, usual=0.7), replace(LARGE, usual=0.7, effect=0.05)], USUAL)
    assert large.sentence == "spread_bps, a training day lay 0.700 from the others: ok."
    assert small.sentence == "spread_bps: ok."


def test_what_is_luck_does_not_count() -> None:
    """A large effect that chance gives one time in twenty is not called so where ten others were tried beside it."""
    alone, others = replace(LARGE, p_value=0.05), [replace(LARGE, p_value=0.9, name=f"x{n}") for n in range(9)]
    assert state(alone) == "critical"
    found = judged([alone, *others], USUAL)
    assert (found[0].q_value, found[0].state) == (pytest.approx(0.5), "ok")


def test_kinds_are_families_of_their_own() -> None:
    """Two hundred calm inputs do not drown one loss, and findings without enough rows count as no test."""
    loss = replace(LARGE, kind="performance", p_value=0.04)
    calm = [replace(LARGE, p_value=0.9, name=f"x{number}") for number in range(200)]
    empty = replace(loss, name="other", rows=99, p_value=0.9)
    assert [one.state for one in judged([*calm, loss, empty], USUAL)[200:]] == ["critical", "unknown"]


def test_every_setting_moves_a_state() -> None:
    """Rows, both bounds and the rate, each alone."""
    middling = replace(LARGE, effect=0.15, p_value=0.04)
    assert state(middling) == "warning"
    assert state(middling, replace(USUAL, min_rows=101)) == "unknown"
    assert state(middling, replace(USUAL, warning_threshold=0.16)) == "ok"
    assert state(middling, replace(USUAL, drift_threshold=0.15)) == "critical"
    assert state(middling, replace(USUAL, false_discovery_rate=0.03)) == "ok"


def test_what_is_alarming_is_a_warning_however_small() -> None:
    """One row of skew is enough, but not before there are a hundred."""
    skewed = Measured("skew", "logged", 100, 0.001, 0.001, None, "1 of 1,000", alarming=True)
    assert [state(skewed), state(replace(skewed, rows=99)), state(replace(skewed, effect=0.2))] == [
        "warning",
        "unknown",
        "critical",
    ]


def test_the_worst_state_stands_for_all() -> None:
    """What is not known does not hide what is."""
    assert worst(["unknown", "ok", "warning"]) == "warning"
    assert worst(["unknown", "ok"]) == "ok"
    assert worst([]) == "unknown"
    assert Finding(LARGE, None, "critical").sentence == "spread_bps: critical."
