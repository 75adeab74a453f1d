"""A version is complete when it is visible, and never changes afterwards."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from grinder_resources.contracts.calibration import AtLeast, AtMost
from grinder_resources.errors import ExportMismatch, ManifestRejected, NotExportable
from grinder_resources.export.artifact import (
    ArtifactDraft,
    calibration_of,
    latest_version,
    published_versions,
    write_artifact,
)
from grinder_resources.export.graph import export_model
from grinder_resources.export.verify import verify_artifact
from grinder_resources.hashing import sha256_facts, sha256_file
from tests.export.plain_artifacts import CREATED_AT, put
from tests.export.small_models import CHAIN, FEATURES, Heads, Rows

LATER = "2025-12-16T10:30:00Z"


DOCUMENTS = [
    *("calibration.json", "chain.json", "config.json", "manifest.json", "model.onnx", "serving.json"),
    "train_report.json",
]


def test_a_published_folder_holds_documents_and_boosters(artifact: Path) -> None:
    """The manifest, the model, what it came from, and one booster a head; texts are sorted JSON, ended by a newline."""
    heads = json.loads((artifact / "manifest.json").read_bytes())["heads"]
    boosters = [f"{head['name']}.ubj" for head in heads]
    assert len(boosters) == 6
    assert sorted(path.name for path in artifact.iterdir()) == sorted([*DOCUMENTS, *boosters])
    assert artifact.name == "level_signals_v1.0.0"
    assert (artifact / "config.json").read_text() == '{\n  "max_depth": 4,\n  "spec": "level_signals"\n}\n'
    manifest = json.loads((artifact / "manifest.json").read_bytes())
    assert manifest["schema_version"] == 1
    assert manifest["output_classes"] == ["LOW", "MID", "HIGH"]
    assert manifest["coherence"][1] == {"rule": "either", "head": "t2_60s", "parts": ["t2_break_60s", "t2_bounce_60s"]}
    assert manifest["spacing"] == {"head": "regime", "multipliers_x1000": [400, 1001, 2600]}
    assert heads[0]["calibration"] == [{"method": "logistic", "rows": 0}]
    assert heads[2]["calibration"] == [{"method": "isotonic", "rows": 1200}] * 3
    assert manifest["training_metadata"]["data_hash"] == "d4e5f67890123456"


def test_two_exports_are_the_same_bytes(draft: ArtifactDraft, rows: Rows, artifact: Path, tmp_path: Path) -> None:
    """Elsewhere, later: every file but the manifest's own created_at is equal."""
    other = write_artifact(tmp_path / "other", draft, rows[:50], created_at=LATER).directory
    names = {path.name for path in artifact.iterdir()} - {"manifest.json"}
    assert len(names) == 12
    for name in names:
        assert (other / name).read_bytes() == (artifact / name).read_bytes()
    lines = [(folder / "manifest.json").read_text() for folder in (artifact, other)]
    assert lines[0].replace(CREATED_AT, LATER) == lines[1]


def test_the_same_content_is_written_once(draft: ArtifactDraft, rows: Rows, artifact: Path) -> None:
    """A second export changes nothing and says so; the first one's date stands."""
    again = write_artifact(artifact.parent, draft, rows[:50], created_at=LATER)
    assert (again.directory, again.written) == (artifact, False)
    assert again.manifest.created_at == CREATED_AT
    assert [(result.differing_margins, result.differing_answers) for result in again.parity] == [(0, 0)] * 7


def test_a_retrained_model_is_a_patch_and_the_old_one_stays(draft: ArtifactDraft, rows: Rows, artifact: Path) -> None:
    """Other bytes under the same contract: v1.0.1 beside an untouched v1.0.0."""
    before = {path.name: path.read_bytes() for path in artifact.iterdir()}
    changed = replace(draft, train_report={"snapping": []})
    published = write_artifact(artifact.parent, changed, rows[:50], created_at=LATER)
    assert (published.manifest.model_version, published.written) == ("v1.0.1", True)
    assert {path.name: path.read_bytes() for path in artifact.iterdir()} == before
    assert verify_artifact(published.directory).manifest == published.manifest


def test_fewer_heads_are_another_major_version(draft: ArtifactDraft, rows: Rows, artifact: Path, heads: Heads) -> None:
    """A caller that knew three outputs cannot be given two under the same major number (ML spec 12.4.4)."""
    published = write_artifact(artifact.parent, replace(draft, heads=heads[:2]), rows[:50], created_at=LATER)
    assert published.manifest.model_version == "v2.0.0"
    assert latest_version(artifact.parent, "level_signals") == "v2.0.0"


def test_nothing_is_written_when_the_proof_fails(
    draft: ArtifactDraft, rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A graph of other boosters, columns in another order, or infinity in a report: no folder at all."""
    models = tmp_path / "models"
    swapped = (FEATURES[1], FEATURES[0], *FEATURES[2:])
    with pytest.raises(ManifestRejected, match="plain, finite JSON"):
        write_artifact(models, replace(draft, config={"x": float("inf")}), rows[:50], created_at=CREATED_AT)
    with pytest.raises(NotExportable):
        write_artifact(models, replace(draft, input_features=swapped), rows[:50], created_at=CREATED_AT)
    other = (replace(draft.heads[0], booster_json=draft.heads[3].booster_json), *draft.heads[1:])
    wrong = export_model(other, FEATURES, draft.calibration)
    monkeypatch.setattr("grinder_resources.export.artifact.export_model", lambda *_: wrong)
    with pytest.raises(ExportMismatch):
        write_artifact(models, draft, rows[:50], created_at=CREATED_AT)
    assert not models.exists()


def test_tables_and_rules_of_heads_that_were_not_trained_are_left_out(draft: ArtifactDraft, heads: Heads) -> None:
    """A model that lacks a head keeps the tables, rules and spacing that the others can keep."""
    kept = calibration_of(draft.calibration, [head for head in heads if head.name not in ("t2_break_60s", "regime")])
    assert sorted(kept.tables) == ["t2_60s", "t2_bounce_60s", "tradeable_2"]
    assert kept.rules == (AtMost("t2_bounce_60s", ("t2_60s",)), AtLeast("tradeable_2", ("t2_60s",)))
    assert kept.spacing is None
    assert calibration_of(draft.calibration, heads) == draft.calibration


def test_the_chain_root_is_the_hash_of_the_chain_file(artifact: Path) -> None:
    """`chain.json` names every table and day behind the model, and the model itself."""
    chain = json.loads((artifact / "chain.json").read_bytes())
    assert chain == {"tables": CHAIN, "model": sha256_file(artifact / "model.onnx")}
    assert json.loads((artifact / "manifest.json").read_bytes())["chain_root"] == sha256_facts(chain)


def test_version_rule(tmp_path: Path) -> None:
    """Requested if free, nothing if equal to the highest, patch if retrained, major if the contract changed."""
    assert put(tmp_path, b"A") == ("v1.0.0", True)
    assert put(tmp_path, b"A") == ("v1.0.0", False)
    assert put(tmp_path, b"B") == ("v1.0.1", True)
    assert put(tmp_path, b"A") == ("v1.0.2", True)
    assert put(tmp_path, b"A", version="v1.1.0") == ("v1.1.0", True)
    assert put(tmp_path, b"C") == ("v1.1.1", True)
    assert put(tmp_path, b"C", features=("b", "a")) == ("v2.0.0", True)
    assert put(tmp_path, b"C", features=("b", "a")) == ("v2.0.0", False)
    assert published_versions(tmp_path, "plain") == ("v1.0.0", "v1.0.1", "v1.0.2", "v1.1.0", "v1.1.1", "v2.0.0")


def test_versions_are_ordered_as_numbers(tmp_path: Path) -> None:
    """v1.0.10 comes after v1.0.9; other folders, files and models are not versions."""
    for folder in ("plain_v1.0.9", "plain_v1.0.10", "plain_v01.0.0", "plain_v1.0", "plain_v2_v3.0.0", "other_v9.0.0"):
        (tmp_path / folder).mkdir()
    (tmp_path / "plain_v8.0.0").touch()
    assert published_versions(tmp_path, "plain") == ("v1.0.9", "v1.0.10")
    assert latest_version(tmp_path, "plain") == "v1.0.10"
    assert latest_version(tmp_path, "absent") is None
    assert latest_version(tmp_path / "absent", "plain") is None


def test_a_damaged_version_is_left_and_passed_over(tmp_path: Path) -> None:
    """Equal content under a damaged folder is published anew; the damaged one stays as evidence."""
    put(tmp_path, b"A")
    (tmp_path / "plain_v1.0.0" / "model.onnx").write_bytes(b"B")
    assert put(tmp_path, b"A") == ("v1.0.1", True)
    assert (tmp_path / "plain_v1.0.0" / "model.onnx").read_bytes() == b"B"


SETUP = """
import os, resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from grinder_resources.hashing import sha256_facts, sha256_file
from tests.export.plain_artifacts import put
models = Path(sys.argv[1])
"""

KILL_AT_EVERY_CALL = """
events = 0
def hook(event, arguments):
    global events
    if event == "open" or event.startswith(("os.", "shutil.", "tempfile.", "fcntl.")):
        events += 1
        if events == limit:
            os.kill(os.getpid(), signal.SIGKILL)

for limit in range(1, 1000):
    child = os.fork()
    if child == 0:
        sys.addaudithook(hook)
        put(models, b"%d" % limit)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
print(limit)
"""


def run_child(script: str, models: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh process that can publish plain artifacts."""
    command = [sys.executable, "-c", SETUP + script, str(models), str(Path(__file__).parent)]
    return subprocess.run(command, capture_output=True, text=True, check=check)


def test_a_writer_killed_at_any_call_leaves_whole_versions_only(tmp_path: Path) -> None:
    """SIGKILL before the n-th file operation, for every n: what is visible verifies, the first version is untouched."""
    put(tmp_path, b"A")
    before = (tmp_path / "plain_v1.0.0" / "manifest.json").read_bytes()
    points = int(run_child(KILL_AT_EVERY_CALL, tmp_path).stdout)
    assert points > 15
    assert (tmp_path / "plain_v1.0.0" / "manifest.json").read_bytes() == before
    for version in published_versions(tmp_path, "plain"):
        verify_artifact(tmp_path / f"plain_{version}")
    assert not list(tmp_path.glob(".tmp-*")), "the writer that lived swept what the killed ones left"


def test_leftovers_of_a_killed_writer_are_invisible_until_swept(tmp_path: Path) -> None:
    """Half a folder has no version's name; the next writer removes it."""
    (tmp_path / ".tmp-abc").mkdir()
    (tmp_path / ".tmp-abc" / "model.onnx").write_bytes(b"half")
    assert published_versions(tmp_path, "plain") == ()
    assert put(tmp_path, b"A") == ("v1.0.0", True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plain_v1.0.0"]


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """A write that the system refuses is one StorageFull line; no folder, no leftovers."""
    put(tmp_path, b"A")
    script = """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
from grinder_resources.errors import StorageFull
try:
    put(models, b"B" * 5000)
except StorageFull as error:
    print(error.line())
"""
    assert run_child(script, tmp_path).stdout.startswith("STORAGE_FULL: a model could not be written")
    assert [path.name for path in tmp_path.iterdir()] == ["plain_v1.0.0"]


def test_writers_take_turns(tmp_path: Path) -> None:
    """Three processes publish five models each: fifteen consecutive versions, none lost, none half."""
    script = """
children = []
while len(children) < 2 and 0 not in children:
    children.append(os.fork())
for turn in range(5):
    put(models, b"%d-%d" % (os.getpid(), turn))
if 0 not in children:
    sys.exit(max(os.waitpid(child, 0)[1] for child in children))
"""
    run_child(script, tmp_path)
    assert published_versions(tmp_path, "plain") == tuple(f"v1.0.{patch}" for patch in range(15))
    for version in published_versions(tmp_path, "plain"):
        verify_artifact(tmp_path / f"plain_{version}")
