"""An artifact is read whole and unchanged, or not at all."""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime  # noqa: TID253 - what is built
import pytest
from onnx import helper  # noqa: TID253 - what is built

from grinder_resources.errors import ArtifactRejected, ManifestRejected
from grinder_resources.export.graph import export_model
from grinder_resources.export.verify import open_session, read_artifact, start_session, verify_artifact
from grinder_resources.export.verify_command import add_parsers
from tests.export.audited import network
from tests.export.small_models import FEATURES, Heads, Rows, only

FLIP_BITS = """
import random, sys
from pathlib import Path
sys.modules["onnxruntime"] = None
from grinder_resources.errors import ArtifactRejected
from grinder_resources.export.verify import open_session, read_artifact

folder = Path(sys.argv[1])
model = folder / "model.onnx"
good = model.read_bytes()
random.seed(1)
rejected = 0
for position in random.sample(range(len(good)), 400):
    model.write_bytes(good[:position] + bytes([good[position] ^ 1 << position % 8]) + good[position + 1:])
    try:
        open_session(read_artifact(folder))
    except ArtifactRejected as error:
        rejected += "bytes differ from its manifest" in error.line()
heavy = {"onnx", "xgboost", "polars", "numpy"} & set(sys.modules)
print(rejected, sorted(heavy))
"""


def test_a_whole_artifact_is_verified(artifact: Path) -> None:
    """Seven documents, six boosters, six features, and the model's own hash."""
    facts = verify_artifact(artifact)
    assert facts.n_files == 13
    assert facts.total_bytes == sum(path.stat().st_size for path in artifact.iterdir() if path.name != "manifest.json")
    model_hash = facts.manifest.model_hash
    assert facts.line().startswith(f"OK level_signals_v1.0.0: model {model_hash}, 13 files, ")
    assert facts.line().endswith(" bytes, 6 heads, 6 features")


def test_the_session_runs_on_the_verified_bytes(artifact: Path, rows: Rows) -> None:
    """What was hashed is what answers, even when the file is replaced in between."""
    verified = read_artifact(artifact)
    expected = open_session(verified).run(["regime"], {"input": rows[:9]})[0]
    (artifact / "model.onnx").write_bytes(b"something else")
    np.testing.assert_array_equal(open_session(verified).run(["regime"], {"input": rows[:9]})[0], expected)


def test_400_flipped_bits_never_reach_onnxruntime(artifact: Path) -> None:
    """Every flip is refused by its hash where importing onnxruntime would fail; verifying needs not even numpy."""
    done = subprocess.run([sys.executable, "-c", FLIP_BITS, str(artifact)], capture_output=True, text=True, check=True)
    assert done.stdout == "400 []\n"


def test_a_session_reads_onnx_alone(heads: Heads, tmp_path: Path) -> None:
    """Bytes of ONNX Runtime's own format are no model, whatever they say of themselves."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "model.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    model = export_model(heads[:1], FEATURES, only("tradeable_2")).onnx
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    other = (tmp_path / "model.ort").read_bytes()
    assert other[4:8] == b"ORTM"
    with pytest.raises(Exception, match="Failed to load model because protobuf parsing failed"):
        start_session(other)


def test_a_row_that_fails_writes_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """The name of a node is the graph's own text, and does not reach the log; the error is raised."""
    nodes = [
        helper.make_node("Cast", ["input"], ["whole"], to=6),
        helper.make_node("Mod", ["whole", "whole"], ["rest"], name="first line\nsecond line"),
        helper.make_node("Cast", ["rest"], ["regime_probs"], to=1),
    ]
    session = start_session(network(*nodes, constants={}))
    with pytest.raises(Exception, match="Mod node"):
        session.run(None, {"input": np.zeros((1, 15), dtype=np.float32)})
    assert capfd.readouterr() == ("", "")


def append(folder: Path) -> None:
    with (folder / "model.onnx").open("ab") as handle:
        handle.write(b"\0")


def truncate(folder: Path) -> None:
    (folder / "config.json").write_bytes((folder / "config.json").read_bytes()[:-1])


def empty(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"")


def remove(folder: Path) -> None:
    (folder / "train_report.json").unlink()


def remove_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def add(folder: Path) -> None:
    (folder / "notes.txt").write_text("x")


def symlink(folder: Path) -> None:
    (folder / "model.onnx").rename(folder.parent / "elsewhere")
    (folder / "model.onnx").symlink_to(folder.parent / "elsewhere")


def hard_link(folder: Path) -> None:
    (folder.parent / "elsewhere").hardlink_to(folder / "model.onnx")


def fifo(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    os.mkfifo(folder / "model.onnx")


def directory(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").mkdir()


def manifest_fifo(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")


def manifest_symlink(folder: Path) -> None:
    (folder / "manifest.json").rename(folder.parent / "elsewhere")
    (folder / "manifest.json").symlink_to(folder.parent / "elsewhere")


def oversize_manifest(folder: Path) -> None:
    os.truncate(folder / "manifest.json", 1 << 30)


def gone(folder: Path) -> None:
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        (append, "a file is too large"),
        (truncate, "a file's bytes differ from its manifest"),
        (empty, "a file's bytes differ from its manifest"),
        (remove, r"other files than its manifest names .*missing \['train_report.json'\]"),
        (remove_manifest, "manifest.json; got No such file"),
        (add, r"other files than its manifest names .*extra \['notes.txt'\]"),
        (symlink, "model.onnx; got Too many levels of symbolic links"),
        (hard_link, "a regular file with one name"),
        (fifo, "a regular file with one name"),
        (directory, "a regular file with one name"),
        (manifest_fifo, "a regular file with one name"),
        (manifest_symlink, "Too many levels of symbolic links"),
        (oversize_manifest, r"a file is too large \(manifest.json; got 1073741824 bytes; expected"),
        (gone, "got No such file"),
    ],
)
def test_damage_is_refused_in_one_line(artifact: Path, damage: Callable[[Path], None], rule: str) -> None:
    """Anything but the published regular files, byte for byte, is refused; nothing hangs, no library error escapes."""
    damage(artifact)
    with pytest.raises(ArtifactRejected, match=f"^ARTIFACT_REJECTED: .*{rule}") as refusal:
        verify_artifact(artifact)
    assert "\n" not in refusal.value.line()


def test_a_linked_folder_is_refused(artifact: Path) -> None:
    """The folder itself may not be a symbolic link, and neither may it be a file."""
    link = artifact.parent / "current"
    link.symlink_to(artifact)
    for path in (link, artifact / "model.onnx"):
        with pytest.raises(ArtifactRejected, match="cannot be opened as a plain file or folder"):
            verify_artifact(path)


def test_a_manifest_cannot_point_outside(artifact: Path) -> None:
    """`../x` is refused before any such file is opened."""
    manifest = json.loads((artifact / "manifest.json").read_bytes())
    manifest["files"]["../x"] = manifest["files"]["config.json"]
    (artifact / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ManifestRejected, match=r"a file name must match .*got '../x'"):
        verify_artifact(artifact)


def test_another_valid_model_in_place_is_refused(artifact: Path, heads: Heads) -> None:
    """A good graph under the wrong manifest is a wrong graph."""
    (artifact / "model.onnx").write_bytes(export_model(heads[:1], FEATURES, only("tradeable_2")).onnx)
    with pytest.raises(ArtifactRejected, match="a file's bytes differ from its manifest"):
        verify_artifact(artifact)


def test_a_graph_with_other_outputs_than_the_manifest_is_refused(artifact: Path, heads: Heads) -> None:
    """Even with a manifest whose hashes fit, the graph's names and shapes must be those it states."""
    verified = read_artifact(artifact)
    files = dict(verified.files) | {"model.onnx": export_model(heads[:1], FEATURES, only("tradeable_2")).onnx}
    with pytest.raises(ArtifactRejected, match=r"lacks an output .*v1.0.0/model\.onnx; got tradeable_2 int32"):
        open_session(replace(verified, files=files))


def test_the_command_prints_one_line(artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`grinder verify DIR` says OK and returns 0; for a damaged folder it raises the one-line refusal."""
    parser = argparse.ArgumentParser()
    add_parsers(parser.add_subparsers())
    arguments = parser.parse_args(["verify", str(artifact)])
    assert arguments.run(arguments) == 0
    assert capsys.readouterr().out == verify_artifact(artifact).line() + "\n"
    append(artifact)
    with pytest.raises(ArtifactRejected):
        arguments.run(arguments)
