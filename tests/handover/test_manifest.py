"""The manifest: one form, names that are safe anywhere, and nothing twice."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.errors import BundleRejected
from grinder_resources.handover.manifest import Manifest, Member, dump_manifest, parse_manifest
from tests.handover.bundles import member

LEDGER, HEAD = member(), member("models/ledger.head")


def test_a_manifest_reads_back_and_says_what_it_holds() -> None:
    """The known root guards the definition."""
    manifest = Manifest((HEAD, LEDGER))
    assert parse_manifest(dump_manifest(manifest)) == manifest
    assert manifest.total_bytes == 10
    assert manifest.root == "876cf4d875d60f36513b7e6d8f3d1b66aea89d7c2a30575bba84c7829e19b844"


UNSAFE = [
    "/etc/passwd",
    "models/../../x",
    "../models/ledger.jsonl",
    "models//ledger.jsonl",
    "models/./ledger.jsonl",
    "models/ledger.jsonl/",
    "models/.hidden",
    "models\\ledger.jsonl",
    "C:/models/ledger.jsonl",
    "models/led ger.jsonl",
    "models/ledger.jsonl\n",
    "models/l\0.jsonl",
    "models/ledgér.jsonl",
    "",
    "models/" + "a" * 101,
    "models/" + "a/" * 12 + "a",
    "lake/" + "a" * 97 + "/" + "b" * 98 + "/rows.parquet",
]


@pytest.mark.parametrize("path", UNSAFE)
def test_a_name_that_leads_elsewhere_is_refused(path: str) -> None:
    """Absolute, upwards, hidden, empty, too long, or of characters that mean something else on another system."""
    with pytest.raises(BundleRejected, match="a member's name is a relative path of plain parts"):
        Member(path, 5, "a" * 64, "rows", "a file")


@given(st.text(max_size=40))
def test_no_text_is_a_name_with_a_way_out(path: str) -> None:
    """Whatever is accepted is relative, without a part that starts with a dot, and in plain letters."""
    try:
        Member(f"lake/{path}.parquet", 5, "a" * 64, "rows", "a file")
    except BundleRejected:
        return
    assert path.isascii()
    assert not any(part.startswith(".") or not part for part in f"lake/{path}.parquet".split("/"))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("models/ledger.jsonl", "rows"),
        ("lake/t/rows.parquet", "ledger"),
        ("lake/t/_delta_log/_last_checkpoint", "delta_log"),
        ("lake/t/_delta_log/00000000000000000000.checkpoint.parquet", "delta_log"),
        ("models/regime_v1.0.0/deeper/model.onnx", "artifact"),
        ("models/mlflow.db", "artifact"),
        ("models/ledger.jsonl", "program"),
    ],
)
def test_a_member_lies_where_its_kind_does(path: str, kind: str) -> None:
    """So that nothing comes along that nobody verifies."""
    with pytest.raises(BundleRejected, match="does not lie where its kind does"):
        Member(path, 5, "a" * 64, kind, "a file")


@pytest.mark.parametrize("change", [{"size_bytes": -1}, {"sha256": "A" * 64}, {"sha256": ""}, {"what": "a\nb"}])
def test_a_member_has_a_size_a_hash_and_a_line(change: dict[str, Any]) -> None:
    """Anything else is refused."""
    with pytest.raises(BundleRejected, match="a size, a sha256 and a line"):
        Member(**{**vars(LEDGER), **change})


def rows(path: str) -> Member:
    return member(path, kind="rows")


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ((), "a bundle holds something"),
        ((LEDGER, HEAD), "sorted by path, each named once"),
        ((LEDGER, LEDGER), "sorted by path, each named once"),
        ((rows("lake/T/a.parquet"), rows("lake/t/a.parquet")), "differ only in upper and lower case"),
        ((rows("lake/T/a.parquet"), rows("lake/t/b.parquet")), r"case \(bundle.json; got lake/t; expected lake/T\)"),
        ((rows("lake/a.parquet"), rows("lake/a.parquet/b.parquet")), "a member is a file and a folder"),
    ],
)
def test_names_are_sorted_and_apart_on_every_file_system(members: tuple[Member, ...], sentence: str) -> None:
    """Also folders, and also where upper and lower case are one."""
    with pytest.raises(BundleRejected, match=sentence):
        Manifest(members)


def edited(**change: Any) -> bytes:
    document = {**json.loads(dump_manifest(Manifest((HEAD, LEDGER)))), **change}
    return (json.dumps(document, sort_keys=True, indent=2) + "\n").encode()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not UTF-8 JSON"),
        (b"[]\n", "an object is needed here"),
        (b'{"a": 1, "a": 2}\n', "a key appears twice"),
        (b"[" * 100_000, "nested too deeply"),
        (edited(more=1), "a field is unknown"),
        (edited(schema_version=2), r"schema_version has no reader \(bundle.json; got 2; expected 1\)"),
        (edited(root="0" * 64), "not in the one form"),
        (edited(members=[]), "a bundle holds something"),
        (edited(members=[{}]), "a field is missing"),
        (edited() + b"\n", "not in the one form"),
        (edited().replace(b"  ", b" "), "not in the one form"),
        (edited().replace(b'"size_bytes": 5', b'"size_bytes": 5.0'), "an integer is needed here"),
    ],
)
def test_other_bytes_than_the_canonical_are_refused(data: bytes, sentence: str) -> None:
    """In one line of ours, whatever the document is."""
    with pytest.raises(BundleRejected, match=sentence):
        parse_manifest(data)
