from datetime import date
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.contracts.bronze import ORDERS
from grinder_resources.gold.orders import ASSEMBLED, assemble_orders

Event = tuple[int, str, int]
"""ts_ns, event, lots filled so far."""

LIFE: list[Event] = [(10, "placed", 0), (10, "part", 2), (25, "part", 3), (40, "filled", 5)]


def life(events: list[Event], order_id: str = "a", price: int = 100) -> pl.DataFrame:
    """Return rows of bronze/orders of one order of five lots."""
    rows = [
        (date(1970, 1, 1), "x", "A", ts, None, seq, order_id, event, 1, price, 5, filled, None)
        for seq, (ts, event, filled) in enumerate(events)
    ]
    return pl.DataFrame(rows, schema=ORDERS.schema, orient="row")


@pytest.mark.parametrize(
    ("events", "outcome", "times", "filled", "took"),
    [
        (LIFE, "filled", (10, 10, 40), 5, 30),
        ([(10, "placed", 0), (10, "filled", 5)], "filled", (10, 10, 10), 5, 0),
        ([*LIFE[:3], (50, "cancelled", 3)], "part", (10, 10, 50), 3, None),
        ([(10, "placed", 0), (50, "cancelled", 0)], "cancelled", (10, None, 50), 0, None),
        ([(10, "placed", 0)], "open", (10, None, None), 0, None),
        (LIFE[:3], "open", (10, 10, None), 3, None),
    ],
)
def test_a_life_has_an_outcome_and_times(
    events: list[Event], outcome: str, times: tuple[int | None, ...], filled: int, took: int | None
) -> None:
    """Placed, first fill, end; the time to fill is that of the whole order."""
    (row,) = assemble_orders(life(events)).rows()
    assert row == ("x", "A", "a", 1, 100, 5, outcome, *times, filled, took, None)


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        ([(10, "part", 2)], "not_placed"),
        ([(5, "cancelled", 0), (10, "placed", 0)], "not_placed"),
        ([(10, "placed", 0), (11, "placed", 0)], "placed_twice"),
        ([*LIFE, (41, "cancelled", 3)], "after_end"),
        ([(10, "placed", 0), (20, "cancelled", 0), (30, "part", 2)], "after_end"),
        ([(10, "placed", 0), (20, "part", 2), (30, "part", 2)], "fills_disagree"),
        ([(10, "placed", 0), (20, "part", 3), (30, "part", 2)], "fills_disagree"),
        ([(10, "placed", 0), (20, "cancelled", 2)], "fills_disagree"),
    ],
)
def test_events_that_cannot_all_be_true_are_said_to_be_so(events: list[Event], fault: str) -> None:
    """The order is there, with the reason why it is no evidence and without a time to fill."""
    orders = assemble_orders(life(events))
    assert orders.select("fault", "time_to_fill_ns").rows() == [(fault, None)]


def test_an_order_keeps_its_terms() -> None:
    """Another price under the same id is another order."""
    events = pl.concat([life(LIFE[:1]), life(LIFE[1:], price=101)])
    assert assemble_orders(events).select("price_ticks", "fault").rows() == [(100, "terms_differ")]


def test_no_events_are_no_orders() -> None:
    """With the columns all the same."""
    assert assemble_orders(ORDERS.empty()).equals(pl.DataFrame(schema=ASSEMBLED))


EVENTS = st.tuples(st.integers(10, 14), st.sampled_from(["placed", "part", "filled", "cancelled"]), st.integers(0, 5))
LIVES = st.lists(st.tuples(st.sampled_from("ab"), st.integers(100, 101), EVENTS), max_size=8)


@given(LIVES, st.randoms(use_true_random=False))
def test_the_order_of_the_events_does_not_matter_and_none_is_lost(
    lives: list[tuple[str, int, Event]], chance: Random
) -> None:
    """Files, days and lines in any order give the same orders; each id gives one."""
    rows = [life([event], name, price) for name, price, event in lives]
    told = assemble_orders(pl.concat([ORDERS.empty(), *rows]))
    chance.shuffle(rows)
    assert assemble_orders(pl.concat([ORDERS.empty(), *rows])).equals(told)
    assert told["order_id"].to_list() == sorted({name for name, _, _ in lives})
    assert told.schema == ASSEMBLED
