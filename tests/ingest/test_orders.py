import json
from datetime import date
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.bronze import INSTRUMENTS, ORDERS, QUARANTINE, QUOTES
from grinder_resources.errors import UnknownFile
from grinder_resources.ingest.bronze import bronze_day, ingest_log_day
from grinder_resources.ingest.limits import Limits
from grinder_resources.ingest.orders import HEADERS
from grinder_resources.ingest.quarantine import REASONS
from tests.ingest.conftest import Stage

DAY = date(2024, 8, 8)
MS = 1_723_078_800_000
NS = MS * 1_000_000
HEADER = HEADERS[0].decode() + "\n"
PLACED = {
    "type": "order",
    "v": 0,
    "ts_ms": MS,
    "venue": "binance",
    "symbol": "BTCUSDT",
    "order_id": "g-1",
    "event": "placed",
    "side": "BUY",
    "price": "99.50",
    "qty": "0.5",
    "filled_qty": "0",
}
PART = PLACED | {"ts_ms": MS + 2, "event": "part", "filled_qty": "0.2", "fill_price": "99.5"}
FILLED = PLACED | {"ts_ms": MS + 3, "event": "filled", "filled_qty": "0.5", "fill_price": "99.49"}
CANCELLED = PLACED | {"ts_ms": MS + 3, "event": "cancelled", "filled_qty": "0.2"}
NEIGHBOURS = (
    CANCELLED | {"order_id": "币" * 64},
    CANCELLED | {"order_id": "2", "filled_qty": "0"},
    PART | {"order_id": "3", "side": "SELL", "fill_price": "99.51"},
)
PAYLOAD = ["ts_ns", "order_id", "event", "side", "price_ticks", "size_lots", "filled_lots", "fill_ticks"]


def jsonl(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def csv(*records: dict[str, Any]) -> str:
    """Return the same records as CSV lines below the header in nanoseconds."""
    names = HEADER.strip().split(",")
    lines = [[str(record.get(name, "")) for name in names] for record in map(in_ns, records)]
    return HEADER + "".join(",".join(line) + "\n" for line in lines)


def in_ns(record: dict[str, Any]) -> dict[str, Any]:
    return record | {"ts_ns": record["ts_ms"] * 1_000_000}


def reasons(stage: Stage, files: dict[str, str | bytes]) -> list[tuple[int, str]]:
    return list(bronze_day(stage(files), QUARANTINE, DAY).select("line", "reason").iter_rows())


@pytest.mark.parametrize(
    "files",
    [
        {"o.jsonl": jsonl(PLACED, PART, FILLED)},
        {"o.jsonl.gz": jsonl(*(in_ns(record) | {"ts_ms": 0} for record in (PLACED, PART, FILLED)))},
        {"o.csv": csv(PLACED, PART, FILLED)},
        {"o.csv.gz": csv(PLACED, PART, FILLED).replace("\n", "\r\n")},
        {"o.csv": csv(PLACED, PART, FILLED).replace("ts_ns", "ts_ms").replace("000000,binance", ",binance")},
    ],
    ids=["JSONL, ms", "JSONL, ns", "CSV, ns", "CSV, Windows", "CSV, ms"],
)
def test_a_life_is_three_rows_in_ticks_and_lots_however_it_is_written(
    stage: Stage, files: dict[str, str | bytes]
) -> None:
    """Ticks of 0.01, lots of 0.000001; what is filled is the sum so far; only fills have a price of their own."""
    rows = bronze_day(stage(files), ORDERS, DAY)
    assert rows.select(PAYLOAD).rows() == [
        (NS, "g-1", "placed", 1, 9950, 500_000, 0, None),
        (NS + 2_000_000, "g-1", "part", 1, 9950, 500_000, 200_000, 9950),
        (NS + 3_000_000, "g-1", "filled", 1, 9950, 500_000, 500_000, 9949),
    ]
    assert rows.select("venue", "symbol", "recv_ns").unique().rows() == [("binance", "BTCUSDT", None)]


@pytest.mark.parametrize(
    ("record", "change", "reason"),
    [
        (PLACED, {"event": "expired"}, "wrong_type"),
        (PLACED, {"event": None}, "missing_field"),
        (PLACED, {"side": "buy"}, "wrong_type"),
        (PLACED, {"side": 1}, "wrong_type"),
        (PLACED, {"type": "orders"}, "wrong_type"),
        (PLACED, {"v": 1}, "wrong_type"),
        (PLACED, {"v": False}, "wrong_type"),
        (PLACED, {"order_id": ""}, "missing_field"),
        (PLACED, {"order_id": 7}, "wrong_type"),
        (PLACED, {"order_id": "x" * 65}, "bad_name"),
        (PLACED, {"order_id": "a\tb"}, "bad_name"),
        (PLACED, {"symbol": "\0"}, "bad_name"),
        (PLACED, {"venue": None}, "missing_field"),
        (PLACED, {"price": "99.505"}, "off_grid"),
        (PLACED, {"price": 99.5}, "wrong_type"),
        (PLACED, {"price": "-1"}, "not_positive"),
        (PLACED, {"price": "1e40"}, "too_large"),
        (PLACED, {"price": "NaN"}, "not_finite"),
        (PLACED, {"qty": "0"}, "not_positive"),
        (PLACED, {"qty": None}, "missing_field"),
        (PLACED, {"filled_qty": None}, "missing_field"),
        (PLACED, {"filled_qty": "0.1"}, "bad_fill"),
        (PLACED, {"fill_price": "99.5"}, "bad_fill"),
        (PLACED, {"ts_ms": None}, "missing_field"),
        (PLACED, {"ts_ms": "soon"}, "wrong_type"),
        (PLACED, {"ts_ns": MS}, "out_of_range_time"),
        (PLACED, {"ts_ns": 1 << 63}, "out_of_range_time"),
        (PLACED, {"ts_ms": MS - 10_001}, "out_of_order"),
        (PART, {"filled_qty": "0"}, "bad_fill"),
        (PART, {"filled_qty": "0.5"}, "bad_fill"),
        (PART, {"fill_price": None}, "missing_field"),
        (PART, {"fill_price": "99.51"}, "bad_fill"),
        (PART, {"fill_price": "0"}, "not_positive"),
        (PART, {"side": "SELL", "fill_price": "99.49"}, "bad_fill"),
        (FILLED, {"filled_qty": "0.4"}, "bad_fill"),
        (FILLED, {"filled_qty": "0.6"}, "bad_fill"),
        (CANCELLED, {"filled_qty": "0.5"}, "bad_fill"),
        (CANCELLED, {"filled_qty": "-0.1"}, "bad_fill"),
        (CANCELLED, {"fill_price": "99.5"}, "bad_fill"),
    ],
)
def test_an_event_that_cannot_be_is_kept_aside(
    stage: Stage, record: dict[str, Any], change: dict[str, Any], reason: str
) -> None:
    """With the line and the reason; its neighbours stay and the counts add up."""
    staged = stage({"o.jsonl": jsonl(PLACED, record | change, *NEIGHBOURS)})
    assert bronze_day(staged, QUARANTINE, DAY).select("line", "reason").rows() == [(2, reason)]
    log = ingest_log_day(staged, DAY).select("rows_in", "rows_out", "quarantined")
    assert log.rows() == [(5, 4, 1)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"{NS},binance,BTCUSDT,a,placed,BUY,1,1,0\n", "wrong_field_count"),
        (f"{NS},binance,BTCUSDT,a,placed,BUY,1,1,0,,\n", "wrong_field_count"),
        (f"{NS}.0,binance,BTCUSDT,a,placed,BUY,1,1,0,\n", "wrong_type"),
        (f"{'9' * 19},binance,BTCUSDT,a,placed,BUY,1,1,0,\n", "out_of_range_time"),
        (",binance,BTCUSDT,a,placed,BUY,1,1,0,\n", "missing_field"),
        (f"{NS},,BTCUSDT,a,placed,BUY,1,1,0,\n", "missing_field"),
        (f'{NS},binance,BTCUSDT,"a",placed,BUY,1,1,"0",\n', "wrong_type"),
        (f"{NS},binance,BTC\udcffUSDT,a,placed,BUY,1,1,0,\n", "wrong_type"),
        ("x" * 600 + "\n", "line_too_long"),
        (f"{NS},binance,BTCUSDT,a,placed,BUY,1,1,0,", "cut_line"),
    ],
)
def test_a_csv_line_that_is_no_record_is_kept_aside(stage: Stage, line: str, reason: str) -> None:
    """Nothing is quoted and nothing guessed; a last line without its newline may lack digits."""
    text = (csv(PLACED) + line).encode("utf-8", "surrogateescape")
    staged = stage({"o.csv": text}, None, Limits(max_line_bytes=500))
    assert bronze_day(staged, QUARANTINE, DAY).select("line", "reason").rows() == [(3, reason)]
    assert bronze_day(staged, ORDERS, DAY)["seq"].to_list() == [2]


def test_equal_events_count_once_and_contradicting_ones_never(stage: Stage) -> None:
    """Two fills within a millisecond differ in what is filled; one event with two prices is none."""
    second = PART | {"filled_qty": "0.3"}
    other = FILLED | {"fill_price": "99.5"}
    staged = stage({"a.jsonl": jsonl(PLACED, PART, second, FILLED), "b.csv": csv(PART, other)})
    assert bronze_day(staged, ORDERS, DAY).select("event", "filled_lots").rows() == [
        ("placed", 0),
        ("part", 200_000),
        ("part", 300_000),
    ]
    log = ingest_log_day(staged, DAY).select("rows_in", "rows_out", "quarantined", "deduplicated")
    assert log.rows() == [(4, 3, 1, 0), (2, 0, 1, 1)]
    assert bronze_day(staged, QUARANTINE, DAY)["reason"].to_list() == ["conflicting_duplicate"] * 2


def test_units_come_from_the_quotes_where_orders_show_fewer_decimals(stage: Stage) -> None:
    """Whole prices of a few orders must not make the tick of an instrument nobody has declared."""
    order = PLACED | {"venue": "x", "symbol": "NEW", "price": "99", "qty": "1"}
    tick = {"type": "SNAPSHOT", "ts": MS, "venue": "x", "symbol": "NEW"}
    tick |= {"bid_price": "99.25", "ask_price": "99.5", "bid_qty": "0.1", "ask_qty": "1"}
    staged = stage({"a.jsonl": jsonl(order), "z.jsonl": jsonl(tick)})
    assert bronze_day(staged, ORDERS, DAY).select("price_ticks", "size_lots").rows() == [(9900, 10)]
    assert bronze_day(staged, QUOTES, DAY).select("bid_ticks", "bid_lots").rows() == [(9925, 1)]
    alone = stage({"z.jsonl": jsonl(PLACED | {"venue": "x", "symbol": "ALONE"})})
    assert bronze_day(alone, INSTRUMENTS, DAY).select("symbol", "tick_size", "lot_size").rows() == [
        ("ALONE", "0.1", "0.1"),
        ("NEW", "0.01", "0.1"),
    ]


def test_a_csv_with_another_header_says_which_one_is_read(stage: Stage) -> None:
    """Columns are not guessed, and no order is invented from a list of fills."""
    with pytest.raises(UnknownFile, match=r"o\.csv.*exactly the header ts_ns,venue,symbol,order_id,"):
        stage({"o.csv": "time,order_id,price\n1,2,3\n"})


def test_a_header_in_the_middle_is_no_record(stage: Stage) -> None:
    """Two days written one behind the other are one file."""
    assert bronze_day(stage({"o.csv": csv(PLACED) + csv(PART)}), ORDERS, DAY)["seq"].to_list() == [2, 4]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_files_in_any_order_give_the_same_rows(stage: Stage, order: tuple[int, ...]) -> None:
    """Names decide only what comes first among equal times, so the rows are the same but for their numbers."""
    texts = [jsonl(PLACED), csv(PART), jsonl(FILLED, PLACED | {"order_id": "g-2"})]
    rows = bronze_day(stage({f"{i}.txt": texts[k] for i, k in enumerate(order)}), ORDERS, DAY)
    assert rows.select("ts_ns", "order_id", "event").sort("ts_ns", "order_id").rows() == [
        (NS, "g-1", "placed"),
        (NS, "g-2", "placed"),
        (NS + 2_000_000, "g-1", "part"),
        (NS + 3_000_000, "g-1", "filled"),
    ]


LINES = st.one_of(
    st.builds(
        lambda record, ms, number, lots: record | {"ts_ms": MS + ms, "order_id": number, "filled_qty": lots},
        st.sampled_from([PLACED, PART, FILLED, CANCELLED]),
        st.integers(0, 12_000),
        st.sampled_from(["1", "2", ""]),
        st.sampled_from(["0", "0.2", "0.5"]),
    ).map(lambda record: json.dumps(record) + "\n"),
    st.sampled_from(["{}\n", "\n", "x\n", "[1]\n", jsonl(PLACED | {"symbol": "\ud800"}), HEADER]),
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, max_size=20), st.booleans())
def test_whatever_a_file_of_orders_holds_every_line_is_accounted_for(
    stage: Stage, lines: list[str], twice: bool
) -> None:
    """Lines in = rows + kept aside + repeats, and every reason is documented."""
    text = jsonl(PLACED) + "".join(lines)
    staged = stage(
        {"a.jsonl": text, "b.jsonl": text if twice else jsonl(PLACED)},
        None,
        Limits(max_quarantined_share=1.0, min_quarantined_rows=1000),
    )
    log = ingest_log_day(staged, DAY)
    rows, aside = bronze_day(staged, ORDERS, DAY), bronze_day(staged, QUARANTINE, DAY)
    read = sum(1 for line in text.split("\n") if line.strip())
    assert log["rows_in"].sum() == (2 * read if twice else read + 1)
    assert log["rows_in"].sum() == rows.height + aside.height + log["deduplicated"].sum()
    assert set(aside["reason"]) <= set(REASONS)
