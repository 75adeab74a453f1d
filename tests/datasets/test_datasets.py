"""Dataset manifests: one identity for all rows of a Gold table, and the contract that belongs to what lies there."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from grinder_resources.contracts.gold import REGIME_DATASET, SIGNALS, signals_table
from grinder_resources.contracts.table import DAY, Table, required
from grinder_resources.datasets import dataset_manifest, dataset_sha256, gold_table, write_manifest
from grinder_resources.errors import PartitionMissing, UnknownName
from grinder_resources.features.manifest import feature_table, versions
from grinder_resources.lake import Lake

MONDAY, TUESDAY = date(2025, 1, 6), date(2025, 1, 7)
NUMBERS = Table("gold/training/numbers", "A number a day.", (DAY, required("n", pl.Int64(), "a number")), ("n",))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def put(lake: Lake, day: date, *numbers: int, code_version: str = "1") -> None:
    rows = pl.DataFrame({"date": [day] * len(numbers), "n": list(numbers)}, schema=NUMBERS.schema)
    upstream = {f"silver/numbers/{day}": f"hash of {day}"}
    lake.commit(NUMBERS, rows, day=day, code_version=code_version, upstream=upstream)


def test_the_manifest_says_what_the_dataset_is_made_of(lake: Lake, tmp_path: Path) -> None:
    """Every day stands there in order, with its rows, its hash and what it was built from; the file is sorted JSON."""
    put(lake, TUESDAY, 3)
    put(lake, MONDAY, 1, 2)
    path = tmp_path / "pages" / "numbers.manifest.json"
    write_manifest(dataset_manifest(lake, NUMBERS, "silver/numbers"), path)
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "columns": {"date": "Date", "n": "Int64"},
        "dataset": "gold/training/numbers",
        "dataset_sha256": "f2c466570d7c69ee336e559d1a7e0280514896318f766ccdbddb147d118a3bc2",
        "days": [
            {
                "date": "2025-01-06",
                "logical_sha256": "eafe19a7a74a91a04045cd0f8cfad738d72842381f72c4e4d849789ce167fc65",
                "rows": 2,
                "upstream": {"silver/numbers/2025-01-06": "hash of 2025-01-06"},
            },
            {
                "date": "2025-01-07",
                "logical_sha256": "04ab4e6f1e7a62df68dfd54306f050ac3b6a58935c863ed87ac3d65ac737614a",
                "rows": 1,
                "upstream": {"silver/numbers/2025-01-07": "hash of 2025-01-07"},
            },
        ],
        "promoted_from": "silver/numbers",
        "rows": 3,
        "schema_sha256": "4dda8759d61fbd7a0c0c72bb8caf1dfccd0427dafee08a061d0506b6222c2ee0",
    }
    assert list(path.parent.iterdir()) == [path]


def test_the_dataset_hash_is_of_the_rows_alone(lake: Lake, tmp_path: Path) -> None:
    """Neither the order of commits nor the code version nor the place enters."""
    other = Lake(str(tmp_path / "other"))
    put(lake, MONDAY, 1, 2)
    put(lake, TUESDAY, 3)
    put(other, TUESDAY, 3, code_version="2")
    put(other, MONDAY, 2, 1)
    assert dataset_sha256(lake, NUMBERS.name) == dataset_sha256(other, NUMBERS.name)


def test_the_dataset_hash_changes_with_every_day(lake: Lake) -> None:
    """One more day, one other row and one day without rows each give another hash; going back gives the first one."""
    put(lake, MONDAY, 1, 2)
    first = dataset_sha256(lake, NUMBERS.name)
    put(lake, TUESDAY)
    empty_day = dataset_sha256(lake, NUMBERS.name)
    put(lake, MONDAY, 1, 3)
    other_row = dataset_sha256(lake, NUMBERS.name)
    put(lake, MONDAY, 1, 2)
    assert len({first, empty_day, other_row}) == 3
    assert dataset_sha256(lake, NUMBERS.name) == empty_day


def test_a_dataset_that_is_not_there_is_refused(lake: Lake) -> None:
    """No hash, no manifest and no contract of a table without a single day."""
    for ask in (lambda: dataset_sha256(lake, SIGNALS), lambda: gold_table(lake, SIGNALS)):
        with pytest.raises(PartitionMissing, match=r"no committed day \(gold/training/signals_production\)"):
            ask()


@pytest.mark.parametrize("version", versions())
def test_the_contract_follows_the_promoted_version(lake: Lake, version: str) -> None:
    """Whichever feature version was promoted, readers get its columns."""
    promoted = signals_table(feature_table(version))
    lake.commit(promoted, promoted.empty(), day=MONDAY, code_version="1")
    assert gold_table(lake, SIGNALS).schema == feature_table(version).schema


def test_another_promotion_changes_the_contract(lake: Lake) -> None:
    """Promoting another version replaces the table, and the contract with it."""
    for version in versions():
        promoted = signals_table(feature_table(version))
        lake.commit(promoted, promoted.empty(), day=MONDAY, code_version="1")
        assert gold_table(lake, SIGNALS).doc == promoted.doc


def test_the_regime_dataset_has_one_contract(lake: Lake) -> None:
    """What is not promoted from a version is looked up by name."""
    lake.commit(REGIME_DATASET, REGIME_DATASET.empty(), day=MONDAY, code_version="1")
    assert gold_table(lake, REGIME_DATASET.name) is REGIME_DATASET


def test_a_table_of_other_code_is_refused(lake: Lake) -> None:
    """Columns that no declared version has are not guessed at."""
    stranger = Table(SIGNALS, "Other columns.", NUMBERS.columns, NUMBERS.sort_by)
    lake.commit(stranger, stranger.empty(), day=MONDAY, code_version="1")
    with pytest.raises(
        UnknownName, match=r"UNKNOWN_NAME: the table was written by other code \(gold/training/signals_production\)"
    ):
        gold_table(lake, SIGNALS)
