"""One strict reader, one canonical writer."""

import json
import string
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.contracts.artifacts import FileFacts, HeadFacts, Manifest, TrainingMetadata
from grinder_resources.errors import ManifestRejected
from grinder_resources.export.manifest import dump_manifest, json_bytes, parse_manifest

GOLDEN = Path(__file__).parent / "golden" / "manifest_v1.json"

REGIME = Manifest(
    model_name="regime",
    model_version="v1.0.0",
    created_at="2024-01-15T10:30:00Z",
    files=(
        FileFacts("config.json", "c3d4e5f6" * 8, 512),
        FileFacts("model.onnx", "a1b2c3d4e5f67890" * 4, 102_400),
        FileFacts("train_report.json", "b2c3d4e5" * 8, 2048),
    ),
    input_features=("natr_bps", "spread_bps", "range_score"),
    heads=(
        HeadFacts("regime", "multiclass", ("LOW", "MID", "HIGH"), margin_bound_q16=316_467),
        HeadFacts("spacing_multiplier", "regression", unit=0.5),
    ),
    training_metadata=TrainingMetadata(50_000, 10_000, 7250, "d4e5f67890123456"),
)

UNSAFE_NAMES = [
    "../x",
    "..",
    ".",
    "",
    "/abs",
    "a/b",
    "a\\b",
    "x\0y",
    "x\n",
    "x ",
    " x",
    ".hidden",
    "-flag",
    "x" * 65,
    "modèle.onnx",
]

label = st.text(string.ascii_letters + string.digits + "_=.|<>", min_size=1, max_size=12)
name = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True).filter(lambda text: text != "input")
file_name = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,9}", fullmatch=True)
count = st.integers(0, 1 << 29)
classes = st.lists(label, min_size=2, max_size=4, unique=True).map(tuple)
bound = st.none() | count
heads = st.one_of(
    st.builds(HeadFacts, name, st.just("binary"), classes.map(lambda names: names[:2]), margin_bound_q16=bound),
    st.builds(HeadFacts, name, st.just("multiclass"), classes, margin_bound_q16=bound),
    st.builds(HeadFacts, name, st.just("regression"), unit=st.floats(1e-300, 1e300), margin_bound_q16=bound),
)
sizes = st.dictionaries(file_name, count, max_size=4).map(lambda found: sorted((found | {"model.onnx": 7}).items()))
manifests = st.builds(
    Manifest,
    model_name=name,
    model_version=st.builds("v{}.{}.{}".format, *[st.integers(0, 99)] * 3),
    created_at=st.datetimes(datetime(1000, 1, 1)).map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ")),  # noqa: DTZ001
    files=sizes.map(lambda found: tuple(FileFacts(name, f"{size:064x}", size) for name, size in found)),
    input_features=st.lists(label, min_size=1, max_size=5, unique=True).map(tuple),
    heads=st.lists(heads, min_size=1, max_size=4, unique_by=lambda head: head.name).map(tuple),
    training_metadata=st.builds(
        TrainingMetadata, count, count, st.none() | st.integers(0, 10_000), count.map("{:016x}".format)
    ),
)


def changed(**fields: object) -> bytes:
    """Return the golden manifest with top-level fields replaced."""
    return json.dumps(json.loads(GOLDEN.read_bytes()) | fields).encode()


def test_the_golden_manifest_is_written_and_read_for_ever() -> None:
    """The canonical bytes of schema version 1 are these."""
    assert dump_manifest(REGIME) == GOLDEN.read_bytes()
    assert parse_manifest(GOLDEN.read_bytes()) == REGIME
    assert REGIME.folder == "regime_v1.0.0"


@given(manifests)
def test_parse_undoes_dump(manifest: Manifest) -> None:
    """What is written is read back as the same facts, and the bytes are canonical."""
    data = dump_manifest(manifest)
    assert parse_manifest(data) == manifest
    assert dump_manifest(parse_manifest(data)) == data
    assert data.endswith(b"}\n")


def test_output_classes_follow_the_one_multiclass_head() -> None:
    """LOW, MID, HIGH for regime; head names where no head or several heads have many classes."""
    one, regression = REGIME.heads
    assert REGIME.output_classes == ("LOW", "MID", "HIGH")
    assert replace(REGIME, heads=(regression,)).output_classes == ("spacing_multiplier",)
    assert replace(REGIME, heads=(one, replace(one, name="again"))).output_classes == ("regime", "again")


@pytest.mark.parametrize("unsafe", UNSAFE_NAMES)
def test_unsafe_file_names_are_refused(unsafe: str) -> None:
    """A name is one plain path part, nothing that a file system or a shell could read otherwise."""
    files = json.loads(GOLDEN.read_bytes())["files"]
    with pytest.raises(ManifestRejected, match="MANIFEST_REJECTED: a file name must match") as refusal:
        parse_manifest(changed(files=files | {unsafe: files["model.onnx"]}))
    assert "\n" not in refusal.value.line()


@pytest.mark.parametrize("twin", ["Model.onnx", "MODEL.ONNX", "Manifest.JSON", "manifest.json"])
def test_names_that_differ_by_case_only_are_refused(twin: str) -> None:
    """Two names for one file on a case-blind file system, the manifest's own included."""
    files = json.loads(GOLDEN.read_bytes())["files"]
    with pytest.raises(ManifestRejected, match="upper and lower case alike, may appear only once"):
        parse_manifest(changed(files=files | {twin: files["model.onnx"]}))


@pytest.mark.parametrize(
    ("version", "shown"),
    [
        (2, "got 2; expected 1"),
        (0, "got 0"),
        ("1", "got '1'"),
        ("v1", "got 'v1'"),
        (True, "got True"),
        (1.0, "got 1.0"),
    ],
)
def test_other_schema_versions_are_refused_by_name(version: object, shown: str) -> None:
    """Newer, older and differently spelled versions are named together with the one that is read."""
    with pytest.raises(ManifestRejected, match="schema_version has no reader") as refusal:
        parse_manifest(changed(schema_version=version))
    assert shown in refusal.value.line()
    assert "expected 1" in refusal.value.line()


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "not UTF-8 JSON"),
        (b"[]", "schema_version has no reader"),
        (b"{}", "schema_version has no reader"),
        (b"\xff\xfe{}", "not UTF-8 JSON"),
        (b"\xef\xbb\xbf{}", "not UTF-8 JSON"),
        (b'{"a": 1, "a": 1}', "a key appears twice"),
        (b'{"a": NaN}', "not finite"),
        (b'{"a": -Infinity}', "not finite"),
        (b'{"a": 1e999}', "does not fit a float"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number is too long"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 17 + b"1" + b"}" * 17, "nested too deeply"),
        (b" " * (1 << 20) + b"{}", "too large"),
        (b'{"schema_version": 1}', "a field is missing"),
    ],
)
def test_hostile_json_is_refused(data: bytes, rule: str) -> None:
    """Limits hold before parsing; nothing ends in a RecursionError, a silent last key or a NaN."""
    with pytest.raises(ManifestRejected, match=rule):
        parse_manifest(data)


def test_brackets_inside_texts_do_not_count_as_depth() -> None:
    """A text of brackets and quotes is a text; an unterminated megabyte of quotes is refused in linear time."""
    with pytest.raises(ManifestRejected, match="a field is unknown"):
        parse_manifest(changed(note='\\"' + "[{" * 50))
    started = time.perf_counter()
    with pytest.raises(ManifestRejected, match="not UTF-8 JSON"):
        parse_manifest(b'"' + b'\\"' * 500_000)
    assert time.perf_counter() - started < 2.0


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"note": "x"}, r"a field is unknown \(manifest.json; got note"),
        ({"model_name": "Regime"}, "a model name is a lower-case identifier"),
        ({"model_name": 7}, "a text is needed here"),
        ({"model_version": "1.0.0"}, "a version is"),
        ({"model_version": "v01.0.0"}, "a version is"),
        ({"model_version": "v1.0.0\n"}, "a version is"),
        ({"created_at": "2024-02-30T00:00:00Z"}, "a UTC time is"),
        ({"created_at": "2024-01-15T10:30:00+00:00"}, "a UTC time is"),
        ({"framework": "lightgbm"}, "a field contradicts"),
        ({"export_format": "pickle"}, "a field contradicts"),
        ({"model_hash": "0" * 16}, "a field contradicts the rest of the manifest"),
        ({"output_classes": ["HIGH", "MID", "LOW"]}, "a field contradicts"),
        ({"input_features": []}, "a model needs features"),
        ({"input_features": ["a", "a"]}, "a feature may appear only once"),
        ({"input_features": ["a b"]}, "printable ASCII"),
        ({"input_features": "natr_bps"}, "a list is needed here"),
        ({"heads": []}, "a model needs heads"),
        ({"heads": [{"name": "input"}]}, "a field is missing"),
        ({"files": {}}, "an artifact holds model.onnx"),
        ({"files": []}, "an object is needed here"),
        ({"files": {"model.onnx": {"sha256": "A" * 64, "size_bytes": 1}}}, "64 lower-case hex"),
        ({"files": {"model.onnx": {"sha256": "a" * 64, "size_bytes": True}}}, "an integer is needed here"),
        ({"files": {"model.onnx": {"sha256": "a" * 64, "size_bytes": -1}}}, "a count is"),
        ({"files": {"model.onnx": {"sha256": "a" * 64, "size_bytes": 2**40}}}, "at most 512 MiB"),
        ({"training_metadata": {}}, "a field is missing"),
    ],
)
def test_fields_that_break_the_schema_are_refused(fields: dict[str, object], rule: str) -> None:
    """Every field has one shape, and fields may not contradict each other."""
    with pytest.raises(ManifestRejected, match=rule):
        parse_manifest(changed(**fields))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"name": "Regime"}, "a head name is a lower-case identifier"),
        ({"kind": "ranking"}, "binary, multiclass or regression"),
        ({"kind": "binary"}, "cannot have this many classes"),
        ({"classes": ["LOW", "LOW"]}, "a class may appear only once"),
        ({"unit": 2.0}, "only regression has a unit"),
        ({"unit": True}, "a number is needed here"),
        ({"margin_bound_q16": -1}, "a count is"),
        ({"margin_bound_q16": 0.5}, "an integer is needed here"),
        ({"name": "spacing_multiplier_margin"}, "a graph name may appear only once"),
        ({"name": "input"}, "a graph name may appear only once"),
    ],
)
def test_heads_that_cannot_be_are_refused(change: dict[str, object], rule: str) -> None:
    """A head's kind, classes, unit and names have to fit each other."""
    first, *others = json.loads(GOLDEN.read_bytes())["heads"]
    with pytest.raises(ManifestRejected, match=rule):
        parse_manifest(changed(heads=[first | change, *others]))


def test_documents_with_nan_are_not_written() -> None:
    """A report that holds NaN is refused where it is written, not where it is read."""
    with pytest.raises(ManifestRejected, match="plain, finite JSON"):
        json_bytes({"score": float("nan")})
