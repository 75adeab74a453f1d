"""Numbers of a gate as integers: nothing lost that was printed, and ratios rounded once."""

from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.contracts.exact import half_even
from grinder_resources.errors import OutOfRange
from grinder_resources.gates.integers import millionths, percent

MILLIONTHS = st.integers(-(10**15) + 1, 10**15 - 1)


def scaled(*numbers: float | None) -> list[int | None]:
    frame = pl.DataFrame({"number": numbers}, schema={"number": pl.Float64()})
    return millionths(frame, {"n": "number"})["n"].to_list()


@given(MILLIONTHS)
def test_six_decimals_are_kept(units: int) -> None:
    """The double nearest to n / 10^6 comes back as n."""
    assert scaled(units / 10**6) == [units]


def test_more_decimals_are_rounded_half_to_even() -> None:
    """A null stays null."""
    assert scaled(0.0000005, 0.0000015, -0.06720667822150736, 154.388, None) == [0, 2, -67_207, 154_388_000, None]


def test_a_number_that_no_gate_holds_is_refused() -> None:
    """By the name of its column."""
    with pytest.raises(OutOfRange, match=r"too large \(number; got 1000000000\.0"):
        scaled(1.0, -1e9)


@given(st.integers(-(10**11), 10**11), st.integers(1, 10**15))
def test_percent_is_the_exact_ratio_rounded_once(change: int, base: int) -> None:
    """In percent x 10^6; products beyond 64 bits are no matter."""
    expected = round(Fraction(change * 10**8, base))
    if abs(expected) < 2**62:
        frame = pl.DataFrame({"change": [change], "base": [base]})
        assert frame.select(percent(pl.col("change"), pl.col("base"))).item() == expected


def test_percent_of_nothing_is_null() -> None:
    """Neither zero nor a negative price is a base."""
    frame = pl.DataFrame({"change": [1, 1, None], "base": [0, -5, 5]})
    assert frame.select(percent(pl.col("change"), pl.col("base"))).to_series().to_list() == [None] * 3


def test_ties_go_to_the_even_neighbour() -> None:
    """On both sides of zero."""
    frame = pl.DataFrame({"n": [1, 3, 5, -1, -3, 7]})
    assert frame.select(half_even(pl.col("n"), pl.lit(2))).to_series().to_list() == [0, 2, 2, 0, -2, 4]
