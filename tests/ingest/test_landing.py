import gzip
import json
import os
from datetime import date
from pathlib import Path

import pytest

from grinder_resources.errors import AmbiguousSource, CorruptFile, LandingMissing, NoData, UnknownFile
from grinder_resources.ingest.landing import discover, named_days
from tests.ingest.conftest import Stage

QUOTES = "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n"
QUOTE = "binance,BTCUSDT,1723075200000000,,1,100,99,1\n"
TICKER = (
    '1723075200000000 {"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT","b":"99","B":"1","a":"100","A":"1"}}\n'
)


def put(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_a_missing_or_empty_folder_says_what_to_do(landing: Path) -> None:
    """Files that are no data do not make a landing folder."""
    with pytest.raises(LandingMissing, match="Put exchange files there"):
        discover(landing / "nowhere")
    put(
        landing,
        {
            "README.md": "",
            ".hidden": "",
            "LICENSE": "",
            "SHA256SUMS": "",
            "licences/MIT.txt": "",
            "instruments.yaml": "",
        },
    )
    with pytest.raises(LandingMissing):
        discover(landing)


def test_content_beats_the_name(landing: Path) -> None:
    """A collector log called .csv and a CSV called .log are what they contain; feeds are sorted."""
    put(landing, {"a/quotes.csv": TICKER, "b/x.log": QUOTES + QUOTE.replace("BTC", "ETH")})
    feeds = discover(landing).feeds
    assert [(feed.format, feed.venue, feed.symbol) for feed in feeds] == [
        ("binance_raw", "binance", "BTCUSDT"),
        ("tardis", "binance", "ETHUSDT"),
    ]
    assert [feed.symbol for feed in discover(landing, {"ETHUSDT"}).feeds] == ["ETHUSDT"]


def test_unknown_files_are_refused_in_one_line_that_names_five(landing: Path) -> None:
    """Seven unknown files: five names, and how many more."""
    put(landing, {f"x{i}.bin": "?" for i in range(7)} | {"q.csv": QUOTES + QUOTE})
    with pytest.raises(UnknownFile, match=r"x0.bin, x1.bin, x2.bin, x3.bin, x4.bin and 2 more"):
        discover(landing)


def test_two_formats_of_one_instrument_are_ambiguous(landing: Path) -> None:
    """Both folders are named."""
    put(landing, {"raw/a.log": TICKER, "csv/q.csv": QUOTES + QUOTE})
    with pytest.raises(AmbiguousSource, match=r"raw/ \(binance_raw\) and csv/ \(tardis\)"):
        discover(landing)


def test_ticks_and_tardis_quotes_of_one_day_are_ambiguous_and_of_two_days_are_not(stage: Stage) -> None:
    """JSONL names its instruments by row, so the clash is found after parsing, by day."""
    tick = {
        "type": "SNAPSHOT",
        "symbol": "BTCUSDT",
        "venue": "binance",
        "bid_price": "99",
        "ask_price": "100",
        "bid_qty": "1",
        "ask_qty": "1",
    }
    files: dict[str, str | bytes] = {"q.csv": QUOTES + QUOTE, "t.jsonl": json.dumps(tick | {"ts": 1_723_161_600_000})}
    assert stage(files).days() == [date(2024, 8, 8), date(2024, 8, 9)]
    with pytest.raises(AmbiguousSource, match=r"two formats deliver bronze/quotes of binance:BTCUSDT on 2024-08-08"):
        stage({"t.jsonl": json.dumps(tick | {"ts": 1_723_075_200_000})})


def test_quotes_that_cover_the_same_time_twice_are_ambiguous_and_a_copy_is_not(stage: Stage) -> None:
    """A file with the same bytes is a repeat; another file over the same minutes cannot be settled."""
    text = QUOTES + QUOTE + QUOTE.replace("1723075200", "1723075260")
    assert len(stage({"q.csv": text, "copy.csv": text}).files) == 2
    with pytest.raises(AmbiguousSource, match="two files deliver bronze/quotes of binance:BTCUSDT of the same time"):
        stage(
            {
                "other.csv": QUOTES
                + QUOTE.replace("1723075200", "1723075220")
                + QUOTE.replace("1723075200", "1723075280")
            }
        )


def test_symbols_without_a_row_are_no_data(stage: Stage) -> None:
    """Asking for a symbol that nobody sent is an error, not an empty day."""
    with pytest.raises(NoData, match="expected DOGEUSDT"):
        stage({"q.csv": QUOTES + QUOTE}, {"DOGEUSDT"})


def test_a_truncated_source_is_refused_and_leaves_nothing_staged(stage: Stage, landing: Path, tmp_path: Path) -> None:
    """It stops before parsing, whatever the cut."""
    packed = gzip.compress((QUOTES + QUOTE * 5000 + os.urandom(3000).hex()).encode(), mtime=0)
    (landing / "q.csv.gz").write_bytes(packed[:-9])
    with pytest.raises(CorruptFile, match=r"q\.csv\.gz"):
        stage({})
    assert list((tmp_path / "stage").glob("*")) == []


def test_days_are_named_without_reading_each_with_a_hash_of_its_files(landing: Path) -> None:
    """A compact date is a local day and may reach into the UTC day before; 99999999 is no date."""
    assert named_days(landing) == {}
    put(landing, {"binance_quotes_2024-08-08_X.csv.gz": "", "x_20240301.gz": "", "id_99999999.gz": ""})
    before = named_days(landing)
    assert list(before) == [date(2024, 2, 29), date(2024, 3, 1), date(2024, 8, 8)]
    assert before == named_days(landing)
    put(landing, {"x_20240301.gz": "more"})
    after = named_days(landing)
    assert [day for day in after if after[day] != before[day]] == [date(2024, 2, 29), date(2024, 3, 1)]


def test_a_file_whose_name_tells_no_day_may_hold_any(landing: Path) -> None:
    """When it changes, so do the hashes of all days."""
    put(landing, {"a_2024-08-08.csv": "", "b_2024-08-09.csv": "", "ticks.jsonl": ""})
    before = named_days(landing)
    put(landing, {"ticks.jsonl": "more"})
    assert [day for day, listing in named_days(landing).items() if listing == before[day]] == []
