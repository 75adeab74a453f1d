"""A model is promoted where the evidence carries it, and else told calmly what is missing."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest

from grinder_resources import cli
from grinder_resources.contracts.promotion import promotion_table
from grinder_resources.contracts.reports import predictions_table, walk_forward_table
from grinder_resources.errors import PartitionMissing
from grinder_resources.evaluation.overfitting import Overfitting, backtest_overfitting
from grinder_resources.evaluation.promotion import Answer, Promotion
from grinder_resources.evaluation.promotion_check import commit_promotion, promotion, promotion_rows
from grinder_resources.evaluation.promotion_gates import BLOCKING, CODES, Gates
from grinder_resources.evaluation.promotion_page import promotion_page
from grinder_resources.evaluation.scores import Estimate
from grinder_resources.evaluation.walk_forward import run_walk_forward
from grinder_resources.lake import Lake
from grinder_resources.learning import specs
from grinder_resources.learning.fold_store import FoldStore
from grinder_resources.learning.ledger import Ledger, Trial
from grinder_resources.learning.model_spec import ModelSpec
from tests.evaluation.test_overfitting import noise
from tests.evaluation.toy_rows import ROWS, SPEC

GOOD = Answer(
    head="t1_60s",
    output="yes",
    rows=900,
    blocks=48,
    recorded=True,
    auc=Estimate(0.61, 0.55, 0.67),
    auc_beyond=Estimate(0.58, 0.53, 0.63),
    skill=Estimate(0.05, 0.01, 0.09),
    skill_over_base=Estimate(0.1, 0.05, 0.15),
    ece=Estimate(0.01, 0.0, 0.03),
    sharpe=0.8,
    dsr=0.97,
    ceiling=0.65,
)


def checked(*answers: Answer, pbo: float | None = 0.1, gates: Gates | None = None, fault: str = "") -> Promotion:
    """Return a check over answers given by hand."""
    found = backtest_overfitting(noise(1), 8)
    assert found is not None
    overfitting: Overfitting | None = None if pbo is None else replace(found, probability=pbo)
    return Promotion("toy", "expanding", gates or Gates(), answers, 30, 27.2, 0.3, overfitting, fault)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"recorded": False}, ["LEDGER_BROKEN"]),
        ({"auc_beyond": Estimate(0.8, 0.7, 0.9)}, ["LEAK_BEYOND_LUCK", "LEAK_ALARM"]),
        ({"auc_beyond": Estimate(0.8, 0.7, 0.9), "ceiling": 0.85}, []),
        ({"auc_beyond": Estimate(0.7, 0.6, 0.8)}, ["LEAK_ALARM"]),
        ({"auc_beyond": None}, []),
        ({"auc": Estimate(0.55, 0.5, 0.6)}, ["AUC_LOWER_BOUND"]),
        ({"auc": Estimate(0.9)}, ["AUC_LOWER_BOUND"]),
        ({"auc": None}, ["AUC_LOWER_BOUND"]),
        ({"skill": Estimate(0.05, 0.0, 0.1)}, ["NO_EDGE"]),
        ({"skill_over_base": Estimate(0.05, 0.0, 0.1)}, ["NO_EDGE"]),
        ({"skill": Estimate(0.05)}, ["NOT_JUDGED", "NO_EDGE"]),
        ({"skill": None}, ["NOT_JUDGED", "NO_EDGE"]),
        ({"ece": Estimate(0.01, 0.0, 0.031)}, ["CALIBRATION_ABOVE_GATE"]),
        ({"ece": Estimate(0.01)}, ["CALIBRATION_ABOVE_GATE"]),
        ({"ece": None}, ["CALIBRATION_ABOVE_GATE"]),
        ({"dsr": 0.949}, ["DSR_BELOW_GATE"]),
        ({"dsr": float("nan")}, ["DSR_BELOW_GATE"]),
        ({"dsr": None}, ["DSR_BELOW_GATE"]),
        ({"output": "", "auc": None, "ece": None, "auc_beyond": None}, []),
        (
            {"recorded": False, "auc": None, "skill": None, "ece": None, "dsr": None},
            [
                *("LEDGER_BROKEN", "NOT_JUDGED", "AUC_LOWER_BOUND", "NO_EDGE"),
                *("CALIBRATION_ABOVE_GATE", "DSR_BELOW_GATE"),
            ],
        ),
    ],
)
def test_each_gap_in_the_evidence_has_its_code(changes: dict[str, object], codes: list[str]) -> None:
    """In the order of CODES; what is not known does not pass, but for what a regression cannot have."""
    answer = replace(GOOD, **changes)  # type: ignore[arg-type]
    found = checked(answer)
    assert list(found.codes_of(answer)) == codes
    assert found.promoted == (not codes)


@pytest.mark.parametrize(
    ("gates", "codes"),
    [
        (Gates(min_dsr=0.98), ("DSR_BELOW_GATE",)),
        (Gates(max_pbo=0.05), ("PBO_ABOVE_GATE",)),
        (Gates(max_ece_upper=0.029), ("CALIBRATION_ABOVE_GATE",)),
        (Gates(min_dsr=0.97, max_pbo=0.1, max_ece_upper=0.03), ()),
    ],
)
def test_each_gate_decides(gates: Gates, codes: tuple[str, ...]) -> None:
    """Evidence at the gate passes, beyond it does not."""
    assert checked(GOOD, gates=gates).codes == codes


def test_overfitting_that_is_not_defined_is_not_held_against_a_model() -> None:
    """With a few hours, or a single trial, there is no share to speak of."""
    assert checked(GOOD, pbo=None).promoted
    assert checked(GOOD, pbo=0.6).codes == ("PBO_ABOVE_GATE",)


def test_a_head_carries_if_all_its_answers_do() -> None:
    """One bad class spoils a head, not the model."""
    low, high = (replace(GOOD, head="regime", output=output) for output in ("LOW", "HIGH"))
    found = checked(low, replace(high, dsr=0.2), GOOD)
    assert found.heads == {"regime": False, "t1_60s": True}
    assert found.promoted
    assert found.sentence == "Promote toy with t1_60s; not to be used: regime."
    assert checked(GOOD).sentence == "Promote toy."


@pytest.mark.parametrize("changes", [{"recorded": False}, {"auc_beyond": Estimate(0.8, 0.7, 0.9)}])
def test_a_broken_ledger_or_a_leak_stops_every_head(changes: dict[str, object]) -> None:
    """A second head, however good, does not carry the model over it."""
    found = checked(GOOD, replace(GOOD, head="t2_60s", **changes))  # type: ignore[arg-type]
    assert found.heads == {"t1_60s": True, "t2_60s": False}
    assert not found.promoted
    (code,) = BLOCKING & set(found.codes)
    assert found.sentence == f"No promotion of toy: {CODES[code]}."


def test_no_promotion_is_said_calmly() -> None:
    """With the number of heads, and how many answers each code is about."""
    poor = replace(GOOD, dsr=0.5)
    assert checked(poor).sentence == "No promotion of toy: the evidence does not carry its only head yet."
    found = checked(poor, replace(poor, head="t2_60s", skill=Estimate(0.01, -0.01, 0.02)))
    assert found.sentence == "No promotion of toy: the evidence carries none of its 2 heads yet."
    assert found.counts == {"NO_EDGE": 1, "DSR_BELOW_GATE": 2}


def test_the_page_says_all_of_it() -> None:
    """The decision first, each code with its answers, gates, trials and provenance; a fault of the ledger in full."""
    found = checked(GOOD, replace(GOOD, head="t2_60s", dsr=0.5), fault="LEDGER_BROKEN: <line 3>")
    html = promotion_page(found, "Two heads.", {"Data hash": "9f2c41d0"})
    for text in ("Promote toy with t1_60s; not to be used: t2_60s.", "Two heads.", "9f2c41d0", "30, as 27.2 indep"):
        assert text in html
    assert "LEDGER_BROKEN: &lt;line 3&gt;" in html
    assert '<td class="name">DSR_BELOW_GATE</td>' in html
    assert html.count("<svg") == 1
    empty = replace(found, answers=(replace(GOOD, sharpe=None),), overfitting=None)
    page = promotion_page(empty, "", {})
    assert "<svg" not in page
    assert "not defined: too few hours, or a single trial" in page


@dataclass(frozen=True)
class Line:
    """A lake and a models folder with the walk-forward of the toy spec, and what asks for its promotion."""

    root: Path

    @property
    def lake(self) -> Lake:
        """The lake with predictions and scores."""
        return Lake(str(self.root / "lake"))

    @property
    def ledger(self) -> Path:
        """The trial ledger."""
        return self.root / "models" / "ledger.jsonl"

    def check(self, *options: str) -> int:
        """Run the command; return its exit code."""
        return cli.main(
            ["promotion", "check", "toy", "--data", str(self.root), "--models", str(self.root / "models"), *options]
        )

    def promotion(self, spec: ModelSpec = SPEC, **options: object) -> Promotion:
        """Return the check."""
        return promotion(spec, self.lake, self.root / "models", **options)  # type: ignore[arg-type]


LENIENT = Gates(min_dsr=0.4, max_ece_upper=0.2)
"""Few rows and one question far easier than the others: calibration and luck of the toy are as they are."""


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Line:
    line = Line(tmp_path_factory.mktemp("walked"))
    store, ledger = FoldStore(line.root / "models" / "folds"), Ledger(line.ledger)
    result = run_walk_forward(SPEC, ROWS, store=store, ledger=ledger, code_version="1")
    for table, rows in ((predictions_table("toy"), result.predictions), (walk_forward_table("toy"), result.scores)):
        line.lake.commit(table, rows, day=None, code_version="1")
    return line


@pytest.fixture
def line(walked: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    """Return a copy to break, of a model that the command knows."""
    shutil.copytree(walked.root, tmp_path / "line")
    monkeypatch.setattr(specs, "SPECS", {"toy": SPEC})
    return Line(tmp_path / "line")


def test_the_planted_head_carries_and_luck_does_not(line: Line) -> None:
    """Seven answers in two modes; one head could not be fitted and has no trial."""
    found = line.promotion(gates=LENIENT)
    assert [answer.label for answer in found.answers] == [
        *("planted", "luck", "size", "rare"),
        *("regime: LOW", "regime: MID", "regime: HIGH"),
    ]
    assert found.heads["planted"]
    codes = {answer.label: found.codes_of(answer) for answer in found.answers}
    assert codes["luck"] == ("NO_EDGE", "DSR_BELOW_GATE")
    assert codes["rare"] == (*("NOT_JUDGED", "AUC_LOWER_BOUND", "NO_EDGE", "CALIBRATION_ABOVE_GATE", "DSR_BELOW_GATE"),)
    assert found.trials == 2 * 6 + 1
    assert found.overfitting is not None
    assert (found.overfitting.trials, found.overfitting.blocks) == (12, 72)
    assert found.promoted


def test_other_gates_are_a_try_and_the_default_ones_are_not(line: Line) -> None:
    """A try counts once however often it is repeated, and says what was asked."""
    records = len(Ledger(line.ledger).read())
    assert line.promotion().trials == 12
    assert len(Ledger(line.ledger).read()) == records
    assert line.promotion(gates=LENIENT).trials == line.promotion(gates=LENIENT).trials == 13
    assert line.promotion(gates=Gates(min_dsr=0.5)).trials == 14
    newest = Ledger(line.ledger).read()[-1].trial
    thresholds = {"min_dsr_ppm": 500_000, "max_pbo_ppm": 500_000, "max_ece_upper_ppm": 30_000}
    assert newest == Trial("threshold", "toy", "", {"dataset": SPEC.dataset, "mode": "expanding", **thresholds})


def test_a_removed_record_is_found(line: Line) -> None:
    """Fault and place are named, no statistic is made up, and no head carries."""
    lines = line.ledger.read_text().splitlines(keepends=True)
    line.ledger.write_text("".join(lines[:3] + lines[4:]))
    found = line.promotion(gates=LENIENT)
    assert "LEDGER_BROKEN" in found.ledger_fault
    assert "line 4" in found.ledger_fault
    assert not found.promoted
    assert found.codes[0] == "LEDGER_BROKEN"
    assert (found.trials, found.sharpe_by_luck, found.overfitting) == (0, None, None)
    assert not any(found.heads.values())


def test_a_ledger_of_nothing_does_not_pass_for_a_clean_one(line: Line) -> None:
    """Answers without the trial that gave them are not evidence, even if the chain is whole."""
    found = promotion(SPEC, line.lake, line.root / "elsewhere")
    assert (found.ledger_fault, found.trials) == ("", 0)
    assert found.codes[0] == "LEDGER_BROKEN"
    assert (
        found.sentence
        == "No promotion of toy: the ledger is broken, or does not hold the trial of this spec behind the answers."
    )


def test_answers_that_were_touched_up_have_no_trial_behind_them(line: Line) -> None:
    """One better bps is enough."""
    table = predictions_table("toy")
    planted = (pl.col("head") == "planted") & (pl.col("label") == 1) & (pl.col("prediction") < 0.999)
    rows = line.lake.read(table)
    touched = rows.with_columns(prediction=pl.col("prediction") + 0.0002 * planted)
    line.lake.commit(table, touched, day=None, code_version="1")
    found = line.promotion()
    assert [a.head for a in found.answers if "LEDGER_BROKEN" in found.codes_of(a)] == ["planted"]


def test_the_alarm_ceiling_is_the_spec_s(line: Line) -> None:
    """The same answers under a lower ceiling are taken for a leak."""
    found = line.promotion(replace(SPEC, alarm_auc=0.65), gates=LENIENT)
    assert "LEAK_BEYOND_LUCK" in found.codes
    assert not found.promoted


def test_the_mode_chooses_the_answers(line: Line) -> None:
    """Trials of both modes count in either."""
    expanding, rolling = (line.promotion(mode=mode) for mode in ("expanding", "rolling"))
    assert (expanding.mode, rolling.mode) == ("expanding", "rolling")
    assert expanding.trials == rolling.trials
    assert {row["mode"] for row in promotion_rows(rolling).to_dicts()} == {"rolling"}
    assert line.promotion(mode="none").codes == expanding.answers[3].codes(Gates(), None)


def test_the_check_is_rows_of_its_table(line: Line) -> None:
    """Committed once for the same findings."""
    found = line.promotion(gates=LENIENT)
    rows = commit_promotion(line.lake, found, "1")
    assert line.lake.read(promotion_table("toy")).equals(rows)
    (version,) = {line.lake.stamps("reports/promotion/toy")[""].fingerprint}
    commit_promotion(line.lake, found, "1")
    assert line.lake.stamps("reports/promotion/toy")[""].fingerprint == version
    planted = rows.filter(pl.col("head") == "planted").row(0, named=True)
    assert (planted["codes"], planted["verdict"]) == ("", "carries")
    assert planted["trials"] == 13
    rare = rows.filter(pl.col("head") == "rare").row(0, named=True)
    assert rare["codes"].startswith("NOT_JUDGED AUC_LOWER_BOUND")
    assert rare["verdict"].startswith("too few open rows or hours for an interval; ")
    assert commit_promotion(line.lake, line.promotion(), "1")["trials"].unique().to_list() == [13]


def test_without_a_walk_forward_there_is_nothing_to_check(tmp_path: Path) -> None:
    """And the refusal says so in one line."""
    with pytest.raises(PartitionMissing):
        promotion(SPEC, Lake(str(tmp_path)), tmp_path)


def test_the_command_ends_with_the_decision(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0 on promote alone."""
    assert line.check() == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split() == ["answer", "auc", "skill", "sharpe", "trials", "dsr", "pbo", "against", "it"]
    assert [row.split("  ")[0] for row in shown[1:8]] == [
        *("planted", "luck", "size", "rare"),
        *("regime: LOW", "regime: MID", "regime: HIGH"),
    ]
    assert [row.endswith("  nothing") for row in shown[1:8]] == [False, False, True, *[False] * 4]
    assert shown[-2:] == ["Promote toy with size; not to be used: planted, luck, rare, regime.", "promote"]
    assert line.check("--max-pbo", "0") == 1
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "No promotion of toy: the evidence carries none of its 5 heads yet.",
        "no promotion: NOT_JUDGED AUC_LOWER_BOUND NO_EDGE CALIBRATION_ABOVE_GATE DSR_BELOW_GATE PBO_ABOVE_GATE",
    ]


@pytest.mark.parametrize(
    ("option", "before", "after"),
    [
        (("--min-dsr", "0.4"), "DSR_BELOW_GATE, 4 of 7", "DSR_BELOW_GATE, 2 of 7"),
        (("--max-pbo", "0"), "NOT_JUDGED, 1 of 7", "PBO_ABOVE_GATE, 7 of 7"),
        (("--max-ece-upper", "0.2"), "CALIBRATION_ABOVE_GATE, 6 of 7", "CALIBRATION_ABOVE_GATE, 1 of 7"),
    ],
)
def test_each_gate_is_an_option(
    line: Line, option: tuple[str, str], before: str, after: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another gate, another number of answers that do not pass it."""
    line.check()
    default = capsys.readouterr().out
    line.check(*option)
    changed = capsys.readouterr().out
    assert before in default
    assert after not in default
    assert after in changed


def test_the_command_shows_the_fault_of_a_ledger(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    """One line before the sentence."""
    line.ledger.write_text("")
    assert line.check("--mode", "rolling") == 1
    shown = capsys.readouterr().out
    assert "LEDGER_BROKEN: " in shown
    assert shown.splitlines()[-1].startswith("no promotion: LEDGER_BROKEN")


@pytest.mark.parametrize("value", ["-0.1", "1.1", "nan", "much"])
def test_a_gate_is_a_number_from_0_to_1(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Anything else is wrong usage."""
    with pytest.raises(SystemExit, match="2"):
        cli.main(["promotion", "check", "toy", f"--min-dsr={value}"])
    assert f"not a number from 0 to 1: '{value}'" in capsys.readouterr().err


def test_a_model_that_is_no_spec_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """In one line that names those there are."""
    assert cli.main(["promotion", "check", "nobody"]) == 1
    assert capsys.readouterr().err.startswith("UNKNOWN_NAME: no such model spec")
