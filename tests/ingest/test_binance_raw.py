import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from grinder_resources.contracts.bronze import DEPTH, QUARANTINE, QUOTES, TRADES
from grinder_resources.errors import AmbiguousSource, UnknownFile
from grinder_resources.ingest.bronze import bronze_day, ingest_log_day
from grinder_resources.ingest.clock import ExchangeClock
from tests.ingest.conftest import Stage

DAY = date(2024, 8, 8)
MS = 1_723_078_800_000


def line(ms: int, message: dict[str, Any], *, micros: bool = False) -> str:
    """Return a line that the collector's clock, slow by 1270 ms, received at once."""
    stamp = (MS + ms - 1270) * (1_000 if micros else 1_000_000)
    return f"{stamp} {json.dumps(message, separators=(',', ':'))}\n"


def stream(ms: int, name: str, data: dict[str, Any]) -> str:
    return line(ms, {"stream": f"btcusdt@{name}", "data": data})


def rest(ms: int, last: int) -> str:
    return line(ms, {"lastUpdateId": last, "bids": [["99.00", "2"]], "asks": [["101.00", "3"]]})


def diff(ms: int, first: int, last: int, bids: list[list[str]], asks: list[list[str]]) -> str:
    data = {"e": "depthUpdate", "E": MS + ms, "s": "BTCUSDT", "U": first, "u": last, "b": bids, "a": asks}
    return stream(ms, "depth@100ms", data)


def trade(ms: int, number: int, **changes: Any) -> str:
    data = {
        "e": "trade",
        "E": MS + ms,
        "s": "BTCUSDT",
        "t": number,
        "p": "100.00",
        "q": "0.5",
        "T": MS + ms,
        "m": True,
        "M": True,
    }
    return stream(ms, "trade", data | changes)


def ticker(ms: int, last: int, bid: str = "99.00", ask: str = "101.00") -> str:
    return stream(ms, "bookTicker", {"u": last, "s": "BTCUSDT", "b": bid, "B": "2", "a": ask, "A": "3"})


SPOT = "".join(
    [
        diff(0, 1, 4, [["98.00", "1"]], []),
        rest(10, 5),
        diff(100, 5, 6, [["99.50", "1"]], []),
        trade(150, 1),
        ticker(160, 7, "99.50"),
        diff(200, 7, 9, [["99.50", "0"]], [["100.50", "4"]]),
        trade(250, 2, m=False),
    ]
)


def test_a_spot_log_becomes_trades_quotes_and_books(stage: Stage) -> None:
    """The first diff is in the REST answer, the next is the whole book; a spot ticker gets the clock's time."""
    staged = stage({"btcusdt.gz": SPOT})
    depth = bronze_day(staged, DEPTH, DAY)
    assert depth.select("venue", "ts_ns", "seq", "bid_ticks", "bid_lots", "ask_ticks", "is_snapshot").rows() == [
        ("binance", (MS + 100) * 10**6, 3, [9950, 9900], [1_000_000, 2_000_000], [10_100], True),
        ("binance", (MS + 200) * 10**6, 6, [9900], [2_000_000], [10_050, 10_100], False),
    ]
    trades = bronze_day(staged, TRADES, DAY)
    assert trades.select("ts_ns", "price_ticks", "size_lots", "aggressor", "trade_id").rows() == [
        ((MS + 150) * 10**6, 10_000, 500_000, -1, "1"),
        ((MS + 250) * 10**6, 10_000, 500_000, 1, "2"),
    ]
    quotes = bronze_day(staged, QUOTES, DAY)
    assert quotes.select("ts_ns", "recv_ns", "bid_ticks", "ask_ticks").rows() == [
        ((MS + 160) * 10**6, (MS + 160 - 1270) * 10**6, 9950, 10_100)
    ]
    log = {row["table"]: row for row in ingest_log_day(staged, DAY).to_dicts()}
    assert (log["bronze/depth"]["rows_in"], log["bronze/depth"]["deduplicated"]) == (3, 1)


def test_a_futures_log_is_known_by_its_chain_and_timed_by_t(stage: Stage) -> None:
    """`pu` makes it binance-futures; depth and tickers carry T, prices have ticks of 0.1."""
    diffs = [
        {
            "e": "depthUpdate",
            "E": MS + 9,
            "T": MS + ms,
            "s": "BTCUSDT",
            "U": last - 1,
            "u": last,
            "pu": before,
            "b": [["99.0", "1"]],
            "a": [],
        }
        for ms, before, last in ((1, 10, 15), (2, 15, 19))
    ]
    quote = {
        "e": "bookTicker",
        "u": 17,
        "s": "BTCUSDT",
        "b": "99.0",
        "B": "1",
        "a": "101.0",
        "A": "3",
        "T": MS + 3,
        "E": MS + 4,
    }
    text = rest(0, 12) + "".join(stream(5, "depth@0ms", data) for data in diffs) + stream(6, "bookTicker", quote)
    staged = stage({"btcusdt.gz": text})
    assert bronze_day(staged, DEPTH, DAY).select("venue", "ts_ns", "bid_ticks").rows() == [
        ("binance-futures", (MS + 1) * 10**6, [990]),
        ("binance-futures", (MS + 2) * 10**6, [990]),
    ]
    assert bronze_day(staged, QUOTES, DAY).select("ts_ns", "bid_ticks", "bid_lots").rows() == [
        ((MS + 3) * 10**6, 990, 1000)
    ]


def test_a_gap_in_the_sequence_keeps_updates_aside_until_the_next_rest_answer(stage: Stage) -> None:
    """Trades and quotes of the same minutes are not touched."""
    text = SPOT + diff(300, 12, 13, [], []) + diff(400, 14, 15, [], []) + trade(410, 3) + rest(420, 15)
    staged = stage({"btcusdt.gz": text + diff(500, 16, 16, [], [])})
    assert bronze_day(staged, QUARANTINE, DAY).select("line", "reason").rows() == [
        (8, "sequence_gap"),
        (9, "sequence_gap"),
    ]
    assert bronze_day(staged, DEPTH, DAY)["seq"].to_list() == [3, 6, 12]
    assert bronze_day(staged, TRADES, DAY).height == 3


@pytest.mark.parametrize(
    ("bad", "reason", "table"),
    [
        (trade(250, 2)[:70] + "\n", "not_json", "trades"),
        (trade(250, 2, p=100.0), "wrong_type", "trades"),
        (trade(250, 2, p="100.001"), "off_grid", "trades"),
        (trade(250, 2, q="0"), "not_positive", "trades"),
        (trade(250, 2, m=1), "wrong_type", "trades"),
        (trade(250, 2, T=None), "missing_field", "trades"),
        (trade(250, 2, T=10**30), "out_of_range_time", "trades"),
        (trade(250, 2, X="INSURANCE_FUND"), "off_book", "trades"),
        (trade(250, 2, s="ETHUSDT"), "foreign_row", "trades"),
        (trade(250, 2, T=MS - 20_000), "out_of_order", "trades"),
        (ticker(250, 12, "101.00"), "locked", "quotes"),
        (ticker(250, 12, "102.00"), "crossed", "quotes"),
        (ticker(250, 12, "NaN"), "not_finite", "quotes"),
        (diff(250, 10, 10, [["99", "1", "2"]], []), "bad_levels", "depth"),
        (diff(250, 10, 10, [["99", "-1"]], []), "not_positive", "depth"),
        (diff(250, 10, 10, [["101.50", "1"]], []), "crossed", "depth"),
        (diff(250, 10, 10, [["99", "0"]], []), "bad_levels", "depth"),
        (diff(250, 10, 10, [], []).replace('"e"', '"u":3,"e"'), "duplicate_key", "depth"),
        ('1723075200000000000 {"a":NaN}\n', "not_finite", "depth"),
        ("12 {}\n", "not_json", "depth"),
    ],
)
def test_a_bad_line_is_kept_aside(stage: Stage, bad: str, reason: str, table: str) -> None:
    """With its reason, line number and the table it was meant for; the lines before it stay."""
    staged = stage({"btcusdt.gz": SPOT + bad})
    assert bronze_day(staged, QUARANTINE, DAY).select("table", "line", "reason").rows() == [
        (f"bronze/{table}", 8, reason)
    ]
    assert bronze_day(staged, TRADES, DAY)["trade_id"].to_list() == ["1", "2"]


def test_tickers_before_the_first_exchange_time_wait_for_it(stage: Stage) -> None:
    """A log may begin with a ticker; its time comes from the first message that carries both clocks."""
    staged = stage({"btcusdt.gz": ticker(0, 3) + SPOT})
    assert bronze_day(staged, QUOTES, DAY)["ts_ns"].to_list() == [MS * 10**6, (MS + 160) * 10**6]
    assert stage({"btcusdt.gz": ticker(0, 3) + rest(1, 2) + ticker(2, 4) + trade(5, 1)}).days(QUOTES) == [DAY]


def test_other_streams_are_passed_over_and_mixed_prints_refused(stage: Stage) -> None:
    """A kline is nobody's row; trade and aggTrade are the same prints twice."""
    kline = stream(300, "kline_1m", {"e": "kline", "E": MS, "s": "BTCUSDT", "k": {}})
    assert ingest_log_day(stage({"btcusdt.gz": SPOT + kline}), DAY)["rows_in"].sum() == 6
    with pytest.raises(AmbiguousSource, match="aggregate trades"):
        stage({"btcusdt.gz": SPOT + trade(300, 9, e="aggTrade", a=5)})


def test_a_log_of_two_symbols_is_refused(stage: Stage) -> None:
    """A collector log is about one symbol."""
    with pytest.raises(UnknownFile, match="split it by symbol"):
        stage({"both.gz": trade(0, 1) + trade(0, 2, s="ETHUSDT")})


def test_the_book_runs_on_from_file_to_file_and_appending_parses_one_file(stage: Stage, tmp_path: Path) -> None:
    """Only the first file has the REST answer; files are ordered by receive time, not by name."""
    cut = SPOT.index(diff(200, 7, 9, [["99.50", "0"]], [["100.50", "4"]]))
    whole = bronze_day(stage({"z.gz": SPOT}), DEPTH, DAY)
    stage({"z.gz": SPOT[:cut]})
    before = set((tmp_path / "stage").iterdir())
    both = stage({"a.gz": SPOT[cut:]})
    assert [file.source for file in both.files] == ["z.gz", "a.gz"]
    assert len(set((tmp_path / "stage").iterdir()) - before) == 1
    assert bronze_day(both, DEPTH, DAY).drop("seq").equals(whole.drop("seq"))
    assert bronze_day(both, DEPTH, DAY)["seq"].to_list() == [3, 3 + 1]


def test_the_clock_follows_the_median_and_the_update_ids() -> None:
    """One late message does not move it; ids bracket the estimate; it never goes back."""
    clock = ExchangeClock({})
    for recv, event in ((90, 100), (190, 200), (900, 300), (390, 400), (490, 500)):
        clock.see(recv, event)
    clock.see_book(10, 400)
    clock.see_book(20, 500)
    assert clock.time_of(recv_ns=440, update_id=15) == 450
    assert clock.time_of(recv_ns=495, update_id=18) == 500
    assert clock.time_of(recv_ns=380, update_id=25) == 500
    assert clock.time_of(recv_ns=600, update_id=30) == 610
    assert ExchangeClock(clock.state()).time_of(recv_ns=590, update_id=31) == 610
