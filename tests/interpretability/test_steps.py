"""The calibration step of a margin: the one that a look-up takes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.contracts.calibration import StepTable
from grinder_resources.interpretability.steps import CalibrationStep, step_of
from grinder_resources.learning.calibration import logistic_table, lookup
from tests.export.small_models import STEPS


def test_a_cut_belongs_to_the_step_it_begins() -> None:
    """Four steps that part at -0.61, 0 and 0.61; the outer two have no end."""
    assert step_of(STEPS, -1) == CalibrationStep(2, 4, -40_000, 0, 2_500, "isotonic", 1_500)
    assert step_of(STEPS, 0) == CalibrationStep(3, 4, 0, 40_000, 6_000, "isotonic", 1_500)
    first, last = step_of(STEPS, -99_999), step_of(STEPS, 40_000)
    assert (first.low, first.high, first.number) == (None, -40_000 / 65_536, 1)
    assert (last.low, last.high, last.bps) == (40_000 / 65_536, None, 9_300)


def test_a_table_of_one_step_has_no_bounds() -> None:
    """It gives the same to every margin."""
    step = step_of(StepTable((), (4_200,), "isotonic", 2_000), 17)
    assert (step.low, step.high, step.number, step.steps, step.bps) == (None, None, 1, 1, 4_200)


@given(st.sampled_from([STEPS, logistic_table()]), st.integers(-(1 << 24), 1 << 24))
def test_the_step_gives_what_the_look_up_gives(table: StepTable, margin_q16: int) -> None:
    """And the margin lies in it."""
    step = step_of(table, margin_q16)
    assert step.bps == int(lookup(table, np.array([margin_q16]))[0])
    assert step.low_q16 is None or step.low_q16 <= margin_q16
    assert step.high_q16 is None or margin_q16 < step.high_q16
