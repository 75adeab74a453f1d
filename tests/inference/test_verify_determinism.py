"""The determinism check prints the three hashes, and notices every difference."""

import json
import shutil
from pathlib import Path

import pytest

from grinder_resources.cli import main
from grinder_resources.proofs.determinism import Determinism
from tests.inference.conftest import GOLDEN

PRINTED = """\
Input features hash:  6a60da29aefb6b32
Run 1 output hash:    2d9ea330401942ba
Run 2 output hash:    2d9ea330401942ba
Determinism check:    ✅ PASS
"""
"""Locked: they change where the exporter, the contract of a signal, or the explanation does."""


@pytest.fixture
def fixture(tmp_path: Path) -> Path:
    """Return a copy of the locked fixture."""
    return Path(shutil.copytree(GOLDEN / "sixteen", tmp_path / "sixteen"))


def check(fixture: Path, model: Path) -> int:
    """Run the command."""
    return main(["verify-determinism", "--fixture", str(fixture), "--model", str(model)])


def test_the_locked_fixture_passes(fixture: Path, regime_artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In this process and in another one, as recorded; without a record two equal runs are enough."""
    assert check(fixture, regime_artifact) == 0
    assert capsys.readouterr().out == PRINTED
    (fixture / "config.json").unlink()
    assert check(fixture, regime_artifact) == 0


def test_another_snapshot_is_noticed(fixture: Path, regime_artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One feature of one snapshot, changed by one."""
    path = fixture / "snapshots.jsonl"
    path.write_text(path.read_text().replace('"spread_bps":40', '"spread_bps":41', 1))
    assert check(fixture, regime_artifact) == 1
    assert capsys.readouterr().err.startswith("NOT_DETERMINISTIC: the signals are not those that were expected")


def test_another_record_is_noticed(fixture: Path, regime_artifact: Path) -> None:
    """The recorded outputs are part of the check."""
    record = json.loads((fixture / "config.json").read_bytes()) | {"outputs": "0" * 16}
    (fixture / "config.json").write_text(json.dumps(record))
    assert check(fixture, regime_artifact) == 1


def test_two_runs_that_differ_do_not_pass() -> None:
    """Whatever was recorded."""
    assert Determinism("a", "b", "b").passed
    assert not Determinism("a", "b", "c").passed
    assert not Determinism("a", "b", "c", "a", "b").passed
    assert not Determinism("a", "b", "b", "x", "b").passed


def test_what_is_not_there_is_one_line(
    fixture: Path, tmp_path: Path, regime_artifact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No fixture, and no model."""
    assert check(tmp_path / "none", regime_artifact) == 1
    assert "NO_DATA: a fixture holds snapshots.jsonl" in capsys.readouterr().err
    assert check(fixture, tmp_path / "none") == 1
    assert "ARTIFACT_DIR_MISSING" in capsys.readouterr().err
