"""One strict reader, one canonical writer."""

import json
import string
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.artifacts import FileFacts, HeadFacts, Manifest, TableFacts, TrainingMetadata
from grinder_resources.contracts.calibration import AtLeast, AtMost, Either, Rule, Spacing
from grinder_resources.errors import ManifestRejected
from grinder_resources.export.manifest import dump_manifest, parse_manifest
from grinder_resources.export.strict_json import json_bytes

GOLDEN = Path(__file__).parent / "golden" / "manifest_v1.json"

ISOTONIC = TableFacts("isotonic", 9_000)

REGIME = Manifest(
    model_name="regime",
    model_version="v1.0.0",
    created_at="2024-01-15T10:30:00Z",
    files=(
        FileFacts("calibration.json", "d4e5f6a7" * 8, 4096),
        FileFacts("chain.json", "e5f6a7b8" * 8, 1024),
        FileFacts("config.json", "c3d4e5f6" * 8, 512),
        FileFacts("grid_width.ubj", "f6a7b8c9" * 8, 20_480),
        FileFacts("model.onnx", "a1b2c3d4e5f67890" * 4, 102_400),
        FileFacts("regime.ubj", "a7b8c9d0" * 8, 61_440),
        FileFacts("t2_120s.ubj", "b8c9d0e1" * 8, 20_480),
        FileFacts("t2_60s.ubj", "c9d0e1f2" * 8, 20_480),
        FileFacts("train_report.json", "b2c3d4e5" * 8, 2048),
    ),
    input_features=("natr_bps", "spread_bps", "range_score"),
    heads=(
        HeadFacts("regime", "multiclass", ("LOW", "MID", "HIGH"), 316_467, calibration=(ISOTONIC,) * 3),
        HeadFacts("grid_width", "regression", (), 65_536, 1000),
        HeadFacts("t2_60s", "binary", ("no", "yes"), 131_072, calibration=(ISOTONIC,)),
        HeadFacts("t2_120s", "binary", ("no", "yes"), 131_072, calibration=(TableFacts("logistic", 0),)),
    ),
    training_metadata=TrainingMetadata(50_000, 10_000, 7250, "d4e5f67890123456"),
    chain_root="0123456789abcdef" * 4,
    coherence=(AtMost("t2_60s", ("t2_120s",)),),
    spacing=Spacing("regime", (700, 1_000, 1_600)),
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
bound = st.integers(0, (1 << 24) - 1)
tables = st.builds(TableFacts, st.sampled_from(["isotonic", "logistic"]), count)


@st.composite
def heads(draw: st.DrawFn) -> HeadFacts:
    """Any head."""
    kind = draw(st.sampled_from(["binary", "multiclass", "regression"]))
    found = {"binary": draw(classes)[:2], "multiclass": draw(classes), "regression": ()}[kind]
    number = {"binary": 1, "multiclass": len(found), "regression": 0}[kind]
    calibration = tuple(draw(st.lists(tables, min_size=number, max_size=number)))
    unit = draw(st.integers(1, 1 << 22)) if kind == "regression" else 1
    return HeadFacts(draw(name), kind, found, draw(bound), unit, calibration)


@st.composite
def rules(draw: st.DrawFn, names: list[str]) -> Rule:
    """Any rule between these heads, two at least."""
    head, *others = draw(st.permutations(names))
    if len(others) > 1 and draw(st.booleans()):
        return Either(head, (others[0], others[1]))
    return draw(st.sampled_from([AtMost, AtLeast]))(head, tuple(others[: draw(st.integers(1, len(others)))]))


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    """Any manifest."""
    found = tuple(draw(st.lists(heads(), min_size=1, max_size=4, unique_by=lambda head: head.name)))
    needed = {"model.onnx", "calibration.json", "chain.json", *(head.booster_file for head in found)}
    sizes = draw(st.dictionaries(file_name, count, max_size=4)) | {name: draw(count) for name in needed}
    binary = [head.name for head in found if head.kind == "binary"]
    multiclass = [head for head in found if head.kind == "multiclass"]
    width = len(multiclass[0].classes) if multiclass else 0
    multipliers = st.lists(st.integers(0, 100_000), min_size=width, max_size=width).map(tuple)
    spacing = st.builds(Spacing, st.just(multiclass[0].name), multipliers) if multiclass else st.none()
    return Manifest(
        model_name=draw(name),
        model_version=draw(st.builds("v{}.{}.{}".format, *[st.integers(0, 99)] * 3)),
        created_at=draw(st.datetimes(datetime(1000, 1, 1))).strftime("%Y-%m-%dT%H:%M:%SZ"),  # noqa: DTZ001
        files=tuple(FileFacts(name, f"{size:064x}", size) for name, size in sorted(sizes.items())),
        input_features=tuple(draw(st.lists(label, min_size=1, max_size=5, unique=True))),
        heads=found,
        training_metadata=TrainingMetadata(
            draw(count), draw(count), draw(st.none() | st.integers(0, 10_000)), f"{draw(count):016x}"
        ),
        chain_root=f"{draw(count):064x}",
        coherence=tuple(draw(st.lists(rules(binary), max_size=3))) if len(binary) > 1 else (),
        spacing=draw(st.none() | spacing),
    )


FILES = {facts.name: {"sha256": facts.sha256, "size_bytes": facts.size_bytes} for facts in REGIME.files}


def without(name: str) -> dict[str, object]:
    """Return the golden manifest's files but one."""
    return {found: facts for found, facts in FILES.items() if found != name}


def changed(**fields: object) -> bytes:
    """Return the golden manifest with top-level fields replaced."""
    return json.dumps(json.loads(GOLDEN.read_bytes()) | fields).encode()


def test_the_golden_manifest_is_written_and_read_for_ever() -> None:
    """The canonical bytes of schema version 1 are these."""
    assert dump_manifest(REGIME) == GOLDEN.read_bytes()
    assert parse_manifest(GOLDEN.read_bytes()) == REGIME
    assert REGIME.folder == "regime_v1.0.0"


@given(manifests())
@settings(max_examples=40, deadline=None)
def test_parse_undoes_dump(manifest: Manifest) -> None:
    """What is written is read back as the same facts, and the bytes are canonical."""
    data = dump_manifest(manifest)
    assert parse_manifest(data) == manifest
    assert dump_manifest(parse_manifest(data)) == data
    assert data.endswith(b"}\n")


def test_output_classes_follow_the_one_multiclass_head() -> None:
    """LOW, MID, HIGH for regime; head names where no head or several heads have many classes."""
    one, *others = REGIME.heads
    assert REGIME.output_classes == ("LOW", "MID", "HIGH")
    assert replace(REGIME, heads=tuple(others), spacing=None).output_classes == ("grid_width", "t2_60s", "t2_120s")
    again = replace(one, name="t2_60s")
    assert replace(REGIME, heads=(one, again), coherence=()).output_classes == ("regime", "t2_60s")


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
        ({"files": without("calibration.json")}, "an artifact holds calibration.json"),
        ({"files": without("chain.json")}, "an artifact holds chain.json"),
        ({"files": without("regime.ubj")}, "an artifact holds regime.ubj"),
        ({"chain_root": "0" * 63}, "a root is 64 lower-case hex characters"),
        (
            {"coherence": [{"rule": "at_most", "head": "t2_60s", "bounds": ["regime"]}]},
            "is between binary heads",
        ),
        ({"coherence": [{"rule": "at_most", "head": "t2_60s", "bounds": ["t2_60s"]}]}, "heads other than its own"),
        ({"coherence": [{"rule": "at_least", "head": "t2_60s", "bounds": []}]}, "heads other than its own"),
        ({"coherence": [{"rule": "either", "head": "t2_60s", "parts": ["t2_120s"]}]}, "has two parts"),
        (
            {"coherence": [{"rule": "never", "head": "t2_60s", "bounds": []}]},
            r"no such kind .*got 'never'; expected",
        ),
        ({"coherence": [{"rule": "at_most", "head": "t2_60s"}]}, "a field is missing"),
        ({"coherence": None}, "a list is needed here"),
        ({"spacing": {"head": "t2_60s", "multipliers_x1000": [1, 2]}}, "comes from a multiclass head"),
        ({"spacing": {"head": "regime", "multipliers_x1000": [1, 2]}}, "one multiplier a class"),
        ({"spacing": {"head": "regime", "multipliers_x1000": [1, 2, 100_001]}}, r"a multiplier lies in 0\.\.100000"),
        ({"spacing": {"head": "regime", "multipliers_x1000": [1, 2, 3.0]}}, "an integer is needed here"),
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
        ({"unit": 2}, "only regression has a unit"),
        ({"unit": 0}, r"a unit is an integer in 1\.\.4194304"),
        ({"unit": 1.0}, "an integer is needed here"),
        ({"margin_bound_q16": -1}, r"bounded by 0\.\.16777215"),
        ({"margin_bound_q16": 1 << 24}, r"bounded by 0\.\.16777215"),
        ({"margin_bound_q16": 0.5}, "an integer is needed here"),
        ({"margin_bound_q16": None}, "an integer is needed here"),
        ({"calibration": []}, "one calibration a probability"),
        ({"calibration": [{"method": "sigmoid", "rows": 1}] * 3}, "isotonic or logistic"),
        ({"calibration": [{"method": "isotonic", "rows": -1}] * 3}, "a count is"),
        ({"name": "grid_width_margin"}, "a graph name may appear only once"),
        ({"name": "input"}, "a graph name may appear only once"),
        ({"name": "spacing_multiplier_x1000"}, "a graph name may appear only once"),
    ],
)
def test_heads_that_cannot_be_are_refused(change: dict[str, object], rule: str) -> None:
    """A head's kind, classes, unit and names have to fit each other."""
    first, *others = json.loads(GOLDEN.read_bytes())["heads"]
    named = {f"{change.get('name', 'regime')}.ubj": FILES["regime.ubj"]}
    with pytest.raises(ManifestRejected, match=rule):
        parse_manifest(changed(heads=[first | change, *others], files=FILES | named))


def test_documents_with_nan_are_not_written() -> None:
    """A report that holds NaN is refused where it is written, not where it is read."""
    with pytest.raises(ManifestRejected, match="plain, finite JSON"):
        json_bytes({"score": float("nan")})
