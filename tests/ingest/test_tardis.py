from datetime import date

import polars as pl
import pytest

from grinder_resources.contracts.bronze import DEPTH, QUARANTINE, QUOTES, TRADES
from grinder_resources.errors import CorruptFile, SchemaMismatch, TooManyQuarantined, UnknownFile
from grinder_resources.ingest.bronze import bronze_day, ingest_log_day
from grinder_resources.ingest.limits import Limits
from tests.ingest.conftest import Stage

DAY = date(2024, 8, 8)
T0 = 1_723_075_200_000_000
TRADE_HEADER = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
QUOTE_HEADER = "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n"
BOOK_HEADER = "exchange,symbol,timestamp,local_timestamp," + ",".join(
    f"{side}[{level}].{part}" for level in range(2) for side in ("asks", "bids") for part in ("price", "amount")
)


def trade(micros: int, rest: str) -> str:
    return f"binance,BTCUSDT,{T0 + micros},{T0 + micros - 7},{rest}\n"


def quote(micros: int, rest: str) -> str:
    return f"binance,BTCUSDT,{T0 + micros},,{rest}\n"


def reasons(stage: Stage, files: dict[str, str | bytes]) -> list[tuple[int, str]]:
    found = bronze_day(stage(files), QUARANTINE, DAY)
    return list(found.select("line", "reason").iter_rows())


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_trades_become_integer_rows(stage: Stage, name: str) -> None:
    """Side is the aggressor, an empty id is null, times are ns, prices ticks of 0.01 and sizes lots of 0.000001."""
    text = TRADE_HEADER + trade(5, "17,buy,61800.2,0.00001") + trade(6, ",sell,61800,1") + trade(6, ",unknown,61800,1")
    rows = bronze_day(stage({name: text}), TRADES, DAY)
    assert rows.drop("date").rows() == [
        ("binance", "BTCUSDT", (T0 + 5) * 1000, (T0 - 2) * 1000, 2, 6_180_020, 10, 1, "17"),
        ("binance", "BTCUSDT", (T0 + 6) * 1000, (T0 - 1) * 1000, 3, 6_180_000, 1_000_000, -1, None),
        ("binance", "BTCUSDT", (T0 + 6) * 1000, (T0 - 1) * 1000, 4, 6_180_000, 1_000_000, 0, None),
    ]


def test_columns_are_found_by_name_in_any_order(stage: Stage) -> None:
    """A reordered header with an extra column gives the same row; one row alone is a day."""
    text = "symbol,bid_amount,bid_price,ask_price,ask_amount,timestamp,local_timestamp,exchange,x\n"
    text += f"BTCUSDT,2,99.5,100,3,{T0},,binance,9\n"
    with pytest.raises(UnknownFile):
        stage({"q.csv": text})
    text = "exchange," + text.replace(",exchange,", ",").replace("BTCUSDT,2", "binance,BTCUSDT,2").replace(
        ",binance,9", ",9"
    )
    rows = bronze_day(stage({"q.csv": text}), QUOTES, DAY)
    assert rows.drop("date").rows() == [("binance", "BTCUSDT", T0 * 1000, None, 2, 9950, 2_000_000, 10_000, 3_000_000)]


def test_books_become_lists_and_a_thin_book_shorter_ones(stage: Stage) -> None:
    """Empty cells after the last level are no levels."""
    start = f"binance,BTCUSDT,{T0},{T0},"
    text = f"{BOOK_HEADER}\n{start}100,1,99,2,101,3,98,4\n{start}100,1,99,2,,,98,4\n"
    rows = bronze_day(stage({"b.csv": text}), DEPTH, DAY)
    assert rows["ask_ticks"].to_list() == [[10_000, 10_100], [10_000]]
    assert rows["ask_lots"].to_list() == [[1_000_000, 3_000_000], [1_000_000]]
    assert rows["bid_ticks"].to_list() == [[9_900, 9_800], [9_900, 9_800]]
    assert rows["is_snapshot"].to_list() == [True, True]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("100,1,99,2,,3,98,4", "bad_levels"),
        (",,99,2,101,3,98,4", "bad_levels"),
        ("100,1,99,2,100,3,98,4", "bad_levels"),
        ("100,1,99,2,101,3,99.5,4", "bad_levels"),
        (",,99,2,,,98,4", "bad_levels"),
        ("100,0,99,2,101,3,98,4", "not_positive"),
        ("100,1,100.01,2,101,3,98,4", "crossed"),
        ("100,1,100,2,101,3,98,4", "locked"),
        ("100,1,99.001,2,101,3,98,4", "off_grid"),
    ],
)
def test_a_bad_book_is_kept_aside(stage: Stage, cells: str, reason: str) -> None:
    """Holes, unsorted levels, an empty side, a size of zero, a crossed or locked top."""
    start = f"binance,BTCUSDT,{T0},{T0},"
    assert reasons(stage, {"b.csv": f"{BOOK_HEADER}\n{start}100,1,99,2,101,3,98,4\n{start}{cells}\n"}) == [(3, reason)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (trade(1, "1,buy,100.001,1"), "off_grid"),
        (trade(1, "1,buy,nan,1"), "not_finite"),
        (trade(1, "1,buy,100,inf"), "not_finite"),
        (trade(1, "1,buy,1e39,1"), "too_large"),
        (trade(1, "1,buy,-0.0,1"), "not_positive"),
        (trade(1, "1,buy,100,-1"), "not_positive"),
        (trade(1, "1,buy,5e-324,1"), "off_grid"),
        (trade(1, "1,buy,abc,1"), "wrong_type"),
        (trade(1, "1,BUY,100,1"), "wrong_type"),
        (trade(1, "1,buy,,1"), "missing_field"),
        (trade(1, "1,,100,1"), "missing_field"),
        (trade(1, "1,buy,100,1,9"), "wrong_field_count"),
        (trade(1, "1,buy,100"), "wrong_field_count"),
        (trade(1, "1,buy,100,1\0"), "wrong_type"),
        (trade(1, "1,buy,100,1").replace("BTCUSDT", "ETHUSDT"), "foreign_row"),
        (trade(1, "1,buy,100,1").replace("binance", "bybit"), "foreign_row"),
        ("binance,BTCUSDT,0,0,1,buy,100,1\n", "out_of_range_time"),
        (trade(1, "1,buy,100,1").replace(str(T0 + 1), f"{T0 + 1}.5"), "wrong_type"),
        ("x" * 3000 + "\n", "line_too_long"),
        (trade(1, "1,buy,100,1")[:-1], "cut_line"),
    ],
)
def test_a_bad_trade_is_kept_aside_and_its_neighbours_stay(stage: Stage, line: str, reason: str) -> None:
    """The reason, the line number, and conservation in the log."""
    text = TRADE_HEADER + trade(0, "7,buy,100,1") + line
    text += "" if reason == "cut_line" else trade(2, "8,sell,101,1")
    staged = stage({"t.csv.gz": text}, None, Limits(max_line_bytes=2000))
    assert list(bronze_day(staged, QUARANTINE, DAY).select("line", "reason").iter_rows()) == [(3, reason)]
    good = 1 if reason == "cut_line" else 2
    assert bronze_day(staged, TRADES, DAY)["trade_id"].to_list() == ["7", "8"][:good]
    log = ingest_log_day(staged, DAY).row(0, named=True)
    assert (log["rows_in"], log["rows_out"], log["quarantined"]) == (good + 1, good, 1)


def test_locked_quotes_are_legal_where_the_venue_declares_it(stage: Stage) -> None:
    """lean-us allows bid = ask, binance does not; bid > ask is legal nowhere."""
    lines = quote(0, "1,100,99,1") + quote(1, "1,100,100,1") + quote(2, "1,99,100,1")
    assert reasons(stage, {"q.csv": QUOTE_HEADER + lines}) == [(3, "locked"), (4, "crossed")]
    rows = bronze_day(stage({"q.csv": QUOTE_HEADER + lines.replace("binance,BTC", "lean-us,BTC")}), QUOTES, DAY)
    assert rows.select("bid_ticks", "ask_ticks").rows() == [(990_000, 1_000_000), (1_000_000, 1_000_000)]


def test_late_rows_are_sorted_and_counted_and_later_ones_kept_aside(stage: Stage) -> None:
    """Ten seconds behind the newest event is late but allowed; a microsecond more is out of order."""
    text = TRADE_HEADER + "".join(
        trade(micros, f"{i},buy,100,1") for i, micros in enumerate((20_000_000, 10_000_000, 9_999_999, 20_000_001))
    )
    staged = stage({"t.csv": text})
    rows = bronze_day(staged, TRADES, DAY)
    assert rows["trade_id"].to_list() == ["1", "0", "3"]
    assert rows["seq"].to_list() == [3, 2, 5]
    log = ingest_log_day(staged, DAY).row(0, named=True)
    assert (log["rows_out"], log["reordered"], log["quarantined"]) == (3, 1, 1)
    assert bronze_day(staged, QUARANTINE, DAY)["reason"].to_list() == ["out_of_order"]


def test_a_trade_seen_twice_counts_once_and_a_contradiction_counts_never(stage: Stage) -> None:
    """Same id and content: the first stays. Same id, other content: both kept aside. No id: never compared."""
    text = TRADE_HEADER + "".join(
        [
            trade(0, "1,buy,100,1"),
            trade(0, "1,buy,100,1"),
            trade(1, "2,buy,100,1"),
            trade(1, "2,buy,100,2"),
            trade(2, ",buy,100,1"),
            trade(2, ",buy,100,1"),
        ]
    )
    staged = stage({"t.csv": text})
    assert bronze_day(staged, TRADES, DAY)["trade_id"].to_list() == ["1", None, None]
    assert bronze_day(staged, QUARANTINE, DAY).select("line", "reason").rows() == [
        (4, "conflicting_duplicate"),
        (5, "conflicting_duplicate"),
    ]
    log = ingest_log_day(staged, DAY).row(0, named=True)
    assert (log["rows_in"], log["rows_out"], log["quarantined"], log["deduplicated"]) == (6, 3, 2, 1)


def test_more_bad_rows_than_allowed_refuse_the_file(stage: Stage) -> None:
    """Ten bad rows pass in a small file, the eleventh refuses it and says why."""
    good = TRADE_HEADER + "".join(trade(i, f"{i},buy,100,1") for i in range(100))
    bad = [trade(200, "x,buy,0,1")] * 11
    assert len(reasons(stage, {"t.csv": good + "".join(bad[:10])})) == 10
    with pytest.raises(TooManyQuarantined, match=r"t\.csv for bronze/trades; got 11 of 111 rows \(11 not_positive\)"):
        stage({"t.csv": good + "".join(bad)})
    assert stage({"t.csv": good + "".join(bad)}, None, Limits(max_quarantined_share=0.2)).days() == [DAY]


def test_a_file_without_one_datable_row_is_refused(stage: Stage) -> None:
    """Bad rows belong to their file's day; a file that has none is not a market file."""
    with pytest.raises(CorruptFile, match="not one row"):
        stage({"t.csv": TRADE_HEADER + trade(0, "1,buy,1,1").replace(str(T0), "soon")})


def test_headers_that_cannot_be_read_are_refused_by_name(stage: Stage) -> None:
    """A repeated column is a schema mismatch; book diffs say what to land instead."""
    with pytest.raises(SchemaMismatch, match="names a column twice"):
        stage({"t.csv": TRADE_HEADER.replace("amount", "price") + trade(0, "1,buy,1,1")})
    with pytest.raises(UnknownFile, match="book_snapshot_25"):
        stage({"t.csv": "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"})


def test_windows_line_ends_and_blank_lines_change_nothing(stage: Stage) -> None:
    """The same rows come out; line numbers count every line."""
    plain = bronze_day(stage({"t.csv": TRADE_HEADER + trade(0, "1,buy,100,1")}), TRADES, DAY)
    text = (TRADE_HEADER + "\n" + trade(0, "1,buy,100,1")).replace("\n", "\r\n")
    windows = bronze_day(stage({"t.csv": text}), TRADES, DAY)
    assert windows.with_columns(pl.col("seq") - 1).equals(plain)


def test_a_header_alone_is_an_empty_file_of_the_named_symbol(stage: Stage) -> None:
    """It delivers nothing and stops nothing."""
    staged = stage(
        {"binance_trades_2024-08-08_BTCUSDT.csv": TRADE_HEADER, "q.csv": QUOTE_HEADER + quote(0, "1,100,99,1")}
    )
    assert staged.days(TRADES) == []
    assert staged.days() == [DAY]
