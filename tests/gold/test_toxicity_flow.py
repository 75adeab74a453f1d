"""VPIN and markouts on tapes of a few prints, worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.contracts.bronze import QUOTES, TRADES
from grinder_resources.gold.toxicity_flow import adverse_selection, vpin_x1000, window_sums
from grinder_resources.market.windows import NULL
from tests.market_days import OPEN_NS, SECOND, quotes, trades


def ends(*seconds: int) -> np.ndarray:
    return OPEN_NS + np.array(seconds, dtype=np.int64) * SECOND


def test_window_holds_prints_after_its_begin_up_to_its_end() -> None:
    """(0, 60]: the print at 0 is out, the one at 60 is in."""
    tape = trades([(0, 100, 1, 1), (30, 100, 2, 1), (60, 100, 4, -1), (61, 100, 8, 1)])
    sums = window_sums(tape["ts_ns"].to_numpy(), tape["size_lots"].to_numpy(), ends(60, 61), 60)
    assert sums.tolist() == [6, 14]


def test_vpin_is_the_mean_imbalance_of_equal_buckets() -> None:
    """Buckets of 6 lots: all bought; 3 bought and 3 sold; 5 sold, 1 bought. Prints are split where they do not fit."""
    tape = trades([(1, 100, 9, 1), (2, 100, 8, -1), (3, 100, 1, 1)])
    assert vpin_x1000(tape, ends(10), buckets=3).tolist() == [556]  # (6 + 0 + 4) / 18


def test_vpin_needs_as_many_signed_prints_as_buckets() -> None:
    """What nobody knows the aggressor of says nothing; neither does a print of the future, or of over an hour ago."""
    tape = trades([(1, 100, 5, 1), (2, 100, 5, 0), (3, 100, 5, -1), (3_602, 100, 5, 1)])
    assert vpin_x1000(tape, ends(2, 3, 3_601, 3_602), buckets=2).tolist() == [NULL, 1_000, NULL, 1_000]


@given(
    st.lists(st.tuples(st.integers(1, 40), st.sampled_from([-1, 1])), min_size=5, max_size=40),
    st.integers(2, 5),
    st.integers(2, 9),
)
def test_vpin_knows_shares_not_units(prints: list[tuple[int, int]], buckets: int, unit: int) -> None:
    """Finer lots and the other side change nothing, and it stays within 0 and 1."""
    tape = trades([(second, 100, lots, side) for second, (lots, side) in enumerate(prints)])
    finer = trades([(second, 100, lots * unit, -side) for second, (lots, side) in enumerate(prints)])
    found = vpin_x1000(tape, ends(100), buckets)
    assert 0 <= found[0] <= 1_000
    assert vpin_x1000(finer, ends(100), buckets).tolist() == found.tolist()


def test_adverse_selection_is_what_prints_cost_by_size() -> None:
    """A buy of 3 before +2 bps and a sale of 1 before +1 bps, from the maker's side: (3 x 2 - 1) / 4 = 1.25."""
    tape = trades([(5, 10_001, 3, 1), (20, 10_000, 1, -1), (21, 10_000, 9, 0)])
    book = quotes([(0, 20_000), (12, 20_004), (28, 20_006)])
    assert adverse_selection(tape, book).rows() == [(OPEN_NS, 1_250)]


def test_a_print_is_made_against_the_quote_before_it() -> None:
    """A quote of the same instant is what the print left behind: from 20,000 to 20,004 the buyer won 2 bps."""
    tape = trades([(12, 10_001, 1, 1)])
    assert adverse_selection(tape, quotes([(0, 20_000), (12, 20_004)])).rows() == [(OPEN_NS, 2_000)]


@pytest.mark.parametrize(("second", "minute"), [(0, -1), (1, 0), (50, 0), (51, None), (60, None), (61, 1)])
def test_a_minute_owns_the_prints_of_its_first_fifty_seconds(second: int, minute: int | None) -> None:
    """So that what came ten seconds after each of them is known when it ends; the print at its start is not its own."""
    found = adverse_selection(trades([(second, 10_001, 1, 1)]), quotes([(-5, 20_000)]))
    if minute == -1:  # the last ten seconds of the minute before
        assert found.is_empty()
    else:
        assert found["from_ns"].to_list() == ([] if minute is None else [OPEN_NS + minute * 60 * SECOND])


def test_no_prints_and_no_quotes_say_nothing() -> None:
    """And break nothing."""
    tape, book = trades([(5, 100, 1, 1)]), quotes([(0, 200)])
    assert vpin_x1000(TRADES.empty(), ends(5), 2).tolist() == [NULL]
    assert adverse_selection(TRADES.empty(), book).is_empty()
    assert adverse_selection(tape, QUOTES.empty()).is_empty()
