"""What the gates before a gate say, and that nothing else does."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from grinder_resources.contracts.bronze import GATES
from grinder_resources.contracts.gates import GATE_EVENTS, GATE_INPUTS
from grinder_resources.gates.events import gate_events
from tests.gates.gate_rows import DAY_MINUTES, MONDAY, Record, bronze, events, gate, ns, random_week

KNOWN = ["venue", "symbol", "ts_ns", "watermark_ns", *(column.name for column in GATE_INPUTS)]
FEW = settings(max_examples=10, deadline=None)


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return pl.concat(bronze(tmp_path_factory.mktemp("week"), random_week()).values())


def made(folder: Path, *records: Record) -> pl.DataFrame:
    return events(bronze(folder, records))


def by_day(gates: pl.DataFrame) -> pl.DataFrame:
    days = {MONDAY + timedelta(days=number): number for number in range(4)}
    return events({day: gates.filter(pl.col("date") == day) for day in days})


def test_changes_are_since_the_previous_gate(tmp_path: Path) -> None:
    """The first gate has none, nor has one after more than 30 minutes; exactly 30 are no gap."""
    rows = made(
        tmp_path,
        gate(0, hazard=0.5, entropy=0.98, price_close=1.0),
        gate(16, hazard=0.52, entropy=0.99, price_close=1.001),
        gate(46, hazard=0.51, entropy=0.99, price_close=1.0),
        gate(77, hazard=0.4, entropy=0.96, price_close=2.0),
    )
    columns = ("minutes_since_prev", "after_gap", "hazard_change_x1e6", "entropy_change_x1e6", "return_prev_pct_x1e6")
    assert rows.select(columns).rows() == [
        (None, 1, None, None, None),
        (16, 0, 20_000, 10_000, 100_000),
        (30, 0, -10_000, 0, -99_900),
        (31, 1, None, None, None),
    ]


def test_windows_end_with_the_gate_and_leave_out_their_start(tmp_path: Path) -> None:
    """(ts - 60 min, ts]: the gate 60 minutes ago is not counted, the one 59 minutes ago is."""
    rows = made(
        tmp_path,
        gate(0, hazard=0.4, price_close=1.0),
        gate(1, hazard=0.5, price_close=1.002, admit=False),
        gate(30, hazard=0.5, price_close=0.999),
        gate(60, hazard=0.500001, price_close=1.0),
    )
    columns = ("gates_{}m", "rejected_{}m", "hazard_mean_{}m_x1e6", "return_{}m_pct_x1e6", "range_{}m_pct_x1e6")
    of_hour, of_four = ([name.format(minutes) for name in columns] for minutes in (60, 240))
    assert rows.select(of_hour).row(0) == (1, 0, None, None, None)
    assert rows.select(of_hour).row(3) == (3, 1, 500_000, -199_601, 300_000)
    assert rows.select(of_four).row(3) == (4, 1, 475_000, 0, 300_000)


def test_the_hour_of_the_week_counts_from_monday(tmp_path: Path) -> None:
    """UTC."""
    rows = made(tmp_path, gate(0), gate(59), gate(60), gate(DAY_MINUTES), gate(5 * DAY_MINUTES - 1))
    assert rows["hour_of_week"].to_list() == [0, 0, 1, 24, 119]


def test_what_the_source_leaves_out_is_null(tmp_path: Path) -> None:
    """And so is everything that needs it; a regime of another name is 'other'."""
    bare: Record = {"price_close": None, "entropy": None, "hazard_threshold": None, "regime": "sideways"}
    rows = made(tmp_path, gate(0, **bare), gate(16, **bare))
    nulls = ["entropy_change_x1e6", "return_prev_pct_x1e6", "return_60m_pct_x1e6", "range_60m_pct_x1e6"]
    assert rows.select(*nulls, "hazard_margin_x1e6", "regime").row(1) == (None, None, None, None, None, "other")
    assert rows["hazard_change_x1e6"].to_list() == [None, 0]


def test_history_reaches_over_a_weekend_and_no_further(tmp_path: Path) -> None:
    """The first gate of Monday knows the last one of Friday, the first of Tuesday does not."""
    rows = made(tmp_path, gate(0), gate(3 * DAY_MINUTES), gate(7 * DAY_MINUTES))
    assert rows["minutes_since_prev"].to_list() == [None, 3 * DAY_MINUTES, None]


def test_a_window_crosses_midnight(tmp_path: Path) -> None:
    """The day is a partition, not a border of the market."""
    rows = made(tmp_path, gate(DAY_MINUTES - 10, price_close=1.0), gate(DAY_MINUTES + 6, price_close=1.01))
    assert rows.select("gates_60m", "minutes_since_prev", "return_prev_pct_x1e6").row(1) == (2, 16, 1_000_000)


@FEW
@given(st.integers(1, 4 * DAY_MINUTES))
def test_later_gates_change_nothing_known_before(week: pl.DataFrame, minute: int) -> None:
    """Features of the gates up to a time are the same whether or not the stream stops there."""
    cut = pl.col("ts_ns") <= ns(minute)
    whole, stopped = by_day(week), by_day(week.filter(cut))
    assert_frame_equal(whole.filter(cut).select(KNOWN), stopped.select(KNOWN))
    assert (whole["watermark_ns"] == whole["ts_ns"]).all()


@FEW
@given(st.integers(0, 1000))
def test_the_order_of_gates_changes_nothing(week: pl.DataFrame, seed: int) -> None:
    """Any shuffle of the rows gives the same events."""
    shuffled = week.sample(fraction=1.0, shuffle=True, seed=seed)
    assert_frame_equal(by_day(shuffled), by_day(week))


def test_instruments_do_not_see_each_other(week: pl.DataFrame) -> None:
    """Alone or together, an instrument's events are the same, and so they are under another venue's name."""
    euro = pl.col("symbol") == "EUR_USD"
    assert_frame_equal(by_day(week.filter(euro)), by_day(week).filter(euro))
    elsewhere = week.with_columns(venue=pl.lit("other"))
    both = by_day(pl.concat([week, elsewhere])).filter(pl.col("venue") == "other")
    assert_frame_equal(both.drop("venue"), by_day(week).drop("venue"))


def test_no_gates_give_no_rows() -> None:
    """In the table's columns."""
    nothing = GATES.empty()
    assert gate_events(nothing, nothing, MONDAY, goes_on=False).equals(GATE_EVENTS.empty())
