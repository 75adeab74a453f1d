import json
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.bronze import DEPTH, QUARANTINE, QUOTES
from grinder_resources.errors import UnknownFile
from grinder_resources.ingest.bronze import bronze_day, ingest_log_day
from grinder_resources.ingest.limits import Limits
from tests.ingest.conftest import Stage

DAY = date(2024, 8, 8)
MS = 1_723_075_200_000
GOOD = {
    "type": "SNAPSHOT",
    "ts": MS,
    "symbol": "BTCUSDT",
    "venue": "binance",
    "bid_price": "99.5",
    "ask_price": "100.00",
    "bid_qty": "0.5",
    "ask_qty": "2",
    "last_price": "99.9",
    "last_qty": "1",
}
BOOK = {
    "type": "l2_snapshot",
    "v": 0,
    "ts_ms": MS,
    "symbol": "BTCUSDT",
    "venue": "binance",
    "depth": 2,
    "bids": [["99.5", "1"], ["99.0", "2"]],
    "asks": [["100", "3"], ["101", "4"]],
    "meta": {},
}


def jsonl(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


FAULTS = {
    "cut": (json.dumps(GOOD)[:40], "not_json"),
    "garbage": ("\x01\x02 %%%", "not_json"),
    "nul": (json.dumps(GOOD)[:-1] + "\0}", "not_json"),
    "bom": ("\ufeff" + json.dumps(GOOD), "not_json"),
    "wrong type": (json.dumps(GOOD | {"bid_price": 99.5}), "wrong_type"),
    "integer overflow": (json.dumps(GOOD | {"ts": 10**30}), "out_of_range_time"),
    "nan": (json.dumps(GOOD | {"last_qty": float("nan")}), "not_finite"),
    "1e999": (json.dumps(GOOD).replace('"1"', "1e999"), "not_finite"),
    "duplicate key": (json.dumps(GOOD)[:-1] + ', "ts": 1}', "duplicate_key"),
    "missing key": (json.dumps({key: value for key, value in GOOD.items() if key != "bid_qty"}), "missing_field"),
    "extra key": (json.dumps(GOOD | {"note": "x"}), None),
    "blank line": ("   ", None),
    "five thousand digits": (json.dumps(GOOD)[:-1] + ', "n": ' + "9" * 5000 + "}", "not_json"),
    "deep nesting": ("[" * 100_000, "not_json"),
    "array": ("[1]", "not_json"),
}


def test_ticks_become_quotes(stage: Stage) -> None:
    """Milliseconds become ns, decimal texts ticks of 0.01 and lots of 0.000001."""
    rows = bronze_day(stage({"ticks.jsonl.gz": jsonl(GOOD)}), QUOTES, DAY)
    assert rows.drop("date").rows() == [("binance", "BTCUSDT", MS * 10**6, None, 1, 9950, 500_000, 10_000, 2_000_000)]


def test_a_tick_without_a_venue_is_the_bots_own_and_gets_inferred_units(stage: Stage) -> None:
    """The most decimals in the file decide: prices have one that matters, sizes one."""
    record = {key: value for key, value in GOOD.items() if key != "venue"}
    rows = bronze_day(stage({"ticks.jsonl": jsonl(record)}), QUOTES, DAY)
    assert rows.select("venue", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots").rows() == [
        ("grinder", 995, 5, 1000, 20)
    ]


def test_l2_snapshots_become_depth(stage: Stage) -> None:
    """Every snapshot is a whole book."""
    rows = bronze_day(stage({"l2.jsonl": jsonl(BOOK)}), DEPTH, DAY)
    assert rows.select("bid_ticks", "bid_lots", "ask_ticks", "ask_lots", "is_snapshot").rows() == [
        ([9950, 9900], [1_000_000, 2_000_000], [10_000, 10_100], [3_000_000, 4_000_000], True)
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"v": 1}, "wrong_type"),
        ({"v": False}, "wrong_type"),
        ({"depth": 3}, "bad_levels"),
        ({"depth": True}, "wrong_type"),
        ({"depth": 0, "bids": [], "asks": []}, "bad_levels"),
        ({"bids": [["99.5", "1"], ["99.5", "2"]]}, "bad_levels"),
        ({"bids": [["99.0", "1"], ["99.5", "2"]]}, "bad_levels"),
        ({"asks": [["101", "1"], ["100", "2"]]}, "bad_levels"),
        ({"bids": [["99.5", "1", "x"], ["99.0", "2"]]}, "bad_levels"),
        ({"bids": [["99.5", 1], ["99.0", "2"]]}, "wrong_type"),
        ({"bids": [["99.5", "0"], ["99.0", "2"]]}, "not_positive"),
        ({"bids": [["-1", "1"], ["-2", "2"]]}, "not_positive"),
        ({"bids": [["99.5", "NaN"], ["99.0", "2"]]}, "not_finite"),
        ({"asks": [["Infinity", "1"], ["101", "2"]]}, "not_finite"),
        ({"asks": [["99", "1"], ["101", "2"]]}, "crossed"),
        ({"asks": [["99.5", "1"], ["101", "2"]]}, "locked"),
        ({"meta": []}, "wrong_type"),
        ({"asks": None}, "missing_field"),
    ],
)
def test_an_l2_snapshot_that_breaks_its_contract_is_kept_aside(
    stage: Stage, change: dict[str, Any], reason: str
) -> None:
    """Each rule of the v0 line format."""
    staged = stage({"l2.jsonl": jsonl(BOOK, BOOK | change)})
    assert bronze_day(staged, QUARANTINE, DAY).select("line", "reason").rows() == [(2, reason)]
    assert bronze_day(staged, DEPTH, DAY).height == 1


@pytest.mark.parametrize(("bids", "reason"), [(None, "missing_field"), (5, "wrong_type"), (["x"], "bad_levels")])
def test_a_symbol_whose_only_book_is_broken_is_kept_aside_too(stage: Stage, bids: Any, reason: str) -> None:
    """No line of it shows prices that units could be inferred from."""
    staged = stage({"l2.jsonl": jsonl(BOOK, BOOK | {"symbol": "NEW", "depth": 1, "bids": bids})})
    assert bronze_day(staged, QUARANTINE, DAY).select("line", "reason").rows() == [(2, reason)]


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_a_line_has_its_reason(stage: Stage, fault: str) -> None:
    """The line number is told; conservation holds."""
    text, reason = FAULTS[fault]
    staged = stage({"ticks.jsonl": jsonl(GOOD) + text + "\n" + jsonl(GOOD)})
    expected = [] if reason is None else [(2, reason)]
    assert bronze_day(staged, QUARANTINE, DAY).select("line", "reason").rows() == expected
    log = ingest_log_day(staged, DAY)
    good = 3 if fault == "extra key" else 2
    assert log.select("rows_in", "rows_out", "quarantined").rows() == [(good + len(expected), good, len(expected))]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(sorted(set(FAULTS) - {"extra key"}))), max_size=8))
def test_bad_lines_anywhere_leave_the_good_rows_equal(stage: Stage, inserted: list[tuple[int, str]]) -> None:
    """Whatever is put between good lines, the good rows are the same but for their line numbers."""
    lines = [json.dumps(GOOD | {"ts": MS + i}) for i in range(4)]
    clean = bronze_day(stage({"ticks.jsonl": "\n".join(lines)}), QUOTES, DAY).drop("seq")
    for at, fault in inserted:
        lines.insert(at, FAULTS[fault][0])
    dirty = bronze_day(stage({"ticks.jsonl": "\n".join(lines)}), QUOTES, DAY).drop("seq")
    assert dirty.equals(clean)


def test_the_last_line_of_a_file_being_written_is_a_cut_line(stage: Stage) -> None:
    """A whole object without a newline is a row, half of one is cut."""
    staged = stage({"ticks.jsonl": jsonl(GOOD) + json.dumps(GOOD)[:50]})
    assert bronze_day(staged, QUARANTINE, DAY).select("line", "reason").rows() == [(2, "cut_line")]
    assert bronze_day(stage({"ticks.jsonl": jsonl(GOOD) + json.dumps(GOOD)}), QUOTES, DAY).height == 2


def test_a_line_that_is_too_long_is_skipped_with_its_beginning_kept(stage: Stage) -> None:
    """The raw text is cut at 500 characters and the lines behind it are read."""
    long = json.dumps(GOOD | {"note": "x" * 5000})
    staged = stage({"ticks.jsonl": jsonl(GOOD) + long + "\n" + jsonl(GOOD)}, None, Limits(max_line_bytes=1000))
    row = bronze_day(staged, QUARANTINE, DAY).row(0, named=True)
    assert (row["line"], row["reason"], row["raw"]) == (2, "line_too_long", long[:500])
    assert bronze_day(staged, QUOTES, DAY)["seq"].to_list() == [1, 3]


def test_feature_dumps_are_no_market_rows(stage: Stage) -> None:
    """They are refused with what to land instead."""
    with pytest.raises(UnknownFile, match="land the SNAPSHOT ticks"):
        stage({"features.jsonl": jsonl({"ts": MS, "symbol": "X", "mid_price": "1", "natr_bps": 0, "warmup_bars": 1})})
