"""The leak self-test: every planted leak is caught by its name, clean data stays silent, and the command says so."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from grinder_resources.cli import main
from grinder_resources.errors import ProofFailed
from grinder_resources.lake import Lake
from grinder_resources.learning.leaks.case import LeakCase, case_of
from grinder_resources.learning.leaks.checks import LEAK_CHECKS, find_leaks
from grinder_resources.proofs.leaks_market import Market, market_rows
from grinder_resources.proofs.leaks_plants import PLANTS, Plant
from grinder_resources.proofs.leaks_selftest import CLEAN, SPEC, SelfTest, Verdict, require_passed, run_selftest
from grinder_resources.proofs.leaks_variants import VARIANTS, clean_cases
from tests.learning.regime_gold import land


@pytest.fixture(scope="module")
def clean() -> LeakCase:
    return case_of(SPEC, market_rows(Market(seed=11)))


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.story)
def test_a_planted_leak_is_caught_by_its_check(clean: LeakCase, plant: Plant) -> None:
    """The check named for it fires, on data whose seed the checks have not seen before."""
    check = next(check for check in LEAK_CHECKS if check.name == plant.check)
    assert find_leaks(clean, [check]) == ()
    assert find_leaks(plant.sow(clean, np.random.default_rng(1)), [check])


def test_every_check_is_put_to_the_test() -> None:
    """At least twenty leaks, and no check that none of them needs."""
    assert len(PLANTS) >= 20
    assert {plant.check for plant in PLANTS} == {check.name for check in LEAK_CHECKS}
    assert len({plant.story for plant in PLANTS}) == len(PLANTS)


def test_fifty_clean_variants_are_looked_at() -> None:
    """Every variant twice, each time with other rows."""
    assert len(VARIANTS) * 2 == CLEAN == 50
    assert len({variant.story for variant in VARIANTS}) == len(VARIANTS)


def test_clean_variants_raise_no_alarm() -> None:
    """One round of all of them, with another seed than the command's."""
    alarms = [(story, find_leaks(case)) for story, case in clean_cases(SPEC, seed=5, count=len(VARIANTS))]
    assert [story for story, findings in alarms if findings] == []
    assert len(alarms) == 25


def test_the_same_seed_gives_the_same_rows() -> None:
    """And another seed others."""
    assert market_rows(Market(seed=3)).equals(market_rows(Market(seed=3)))
    assert not market_rows(Market(seed=3)).equals(market_rows(Market(seed=4)))


@pytest.mark.parametrize(
    "settings",
    [
        {"days": 3},
        {"symbols": 3},
        {"touches": 20},
        {"hours": 6.5},
        {"step_half_ticks": 9.0},
        {"drift_half_ticks_x1000": 50},
        {"threshold_atr_x1000": 2500},
        {"unknown_bps": 4000},
        {"twins_bps": 7000},
        {"skipped_day": 1},
    ],
)
def test_every_setting_of_the_market_matters(settings: dict[str, float]) -> None:
    """Other rows, by every one of them."""
    assert not market_rows(Market(touches=30)).equals(market_rows(Market(**({"touches": 30} | settings))))


def test_the_clean_market_has_what_leaks_hide_in() -> None:
    """Overlapping windows, windows over midnight, settled rows, gaps, and both outcomes."""
    rows = market_rows(Market())
    assert rows.height > 1_000
    day_end = (pl.col("date") + pl.duration(days=1)).cast(pl.Datetime("ns")).cast(pl.Int64)
    assert rows.filter(pl.col("label_end_ns") > day_end).height > 0
    assert rows.filter(pl.col("ts_ns").shift(-1).over("symbol") < pl.col("label_end_ns")).height > 100
    assert rows.filter(pl.col("time_to_threshold_2_ms") == 0).height > 100
    assert rows["tape_imbalance_bps"].null_count() > 50
    assert set(rows["outcome"]) == {"BREAK", "BOUNCE", "CHOP"}


def test_rows_of_a_verdict_are_those_of_the_right_check(clean: LeakCase) -> None:
    """Another check that fires as well catches nothing."""
    plant = PLANTS[0]
    findings = find_leaks(plant.sow(clean, np.random.default_rng(1)))
    assert Verdict(plant, findings).rows > 0
    assert Verdict(replace(plant, check="row_id"), findings).rows == 0


def test_a_missed_leak_fails_the_proof() -> None:
    """A plant that plants nothing is not caught, and the line says which and by what it should have been."""
    nothing = Plant("nothing at all", "watermark", lambda case, _rng: case)
    test = run_selftest(seed=2, clean=1, plants=[PLANTS[7], nothing])
    assert test.sentence == "1 of 2 planted leaks caught, 0 alarms on 1 clean variants"
    with pytest.raises(ProofFailed, match=r"a planted leak was missed \(nothing at all; got 1 of 2.*'watermark'"):
        require_passed(test)


def test_an_alarm_on_clean_data_fails_the_proof(clean: LeakCase) -> None:
    """The line names the variant and what the check believed to see."""
    findings = find_leaks(PLANTS[7].sow(clean, np.random.default_rng(1)))
    test = SelfTest((Verdict(PLANTS[7], findings),), (("4 three days", findings[0]),), 50)
    assert test.sentence == "1 of 1 planted leaks caught, 1 alarms on 50 clean variants"
    with pytest.raises(ProofFailed, match=r"clean data raised an alarm \(variant 4 three days; got watermark: "):
        require_passed(test)


def test_the_command_prints_leaks_checks_and_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """A line a leak, then the totals; exit 0."""
    assert main(["leak", "selftest", "--seed", "7", "--clean", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["planted", "leak", "caught", "by", "rows"]
    assert len(lines) == 1 + len(PLANTS) + 2
    assert lines[1].startswith("the purge is forgotten  ")
    assert lines[-1] == f"{len(PLANTS)} of {len(PLANTS)} planted leaks caught, 0 alarms on 2 clean variants"


@pytest.mark.parametrize("option", ["--seed", "--clean"])
def test_numbers_below_zero_are_wrong_usage(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2 with the option's name, before anything is planted."""
    with pytest.raises(SystemExit, match="2"):
        main(["leak", "selftest", option, "-1"])
    assert option in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nosuch"], "UNKNOWN_NAME: no such model spec"),
        ([], "NO_DATA: no training data in the lake"),
        (["regime"], "PARTITION_MISSING: the table has no committed day"),
    ],
)
def test_a_lake_that_cannot_be_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], line: str
) -> None:
    """One line and exit 1."""
    (tmp_path / "lake").mkdir()
    assert main(["leak", "check", *arguments, "--data", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(line)
    assert Lake(str(tmp_path)).tables() == []


def test_a_clean_lake_is_shown_day_by_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The widest model of each dataset there is: a line a day, then what was looked at."""
    land(tmp_path)
    assert main(["leak", "check", "--data", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "regime, gold/training/regime"
    assert [line.split() for line in lines[2:6]] == [[f"2025-01-0{day}", "240", "0"] for day in (6, 7, 8, 9)]
    assert lines[6] == f"no leak in {len(LEAK_CHECKS)} checks, 4 days, 5 folds, 40 inputs"


def test_a_poisoned_lake_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table names day, rows, check and column; the last line is the refusal, and the exit code is 1."""
    land(tmp_path, lambda rows: rows.with_columns(pl.col("watermark_ns") + 1))
    assert main(["leak", "check", "regime", "--data", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines()[4].split()[:5] == ["2025-01-08", "240", "240", "watermark", "watermark_ns"]
    assert captured.err.startswith("LEAK_FOUND: check 'watermark' refused the data: no feature looked at anything")
    assert len(captured.err.splitlines()) == 1
