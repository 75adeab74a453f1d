"""Every blocking check refuses the fault it is there for, and passes rows without it."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from grinder_assets.bronze.checks import conservation_check
from grinder_assets.checks import contract_check
from grinder_assets.gold.checks import DATE_COVERAGE, MIN_ROWS_FOR_SHARES, null_share_check
from grinder_assets.silver.checks import LABELS_AFTER_FEATURES, LABELS_AGREE, NOTHING_AFTER_T1, ONE_ROW_A_SECOND
from grinder_resources.contracts.bronze import INSTRUMENTS, TRADES
from grinder_resources.lake import Lake

DAY = date(2025, 1, 6)
MIDNIGHT_NS = 1_736_121_600_000_000_000
GOOD_LABELS = {
    "outcome": "BREAK",
    "tradeable_2": 1,
    "t1_60": 1,
    "t1_120": 1,
    "t2_60": 0,
    "t2_120": 1,
    "t1_break_60": 1,
    "t1_bounce_60": 0,
}


@pytest.mark.parametrize(
    ("fault", "passes"),
    [
        ({}, True),
        ({"outcome": "CHOP"}, False),
        ({"tradeable_2": 0}, False),
        ({"t2_60": 1, "t2_120": 0}, False),
        ({"t1_60": 0, "t1_120": 0, "t1_break_60": 0}, False),
        ({"t1_60": 0}, False),
    ],
)
def test_contradicting_labels_are_refused(fault: dict[str, object], passes: bool) -> None:
    """Outcome, tradeable and reach labels of one event must fit each other."""
    assert LABELS_AGREE.judge(pl.DataFrame([GOOD_LABELS | fault]), DAY).passed is passes


@pytest.mark.parametrize(("t1", "end", "passes"), [(20, 30, True), (5, 30, False), (20, 20, False)])
def test_labels_that_start_before_t1_are_refused(t1: int, end: int, passes: bool) -> None:
    """t1 lies at or after the touch, the label window ends after t1."""
    rows = pl.DataFrame({"ts_ns": [10], "confirm_ts_ns": [t1], "label_end_ns": [end]})
    assert LABELS_AFTER_FEATURES.judge(rows, DAY).passed is passes


@pytest.mark.parametrize(("newest", "passes"), [(19, True), (20, True), (21, False)])
def test_features_that_looked_past_t1_are_refused(newest: int, passes: bool) -> None:
    """A row of t1 itself is known at t1, the next one is not."""
    rows = pl.DataFrame({"confirm_ts_ns": [20], "watermark_ns": [newest]})
    assert NOTHING_AFTER_T1.judge(rows, DAY).passed is passes


@pytest.mark.parametrize(
    ("fault", "passes"),
    [
        ({}, True),
        ({"ts_ns": 1}, False),
        ({"quote_ts_ns": 3}, False),
        ({"trade_ts_ns": 3}, False),
        ({"book_ts_ns": 3}, False),
    ],
)
def test_repeated_or_clairvoyant_seconds_are_refused(fault: dict[str, int], passes: bool) -> None:
    """A second stands once an instrument, and nothing behind it is from later; a print or book may be missing."""
    first = {"venue": "v", "symbol": "S", "ts_ns": 1, "quote_ts_ns": 1, "trade_ts_ns": None, "book_ts_ns": None}
    rows = pl.DataFrame([first, first | {"ts_ns": 2, "quote_ts_ns": 2} | fault])
    assert ONE_ROW_A_SECOND.judge(rows, DAY).passed is passes


@pytest.mark.parametrize(("rows_out", "in_lake", "passes"), [(2, 2, True), (1, 2, False), (2, 1, False)])
def test_rows_that_do_not_add_up_are_refused(tmp_path: Path, rows_out: int, in_lake: int, passes: bool) -> None:
    """A file that loses a row, or a lake that holds another number than the log says, is refused."""
    lake = Lake(str(tmp_path))
    trade = {
        "date": DAY,
        "venue": "v",
        "symbol": "S",
        "ts_ns": 1,
        "seq": 1,
        "price_ticks": 1,
        "size_lots": 1,
        "aggressor": 1,
    }
    lake.commit(TRADES, pl.DataFrame([trade] * in_lake, schema=TRADES.schema), day=DAY, code_version="1")
    counts = {"rows_in": 3, "rows_out": rows_out, "quarantined": 1, "deduplicated": 0, "reordered": 0}
    log = pl.DataFrame([{"table": TRADES.name, **counts}])
    assert conservation_check(lake).judge(log, DAY).passed is passes


@pytest.mark.parametrize(("value", "passes"), [(1, True), (None, False)])
def test_an_input_without_any_value_is_refused(value: int | None, passes: bool) -> None:
    """A column that is null in every row of a day is no input."""
    rows = pl.DataFrame({"n": [value] * MIN_ROWS_FOR_SHARES}, schema={"n": pl.Int64})
    assert null_share_check(("n",)).judge(rows, DAY).passed is passes


@pytest.mark.parametrize(("offset_s", "passes"), [(0, True), (86_399, True), (86_400, False), (-1, False)])
def test_rows_of_another_day_are_refused(offset_s: int, passes: bool) -> None:
    """Event times lie in [midnight, midnight + 24 h)."""
    rows = pl.DataFrame({"ts_ns": [MIDNIGHT_NS + offset_s * 1_000_000_000]})
    assert DATE_COVERAGE.judge(rows, DAY).passed is passes


def test_a_repeated_key_breaks_the_contract() -> None:
    """The contract check names the rule that a repeated instrument breaks."""
    row = {"date": DAY, "venue": "v", "symbol": "S", "tick_size": "1", "lot_size": "1", "session": "24x7"}
    check = contract_check(INSTRUMENTS)
    assert check.judge(pl.DataFrame([row], schema=INSTRUMENTS.schema), DAY).passed
    twice = check.judge(pl.DataFrame([row, row], schema=INSTRUMENTS.schema), DAY)
    assert not twice.passed
    assert twice.facts["failures"] == "table: multiple_fields_uniqueness"
