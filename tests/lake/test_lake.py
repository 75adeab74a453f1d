"""The lake: commits by day, logical hashes, what survives faults."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.table import Table, required
from grinder_resources.errors import CorruptFile, PartitionMissing, SchemaMismatch, StorageFull
from grinder_resources.hashing import sha256_rows
from grinder_resources.lake import Lake
from tests.lake.tables import PRICES

MONDAY, TUESDAY = date(2025, 1, 6), date(2025, 1, 7)


def prices(day: date, *numbers: int) -> pl.DataFrame:
    rows = [{"date": day, "n": n, "text": None if n % 2 else f"t{n}", "levels": list(range(n % 3))} for n in numbers]
    return pl.DataFrame(rows, schema=PRICES.schema)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_a_day_reads_back_as_it_was_committed(lake: Lake) -> None:
    """Rows come back in stored order with every value, null and list intact."""
    lake.commit(PRICES, prices(MONDAY, 3, 1, 2), day=MONDAY, code_version="1")
    assert lake.read(PRICES).rows() == [
        (MONDAY, 1, None, [0]),
        (MONDAY, 2, "t2", [0, 1]),
        (MONDAY, 3, None, []),
    ]


def test_committing_a_day_twice_replaces_it(lake: Lake) -> None:
    """The second commit of a day is the only one readers see; other days are untouched."""
    lake.commit(PRICES, prices(MONDAY, 1), day=MONDAY, code_version="1")
    lake.commit(PRICES, prices(TUESDAY, 5), day=TUESDAY, code_version="1")
    lake.commit(PRICES, prices(MONDAY, 7, 8), day=MONDAY, code_version="1")
    assert lake.read(PRICES)["n"].to_list() == [7, 8, 5]
    assert lake.days(PRICES.name) == [MONDAY, TUESDAY]


def test_the_same_rows_give_the_same_hash(lake: Lake) -> None:
    """Row order on arrival does not enter the logical hash; the known value guards the definition."""
    first = lake.commit(PRICES, prices(MONDAY, 1, 2), day=MONDAY, code_version="1")
    second = lake.commit(PRICES, prices(MONDAY, 2, 1), day=MONDAY, code_version="1")
    assert first == second
    assert first.logical_sha256[:16] == "4982aea0d71d6f71"


def test_an_empty_day_is_committed_and_known(lake: Lake) -> None:
    """A day without rows is a fact, not a hole."""
    lake.commit(PRICES, prices(MONDAY, 1), day=MONDAY, code_version="1")
    lake.commit(PRICES, PRICES.empty(), day=TUESDAY, code_version="1")
    assert lake.days(PRICES.name) == [MONDAY, TUESDAY]
    assert lake.read(PRICES, TUESDAY, TUESDAY).rows() == []


def test_a_lake_may_lie_in_any_folder(tmp_path: Path) -> None:
    """Also in one whose name has spaces and letters that a URL would not."""
    lake = Lake(str(tmp_path / "my data é" / "lake"))
    lake.commit(PRICES, prices(MONDAY, 1), day=MONDAY, code_version="1")
    assert lake.read(PRICES)["n"].to_list() == [1]


def test_reading_what_was_never_committed_is_refused(lake: Lake) -> None:
    """A missing day names the table and what to do."""
    with pytest.raises(
        PartitionMissing, match=r"PARTITION_MISSING: no committed day.*bronze/prices.*Materialise it first"
    ):
        lake.read(PRICES, MONDAY, MONDAY)


def test_a_flipped_value_is_refused(lake: Lake) -> None:
    """Rows that differ from their commit never reach a reader, even in a valid Parquet file."""
    lake.commit(PRICES, prices(MONDAY, 1, 2), day=MONDAY, code_version="1")
    (file,) = lake.files(PRICES.name, MONDAY)
    rows = pl.read_parquet(file, hive_partitioning=False)
    rows.with_columns(pl.col("n") + 1).write_parquet(file)
    with pytest.raises(CorruptFile, match="rows differ from the hash in their commit"):
        lake.read(PRICES)


@pytest.mark.parametrize("sixty_fourth", [1, 17, 40, 63])
def test_a_truncated_file_is_refused(lake: Lake, sixty_fourth: int) -> None:
    """A cut data file gives one of our errors, never a library's."""
    lake.commit(PRICES, prices(MONDAY, *range(200)), day=MONDAY, code_version="1")
    (file,) = map(Path, lake.files(PRICES.name, MONDAY))
    data = file.read_bytes()
    file.write_bytes(data[: len(data) * sixty_fourth // 64])
    with pytest.raises(CorruptFile):
        lake.read(PRICES)


def test_flipped_bits_are_refused_or_harmless(lake: Lake) -> None:
    """Of 200 single flipped bits in a data file, none changes a row that a reader gets."""
    lake.commit(PRICES, prices(MONDAY, *range(50)), day=MONDAY, code_version="1")
    (file,) = map(Path, lake.files(PRICES.name, MONDAY))
    data, good = file.read_bytes(), lake.read(PRICES)
    refused = 0
    for flip in range(200):
        position = flip * len(data) // 200
        file.write_bytes(data[:position] + bytes([data[position] ^ (1 << flip % 8)]) + data[position + 1 :])
        try:
            assert lake.read(PRICES).equals(good)
        except CorruptFile:
            refused += 1
    assert refused > 50


def test_a_damaged_day_counts_as_not_current(lake: Lake) -> None:
    """Skipping an unchanged day never skips a damaged one: it is built again."""
    commit = lake.commit(PRICES, prices(MONDAY, 1), day=MONDAY, code_version="1")
    assert lake.current(PRICES, MONDAY, commit.fingerprint) is not None
    (file,) = lake.files(PRICES.name, MONDAY)
    Path(file).unlink()
    assert lake.current(PRICES, MONDAY, commit.fingerprint) is None


def test_other_code_or_inputs_are_not_current(lake: Lake) -> None:
    """The fingerprint follows the code version and every upstream hash."""
    kept = lake.commit(PRICES, prices(MONDAY, 1), day=MONDAY, code_version="1", upstream={"a": "x"})
    other_code = lake.commit(PRICES, prices(TUESDAY, 1), day=TUESDAY, code_version="2", upstream={"a": "x"})
    assert kept.fingerprint != other_code.fingerprint
    assert lake.current(PRICES, MONDAY, other_code.fingerprint) is None


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (prices(MONDAY, 1).drop("text"), "text"),
        (prices(MONDAY, 1).with_columns(extra=pl.lit(1)), "extra"),
        (prices(MONDAY, 1).with_columns(pl.col("n").cast(pl.Float64)), "Float64"),
        (prices(MONDAY, 1).with_columns(n=pl.lit(None, dtype=pl.Int64)), "nulls"),
    ],
)
def test_rows_that_break_the_contract_are_not_committed(lake: Lake, rows: pl.DataFrame, complaint: str) -> None:
    """A missing, extra, retyped or null column is refused before anything is written."""
    with pytest.raises(SchemaMismatch, match=complaint):
        lake.commit(PRICES, rows, day=MONDAY, code_version="1")
    assert lake.tables() == []


def test_a_changed_contract_replaces_the_table(lake: Lake) -> None:
    """The first commit under new columns drops days of the old ones, which then count as never committed."""
    lake.commit(PRICES, prices(MONDAY, 1), day=MONDAY, code_version="1")
    wider = Table(PRICES.name, PRICES.doc, (*PRICES.columns, required("more", pl.Int8(), "one more")), PRICES.sort_by)
    rows = prices(TUESDAY, 2).with_columns(more=pl.lit(1, dtype=pl.Int8))
    lake.commit(wider, rows, day=TUESDAY, code_version="2")
    assert lake.days(PRICES.name) == [TUESDAY]
    assert lake.read(wider).rows() == [(TUESDAY, 2, "t2", [0, 1], 1)]
    lake.commit(wider, rows.with_columns(date=pl.lit(MONDAY)), day=MONDAY, code_version="2")
    assert lake.days(PRICES.name) == [MONDAY, TUESDAY]


def test_another_lake_on_the_same_folder_is_seen(lake: Lake) -> None:
    """What another process commits shows at the next read of a lake that has the table open."""
    lake.commit(PRICES, prices(MONDAY, 1), day=MONDAY, code_version="1")
    assert lake.read(PRICES)["n"].to_list() == [1]
    Lake(lake.root).commit(PRICES, prices(TUESDAY, 2), day=TUESDAY, code_version="1")
    assert lake.read(PRICES)["n"].to_list() == [1, 2]


def test_a_replaced_table_folder_is_opened_anew(lake: Lake) -> None:
    """A table that was removed is gone, and one made again at the same address is not mixed up with it."""
    lake.commit(PRICES, prices(MONDAY, 1), day=MONDAY, code_version="1")
    lake.commit(PRICES, prices(TUESDAY, 2), day=TUESDAY, code_version="1")
    shutil.rmtree(f"{lake.root}/{PRICES.name}")
    assert lake.days(PRICES.name) == []
    lake.commit(PRICES, prices(TUESDAY, 3), day=TUESDAY, code_version="1")
    assert lake.read(PRICES).rows() == [(TUESDAY, 3, None, [])]


def test_a_full_store_leaves_the_previous_version(tmp_path: Path) -> None:
    """When the operating system takes no more bytes the error is ours and the old rows still read."""
    lake = Lake(str(tmp_path / "lake"))
    lake.commit(PRICES, prices(MONDAY, 1, 2), day=MONDAY, code_version="1")
    process = _child("fill", tmp_path / "lake", preexec=_limit_file_size)
    assert process.stdout.startswith("STORAGE_FULL"), process
    assert lake.read(PRICES)["n"].to_list() == [1, 2]


@pytest.mark.parametrize("milliseconds", [0, 5, 15, 30, 60])
def test_a_killed_writer_leaves_the_old_or_the_new_rows(tmp_path: Path, milliseconds: int) -> None:
    """SIGKILL at any moment of a commit: readers see one whole version, and a rerun succeeds."""
    lake = Lake(str(tmp_path / "lake"))
    lake.commit(PRICES, prices(MONDAY, 1, 2), day=MONDAY, code_version="1")
    process = _child(f"kill:{milliseconds}", tmp_path / "lake")
    assert process.returncode == -signal.SIGKILL
    assert lake.read(PRICES)["n"].len() in {2, 5000}
    lake.commit(PRICES, prices(MONDAY, 9), day=MONDAY, code_version="1")
    assert lake.read(PRICES)["n"].to_list() == [9]


def _limit_file_size() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))


def _child(what: str, root: Path, preexec: object = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, __file__, what, str(root)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=preexec,  # type: ignore[arg-type]
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def _main(what: str, root: str) -> None:
    if what == "fill":
        try:
            Lake(root).commit(PRICES, prices(MONDAY, *range(5000)), day=MONDAY, code_version="1")
        except StorageFull as error:
            print(error.line())  # noqa: T201
    else:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        rows = prices(MONDAY, *range(5000))
        signal.setitimer(signal.ITIMER_REAL, int(what.split(":")[1]) / 1000 + 1e-6)
        while True:
            Lake(root).commit(PRICES, rows, day=MONDAY, code_version="1")


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(-9, 9), st.text(max_size=3) | st.none()), max_size=6))
def test_the_hash_tells_any_two_frames_apart(rows: list[tuple[int, str | None]]) -> None:
    """Equal rows have equal hashes; changing one value, one null or one boundary between texts changes it."""
    frame = pl.DataFrame(rows, schema={"n": pl.Int64, "text": pl.String}, orient="row")
    assert sha256_rows(frame) == sha256_rows(frame.rechunk())
    if rows:
        changed = [(rows[0][0] + 1, rows[0][1]), *rows[1:]]
        assert sha256_rows(pl.DataFrame(changed, schema=frame.schema, orient="row")) != sha256_rows(frame)
        nulled = [(rows[0][0], "" if rows[0][1] is None else None), *rows[1:]]
        assert sha256_rows(pl.DataFrame(nulled, schema=frame.schema, orient="row")) != sha256_rows(frame)


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2])
