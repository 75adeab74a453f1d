import json
import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.bronze import BRONZE, INGEST_LOG, QUARANTINE, QUOTES, TRADES
from grinder_resources.errors import ConservationBroken, CorruptFile
from grinder_resources.ingest.bronze import bronze_day, ingest_log_day, source_fingerprint
from grinder_resources.ingest.limits import Limits
from grinder_resources.ingest.quarantine import REASONS
from tests.ingest.conftest import Files, Stage

DAY, NEXT = date(2024, 8, 8), date(2024, 8, 9)
T0 = 1_723_161_600_000_000 - 1_000_000
HEADER = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"


def trade(micros: int, number: int | str, price: str = "100", symbol: str = "BTCUSDT") -> str:
    return f"binance,{symbol},{T0 + micros},,{number},buy,{price},1\n"


def sums(frame: pl.DataFrame) -> tuple[int, int, int, int]:
    return tuple(int(frame[name].sum()) for name in ("rows_in", "rows_out", "quarantined", "deduplicated"))  # type: ignore[return-value]


def test_every_table_of_a_day_conforms_even_without_rows(stage: Stage) -> None:
    """A day that nobody sent is empty in every table."""
    staged = stage({"t.csv": HEADER + trade(0, 1)})
    for table in BRONZE:
        assert bronze_day(staged, table, date(2020, 1, 1)).equals(table.empty())
        assert bronze_day(staged, table, DAY).schema == table.schema


def test_rows_go_to_the_utc_day_of_their_own_time(stage: Stage) -> None:
    """One file over midnight fills two days; line numbers go on."""
    staged = stage({"t.csv": HEADER + trade(999_999, 1) + trade(1_000_000, 2)})
    assert staged.days(TRADES) == [DAY, NEXT]
    assert [bronze_day(staged, TRADES, day).select("date", "seq", "trade_id").rows() for day in (DAY, NEXT)] == [
        [(DAY, 2, "1")],
        [(NEXT, 3, "2")],
    ]


def test_a_file_dropped_twice_counts_as_one(stage: Stage) -> None:
    """Trades without an id too: the second file is a repeat as a whole."""
    text = HEADER + trade(0, "") + trade(0, "") + trade(1, 5)
    staged = stage({"a.csv": text, "b.csv": text})
    assert bronze_day(staged, TRADES, DAY).height == 3
    log = ingest_log_day(staged, DAY).select("source", "rows_in", "rows_out", "deduplicated")
    assert log.rows() == [("a.csv", 3, 3, 0), ("b.csv", 3, 0, 3)]


def test_a_new_file_costs_only_itself_and_changes_only_its_own_days(stage: Stage, tmp_path: Path) -> None:
    """Other days keep their fingerprint and their staged parts."""
    first = stage({"day1.csv": HEADER + trade(0, 1)})
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "stage").iterdir()}
    second = stage({"day2.csv": HEADER + trade(2_000_000, 2)})
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "stage").iterdir()}
    assert len(after) == 2
    assert before.items() <= after.items()
    for table in BRONZE:
        assert source_fingerprint(first, table, DAY) == source_fingerprint(second, table, DAY)
    assert source_fingerprint(first, TRADES, NEXT) != source_fingerprint(second, TRADES, NEXT)


def test_the_fingerprint_follows_content_units_and_symbols(stage: Stage, landing: Path) -> None:
    """A changed byte, another tick or another choice of symbols is another input; the name is not."""
    text = HEADER + trade(0, 1)
    seen = [source_fingerprint(stage({"t.csv": text}), TRADES, DAY)]
    log = source_fingerprint(stage({}), INGEST_LOG, DAY)
    (landing / "t.csv").rename(landing / "u.csv")
    assert source_fingerprint(stage({}), TRADES, DAY) == seen[0]
    assert source_fingerprint(stage({}), INGEST_LOG, DAY) != log
    seen.append(source_fingerprint(stage({"u.csv": text.replace("100", "101")}), TRADES, DAY))
    seen.append(
        source_fingerprint(stage({"instruments.yaml": "binance: {BTCUSDT: {tick_size: 1, lot_size: 1}}"}), TRADES, DAY)
    )
    seen.append(source_fingerprint(stage({"e.csv": HEADER + trade(0, 1, symbol="ETHUSDT")}), TRADES, DAY))
    assert len(set(seen)) == 4
    assert source_fingerprint(stage({}, {"BTCUSDT"}), TRADES, DAY) == seen[2]


def test_tampered_counts_break_conservation(stage: Stage) -> None:
    """The staged rows are counted against what the reader said it let through."""
    staged = stage({"t.csv": HEADER + trade(0, 1)})
    done = staged.files[0].folder / "done.json"
    facts = json.loads(done.read_text())
    facts["counts"][0]["rows_in"] += 1
    done.write_text(json.dumps(facts))
    with pytest.raises(ConservationBroken, match="bronze/trades on 2024-08-08"):
        bronze_day(stage({}), TRADES, DAY)


def test_a_damaged_stage_is_named_and_refused(stage: Stage) -> None:
    """A cut Parquet part is a corrupt file, not a library error."""
    staged = stage({"t.csv": HEADER + trade(0, 1)})
    (part,) = staged.files[0].folder.glob("trades/*/*.parquet")
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(CorruptFile, match="a staged file cannot be read"):
        bronze_day(staged, TRADES, DAY)


def test_leftovers_of_dead_runs_are_swept_and_those_of_living_ones_kept(stage: Stage, tmp_path: Path) -> None:
    """A folder names the process that writes it."""
    dead, alive = tmp_path / "stage" / ".tmp-999999999-x", tmp_path / "stage" / f".tmp-{os.getpid()}-x"
    dead.mkdir(parents=True)
    alive.mkdir()
    stage({"t.csv": HEADER + trade(0, 1)})
    assert not dead.exists()
    assert alive.exists()


def test_the_symbols_asked_for_are_the_only_ones_counted(stage: Stage) -> None:
    """Rows of other symbols are nobody's loss; the log still adds up."""
    tick = {"type": "SNAPSHOT", "ts": T0 // 1000, "bid_price": "1", "ask_price": "2", "bid_qty": "1", "ask_qty": "1"}
    lines = "".join(json.dumps(tick | {"symbol": symbol}) + "\n" for symbol in ("A", "B", "A"))
    staged = stage({"t.jsonl": lines + "{broken\n"}, {"A"})
    assert bronze_day(staged, QUOTES, DAY)["symbol"].to_list() == ["A", "A"]
    assert sums(ingest_log_day(staged, DAY)) == (3, 2, 1, 0)


TRADE_LINES = st.one_of(
    st.builds(trade, st.integers(0, 3_000_000), st.sampled_from([1, 2, 3, ""]), st.sampled_from(["100", "101"])),
    st.sampled_from(
        ["\n", "x\n", "a,b,c,d,e,f,g,h\n", trade(-11_000_000, 9), trade(0, 7, "0.001"), trade(0, 8, "nan")]
    ),
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.lists(TRADE_LINES, max_size=12), min_size=1, max_size=3),
    st.sampled_from(["", trade(5, 4)[:-1], trade(5, 5)[:-9]]),
)
def test_whatever_lies_there_every_row_is_accounted_for(stage: Stage, texts: list[list[str]], end: str) -> None:
    """Per file, table and day: rows in = rows out + quarantined + deduplicated, and every reason is documented."""
    first = HEADER + trade(0, 0)
    files: Files = {f"{i}.csv": first + "".join(texts[i] if i < len(texts) else []) + end for i in range(3)}
    staged = stage(files, None, Limits(max_quarantined_share=1.0, min_quarantined_rows=1000))
    read = 0
    for day in sorted(set(staged.counts["date"])):
        log, rows, aside = (bronze_day(staged, table, day) for table in (INGEST_LOG, TRADES, QUARANTINE))
        rows_in, rows_out, quarantined, deduplicated = sums(log)
        assert rows_in == rows_out + quarantined + deduplicated
        assert (rows.height, aside.height) == (rows_out, quarantined)
        assert set(aside["reason"]) <= set(REASONS)
        assert rows.select("ts_ns", "seq").n_unique() == rows.height
        read += rows_in
    assert read == sum(len([line for line in str(text).split("\n")[1:] if line.strip()]) for text in files.values())
