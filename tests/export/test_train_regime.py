"""The bot's training pipeline: the bytes the bot's own repository holds, and refusals in one line."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from grinder_resources.cli import main
from grinder_resources.contracts.bot import FEATURE_ORDER
from grinder_resources.errors import InputRefused, NothingTrainable
from grinder_resources.export.bot_manifest import read_bot_artifact
from grinder_resources.export.bot_regime import synthetic_rows
from grinder_resources.export.bot_regime_train import train_regime
from grinder_resources.export.commit import head_commit
from grinder_resources.export.verify import start_session

GOLDEN = "308bb24dff3e7a5b2c01e5b2f1681f6a11a867347a9339ff7467d98b91929b31"
"""sha256 of the model that the bot's repository keeps for data set `golden_test`, seed 42, 100 rows."""

AT = "2026-02-15T01:20:31Z"


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an artifact of the bot's golden data set."""
    folder = tmp_path_factory.mktemp("bot") / "golden"
    train_regime(folder, "golden_test", created_at=AT, rows=100, notes="for tests")
    return folder


def test_the_golden_model_is_made_again_to_the_byte(golden: Path) -> None:
    """The bot's own pipeline made the same 7,747 bytes; its rows are those, its forest is that."""
    model = read_bot_artifact(golden).files["model.onnx"]
    assert len(model) == 7_747
    assert read_bot_artifact(golden).manifest.sha256["model.onnx"] == GOLDEN


def test_manifest_and_report_say_what_was_done(golden: Path) -> None:
    """Every key of the bot's report, and a manifest that traces data, code and inputs."""
    manifest = json.loads((golden / "manifest.json").read_bytes())
    report = json.loads((golden / "train_report.json").read_bytes())
    assert manifest["schema_version"] == "v1.1"
    assert (manifest["created_at"], manifest["created_at_utc"]) == (AT, AT)
    assert (manifest["dataset_id"], manifest["notes"]) == ("golden_test", "for tests")
    assert manifest["feature_order"] == list(FEATURE_ORDER)
    assert {name: report[name] for name in report if not name.endswith("_version")} == {
        "dataset_id": "golden_test",
        "n_samples": 100,
        "seed": 42,
        "n_features": 15,
        "train_accuracy": 0.98,
        "regime_distribution": {"LOW": 1, "MID": 30, "HIGH": 69},
        "created_at": AT,
        "model_sha256": GOLDEN,
        "notes": "for tests",
    }
    assert report["onnx_opset_version"] == 15
    assert {"sklearn_version", "skl2onnx_version"} <= set(report)


@pytest.mark.parametrize(
    ("known", "bps"),
    [({}, [0, 7732, 2268]), ({"spread_bps": 1.0}, [0, 7732, 2268])],
)
def test_the_model_answers_as_the_bot_recorded(golden: Path, known: dict[str, float], bps: list[int]) -> None:
    """One float input [N, 15], one output [N, 3]; where the bot's runtime knows nothing it feeds zeros."""
    session = start_session(read_bot_artifact(golden).files["model.onnx"])
    assert [(put.name, put.type, put.shape) for put in (*session.get_inputs(), *session.get_outputs())] == [
        ("input", "tensor(float)", [None, 15]),
        ("regime_probs", "tensor(float)", [None, 3]),
    ]
    row = np.array([[known.get(name, 0.0) for name in FEATURE_ORDER]], dtype=np.float32)
    (probs,) = session.run(None, {"input": row})
    assert np.rint(probs[0] * 10_000).tolist() == bps


def test_id_seed_and_number_of_rows_decide_the_rows() -> None:
    """The same three give the same numbers; each of them alone gives others."""
    rows = synthetic_rows("golden_test", 42, 4)
    assert rows.inputs.tolist() == synthetic_rows("golden_test", 42, 4).inputs.tolist()
    others = (("golden_other", 42, 4), ("golden_test", 43, 4), ("golden_test", 42, 5))
    assert all(synthetic_rows(*other).inputs[0].tolist() != rows.inputs[0].tolist() for other in others)
    assert rows.inputs.shape == (4, 15)
    mid, bid, ask = rows.inputs[:, :3].T
    assert ((bid < mid) & (mid < ask)).all()


@pytest.mark.parametrize(("seed", "rows", "absent"), [(42, 0, "LOW, MID, HIGH"), (42, 2, "HIGH"), (72, 3, "LOW")])
def test_a_regime_without_a_row_is_refused(seed: int, rows: int, absent: str) -> None:
    """Filling in one regime may take the only row of another; a model of two answers is never written."""
    with pytest.raises(NothingTrainable, match=f"got none of {absent} in {rows} rows"):
        synthetic_rows("golden_test", seed, rows)


def test_a_folder_is_never_written_again(golden: Path) -> None:
    """An artifact that is there stays as it is."""
    with pytest.raises(InputRefused, match="never written again"):
        train_regime(golden, "golden_test", created_at=AT, rows=3)
    assert read_bot_artifact(golden).manifest.sha256["model.onnx"] == GOLDEN


def test_the_command_says_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Folder, rows by regime, and the hash; the options decide id, seed, rows and notes."""
    options = ["--dataset-id", "golden_test", "--seed", "42", "--n-samples", "100", "--notes", "by hand"]
    assert main(["train-regime", "--out-dir", str(tmp_path / "a"), *options]) == 0
    out = capsys.readouterr().out
    assert "1 LOW, 30 MID, 69 HIGH; 0.980 of them answered right" in out
    assert f"model.onnx sha256 {GOLDEN}" in out
    assert read_bot_artifact(tmp_path / "a").manifest.notes == "by hand"


def test_a_bad_id_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An id is a folder's name in the bot's store of data sets."""
    assert main(["train-regime", "--out-dir", str(tmp_path / "a"), "--dataset-id", "../x"]) == 1
    assert capsys.readouterr().err.startswith("INPUT_REFUSED: a data set's id")


@pytest.mark.parametrize("option", [["--seed", "-1"], ["--seed", str(1 << 32)], ["--n-samples", "1e9"]])
def test_numbers_out_of_range_are_wrong_usage(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A seed fits 32 bits, rows stop at a million."""
    with pytest.raises(SystemExit) as stopped:
        main(["train-regime", "--out-dir", "a", "--dataset-id", "abc", *option])
    assert stopped.value.code == 2
    assert "not a whole number from 0 to" in capsys.readouterr().err


def test_the_commit_is_that_of_the_folder(tmp_path: Path) -> None:
    """40 hex characters of HEAD; none without a repository or before its first commit."""
    (tmp_path / "plain").mkdir()
    assert head_commit(tmp_path / "plain") is None
    repository = tmp_path / "repository"
    git = ["git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run(["git", "init", "--quiet", str(repository)], check=True)
    assert head_commit(repository) is None
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "first"], check=True)
    asked = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    assert head_commit(repository) == asked.stdout.strip()
