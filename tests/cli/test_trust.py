"""Why trust it: the commands that ask what one run of the main line left behind, in small form.

Those that build Silver again have a lake of their own in `tests/proofs`.
"""

import re
from pathlib import Path

import pytest

from grinder_resources.cli import main
from grinder_resources.export.artifact import latest_version
from tests.cli.conftest import House

pytestmark = pytest.mark.usefixtures("environment")

LEVELS = "level_signals_stage_b_full"


def artifact(house: House, name: str) -> str:
    return str(house.models / f"{name}_{latest_version(house.models, name)}")


def said(capsys: pytest.CaptureFixture[str], *arguments: str, exit_code: int = 0) -> str:
    """Return what a command wrote to standard output."""
    capsys.readouterr()
    assert main(list(arguments)) == exit_code
    return capsys.readouterr().out


@pytest.mark.parametrize("name", [LEVELS, "regime"])
def test_the_graph_answers_as_the_boosters_do(house: House, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Margins are equal with any threads and batch, and what snapping cost is told."""
    options = ("--rows", "600", "--threads", "1,2,4", "--batch", "1,7,4096", "--probe-thresholds", "200", "--nan")
    shown = said(capsys, "prove", "export", artifact(house, name), *options)
    heads = re.findall(r"^\w+ +[\d,]+ +[\d,]+ +(\d+)$", shown, re.MULTILINE)
    assert len(heads) == (15 if name == LEVELS else 1)
    assert set(heads) == {"0"}
    assert "What the grid of 2^-16 costs" in shown


@pytest.mark.parametrize("name", [LEVELS, "regime"])
def test_the_graph_keeps_its_promises(house: House, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Types, ranges, sums and coherence hold for wild rows."""
    shown = said(capsys, "prove", "graph", artifact(house, name), "--n", "2000", "--with", "nan,inf,denormal,extreme")
    broken = re.findall(r" 2,000 +(\d+)$", shown, re.MULTILINE)
    assert len(broken) > 5
    assert set(broken) == {"0"}


def test_the_chain_ends_in_the_same_root(house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Models fitted again from the same Gold rows elsewhere have the same chain roots; a changed root is seen."""
    out = tmp_path / "again"
    rebuilt = said(capsys, "chain", "rebuild", "--from", "gold", "--data", str(house.data), "--out", str(out))
    compared = said(capsys, "chain", "diff", str(house.data), str(out))
    assert rebuilt.splitlines() == compared.splitlines()[:-1]
    assert re.search(r"equal: 18 tables, 2 models", compared)


def test_a_line_is_rebuilt_in_an_empty_folder_only(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing that exists is written over, and a missing lake is named."""
    said(capsys, "chain", "rebuild", "--data", str(house.data), "--out", str(house.root), exit_code=1)
    said(capsys, "chain", "rebuild", "--data", str(house.root), "--out", "unused", exit_code=1)


def test_no_leak_in_the_training_data(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Every check looks at every day of both datasets."""
    assert said(capsys, "leak", "check", LEVELS, "regime", "--data", str(house.data)).count("no leak in 25 checks") == 2


def test_the_ledger_is_unbroken(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Every fit of the run is on it."""
    assert "unbroken" in said(capsys, "ledger", "verify", "--models", str(house.models))


def test_folds_are_what_a_new_fit_gives(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Two folds of the regime model are fitted from scratch."""
    options = ("--model", "regime", "--data", str(house.data), "--models", str(house.models))
    shown = said(capsys, "walk-forward", "verify", "--from-scratch", "2", *options)
    assert shown.count("  yes\n") == 2


def test_four_hours_a_day_promote_nothing(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """The evidence is shown answer by answer, and the refusal names its codes."""
    options = ("--data", str(house.data), "--models", str(house.models))
    shown = said(capsys, "promotion", "check", LEVELS, *options, exit_code=1)
    assert "DSR_BELOW_GATE" in shown
    assert "t1_break_60s" in shown
