"""Bundles whose every hash fits, for whoever made them computed it; what they hold is held against what they say."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grinder_resources.errors import (
    ArtifactRejected,
    BadDeclaration,
    BundleRejected,
    CorruptFile,
    GrinderError,
    LedgerBroken,
    RegistryRejected,
)
from grinder_resources.handover.corpus import parquet_bytes
from grinder_resources.handover.pack import pack
from grinder_resources.handover.unpack import unpack
from grinder_resources.handover.workspace import Spool
from tests.handover.bundles import MONDAY, PRICES, TUESDAY, Fill, altered, names_in, prices

LOG = "lake/bronze/prices/_delta_log/00000000000000000001.json"
STAMP = {"table": PRICES.name, "rows": 0, "logical_sha256": "", "schema_sha256": "", "code_version": ""}


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


def test_an_artifact_under_another_name_is_refused(tmp_path: Path, fill: Fill) -> None:
    """Or an old version would be served as a newer one."""

    def renamed(spool: Spool) -> None:
        fill(spool)
        (spool.folder / "models" / "plain_v1.0.0").rename(spool.folder / "models" / "plain_v9.0.0")
        spool.members = [replace(one, path=one.path.replace("plain_v1.0.0/", "plain_v9.0.0/")) for one in spool.members]

    pack(tmp_path / "x.tar", renamed)
    with pytest.raises(BundleRejected, match=r"under another name \(got plain_v9.0.0; expected plain_v1.0.0\)"):
        unpack(tmp_path / "x.tar", tmp_path / "there")


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
