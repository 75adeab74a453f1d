from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.errors import OutOfRange
from grinder_resources.tuning.parameters import TunableParameter, defaults, require_space

KIND = TunableParameter("kind", "categorical", "plain", ("plain", "fancy"))
DEPTH = TunableParameter("depth", "integer", 4, (2, 8))
SHARE = TunableParameter("share", "continuous", 0.5, (0.1, 0.9), conditional_on={"kind": "fancy"})
RATE = TunableParameter("rate", "continuous", 0.05, (0.001, 1.0), log_scale=True)


def test_the_defaults_are_those_that_matter() -> None:
    """A parameter whose condition does not hold has no value."""
    assert defaults([KIND, DEPTH, SHARE]) == {"kind": "plain", "depth": 4}
    assert SHARE.matters({"kind": "fancy"})
    assert not SHARE.matters({"kind": "plain"})
    assert not SHARE.matters({})


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    [
        (DEPTH, 2, True),
        (DEPTH, 8, True),
        (DEPTH, 9, False),
        (DEPTH, 4.0, False),
        (DEPTH, True, False),
        (RATE, 1.0, True),
        (RATE, 1, True),
        (RATE, 1.0001, False),
        (KIND, "fancy", True),
        (KIND, "other", False),
        (TunableParameter("switch", "categorical", False, (False, True)), 0, False),
    ],
)
def test_a_range_includes_both_ends_and_asks_for_the_type(
    parameter: TunableParameter, value: Any, allowed: bool
) -> None:
    """An integer is no float, and False is not 0."""
    assert parameter.allows(value) is allowed


@pytest.mark.parametrize(
    "facts",
    [
        ("x", "integer", 4, (8, 2)),
        ("x", "integer", 9, (2, 8)),
        ("x", "integer", 4, (2, 4, 8)),
        ("x", "continuous", 0.5, (0.0, 1.0), True),
        ("x", "continuous", 0.5, (0.0, float("inf"))),
        ("x", "continuous", 0.12345, (0.0, 1.0)),
        ("x", "categorical", "a", ("a",)),
        ("x", "categorical", "c", ("a", "b")),
        ("x", "categorical", "a", ("a", "b"), True),
        ("x", "continuous", "a", ("a", "b")),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(facts: tuple[Any, ...]) -> None:
    """Empty and endless ranges, defaults outside or too fine, and scales that have no meaning."""
    with pytest.raises(OutOfRange, match="parameter x"):
        TunableParameter(*facts)


@pytest.mark.parametrize("space", [(SHARE, KIND), (KIND, KIND), (DEPTH, SHARE)])
def test_conditions_name_values_of_earlier_parameters(space: tuple[TunableParameter, ...]) -> None:
    """Otherwise nobody could say whether a parameter matters; and names differ."""
    with pytest.raises(OutOfRange):
        require_space(space)
    require_space((KIND, DEPTH, SHARE))


@given(st.floats(0.001, 1.0))
def test_a_rounded_value_is_near_allowed_and_stays(value: float) -> None:
    """Four digits: within 0.05 % of what was suggested, never outside the range."""
    rounded = RATE.rounded(value)
    assert RATE.allows(rounded)
    assert rounded == pytest.approx(value, rel=5.1e-4)
    assert RATE.rounded(rounded) == rounded


def test_only_continuous_values_are_rounded() -> None:
    """An integer has the digits it needs."""
    assert TunableParameter("n", "integer", 1, (1, 10**6)).rounded(123_457) == 123_457
    assert RATE.rounded(0.123456) == 0.1235
