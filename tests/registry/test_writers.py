"""Writers that are killed, and writers at once: whatever happens, one version is in production."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script beside this file in a fresh process, where forking is safe."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(HERE.parents[1])}
    command = [sys.executable, str(HERE / script), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_eight_writers_at_once_leave_one_version_in_production(tmp_path: Path) -> None:
    """At every moment; each event a writer was told of is in the log, and no other."""
    done = run("race.py", tmp_path)
    assert done.returncode == 0, done.stderr
    told, added, looks = map(int, done.stdout.split())
    assert told == added > 50
    assert looks > 10


def test_every_command_holds_under_kill_9_at_every_call_that_writes(tmp_path: Path) -> None:
    """The log says what it said before or what it says after, artifacts verify, and the next command works."""
    pytest.importorskip("model_signing")
    done = run("kill_every_command.py", tmp_path)
    assert done.returncode == 0, done.stderr
    calls = dict(line.split() for line in done.stderr.splitlines())
    assert list(calls) == ["init", "stage", "promote", "rollback", "sign", "export"]
    assert min(map(int, calls.values())) > 5
