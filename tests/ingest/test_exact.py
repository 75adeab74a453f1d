from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.ingest.exact import MAX_UNITS, Grid, column_units, decimal_places, whole_units
from grinder_resources.ingest.quarantine import RowError

TEXTS = [
    ("1.25", "0.01", 125),
    ("1.250", "0.01", 125),
    ("0.1", "0.01", 10),
    ("61837.64000000", "0.01", 6_183_764),
    ("1e-8", "0.00000001", 1),
    ("12", "0.25", 48),
    ("0", "0.01", 0),
    ("-0.5", "0.5", -1),
    ("50", "10", 5),
]
FAULTS = [
    ("1.255", "off_grid"),
    ("0.001", "off_grid"),
    ("1.0000000000000000000000001", "off_grid"),
    ("nan", "not_finite"),
    ("-Infinity", "not_finite"),
    ("1e999", "too_large"),
    ("99999999999999999999", "too_large"),
    ("", "wrong_type"),
    ("1,5", "wrong_type"),
    ("0x10", "wrong_type"),
    ("1_000", "wrong_type"),
    (" 1", "wrong_type"),
]


@pytest.mark.parametrize(("text", "increment", "units"), TEXTS)
def test_decimal_text_becomes_whole_units(text: str, increment: str, units: int) -> None:
    """Scalar and column conversion give the same literal integers."""
    assert whole_units(text, Decimal(increment)) == units
    assert column_units(pl.Series([text]), Decimal(increment)).row(0) == (units, None)


@pytest.mark.parametrize(("text", "reason"), FAULTS)
def test_what_is_no_whole_number_of_ticks_is_refused_with_its_reason(text: str, reason: str) -> None:
    """Nothing is rounded; the column says the same reason as the scalar."""
    with pytest.raises(RowError, match=f"^{reason}$"):
        whole_units(text, Decimal("0.01"))
    assert column_units(pl.Series([text]), Decimal("0.01")).row(0) == (None, reason)


@given(
    st.lists(st.one_of(st.none(), st.decimals(allow_nan=False, allow_infinity=False).map(str), st.text(max_size=5))),
    st.sampled_from(["0.01", "1", "0.00000001", "0.25", "5", "1e2"]),
)
def test_a_column_is_converted_as_its_texts_one_by_one(texts: list[str | None], increment: str) -> None:
    """Nulls stay null; every other text gives what `whole_units` gives, which is exact division."""
    tick = Decimal(increment)
    column = column_units(pl.Series(texts, dtype=pl.String()), tick)
    for text, (units, reason) in zip(texts, column.iter_rows(), strict=True):
        if text is None:
            assert (units, reason) == (None, None)
        elif reason is None:
            assert Fraction(Decimal(text)) == units * Fraction(tick)
            assert abs(units) <= MAX_UNITS
        else:
            with pytest.raises(RowError, match=f"^{reason}$"):
                whole_units(text, tick)


def test_the_largest_exact_number_of_units_is_two_to_the_53() -> None:
    """One unit more is too large."""
    assert whole_units(str(1 << 53), Decimal(1)) == 9_007_199_254_740_992
    with pytest.raises(RowError, match="too_large"):
        whole_units(str((1 << 53) + 1), Decimal(1))


def test_a_grid_remembers_and_takes_nothing_but_text() -> None:
    """A JSON number is a wrong type even if it looks like a price."""
    grid = Grid(Decimal("0.01"))
    assert [grid["1.25"], grid["1.25"], grid["2"]] == [125, 125, 200]
    with pytest.raises(RowError, match="wrong_type"):
        grid[1.25]  # type: ignore[index]


@pytest.mark.parametrize(("text", "places"), [("1.250", 2), ("1e-8", 8), ("7", 0), ("700", 0), ("0.10", 1), ("x", 0)])
def test_decimals_that_matter(text: str, places: int) -> None:
    """Trailing zeros do not make a finer grid."""
    assert decimal_places(text) == places
