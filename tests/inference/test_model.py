"""A bot model's floats become integers by the bot's own rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.inference.model import Answer, rounded
from grinder_resources.inference.reasons import Refusal, RefusalCode


def said(*probs: float, spacing: float | None = None) -> Answer | Refusal:
    outputs = [np.array([probs], dtype=np.float32)]
    return rounded(outputs if spacing is None else [*outputs, np.array([[spacing]], dtype=np.float32)])


@pytest.mark.parametrize(
    ("probs", "bps"),
    [
        ((0.2, 0.5, 0.3), (2_000, 5_000, 3_000)),
        ((2.0, 5.0, 3.0), (2_000, 5_000, 3_000)),
        ((1 / 3, 1 / 3, 1 / 3), (3_334, 3_333, 3_333)),
        ((0.33335, 0.33335, 0.3333), (3_333, 3_334, 3_333)),
        ((0.0, 0.0, 1.0), (0, 0, 10_000)),
    ],
)
def test_shares_become_bps(probs: tuple[float, ...], bps: tuple[int, int, int]) -> None:
    """Normalised, half-even, and what is left over goes to the largest, the first on ties."""
    assert said(*probs) == Answer(bps, 1_000)


@pytest.mark.parametrize(
    ("value", "spacing"), [(1.0, 1_000), (1.2344, 1_234), (0.1, 500), (99.0, 2_000), (-1.0, 500), (0.0, 500)]
)
def test_a_spacing_is_held_within_its_limits(value: float, spacing: int) -> None:
    """Times 1000, half-even, between half and twice."""
    assert said(0.2, 0.5, 0.3, spacing=value) == Answer((2_000, 5_000, 3_000), spacing)


@pytest.mark.parametrize(
    "probs",
    [(0.5, 0.5), (0.2, 0.3, 0.3, 0.2), (0.0, 0.0, 0.0), (-0.1, 0.6, 0.5), (np.nan, 0.5, 0.5), (np.inf, 0.5, 0.5)],
)
def test_what_is_no_distribution_is_refused(probs: tuple[float, ...]) -> None:
    """Two or four numbers, nothing at all, less than nothing, NaN and infinities."""
    found = said(*probs)
    assert isinstance(found, Refusal)
    assert found.code is RefusalCode.OUTPUT_REJECTED


def test_a_spacing_that_is_no_number_is_refused() -> None:
    """The probabilities alone do not make an answer."""
    found = said(0.2, 0.5, 0.3, spacing=float("nan"))
    assert isinstance(found, Refusal)


@given(st.tuples(*[st.floats(0, 1_000, width=32)] * 3))
def test_bps_always_sum_to_certain(probs: tuple[float, ...]) -> None:
    """Whatever the floats, an answer is three integers from 0 that sum to 10,000, or there is none."""
    found = said(*probs)
    if isinstance(found, Answer):
        assert sum(found.probs_bps) == 10_000
        assert min(found.probs_bps) >= 0
    else:
        assert sum(probs) == 0
