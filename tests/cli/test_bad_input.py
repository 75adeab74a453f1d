"""Bad input ends in one line and an exit code; nothing half-written, the previous version still readable."""

import gzip
import os
import resource
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from grinder_resources.cli import main
from grinder_resources.contracts.bronze import TRADES
from grinder_resources.lake import Lake
from grinder_resources.simulation.demo_config import DemoConfig
from grinder_resources.simulation.demo_market import write_demo_landing

HEADER = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"


def trade(second: int, price: str = "10.01") -> str:
    time_us = 1_736_121_600_000_000 + second * 1_000_000
    return f"demo,DEMOUSDT,{time_us},{time_us},{second},buy,{price},1\n"


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LAKE", "STAGING", "INSTRUMENTS", "WAREHOUSE", "REPORTS", "MODELS", "LANDING", "SYMBOLS"):
        monkeypatch.setenv(f"GRINDER_{name}", "")
        monkeypatch.delenv(f"GRINDER_{name}")
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.delenv("DAGSTER_HOME")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    folder = tmp_path / "landing"
    folder.mkdir()
    return folder


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["run", *arguments]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


def test_a_missing_landing_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The folder is named and the way out is told."""
    assert refused(capsys, "--landing", "nowhere").startswith("LANDING_MISSING: ")
    assert not (tmp_path / "data" / "lake").exists()


def test_an_unknown_file(capsys: pytest.CaptureFixture[str], landing: Path, tmp_path: Path) -> None:
    """A file no reader knows stops the run before anything is read."""
    (landing / "holiday.csv").write_text("a,b\n1,2\n")
    line = refused(capsys, "--landing", str(landing))
    assert line.startswith("UNKNOWN_FILE: ")
    assert "holiday.csv" in line
    assert not (tmp_path / "data" / "lake").exists()


def test_a_day_without_data(capsys: pytest.CaptureFixture[str], landing: Path) -> None:
    """Asking for days outside the files names the range there is."""
    (landing / "demo_trades_2025-01-06_DEMOUSDT.csv").write_text(HEADER + trade(1))
    line = refused(capsys, "--landing", str(landing), "--from", "2025-02-01", "--to", "2025-02-02")
    assert line.startswith("NO_DATA: ")
    assert "got 2025-01-06 .. 2025-01-06" in line


def test_a_truncated_gz(capsys: pytest.CaptureFixture[str], landing: Path, tmp_path: Path) -> None:
    """A cut archive is refused by name; no table appears."""
    whole = gzip.compress((HEADER + "".join(trade(second) for second in range(500))).encode())
    (landing / "demo_trades_2025-01-06_DEMOUSDT.csv.gz").write_bytes(whole[: len(whole) // 2])
    line = refused(capsys, "--landing", str(landing))
    assert line.startswith("CORRUPT_FILE: ")
    assert "demo_trades_2025-01-06_DEMOUSDT.csv.gz" in line
    assert not (tmp_path / "data" / "lake").exists()


def test_a_gz_bomb(capsys: pytest.CaptureFixture[str], landing: Path) -> None:
    """A file that unpacks to far more than its size is refused before it is parsed."""
    with gzip.open(landing / "demo_trades_2025-01-06_DEMOUSDT.csv.gz", "wb") as bomb:
        bomb.write(HEADER.encode())
        for _ in range(256):
            bomb.write(b"0" * (1 << 20))
    assert refused(capsys, "--landing", str(landing)).startswith("LIMIT_EXCEEDED: ")


def test_a_column_of_the_wrong_type(capsys: pytest.CaptureFixture[str], landing: Path) -> None:
    """A price column full of words is refused, not cast."""
    rows = "".join(trade(second, "cheap") for second in range(2000))
    (landing / "demo_trades_2025-01-06_DEMOUSDT.csv").write_text(HEADER + trade(0) + rows)
    line = refused(capsys, "--landing", str(landing))
    assert line.startswith(("TOO_MANY_QUARANTINED: ", "SCHEMA_MISMATCH: "))


def test_a_manifest_that_points_outside(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A file name with ../ in a manifest is refused before any file is opened."""
    folder = tmp_path / "regime_v1.0.0"
    folder.mkdir()
    (folder / "manifest.json").write_text('{"schema_version": 1, "files": {"../model.onnx": {}}}')
    assert main(["verify", str(folder)]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("MANIFEST_REJECTED: ")


def test_an_unknown_day_format_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage is exit code 2, with the option named."""
    with pytest.raises(SystemExit) as stopped:
        main(["run", "--from", "yesterday"])
    assert stopped.value.code == 2
    assert "--from" in capsys.readouterr().err


def test_a_full_disk_leaves_the_previous_version(landing: Path, tmp_path: Path) -> None:
    """When no more bytes can be written: one line, exit 1, and yesterday's rows still read."""
    write_demo_landing(landing, days=1, symbols=("DEMOUSDT",), config=DemoConfig(hours=0.5))
    first = _grinder("--landing", str(landing), "--from", "2025-01-06")
    assert first.returncode == 0, first.stderr
    before = Lake(str(tmp_path / "data" / "lake")).read(TRADES)
    (landing / "demo_trades_2025-01-07_DEMOUSDT.csv").write_text(
        HEADER + "".join(_next_day(second) for second in range(20_000))
    )
    full = _grinder("--landing", str(landing), limit=100_000)
    assert full.returncode == 1
    (line,) = full.stderr.strip().splitlines()
    assert line.startswith("STORAGE_FULL: ")
    lake = Lake(str(tmp_path / "data" / "lake"))
    assert lake.read(TRADES, date(2025, 1, 6), date(2025, 1, 6)).equals(before)


def _next_day(second: int) -> str:
    return trade(86_400 + second)


def _grinder(*arguments: str, limit: int | None = None) -> "subprocess.CompletedProcess[str]":
    def cap() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit or 0, limit or 0))

    return subprocess.run(
        [str(Path(sys.executable).parent / "grinder"), "run", *arguments],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=cap if limit else None,
        env=dict(os.environ),
    )
