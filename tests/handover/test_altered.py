"""Files that are not what pack wrote: whatever was done to them, no folder appears and nothing is left."""

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.errors import BundleRejected, InputRefused, LimitExceeded
from grinder_resources.handover.archive import BLOCK, header
from grinder_resources.handover.manifest import BUNDLE_FILE, Manifest, Member
from grinder_resources.handover.unpack import Limits, unpack
from tests.handover.bundles import forged, member, names_in


@given(st.data())
@settings(max_examples=100)
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
