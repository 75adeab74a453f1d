"""The readers on real recordings; skipped where those are absent."""

import gzip
import re
import shutil
from datetime import date
from itertools import islice
from pathlib import Path

import polars as pl
import pytest

from grinder_resources.contracts.bronze import DEPTH, GATES, QUOTES, TRADES
from grinder_resources.errors import AmbiguousSource
from grinder_resources.ingest.bronze import bronze_day, ingest_log_day, stage_landing
from grinder_resources.ingest.landing import discover
from grinder_resources.ingest.staged import Staged

SECOND = 1_000_000_000
RUN_START = date(2024, 7, 23)


def stage_files(work: Path, folder: Path, pattern: str) -> Staged:
    landing = work / "landing"
    landing.mkdir()
    for path in folder.glob(pattern):
        shutil.copy(path, landing)
    return stage_landing(landing, work / "stage", work / "pins.yaml")


@pytest.fixture(scope="module")
def raw(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Staged:
    """Return the spot log of 15:39 to 24:00 UTC, which lies in two files of local days."""
    return stage_files(tmp_path_factory.mktemp("raw"), real_data / "raw/binance/nexo_spot", "*2[34].dat.gz")


@pytest.fixture(scope="module")
def tardis(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Staged:
    """Return the same hours in Tardis form."""
    return stage_files(tmp_path_factory.mktemp("tardis"), real_data / "tardis", "*2024-07-23_NEXOUSDT*")


def each_second(rows: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    """Return the last state at or before every full second."""
    states = rows.select("ts_ns", **columns).set_sorted("ts_ns")
    first, last = (int(states["ts_ns"][at]) // SECOND + 1 for at in (0, -1))
    grid = pl.DataFrame({"second": pl.int_range(first, last, eager=True) * SECOND})
    return grid.join_asof(states, left_on="second", right_on="ts_ns", strategy="backward").drop("ts_ns")


def agreement(left: pl.DataFrame, right: pl.DataFrame) -> float:
    joined = left.join(right, on="second", suffix="_right")
    assert joined.height > 29_000
    same = pl.all_horizontal(pl.col(name) == pl.col(f"{name}_right") for name in left.columns if name != "second")
    return float(joined.select(same.mean()).item())


def test_raw_trades_are_the_tardis_trades(raw: Staged, tardis: Staged) -> None:
    """Row by row, but for the line numbers."""
    left, right = (bronze_day(staged, TRADES, RUN_START).drop("seq") for staged in (raw, tardis))
    assert left.height == 4681
    assert left.equals(right)


def test_raw_quotes_agree_with_tardis_each_second(raw: Staged, tardis: Staged) -> None:
    """Bid and ask, so mid and spread: the estimated ticker times differ by milliseconds, the seconds must not."""
    best = {"bid": pl.col("bid_ticks"), "ask": pl.col("ask_ticks")}
    left, right = (bronze_day(staged, QUOTES, RUN_START) for staged in (raw, tardis))
    assert left.height == right.height == 11_794
    assert agreement(each_second(left, **best), each_second(right, **best)) >= 0.998


def test_the_rebuilt_book_agrees_with_tardis_each_second(raw: Staged, tardis: Staged) -> None:
    """All 20 levels of both sides, prices and sizes."""
    levels = {name: pl.col(name) for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")}
    left, right = (each_second(bronze_day(staged, DEPTH, RUN_START), **levels) for staged in (raw, tardis))
    assert agreement(left, right) >= 0.999


def test_the_rebuilt_top_is_the_ticker_of_the_same_second(raw: Staged) -> None:
    """Two streams of one exchange tell the same best prices."""
    quotes = each_second(bronze_day(raw, QUOTES, RUN_START), bid=pl.col("bid_ticks"), ask=pl.col("ask_ticks"))
    best = {"bid": pl.col("bid_ticks").list.first(), "ask": pl.col("ask_ticks").list.first()}
    assert agreement(each_second(bronze_day(raw, DEPTH, RUN_START), **best), quotes) >= 0.995


def test_nothing_of_the_raw_logs_is_lost(raw: Staged) -> None:
    """114,078 lines, one of them the REST answer that seeds the book; nothing is kept aside."""
    logs = pl.concat([ingest_log_day(raw, day) for day in raw.days()])
    assert logs.select(pl.col("rows_in", "rows_out", "quarantined", "deduplicated").sum()).row(0) == (
        114_077,
        114_077,
        0,
        0,
    )


@pytest.mark.parametrize("pattern", ["*2024-08-0[89]*", "lean-us_*_2013-10-07_*"])
def test_row_counts_are_those_of_the_recordings(real_data: Path, tmp_path: Path, pattern: str) -> None:
    """Every file's rows arrive, those of a single row too; the counts come from the data's own table."""
    table = (real_data / "README.md").read_text()
    expected = {
        name: int(count.replace(",", ""))
        for name, count in re.findall(r"^\| (\S+\.csv\.gz) \| ([\d,]+) \|", table, re.M)
    }
    staged = stage_files(tmp_path, real_data / "tardis", pattern)
    logs = pl.concat([ingest_log_day(staged, day) for day in staged.days()])
    assert set(staged.days()) <= {date(2013, 10, 7), date(2024, 8, 8), date(2024, 8, 9)}
    assert dict(logs.select("source", "rows_out").iter_rows()) == {
        file.source: expected[file.source] for file in staged.files
    }
    for day in staged.days():
        for kind in (TRADES, QUOTES, DEPTH):
            wanted = logs.filter((pl.col("date") == day) & (pl.col("table") == kind.name))["rows_out"].sum()
            assert bronze_day(staged, kind, day).height == wanted


def test_all_gates_of_the_week_arrive(real_data: Path, tmp_path: Path) -> None:
    """3,106 rows of seven pairs; the summary beside them is understood."""
    staged = stage_files(tmp_path, real_data / "gates", "*")
    rows = pl.concat([bronze_day(staged, GATES, day) for day in staged.days()])
    assert rows.height == 3106
    assert dict(rows.group_by("symbol").len().sort("symbol").iter_rows()) == {
        "AUD_USD": 443,
        "EUR_USD": 444,
        "GBP_USD": 445,
        "NZD_USD": 441,
        "USD_CAD": 444,
        "USD_CHF": 444,
        "USD_JPY": 445,
    }
    assert rows["roc_forward_90m_pct"].null_count() == 3106
    assert rows["roc_forward_5m_pct"].null_count() < 50


def test_futures_logs_chain_without_a_gap(real_data: Path, tmp_path: Path) -> None:
    """Updates before the REST answer are in it, all others apply: the first 20,000 lines of a log."""
    (tmp_path / "landing").mkdir()
    with gzip.open(real_data / "raw/binance/hftbacktest_usdm/ethusdt_20240808.gz") as log_file:
        (tmp_path / "landing" / "eth.log").write_bytes(b"".join(islice(log_file, 20_000)))
    staged = stage_landing(tmp_path / "landing", tmp_path / "stage", tmp_path / "pins.yaml")
    log = {row["table"]: row for row in ingest_log_day(staged, date(2024, 8, 8)).to_dicts()}
    assert sum(row["rows_in"] for row in log.values()) == 19_999
    assert [row["quarantined"] for row in log.values()] == [0, 0, 0]
    assert 0 < log["bronze/depth"]["deduplicated"] < 40
    assert staged.files[0].listings["binance-futures", "ETHUSDT"].instrument.label == "binance-futures:ETHUSDT"


def test_raw_and_tardis_of_one_instrument_cannot_lie_together(real_data: Path, tmp_path: Path) -> None:
    """The whole data folder is refused with the two folders named."""
    for name in ("raw/nexo/nexousdt_20240723.dat.gz", "csv/binance_trades_2024-07-23_NEXOUSDT.csv.gz"):
        target = tmp_path / "landing" / name
        target.parent.mkdir(parents=True)
        source = "raw/binance/nexo_spot" if name.startswith("raw") else "tardis"
        shutil.copy(real_data / source / target.name, target)
    with pytest.raises(AmbiguousSource, match=r"raw/nexo/ \(binance_raw\) and csv/ \(tardis\)"):
        discover(tmp_path / "landing")
