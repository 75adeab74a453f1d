"""Pack and unpack under kill -9 at every call that writes, and on a disk that takes no more."""

import subprocess
import sys
from pathlib import Path

from grinder_resources.handover.corpus import add_corpus
from grinder_resources.handover.models import add_models
from grinder_resources.handover.pack import pack
from grinder_resources.handover.unpack import unpack
from grinder_resources.handover.workspace import Spool
from tests.handover.bundles import SCORES, small_lake, small_models


def test_whoever_is_killed_leaves_nothing_half_there(tmp_path: Path) -> None:
    """Folder and file are whole or not there, and the next one finds nothing of the dead."""
    lake, models = small_lake(tmp_path), small_models(tmp_path / "models")

    def fill(spool: Spool) -> None:
        add_corpus(spool, lake, tables=[SCORES.name])
        add_models(spool, models, ["plain_v1.0.1"])

    pack(tmp_path / "bundle.tar", fill)
    unpack(tmp_path / "bundle.tar", tmp_path / "whole")
    script = Path(__file__).with_name("kill_every_call.py")
    command = [sys.executable, str(script), str(tmp_path)]
    run = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=script.parents[2], env={"PYTHONPATH": "."}
    )
    assert run.returncode == 0, run.stderr
    unpacked, packed = (int(calls) for calls in run.stdout.split())
    assert unpacked > 40
    assert packed > 20


FULL_DISK = """
import resource, signal, sys
from grinder_resources.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
bundle, models, folder = sys.argv[1:]
assert main(["unpack", bundle, "--into", folder + "/there"]) == 1
assert main(["pack", "model", "--models", models, "--out", folder + "/x.tar"]) == 1
"""


def test_a_full_disk_is_one_line_and_leaves_nothing(bundle: Path, tmp_path: Path) -> None:
    """Neither a file nor a folder, half or whole."""
    models = unpack(bundle, tmp_path / "whole").folder / "models"
    (tmp_path / "out").mkdir()
    command = [sys.executable, "-c", FULL_DISK, str(bundle), str(models), str(tmp_path / "out")]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    said = run.stderr.splitlines()
    assert [line.split(" (")[0] for line in said] == ["STORAGE_FULL: this could not be written"] * 2
    assert list((tmp_path / "out").iterdir()) == []
