"""The calibration gate on what a real run left behind."""

from pathlib import Path

import pytest

from grinder_resources.cli import main
from grinder_resources.learning.ledger import LEDGER_FILE, Ledger
from tests.cli.conftest import House


def test_the_gate_reads_the_reports_of_a_run(house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No error is above 1, so a gate of 1 refuses only what has no interval; one of 1e-6 refuses every head."""
    where = ("--model", "regime", "--data", str(house.data), "--models", str(tmp_path))
    assert main(["calibration", "gate", "--max-ece-upper", "1", *where]) == 0
    assert capsys.readouterr().out.count("  passes\n") == 3
    assert main(["calibration", "gate", "--max-ece-upper", "0.000001", *where]) == 1
    shown = capsys.readouterr()
    assert shown.out.count("  above the gate\n") == 3
    assert "CALIBRATION_ABOVE_GATE" in shown.err
    assert shown.err.count("\n") == 1
    assert [record.trial.kind for record in Ledger(tmp_path / LEDGER_FILE).read()] == ["threshold", "threshold"]
