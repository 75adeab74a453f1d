"""The bot's artifact manifest: read as leniently as the bot does, where that is safe, and written in one way."""

import json
import os
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.bot import FEATURE_ORDER, BotManifest
from grinder_resources.errors import ArtifactRejected, ManifestRejected
from grinder_resources.export.bot_manifest import dump_bot_manifest, parse_bot_manifest, read_bot_artifact, schema_of
from tests.export.bot_artifacts import FULL, GIT_SHA, MODEL, REPORT, SHORT, manifest_bytes, put_artifact

UNSAFE_PATHS = ["", "/abs", "..", "../x", "a/../b", "a//b", "a/", "a\\b", "x\0y", "x\n", ".", "x" * 256]

plain = st.text(string.ascii_letters + string.digits + "._- ", min_size=1, max_size=12).filter(
    lambda text: text not in (".", "..")
)
hexes = st.text("0123456789abcdef", min_size=40, max_size=40)
maybe = st.none() | plain


@st.composite
def manifests(draw: st.DrawFn) -> BotManifest:
    """Any manifest."""
    paths = draw(st.lists(st.lists(plain, min_size=1, max_size=3).map("/".join), min_size=1, max_size=4, unique=True))
    digests = {path: draw(hexes) + "0" * 24 for path in sorted(paths)}
    return BotManifest(
        draw(st.sampled_from(["v1", "v1.1"])),
        draw(st.sampled_from(paths)),
        digests,
        draw(plain),
        draw(maybe),
        draw(st.none() | hexes),
        draw(maybe),
        draw(st.sampled_from([None, FEATURE_ORDER])),
        draw(maybe),
    )


@given(manifests())
@settings(max_examples=40, deadline=None)
def test_parse_undoes_dump(manifest: BotManifest) -> None:
    """What is written is read back as the same facts, and the bytes are canonical."""
    data = dump_bot_manifest(manifest)
    assert parse_bot_manifest(data) == manifest
    assert dump_bot_manifest(parse_bot_manifest(data)) == data


def test_every_field_is_read_and_written() -> None:
    """A full manifest keeps all it says; a short one is not given fields it did not have."""
    assert json.loads(dump_bot_manifest(parse_bot_manifest(manifest_bytes(FULL)))) == FULL
    assert json.loads(dump_bot_manifest(parse_bot_manifest(manifest_bytes(SHORT)))) == SHORT


def test_what_the_bot_lets_pass_is_read() -> None:
    """Unknown fields are ignored, null is as good as absent, and hex may be in either case."""
    model = {"model.onnx": FULL["sha256"]["model.onnx"].upper()}
    read = parse_bot_manifest(
        manifest_bytes(SHORT, sha256=model, git_sha=GIT_SHA.upper(), dataset_id=None, colour="red")
    )
    assert read.sha256 == SHORT["sha256"]
    assert (read.git_sha, read.dataset_id) == (GIT_SHA, None)


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"schema_version": 1}, "a text is needed here"),
        ({"schema_version": "v2"}, "'v1' or 'v1.1'"),
        ({"model_file": "other.onnx"}, "model_file has a sha256"),
        ({"model_file": None}, "a text is needed here"),
        ({"sha256": {}}, "1 to 64 files"),
        ({"sha256": []}, "an object is needed here"),
        ({"sha256": {"model.onnx": "0" * 63}}, "64 hex characters"),
        ({"sha256": {"model.onnx": "g" * 64}}, "64 hex characters"),
        ({"sha256": {f"f{number}": "0" * 64 for number in range(65)}}, "1 to 64 files"),
        ({"created_at": ""}, "a time is needed here"),
        ({"created_at": 7}, "a text is needed here"),
        ({"git_sha": "0" * 39}, "git_sha is 40 hex"),
        ({"git_sha": 7}, "a text is needed here"),
        ({"dataset_id": 7}, "a text is needed here"),
        ({"feature_order": "price_mid"}, "a list is needed here"),
        ({"feature_order": list(FEATURE_ORDER[:-1])}, "15 inputs in its own order .*got '14 names'"),
        ({"feature_order": ["a", *FEATURE_ORDER[1:]]}, "'a in place 0 of price_mid'"),
        ({"feature_order": []}, "15 inputs in its own order"),
    ],
)
def test_fields_that_break_the_schema_are_refused(fields: dict[str, Any], rule: str) -> None:
    """Every field has one shape; a model of other inputs than the bot feeds is refused, where the bot only warns."""
    with pytest.raises(ManifestRejected, match=rule):
        parse_bot_manifest(manifest_bytes(FULL, **fields))


@pytest.mark.parametrize("name", ["schema_version", "model_file", "sha256", "created_at"])
def test_a_required_field_is_missed_by_name(name: str) -> None:
    """Four fields are required in both schemas."""
    document = {key: value for key, value in FULL.items() if key != name}
    with pytest.raises(ManifestRejected, match=f"a field is missing .*got no {name}"):
        parse_bot_manifest(json.dumps(document).encode())


@pytest.mark.parametrize("unsafe", UNSAFE_PATHS)
def test_paths_that_could_lead_out_are_refused(unsafe: str) -> None:
    """Absolute, upwards, empty, with a backslash or a control character: none is joined to a folder."""
    with pytest.raises(ManifestRejected, match="stays inside its folder") as refusal:
        parse_bot_manifest(manifest_bytes(FULL, sha256=FULL["sha256"] | {unsafe: "0" * 64}))
    assert "\n" not in refusal.value.line()


@pytest.mark.parametrize(("version", "schema"), [(1, "1"), ("v1", "v1"), ("v1.1", "v1.1")])
def test_the_schema_says_who_reads_a_manifest(version: object, schema: str) -> None:
    """The integer 1 is ours, the two texts are the bot's; nothing else is looked at."""
    assert schema_of(json.dumps({"schema_version": version}).encode()) == schema


@pytest.mark.parametrize("version", [2, "1", "v2", True, 1.0, None, ["v1"]])
def test_an_unknown_schema_is_named(version: object) -> None:
    """The refusal shows what it got and what there is."""
    with pytest.raises(ManifestRejected) as refusal:
        schema_of(json.dumps({"schema_version": version}).encode())
    assert f"got {version!r}; expected 1, 'v1' or 'v1.1'" in refusal.value.line()


@pytest.mark.parametrize("data", [b"", b"[]", b'{"a": 1, "a": 1}', b'{"a": NaN}', b" " * (1 << 20) + b"{}"])
def test_hostile_json_is_refused(data: bytes) -> None:
    """By both readers, with the limits of our own manifests."""
    for read in (schema_of, parse_bot_manifest):
        with pytest.raises(ManifestRejected):
            read(data)


def test_an_artifact_is_the_bytes_its_manifest_names(tmp_path: Path) -> None:
    """A file in a folder below counts, one that is not named does not."""
    nested = {"model.onnx": FULL["sha256"]["model.onnx"], "more/report.json": FULL["sha256"]["train_report.json"]}
    folder = put_artifact(tmp_path / "a", sha256=nested)
    (folder / "more").mkdir()
    (folder / "more" / "report.json").write_bytes(REPORT)
    (folder / "README.md").write_text("not named")
    artifact = read_bot_artifact(folder)
    assert dict(artifact.files) == {"model.onnx": MODEL, "more/report.json": REPORT}
    assert artifact.manifest.model_file == "model.onnx"


def test_an_altered_missing_or_linked_file_is_refused(tmp_path: Path) -> None:
    """Whatever stands behind a name must be a plain file with the bytes that were hashed."""
    altered = put_artifact(tmp_path / "altered")
    (altered / "model.onnx").write_bytes(MODEL + b"!")
    with pytest.raises(ArtifactRejected, match=r"differ from its manifest \(model.onnx"):
        read_bot_artifact(altered)
    missing = put_artifact(tmp_path / "missing")
    (missing / "train_report.json").unlink()
    with pytest.raises(ArtifactRejected, match=r"train_report\.json"):
        read_bot_artifact(missing)
    linked = put_artifact(tmp_path / "linked")
    (linked / "model.onnx").unlink()
    (linked / "model.onnx").symlink_to(tmp_path / "missing" / "model.onnx")
    with pytest.raises(ArtifactRejected, match=r"model\.onnx"):
        read_bot_artifact(linked)


def test_a_linked_folder_or_a_pipe_is_refused(tmp_path: Path) -> None:
    """Neither the artifact's folder nor one inside it is followed, and a pipe does not block."""
    folder = put_artifact(tmp_path / "a", sha256={"model.onnx": "0" * 64, "more/x": "0" * 64}, model_file="more/x")
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(ArtifactRejected, match="link"):
        read_bot_artifact(tmp_path / "link")
    (folder / "model.onnx").unlink()
    os.mkfifo(folder / "model.onnx")
    with pytest.raises(ArtifactRejected, match=r"model\.onnx"):
        read_bot_artifact(folder)
    below = put_artifact(tmp_path / "b", sha256={"more/model.onnx": "0" * 64}, model_file="more/model.onnx")
    (below / "more").symlink_to(tmp_path / "a")
    with pytest.raises(ArtifactRejected, match="more"):
        read_bot_artifact(below)


def test_no_folder_or_no_manifest_is_refused(tmp_path: Path) -> None:
    """In one line that names what is not there."""
    with pytest.raises(ArtifactRejected, match="nowhere"):
        read_bot_artifact(tmp_path / "nowhere")
    with pytest.raises(ArtifactRejected, match=r"manifest\.json"):
        read_bot_artifact(tmp_path)
