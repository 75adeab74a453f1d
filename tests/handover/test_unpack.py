"""Unpacking: what arrives is used as it was there; what is not whole, not ours or not true makes no folder."""

import io
import json
import os
import tarfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.errors import (
    ArtifactRejected,
    BadDeclaration,
    BundleRejected,
    CorruptFile,
    GrinderError,
    InputRefused,
    LedgerBroken,
    LimitExceeded,
    RegistryRejected,
)
from grinder_resources.handover.archive import BLOCK, header
from grinder_resources.handover.corpus import parquet_bytes
from grinder_resources.handover.manifest import BUNDLE_FILE, Manifest, Member
from grinder_resources.handover.pack import pack
from grinder_resources.handover.unpack import Limits, unpack
from grinder_resources.handover.workspace import Spool
from grinder_resources.lake import Lake
from grinder_resources.registry.served import served_artifact
from grinder_resources.registry.verify import verify_registry
from tests.handover.bundles import (
    MONDAY,
    PRICES,
    TUESDAY,
    WEDNESDAY,
    Fill,
    altered,
    files_under,
    forged,
    member,
    prices,
)

THURSDAY = date(2025, 1, 9)


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_the_lake_reads_verifies_and_grows(bundle: Path, tmp_path: Path) -> None:
    """Every commit is the one that was made there, an empty day is still a fact, and the next day can be committed."""
    lake = Lake(str(unpack(bundle, tmp_path / "there").folder / "lake"))
    assert lake.days(PRICES.name) == [MONDAY, TUESDAY, WEDNESDAY]
    assert lake.read(PRICES, MONDAY, MONDAY).rows() == [
        (MONDAY, 1, None, [0]),
        (MONDAY, 2, "t2", [0, 1]),
        (MONDAY, 3, None, []),
    ]
    stamp = lake.stamp(PRICES.name, WEDNESDAY)
    assert stamp is not None
    assert (stamp.rows, stamp.code_version, stamp.upstream) == (0, "1", {"landing": "2025-01-08"})
    lake.commit(PRICES, prices(THURSDAY, 5), day=THURSDAY, code_version="1")
    lake.commit(PRICES, prices(MONDAY, 6), day=MONDAY, code_version="1")
    assert lake.read(PRICES)["n"].to_list() == [6, 4, 5]


def test_the_models_serve_and_verify(bundle: Path, tmp_path: Path) -> None:
    """Production is production, the registry's artifacts are as registered, and a line says what was looked at."""
    unpacked = unpack(bundle, tmp_path / "there")
    models = unpacked.folder / "models"
    assert served_artifact("plain", models).name == "plain_v1.0.0"
    assert verify_registry(models).artifacts == 2
    assert unpacked.lines == (
        "lake/bronze/prices: 3 days, 4 rows as committed",
        "lake/reports/scores: whole, 2 rows as committed",
        *(line for line in unpacked.lines if line.startswith("models/plain_v1.0.")),
        "models/ledger.jsonl: 1 records, chain unbroken",
        "models/registry: 3 events, chain unbroken",
        "models: 1 adopted settings",
        "models: 1 signatures, not checked: that needs a key",
    )
    assert len(unpacked.lines) == 8


def test_a_folder_holds_the_members_and_the_manifest(bundle: Path, tmp_path: Path) -> None:
    """No more and no less, readable by other users, and any tar program finds the same."""
    unpacked = unpack(bundle, tmp_path / "there")
    with tarfile.open(bundle) as archive:
        by_others = {info.name: archive.extractfile(info).read() for info in archive}
        assert {(info.mtime, info.uid, info.mode, info.type) for info in archive} == {(0, 0, 0o644, tarfile.REGTYPE)}
    assert next(iter(by_others)) == BUNDLE_FILE
    assert files_under(unpacked.folder) == by_others
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert unpacked.folder.stat().st_mode & 0o777 == 0o755


@given(st.data())
@settings(max_examples=150)
def test_a_changed_byte_anywhere_is_refused(
    bundle: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """In a header, in content, in the padding after it or at the end: nothing appears, and nothing is left."""
    folder = tmp_path_factory.mktemp("flipped")
    content = bytearray(bundle.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (folder / "x.tar").write_bytes(content)
    with pytest.raises((BundleRejected, LimitExceeded)):
        unpack(folder / "x.tar", folder / "there")
    assert names_in(folder) == ["x.tar"]


@given(st.data())
@settings(max_examples=50)
def test_a_torn_or_longer_file_is_refused(
    bundle: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Cut anywhere, or with bytes after its end."""
    folder = tmp_path_factory.mktemp("torn")
    content = bundle.read_bytes()
    size = data.draw(st.integers(0, len(content) + 2 * BLOCK).filter(lambda size: size != len(content)))
    (folder / "x.tar").write_bytes(content[:size].ljust(size, b"\0"))
    with pytest.raises(BundleRejected, match=r"ends too early|not as long as its manifest says"):
        unpack(folder / "x.tar", folder / "there")
    assert names_in(folder) == ["x.tar"]


def info(kind: bytes, name: str = "models/ledger.jsonl", target: str = "") -> bytes:
    """Return the header of something that is no plain file."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, target, 5
    return made.tobuf(tarfile.GNU_FORMAT)[:BLOCK]


HEADERS = {
    "symbolic link": (info(tarfile.SYMTYPE, target="/etc/passwd"), "a symbolic link 'models/ledger.jsonl'"),
    "hard link": (info(tarfile.LNKTYPE, target="bundle.json"), "a hard link"),
    "device": (info(tarfile.CHRTYPE), "a device"),
    "block device": (info(tarfile.BLKTYPE), "a device"),
    "pipe": (info(tarfile.FIFOTYPE), "a pipe"),
    "folder": (info(tarfile.DIRTYPE), "a folder"),
    "sparse file": (info(tarfile.GNUTYPE_SPARSE), "an extension of tar"),
    "long name": (info(tarfile.GNUTYPE_LONGNAME), "an extension of tar"),
    "other name": (header("models/ledger.head", 5), "a file 'models/ledger.head'"),
    "upwards": (header("../ledger.jsonl", 5), "a file '../ledger.jsonl'"),
    "absolute": (header("/models/ledger.jsonl", 5), "a file '/models/ledger.jsonl'"),
    "other size": (header("models/ledger.jsonl", 4), "a file 'models/ledger.jsonl', 4 bytes"),
    "the manifest again": (header(BUNDLE_FILE, 5), "a file 'bundle.json'"),
    "nothing": (bytes(BLOCK), "no header: end of file header"),
    "noise": (b"\xff" * BLOCK, "no header: "),
}


@pytest.mark.parametrize(("block", "got"), HEADERS.values(), ids=HEADERS)
def test_only_the_listed_plain_file_may_stand_there(tmp_path: Path, block: bytes, got: str) -> None:
    """Links, devices, other names and other sizes are another header than the manifest implies."""
    path = forged(tmp_path / "x.tar", Manifest((member(),)), [("models/ledger.jsonl", b"hello")])
    content = path.read_bytes()
    path.write_bytes(content.replace(header("models/ledger.jsonl", 5), block))
    with pytest.raises(BundleRejected, match=f"another member than the manifest names .*got {got}"):
        unpack(path, tmp_path / "there")
    assert names_in(tmp_path) == ["x.tar"]


LISTED, OTHER = ("models/ledger.jsonl", b"hello"), ("models/ledger.head", b"other")


@pytest.mark.parametrize(
    ("contents", "sentence"),
    [
        ([], "not as long as its manifest says"),
        ([LISTED, OTHER], "not as long as its manifest says"),
        ([LISTED, LISTED], "not as long as its manifest says"),
        ([OTHER], "another member than the manifest names"),
        ([("models/ledger.jsonl", b"hellO")], "a member's bytes differ from the manifest"),
    ],
)
def test_members_are_those_of_the_manifest(tmp_path: Path, contents: list[tuple[str, bytes]], sentence: str) -> None:
    """None missing, none more, none twice, none other."""
    path = forged(tmp_path / "x.tar", Manifest((member(),)), contents)
    with pytest.raises(BundleRejected, match=sentence):
        unpack(path, tmp_path / "there")


def test_content_after_a_members_end_is_refused(tmp_path: Path) -> None:
    """Where tar only leaves room."""
    path = forged(tmp_path / "x.tar", Manifest((member(),)), [LISTED])
    path.write_bytes(path.read_bytes().replace(b"hello\0", b"hello!"))
    with pytest.raises(BundleRejected, match="bytes stand where there is only room"):
        unpack(path, tmp_path / "there")


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(members=1), "a bundle of too many files .*got 2; expected 1"),
        (Limits(total_bytes=9), "a bundle is too large .*got 10 bytes; expected at most 9"),
    ],
)
def test_limits_are_held_against_the_manifest(tmp_path: Path, limits: Limits, sentence: str) -> None:
    """Before anything is written."""
    both = Manifest((member(*OTHER), member()))
    with pytest.raises(LimitExceeded, match=sentence):
        unpack(forged(tmp_path / "x.tar", both, [OTHER, LISTED]), tmp_path / "there", limits=limits)


def test_a_small_file_cannot_claim_to_be_large(tmp_path: Path) -> None:
    """A manifest of a terabyte in a file of two blocks, and a first member of eight gigabytes."""
    huge = Manifest((Member("lake/t/rows.parquet", 1 << 40, "a" * 64, "rows", "a bomb"),))
    with pytest.raises(LimitExceeded, match="a bundle is too large"):
        unpack(forged(tmp_path / "x.tar", huge, []), tmp_path / "there")
    with pytest.raises(BundleRejected, match="not as long as its manifest says"):
        unpack(tmp_path / "x.tar", tmp_path / "there", limits=Limits(total_bytes=1 << 41))
    (tmp_path / "y.tar").write_bytes(header(BUNDLE_FILE, 8**11 - 1))
    with pytest.raises(LimitExceeded, match="the first member is too large"):
        unpack(tmp_path / "y.tar", tmp_path / "there")


def other_rows(fill: Fill) -> Fill:
    return altered(
        fill, f"lake/bronze/prices/date={MONDAY}/rows.parquet", parquet_bytes(prices(MONDAY, 7).drop("date"))
    )


def log_of(fill: Fill, path: str) -> Fill:
    """Return a fill whose log names another file than came with it, of the size that is expected."""
    add = {
        "path": path,
        "partitionValues": {"date": str(TUESDAY)},
        "size": 9,
        "modificationTime": 0,
        "dataChange": True,
    }
    log = json.dumps({"commitInfo": {}}) + "\n" + json.dumps({"add": add}) + "\n"
    return altered(fill, LOG, log.encode())


LOG = "lake/bronze/prices/_delta_log/00000000000000000001.json"
STAMP = {"table": PRICES.name, "rows": 0, "logical_sha256": "", "schema_sha256": "", "code_version": ""}


def said_of(fill: Fill, stamp: dict[str, object]) -> Fill:
    """Return a fill whose log has a commit that says something else of itself, and names no file."""
    log = json.dumps({"commitInfo": {"timestamp": 0, "grinder": json.dumps(stamp)}}) + "\n"
    without = f"lake/bronze/prices/date={TUESDAY}/rows.parquet"

    def fill_otherwise(spool: Spool) -> None:
        altered(fill, LOG, log.encode())(spool)
        spool.members = [one for one in spool.members if one.path != without]

    return fill_otherwise


UNTRUE: dict[str, tuple[Callable[[Fill], Fill], type[GrinderError], str]] = {
    "rows": (other_rows, CorruptFile, "rows differ from the hash in their commit"),
    "a file of this machine": (lambda fill: log_of(fill, "/etc/hostname"), BundleRejected, "names other files"),
    "a file upwards": (lambda fill: log_of(fill, "../../../../x"), BundleRejected, "names other files"),
    "a log that is none": (lambda fill: altered(fill, LOG, b"what"), BundleRejected, "log of a table cannot be read"),
    "a commit that is none": (lambda fill: said_of(fill, {"a": 1}), BundleRejected, "log of a table cannot be read"),
    "a day that is none": (
        lambda fill: said_of(fill, {**STAMP, "day": "x"}),
        BundleRejected,
        "no commit of a day of its own",
    ),
    "a missing file": (lambda fill: log_of(fill, "date=2025-01-07/no.parquet"), BundleRejected, "names other files"),
    "a model": (lambda fill: altered(fill, "models/plain_v1.0.0/model.onnx", b"two"), ArtifactRejected, "differ"),
    "the ledger": (lambda fill: altered(fill, "models/ledger.jsonl", b"what\n"), LedgerBroken, "no record"),
    "the registry": (lambda fill: altered(fill, "models/registry/log.jsonl", b""), RegistryRejected, "head names"),
    "settings": (lambda fill: altered(fill, "models/adopted/regime.json", b"{}\n"), BadDeclaration, "cannot be read"),
}


@pytest.mark.parametrize(("change", "refusal", "sentence"), UNTRUE.values(), ids=UNTRUE)
def test_a_well_formed_bundle_of_untrue_things_is_refused(
    tmp_path: Path, fill: Fill, change: Callable[[Fill], Fill], refusal: type[GrinderError], sentence: str
) -> None:
    """Its hashes fit, since whoever wrote it computed them; what it holds is held against what it says."""
    pack(tmp_path / "x.tar", change(fill))
    with pytest.raises(refusal, match=sentence):
        unpack(tmp_path / "x.tar", tmp_path / "there")
    assert names_in(tmp_path) == ["x.tar"]


def test_an_artifact_of_other_bytes_than_registered_is_refused(tmp_path: Path, fill: Fill) -> None:
    """Although it verifies: its manifest is another one, made at another time."""
    path = "models/plain_v1.0.1/manifest.json"
    spool_of: list[bytes] = []

    def look(spool: Spool) -> None:
        fill(spool)
        spool_of.append((spool.folder / path).read_bytes())

    pack(tmp_path / "good.tar", look)
    later = spool_of[0].replace(b"2025-12-15T10:30:00Z", b"2025-12-15T10:30:01Z")
    pack(tmp_path / "x.tar", altered(fill, path, later))
    with pytest.raises(RegistryRejected, match="not there as it was registered"):
        unpack(tmp_path / "x.tar", tmp_path / "there")


def test_the_root_names_the_bundle_that_was_asked_for(bundle: Path, tmp_path: Path) -> None:
    """At least sixteen characters of it."""
    root = unpack(bundle, tmp_path / "first").manifest.root
    for known in (root, root[:16]):
        assert unpack(bundle, tmp_path / known, root=known).folder.is_dir()
    for other in (root[:15], root[1:], "f" * 64):
        with pytest.raises(BundleRejected, match="another bundle than was asked for"):
            unpack(bundle, tmp_path / "there", root=other)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.write_bytes(b""), lambda path: path.symlink_to("x")])
def test_nothing_is_unpacked_over(bundle: Path, tmp_path: Path, make: Callable[[Path], object]) -> None:
    """Not even an empty folder, or a link that leads nowhere."""
    make(tmp_path / "there")
    with pytest.raises(InputRefused, match="nothing is written over"):
        unpack(bundle, tmp_path / "there")
    assert names_in(tmp_path) == ["there"]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "the bundle cannot be opened .*No such file"),
        (Path.mkdir, "a bundle is a plain file"),
        (os.mkfifo, "a bundle is a plain file"),
        (lambda path: path.write_bytes(b""), "the file ends too early"),
        (lambda path: path.write_bytes(b"x" * 2000), "this is no bundle"),
        (lambda path: tarfile.open(path, "w").close(), "this is no bundle"),
    ],
)
def test_what_is_no_bundle_is_refused(tmp_path: Path, make: Callable[[Path], object], sentence: str) -> None:
    """At once, and in one line."""
    make(tmp_path / "x.tar")
    with pytest.raises((BundleRejected, InputRefused), match=sentence):
        unpack(tmp_path / "x.tar", tmp_path / "there")


def test_a_bundle_of_another_tar_program_is_refused(bundle: Path, tmp_path: Path) -> None:
    """The members are the same, but headers that say who packed them are not ours to trust."""
    with tarfile.open(bundle) as archive, tarfile.open(tmp_path / "x.tar", "w") as other:
        for one in archive:
            one.mtime = 1
            other.addfile(one, io.BytesIO(archive.extractfile(one).read()))
    with pytest.raises(BundleRejected, match="another member than the manifest names"):
        unpack(tmp_path / "x.tar", tmp_path / "there")
