"""Packing: the same rows and models are the same bytes, and only what was verified is packed."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from grinder_resources.errors import ArtifactRejected, CorruptFile, InputRefused, LedgerBroken, NoData, RegistryRejected
from grinder_resources.handover.corpus import add_corpus, parquet_bytes
from grinder_resources.handover.models import add_models
from grinder_resources.handover.pack import pack
from grinder_resources.handover.unpack import unpack
from grinder_resources.handover.workspace import Spool
from grinder_resources.lake import Lake
from grinder_resources.registry.log import Registry
from tests.handover.bundles import (
    MONDAY,
    PRICES,
    SCORES,
    TUESDAY,
    WEDNESDAY,
    Fill,
    files_under,
    prices,
    small_lake,
    small_models,
)


def test_the_same_rows_give_the_same_file(tmp_path: Path) -> None:
    """Whatever order days were written in, and however often: what is packed is rows, not files."""
    lake = small_lake(tmp_path / "a")
    other = small_lake(tmp_path / "b", (TUESDAY, WEDNESDAY, MONDAY))
    other.commit(PRICES, prices(MONDAY, 9), day=MONDAY, code_version="0")
    other.commit(PRICES, prices(MONDAY, 3, 2, 1), day=MONDAY, code_version="1", upstream={"landing": str(MONDAY)})
    roots = [
        pack(tmp_path / f"{n}.tar", lambda to, one=one: add_corpus(to, one)).root for n, one in ((1, lake), (2, other))
    ]
    assert (tmp_path / "1.tar").read_bytes() == (tmp_path / "2.tar").read_bytes()
    assert roots[0] == roots[1]


def test_a_file_that_was_unpacked_packs_to_itself(bundle: Path, tmp_path: Path) -> None:
    """Nothing is lost or added on the way: pack(unpack(file)) is the file."""
    there = unpack(bundle, tmp_path / "there").folder

    def fill(spool: Spool) -> None:
        add_corpus(spool, Lake(str(there / "lake")))
        add_models(spool, there / "models")

    pack(tmp_path / "again.tar", fill)
    assert (tmp_path / "again.tar").read_bytes() == bundle.read_bytes()


def test_rows_in_pieces_are_the_same_parquet() -> None:
    """One frame or three joined."""
    whole = prices(MONDAY, 1, 2, 3)
    pieces = pl.concat([prices(MONDAY, n) for n in (1, 2, 3)], rechunk=False)
    assert pieces.n_chunks() == 3
    assert parquet_bytes(pieces) == parquet_bytes(whole)


PRICES_LOGS = [f"lake/bronze/prices/_delta_log/{version:020d}.json" for version in range(3)]
SCORES_FILES = ["lake/reports/scores/_delta_log/00000000000000000000.json", "lake/reports/scores/rows.parquet"]
MONDAY_ROWS, TUESDAY_ROWS = (f"lake/bronze/prices/date={day}/rows.parquet" for day in (MONDAY, TUESDAY))


@pytest.mark.parametrize(
    ("tables", "first", "last", "expected"),
    [
        ((), None, None, [*PRICES_LOGS, MONDAY_ROWS, TUESDAY_ROWS, *SCORES_FILES]),
        ((), MONDAY, MONDAY, [PRICES_LOGS[0], MONDAY_ROWS]),
        ((), TUESDAY, None, [*PRICES_LOGS[:2], TUESDAY_ROWS]),
        (("bronze",), None, TUESDAY, [*PRICES_LOGS[:2], MONDAY_ROWS, TUESDAY_ROWS]),
        (("bronze/prices",), WEDNESDAY, None, PRICES_LOGS[:1]),
        (("reports",), MONDAY, MONDAY, SCORES_FILES),
    ],
)
def test_tables_and_days_are_what_is_packed(
    tmp_path: Path, tables: tuple[str, ...], first: date | None, last: date | None, expected: list[str]
) -> None:
    """A layer is a start of names; a table without days goes whole where it is asked for, or everything is."""
    lake = small_lake(tmp_path)
    manifest = pack(tmp_path / "x.tar", lambda to: add_corpus(to, lake, tables=tables, first=first, last=last))
    assert [member.path for member in manifest.members] == sorted(expected)


@pytest.mark.parametrize(
    ("tables", "first", "sentence"),
    [
        (("bronze", "pric"), None, "no such table in the lake .*got pric"),
        ((), date(2026, 1, 1), "nothing was committed in the range .*expected 2026-01-01 .. "),
    ],
)
def test_asking_for_what_is_not_there_packs_nothing(
    tmp_path: Path, tables: tuple[str, ...], first: date | None, sentence: str
) -> None:
    """And leaves no file."""
    lake = small_lake(tmp_path / "source")
    with pytest.raises(NoData, match=sentence):
        pack(tmp_path / "x.tar", lambda to: add_corpus(to, lake, tables=tables, first=first))
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_the_models_of_a_name_or_one_version(tmp_path: Path) -> None:
    """The ledger, the registry and adopted settings always go along; signatures with their artifact."""
    models = small_models(tmp_path / "models")
    always = {"models/adopted/regime.json", "models/ledger.head", "models/ledger.jsonl"}
    always |= {"models/registry/log.head", "models/registry/log.jsonl"}
    for number, (names, versions) in enumerate([((), (0, 1)), (("plain",), (0, 1)), (("plain_v1.0.1",), (1,))]):
        manifest = pack(tmp_path / f"{number}.tar", lambda to, names=names: add_models(to, models, names))
        paths = {member.path for member in manifest.members}
        folders = {path.split("/")[1] for path in paths if "/plain_" in path and not path.endswith(".sig")}
        assert folders == {f"plain_v1.0.{version}" for version in versions}
        assert paths >= always
        assert ("models/signatures/plain_v1.0.0.sig" in paths) == (0 in versions)
    with pytest.raises(NoData, match=r"there is no such artifact .*got plai"):
        pack(tmp_path / "x.tar", lambda to: add_models(to, models, ["plain", "plai"]))
    with pytest.raises(NoData, match="there is no artifact"):
        pack(tmp_path / "x.tar", lambda to: add_models(to, tmp_path / "nothing"))


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("models/plain_v1.0.0/model.onnx", ArtifactRejected),
        ("models/ledger.jsonl", LedgerBroken),
        ("models/registry/log.jsonl", RegistryRejected),
    ],
)
def test_models_that_do_not_verify_are_not_packed(tmp_path: Path, path: str, refusal: type[Exception]) -> None:
    """One changed byte in an artifact, the ledger or the registry."""
    models = small_models(tmp_path / "models")
    data = (tmp_path / path).read_bytes()
    (tmp_path / path).write_bytes(bytes([data[0] ^ 1]) + data[1:])
    with pytest.raises(refusal):
        pack(tmp_path / "x.tar", lambda to: add_models(to, models))
    assert not (tmp_path / "x.tar").exists()


def test_rows_that_do_not_verify_are_not_packed(tmp_path: Path) -> None:
    """A valid Parquet file of other rows than were committed."""
    lake = small_lake(tmp_path)
    prices(MONDAY, 7).drop("date").write_parquet(lake.files(PRICES.name, MONDAY)[0])
    with pytest.raises(CorruptFile, match="rows differ from the hash in their commit"):
        pack(tmp_path / "x.tar", lambda to: add_corpus(to, lake))


def test_lines_that_were_only_announced_are_packed_as_written(tmp_path: Path) -> None:
    """A writer that died after its announcement loses nothing, and its bundle is that of one who lived."""
    models = small_models(tmp_path / "models")
    pack(tmp_path / "1.tar", lambda to: add_models(to, models))
    log, head = Registry(models).path, Registry(models).path.with_suffix(".head")
    text = log.read_text()
    last = text.splitlines(keepends=True)[-1]
    head.write_text(head.read_text().replace('"pending":""', f'"pending":{json.dumps(last)}'))
    log.write_text(text.removesuffix(last) + last[:10])
    pack(tmp_path / "2.tar", lambda to: add_models(to, models))
    assert (tmp_path / "1.tar").read_bytes() == (tmp_path / "2.tar").read_bytes()


@pytest.mark.parametrize("make", [lambda path: path.write_bytes(b"mine"), Path.mkdir])
def test_nothing_is_packed_over(tmp_path: Path, fill: Fill, make: Callable[[Path], object]) -> None:
    """What is there stays there."""
    make(tmp_path / "x.tar")
    before = files_under(tmp_path)
    with pytest.raises(InputRefused, match="nothing is written over"):
        pack(tmp_path / "x.tar", fill)
    assert files_under(tmp_path) == before


def test_a_table_without_days_keeps_its_floats(bundle: Path, tmp_path: Path) -> None:
    """Bit by bit, as its hash says."""
    there = unpack(bundle, tmp_path / "there").folder
    assert Lake(str(there / "lake")).read(SCORES)["value"].to_list() == [0.5, 0.25]
