"""Unpacking: what arrives is used as it was there."""

import tarfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from grinder_resources.errors import BundleRejected, InputRefused
from grinder_resources.handover.manifest import BUNDLE_FILE
from grinder_resources.handover.unpack import unpack
from grinder_resources.lake import Lake
from grinder_resources.registry.served import served_artifact
from grinder_resources.registry.verify import verify_registry
from tests.handover.bundles import MONDAY, PRICES, TUESDAY, WEDNESDAY, files_under, names_in, prices

THURSDAY = date(2025, 1, 9)


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


def test_a_bundle_of_the_first_version_is_read_for_ever(tmp_path: Path) -> None:
    """Packed when the format was new, and never again: whoever kept a bundle can open it."""
    unpacked = unpack(Path(__file__).with_name("golden") / "bundle_v1.tar", tmp_path / "there")
    assert unpacked.manifest.root == "2fb48c49b1c52207d42a745543ebd87871af95d5ddd1921e49de9863250b34b6"
    assert Lake(str(unpacked.folder / "lake")).read(PRICES)["text"].to_list() == [None, "t2", None, "t4"]
    assert served_artifact("plain", unpacked.folder / "models").name == "plain_v1.0.0"
