"""The calibration gate reads upper bounds; what is not known does not pass."""

from pathlib import Path

import polars as pl
import pytest

from grinder_resources.cli import main
from grinder_resources.contracts.reports import walk_forward_table
from grinder_resources.evaluation.calibration_gate import gated
from grinder_resources.lake import Lake
from grinder_resources.learning.ledger import LEDGER_FILE, Ledger
from grinder_resources.learning.specs import SPECS

Bounds = tuple[float, float | None, float | None]

GOOD: dict[str, Bounds] = {"LOW": (0.011, 0.008, 0.022), "MID": (0.013, 0.010, 0.030), "HIGH": (0.012, 0.009, 0.021)}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Return a data folder in which the regime passes a gate of 0.03, in the expanding walk-forward."""
    report(tmp_path, GOOD)
    return tmp_path


def report(house: Path, errors: dict[str, Bounds], model: str = "regime", head: str = "regime") -> None:
    """Commit the calibrated ECE of a model's classes; everything beside it is far too large, and not looked at."""
    table = walk_forward_table(model)
    rows = [
        (mode, head, output, fold, part, metric, *bounds, 900, 300, 24)
        for output, found in errors.items()
        for mode, fold, part, metric, bounds in (
            ("expanding", 0, "calibrated", "ece", found),
            ("expanding", 0, "test", "ece", (0.9, 0.9, 0.9)),
            ("expanding", 1, "calibrated", "ece", (0.9, 0.9, 0.9)),
            ("expanding", 0, "calibrated", "mce", (0.9, 0.9, 0.9)),
            ("rolling", 0, "calibrated", "ece", (0.04, 0.03, 0.05)),
        )
    ]
    rows = table.conform(pl.DataFrame(rows, schema=table.schema, orient="row"))
    Lake(str(house / "lake")).commit(table, rows, day=None, code_version="1")


def gate(house: Path, *arguments: str) -> int:
    """Run the command on a house."""
    return main(["calibration", "gate", "--data", str(house), "--models", str(house / "models"), *arguments])


def trials(house: Path) -> list[tuple[str, str, object]]:
    """Return kind, subject and facts of every record of the ledger."""
    records = Ledger(house / "models" / LEDGER_FILE).read()
    return [(record.trial.kind, record.trial.subject, record.trial.facts) for record in records]


def test_upper_bounds_at_the_gate_pass(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table says what was compared; the look is on the ledger."""
    assert gate(house, "--max-ece-upper", "0.03") == 0
    assert capsys.readouterr().out == (
        "regime\n"
        "  head             ece   upper  verdict\n"
        "  regime: LOW   0.0110  0.0220  passes\n"
        "  regime: MID   0.0130  0.0300  passes\n"
        "  regime: HIGH  0.0120  0.0210  passes\n"
    )
    assert trials(house) == [
        (
            "threshold",
            "regime",
            {
                "gate": "calibration",
                "dataset": "gold/training/regime",
                "mode": "expanding",
                "max_ece_upper_ppm": 30_000,
                "passed": ["regime: LOW", "regime: MID", "regime: HIGH"],
                "refused": [],
            },
        )
    ]


def test_a_small_error_with_a_large_bound_is_refused(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The bound decides, and the line names the head; the refusal is on the ledger, too."""
    report(house, GOOD | {"HIGH": (0.012, 0.009, 0.0301)})
    assert gate(house) == 1
    shown = capsys.readouterr()
    assert "  regime: HIGH  0.0120  0.0301  above the gate\n" in shown.out
    assert shown.err == (
        "PROMOTION_REFUSED: CALIBRATION_ABOVE_GATE: a calibration error may be above the gate, or is not known "
        "(regime: HIGH of regime; expected upper bound of each ECE <= 0.03). "
        "Collect more days, or leave these heads out.\n"
    )
    assert [facts["refused"] for *_, facts in trials(house)] == [["regime: HIGH"]]  # type: ignore[index]


def test_a_head_without_an_interval_does_not_pass(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """However small its error; the table says what is missing."""
    report(house, GOOD | {"LOW": (0.001, None, None)})
    assert gate(house) == 1
    assert (
        "  regime: LOW   0.0010       -  no: no interval (900 open rows, 300 of the class, in 24 hours; "
        "it needs 10 of each class in 8 hours)\n"
    ) in capsys.readouterr().out


def test_heads_that_no_fold_answered_are_shown_and_not_judged(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They do not stop the others; a model of such heads alone is stopped."""
    report(house, {"LOW": GOOD["LOW"]})
    assert gate(house) == 0
    assert "  regime: HIGH       -       -  not judged: no fold answered\n" in capsys.readouterr().out
    report(house, {})
    assert gate(house, "--model", "regime") == 1
    assert "(nothing to judge of regime; expected" in capsys.readouterr().err


def test_threshold_and_mode_change_the_verdict(house: Path) -> None:
    """A tighter gate refuses what passed; the rolling walk-forward is another one; each look is a trial."""
    assert [gate(house, "--max-ece-upper", bound) for bound in ("0.03", "0.029")] == [0, 1]
    assert [gate(house, "--mode", "rolling", "--max-ece-upper", bound) for bound in ("0.05", "0.049")] == [0, 1]
    assert [(facts["mode"], facts["max_ece_upper_ppm"]) for *_, facts in trials(house)] == [  # type: ignore[index]
        ("expanding", 30_000), ("expanding", 29_000), ("rolling", 50_000), ("rolling", 49_000),
    ]  # fmt: skip


def test_every_model_with_a_walk_forward_is_held_unless_one_is_named(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A level model whose one fitted head fails stops the whole, and does not stop the regime alone."""
    report(house, {"yes": (0.2, 0.1, 0.3)}, model="level_signals_stage_b_full", head="t1_60s")
    assert gate(house) == 1
    assert "(t1_60s of level_signals_stage_b_full; expected" in capsys.readouterr().err
    assert gate(house, "--model", "regime") == 0
    assert [subject for _, subject, _ in trials(house)] == ["level_signals_stage_b_full", "regime", "regime"]


def test_a_regression_has_no_calibration(house: Path) -> None:
    """`strength` is not asked for one."""
    report(house, {"yes": (0.2, 0.1, 0.3)}, model="level_signals_stage_b_full", head="t1_60s")
    answers = gated(SPECS["level_signals_stage_b_full"], Lake(str(house / "lake")), "expanding", 0.03)
    assert (len(answers), [answer.answer for answer in answers if answer.judged]) == (14, ["t1_60s"])
    assert "strength" not in {answer.answer for answer in answers}


def test_what_cannot_be_asked_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No walk-forward at all, none of the named model, and a model that does not exist."""
    assert gate(tmp_path) == 1
    assert capsys.readouterr().err.startswith("NO_DATA: no model has a walk-forward (")
    assert gate(tmp_path, "--model", "regime") == 1
    assert capsys.readouterr().err.startswith("PARTITION_MISSING: ")
    assert gate(tmp_path, "--model", "regimes") == 1
    assert capsys.readouterr().err.startswith("UNKNOWN_NAME: no such model spec (")
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("bound", ["0", "1.1", "-0.03", "nan", "much"])
def test_a_threshold_is_a_share(house: Path, bound: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage says what is needed, and is no trial."""
    with pytest.raises(SystemExit, match="2"):
        gate(house, f"--max-ece-upper={bound}")
    assert f"a share above 0 and at most 1 is needed, got {bound!r}" in capsys.readouterr().err
    assert trials(house) == []
