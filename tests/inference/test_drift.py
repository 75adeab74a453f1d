"""How the inputs of the last day lie against the training rows, by numbers that can be worked out by hand."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.contracts.serving import Reference
from grinder_resources.inference import Snapshot
from grinder_resources.inference.drift import HOUR_MS, DriftWindow
from grinder_resources.inference.engine import SignalEngine

HALVES = Reference(cuts=(1.0,), counts=(500, 500), missing=0)
"""Training rows of which half lay below 1 and half at or above it."""

LOW, HIGH, MISSING = 0.0, 2.0, math.nan
COUNTS = st.tuples(*[st.integers(0, 80)] * 4)


def seen(reference: Reference, *values: float, ts: int = 0) -> DriftWindow:
    """Return a window on one input that saw these values in one hour."""
    window = DriftWindow({"spread_bps": reference})
    add(window, values, ts)
    return window


def add(window: DriftWindow, values: Sequence[float], ts: int) -> None:
    """Let a window on one input see values."""
    for value in values:
        window.observe(np.array([[value]], dtype=np.float32), ts)


def psi(window: DriftWindow) -> float:
    """Return the index of the one input."""
    return window.psi()["spread_bps"]


def test_the_index_by_hand() -> None:
    """80 : 20 where training had 50 : 50 is 0.3 ln 1.6 - 0.3 ln 0.4 = 0.3 ln 4."""
    assert psi(seen(HALVES, *[LOW] * 80, *[HIGH] * 20)) == pytest.approx(0.415888308336, abs=1e-12)


def test_a_cut_belongs_to_the_bin_above_it() -> None:
    """A value that equals the cut counts as at or above it."""
    assert psi(seen(HALVES, *[1.0] * 50, *[LOW] * 50)) == 0
    assert psi(seen(HALVES, *[1.0] * 50, *[HIGH] * 50)) > 1


def test_nothing_is_said_of_99_rows_and_something_of_100() -> None:
    """The limit is the hundredth row itself."""
    window = seen(HALVES, *[LOW] * 99)
    assert (window.rows, window.psi()) == (99, {})
    add(window, [LOW], 0)
    assert (window.rows, list(window.psi())) == (100, ["spread_bps"])


def test_an_empty_bin_counts_as_half_a_row() -> None:
    """100 : 0 is held as 100 : 0.5, so that the index is finite."""
    p, q = (100 / 100.5, 0.5 / 100.5), (0.5, 0.5)
    by_hand = sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True))
    assert psi(seen(HALVES, *[LOW] * 100)) == pytest.approx(by_hand, abs=1e-12) == pytest.approx(2.622798, abs=1e-6)


def test_missing_values_have_a_bin_of_their_own() -> None:
    """As many as in training are no drift; none of them, or more of them, are."""
    reference = Reference(cuts=(1.0,), counts=(450, 450), missing=100)
    assert psi(seen(reference, *[LOW] * 45, *[HIGH] * 45, *[MISSING] * 10)) == 0
    assert psi(seen(reference, *[LOW] * 50, *[HIGH] * 50)) == pytest.approx(0.294681, abs=1e-6)
    assert psi(seen(reference, *[LOW] * 30, *[HIGH] * 30, *[MISSING] * 40)) == pytest.approx(0.537528, abs=1e-6)


def test_an_hour_replaces_the_same_hour_of_the_day_before() -> None:
    """What drifted yesterday at this hour is forgotten as soon as today's rows come."""
    window = seen(HALVES, *[LOW] * 100, ts=5 * HOUR_MS)
    assert psi(window) > 1
    add(window, [LOW, HIGH] * 50, 29 * HOUR_MS)
    assert (window.rows, window.hours, psi(window)) == (100, 1, 0)


def test_the_window_holds_a_day() -> None:
    """Of a row an hour over a week the last 24 are held."""
    window = DriftWindow({"spread_bps": HALVES})
    for hour in range(7 * 24):
        add(window, [LOW], hour * HOUR_MS + HOUR_MS - 1)
    assert (window.rows, window.hours) == (24, 24)


def test_inputs_are_told_apart_by_their_order() -> None:
    """Inputs with two bins, with ten and with one each have their own index, whatever the width of the others."""
    tenths = Reference(cuts=tuple(range(1, 10)), counts=(10,) * 10, missing=0)
    constant = Reference(cuts=(), counts=(100,), missing=0)
    window = DriftWindow({"halves": HALVES, "tenths": tenths, "constant": constant})
    for row in range(100):
        window.observe(np.array([[LOW if row < 80 else HIGH, row % 10, 7]], dtype=np.float32), 0)
    assert window.psi() == {"halves": pytest.approx(0.415888308336, abs=1e-12), "tenths": 0, "constant": 0}


def test_an_input_that_training_never_saw_has_no_index() -> None:
    """Where no training row was counted there is nothing to differ from."""
    assert psi(seen(Reference(cuts=(1.0,), counts=(0, 0), missing=0), *[LOW] * 80, *[HIGH] * 20)) == 0


@given(COUNTS, COUNTS)
def test_the_index_is_finite_and_never_below_nothing(now: tuple[int, ...], then: tuple[int, ...]) -> None:
    """Each of its terms is a difference times the logarithm of the same sign, whatever the counts."""
    window = DriftWindow({"spread_bps": Reference(cuts=(1.0, 2.0), counts=then[:3], missing=then[3])})
    values = [value for count, value in zip(now, (0.5, 1.5, 2.5, MISSING), strict=True) for _ in range(count)]
    add(window, values, 0)
    for index in window.psi().values():
        assert 0 <= index < math.inf


@given(st.tuples(*[st.integers(1, 60)] * 4), st.integers(1, 1_000))
def test_equal_shares_are_no_drift(counts: tuple[int, ...], times: int) -> None:
    """Rows that lie as those of training did have an index of nothing, however many there were."""
    then = [times * count for count in counts]
    window = DriftWindow({"spread_bps": Reference(cuts=(1.0, 2.0), counts=tuple(then[:3]), missing=then[3])})
    add(window, [value for count, value in zip(counts, (0.5, 1.5, 2.5, MISSING), strict=True) for _ in range(count)], 0)
    for index in window.psi().values():
        assert index == pytest.approx(0, abs=1e-12)


def test_an_engine_counts_what_it_scored(shadow: Callable[[], SignalEngine], golden_snapshots: list[Snapshot]) -> None:
    """A loaded model has its training rows with it, and the sixteen snapshots it read are held against them."""
    with shadow() as engine:
        for snapshot in golden_snapshots:
            engine.decide(snapshot)
        assert engine.drift is not None
        assert engine.drift.rows == 16


DAY_MS = 24 * HOUR_MS


def test_stray_times_do_not_move_the_window() -> None:
    """Nine rows of next year, or of last year, are passed over; the tenth in a row moves it."""
    window = seen(HALVES, *[LOW] * 100, ts=400 * DAY_MS)
    add(window, [HIGH] * 9, 800 * DAY_MS)
    add(window, [LOW], 400 * DAY_MS)
    add(window, [HIGH] * 9, 10 * DAY_MS)
    add(window, [LOW], 400 * DAY_MS)
    assert window.rows == 102
    add(window, [HIGH] * 9, 800 * DAY_MS)
    assert window.rows == 102
    add(window, [HIGH], 800 * DAY_MS)
    assert window.rows == 1


def test_a_row_of_the_day_before_last_is_passed_over() -> None:
    """The same hour of an older day does not take the place of a newer one."""
    window = seen(HALVES, *[LOW] * 100, ts=5 * DAY_MS)
    add(window, [HIGH], 4 * DAY_MS)
    assert window.rows == 100
    add(window, [HIGH], 4 * DAY_MS + HOUR_MS)
    assert window.rows == 101


def test_a_window_that_began_with_a_stray_time_comes_back() -> None:
    """A first row of next year costs nine rows, not all that follow; what lies outside of the new day is forgotten."""
    window = seen(HALVES, HIGH, ts=800 * DAY_MS + HOUR_MS)
    add(window, [LOW] * 109, 400 * DAY_MS)
    assert (window.rows, window.hours) == (100, 1)


def test_moving_forgets_the_hours_of_another_day() -> None:
    """After two days without a row only the new hour is held, whichever hour of the day it is."""
    window = seen(HALVES, *[LOW] * 100, ts=5 * HOUR_MS)
    add(window, [HIGH] * 10, 56 * HOUR_MS)
    assert (window.rows, window.hours) == (1, 1)
