"""The chain: one root for a model and all it was made from, and the first difference between two lines."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from grinder_resources.contracts.table import DAY, Table, required
from grinder_resources.errors import CorruptFile, NoData, PartitionMissing, ProofFailed
from grinder_resources.export.chain import chain_of, chain_root
from grinder_resources.lake import Lake
from grinder_resources.proofs.chain import Line, assert_same, tables_of

MONDAY, TUESDAY = date(2025, 1, 6), date(2025, 1, 7)
MODEL = "ab" * 32


def table(name: str) -> Table:
    return Table(name=name, doc="Numbers.", columns=(DAY, required("n", pl.Int64(), "a number")), sort_by=("n",))


TRADES, BARS, TRAINING = table("bronze/trades"), table("silver/bars"), table("gold/training/plain")


def commit(lake: Lake, wanted: Table, day: date, *numbers: int, upstream: dict[str, str] | None = None) -> str:
    rows = pl.DataFrame({"date": [day] * len(numbers), "n": numbers}, schema=wanted.schema)
    return lake.commit(wanted, rows, day=day, code_version="1", upstream=upstream).logical_sha256


def build(root: Path, *numbers: int) -> Lake:
    """Two days of trades, bars that look back one day, and a training table."""
    lake = Lake(str(root / "lake"))
    monday = commit(lake, TRADES, MONDAY, 1, 2, upstream={"landing": str(root)})
    tuesday = commit(lake, TRADES, TUESDAY, *numbers, upstream={"landing": str(root)})
    commit(lake, BARS, MONDAY, 3, upstream={"bronze/trades/2025-01-06": monday})
    bars = commit(
        lake,
        BARS,
        TUESDAY,
        sum(numbers),
        upstream={"bronze/trades/2025-01-06": monday, "bronze/trades/2025-01-07": tuesday},
    )
    commit(lake, TRAINING, TUESDAY, 10, upstream={"silver/bars/2025-01-07": bars})
    return lake


def test_the_chain_holds_every_day_a_dataset_comes_from(tmp_path: Path) -> None:
    """Days are found through the commits; Monday's bars are no ancestor, and landing files have no place in it."""
    lake = build(tmp_path, 3, 4)
    chain = chain_of(lake, TRAINING.name)
    assert {name: list(days) for name, days in chain.items()} == {
        "bronze/trades": ["2025-01-06", "2025-01-07"],
        "gold/training/plain": ["2025-01-07"],
        "silver/bars": ["2025-01-07"],
    }
    assert chain["silver/bars"]["2025-01-07"] == lake.stamps("silver/bars")["2025-01-07"].logical_sha256


def test_the_root_knows_rows_and_model_but_no_place(tmp_path: Path) -> None:
    """Another folder gives the same root; another row, or another model, gives another one."""
    here, there, other = (build(tmp_path / name, 3, last) for name, last in (("a", 4), ("b", 4), ("c", 5)))
    roots = [chain_root(chain_of(lake, TRAINING.name), MODEL) for lake in (here, there, other)]
    assert roots[0] == roots[1] != roots[2]
    assert chain_root(chain_of(here, TRAINING.name), "cd" * 32) != roots[0]


def test_rows_that_were_replaced_since_are_named_beside_the_new_ones(tmp_path: Path) -> None:
    """If bars were built on two versions of a day, the chain says so with both hashes."""
    lake = build(tmp_path, 3, 4)
    old = lake.stamps("bronze/trades")["2025-01-06"].logical_sha256
    new = commit(lake, TRADES, MONDAY, 9)
    commit(lake, TRAINING, MONDAY, 8, upstream={"bronze/trades/2025-01-06": new})
    assert chain_of(lake, TRAINING.name)["bronze/trades"]["2025-01-06"] == ",".join(sorted((old, new)))


def test_a_hole_in_the_chain_is_refused(tmp_path: Path) -> None:
    """A dataset without a day, and one built on a day that is gone, have no chain."""
    lake = Lake(str(tmp_path / "lake"))
    with pytest.raises(PartitionMissing, match="no committed day"):
        chain_of(lake, TRAINING.name)
    commit(lake, TRAINING, MONDAY, 1, upstream={"silver/bars/2025-01-06": "00"})
    with pytest.raises(PartitionMissing, match="silver/bars/date=2025-01-06"):
        chain_of(lake, TRAINING.name)


def line(lake: Lake, models: Path) -> Line:
    return Line(lake, models)


def test_equal_lines_are_equal(tmp_path: Path) -> None:
    """The same rows in two places do not differ, and tables are walked from Bronze to Gold."""
    here, there = build(tmp_path / "a", 3, 4), build(tmp_path / "b", 3, 4)
    assert_same(line(here, tmp_path), line(there, tmp_path))
    assert tables_of(here) == ["bronze/trades", "silver/bars", "gold/training/plain"]


def test_the_first_difference_is_named(tmp_path: Path) -> None:
    """Table, day, column, row and both values stand in one line, though bars differ as well."""
    here, there = build(tmp_path / "a", 3, 4, 6), build(tmp_path / "b", 3, 5, 6)
    with pytest.raises(ProofFailed) as refusal:
        assert_same(line(here, tmp_path), line(there, tmp_path))
    assert refusal.value.line() == (
        "PROOF_FAILED: the lines differ (bronze/trades/date=2025-01-07, column n, row 1 (2025-01-07, 4); "
        "got 5; expected 4)"
    )


def test_a_row_too_many_is_a_difference(tmp_path: Path) -> None:
    """Where one side ends the first row without a partner is named."""
    with pytest.raises(ProofFailed, match=r"column date, row 2 \(2025-01-07, 5\); got 2025-01-07; expected no row"):
        assert_same(
            line(build(tmp_path / "a", 3, 4), tmp_path),
            line(build(tmp_path / "b", 3, 4, 5), tmp_path),
        )


def test_a_day_or_a_column_too_many_is_a_difference(tmp_path: Path) -> None:
    """A day that one side lacks, and a table with other columns, are named as that."""
    here, there = build(tmp_path / "a", 3, 4), build(tmp_path / "b", 3, 4)
    commit(there, BARS, date(2025, 1, 8), 1)
    with pytest.raises(ProofFailed, match=r"silver/bars/date=2025-01-08; got nothing in the left one"):
        assert_same(line(here, tmp_path), line(there, tmp_path))
    wider = Table(
        name="gold/x", doc="Numbers.", columns=(*TRADES.columns, required("m", pl.Int64(), "m")), sort_by=("n",)
    )
    commit(there, BARS, date(2025, 1, 8))
    commit(here, BARS, date(2025, 1, 8))
    commit(here, table("gold/x"), MONDAY, 1)
    rows = pl.DataFrame({"date": [MONDAY], "n": [1], "m": [1]}, schema=wider.schema)
    there.commit(wider, rows, day=MONDAY, code_version="1")
    with pytest.raises(ProofFailed, match=r"other columns .*m Int64"):
        assert_same(line(here, tmp_path), line(there, tmp_path))


def test_damaged_rows_are_not_compared(tmp_path: Path) -> None:
    """A side whose file no longer holds the committed rows is refused as corrupt, not called different."""
    here, there = build(tmp_path / "a", 3, 4), build(tmp_path / "b", 3, 5)
    (file,) = there.files(TRADES.name, TUESDAY)
    pl.DataFrame({"n": [3, 4]}).write_parquet(file)
    with pytest.raises(CorruptFile, match="bronze/trades"):
        assert_same(line(here, tmp_path), line(Lake(there.root), tmp_path))


def test_a_folder_without_a_lake_is_no_line(tmp_path: Path) -> None:
    """Models lie inside the folder or beside it; a lake must be inside."""
    with pytest.raises(NoData, match="no lake in this folder"):
        Line.at(tmp_path)
    build(tmp_path / "data", 3, 4)
    assert Line.at(tmp_path / "data").models == tmp_path / "models"
    (tmp_path / "data" / "models").mkdir()
    assert Line.at(tmp_path / "data").models == tmp_path / "data" / "models"
