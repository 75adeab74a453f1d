from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from grinder_resources.cli import main
from grinder_resources.contracts.gold import REGIME_DATASET, REGIME_LABEL
from grinder_resources.lake import Lake
from grinder_resources.learning.fold_store import FOLDS_FOLDER, FoldStore
from grinder_resources.learning.folds import folds_code, run_folds
from grinder_resources.learning.ledger import LEDGER_FILE, Ledger
from grinder_resources.learning.specs import REGIME
from grinder_resources.learning.splits import walk_forward

FIRST_DAY, MIDNIGHT_NS, MINUTE_NS = date(2025, 3, 3), 1_740_960_000_000_000_000, 60_000_000_000
DAYS, PER_DAY = 5, 150


def regime_rows() -> pl.DataFrame:
    """Return a row every nine minutes, whose label is told by the last minute's range and noise."""
    rng = np.random.default_rng(6)
    day, minute = np.repeat(np.arange(DAYS), PER_DAY), np.tile(np.arange(PER_DAY) * 9, DAYS)
    ts = MIDNIGHT_NS + (day * 1440 + minute) * MINUTE_NS
    spread = rng.integers(100, 900, DAYS * PER_DAY)
    told = {
        "date": [FIRST_DAY + timedelta(days=int(number)) for number in day],
        "venue": ["demo"] * len(ts),
        "symbol": ["A"] * len(ts),
        "ts_ns": ts,
        "watermark_ns": ts,
        "label_end_ns": ts + MINUTE_NS,
        "range_60s_x1000": spread,
        REGIME_LABEL: spread + rng.integers(0, 400, len(ts)),
    }
    schema = REGIME_DATASET.schema
    columns = {name: told[name] if name in told else rng.integers(0, 2, len(ts)) for name in schema}
    return pl.DataFrame(columns).cast(dict(schema))


class Line:
    """A lake with Gold rows, and beside it the folds and the ledger of a run over them."""

    def __init__(self, folder: Path) -> None:
        self.data, self.models = folder / "data", folder / "models"
        self.store, self.ledger = FoldStore(self.models / FOLDS_FOLDER), Ledger(self.models / LEDGER_FILE)
        self.rows = regime_rows()
        for (day,), rows in self.rows.group_by("date"):
            assert isinstance(day, date)
            Lake(str(self.data / "lake")).commit(REGIME_DATASET, rows, day=day, code_version="1")

    def run(self) -> None:
        """Keep the folds of a walk-forward."""
        splits = walk_forward(self.rows["date"].to_list())
        run_folds(REGIME, self.rows, splits, store=self.store, ledger=self.ledger, code_version=folds_code())

    def verify(self, *options: str) -> int:
        """Run `grinder walk-forward verify`."""
        folders = ("--data", str(self.data), "--models", str(self.models))
        return main(["walk-forward", "verify", *folders, *options])


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    line = Line(tmp_path_factory.mktemp("line"))
    line.run()
    return line


def test_folds_from_scratch_are_the_folds_that_were_kept(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    """A line a fold, with both hashes."""
    assert line.verify("--from-scratch", "2", "--model", "regime") == 0
    header, *folds = capsys.readouterr().out.splitlines()
    assert header.split() == ["fold", "cached", "rebuilt", "equal"]
    kept = {f"regime {FIRST_DAY} to {fold.split.train[-1]}, test {fold.split.test[0]}": fold.sha256[:16]
            for fold in line.store.stored("regime")}  # fmt: skip
    assert len(folds) == 2
    for fold in folds:
        name, cached, rebuilt, equal = (part.strip() for part in fold.rsplit("  ", 3))
        assert (kept[name], kept[name], "yes") == (cached, rebuilt, equal)


def test_the_seed_decides_which_folds_are_taken(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    """The same seed takes the same; some other seed takes others. All of them, if there are no more."""
    chosen = []
    for seed in ("1", "1", "2", "3"):
        line.verify("--from-scratch", "1", "--seed", seed)
        chosen.append(capsys.readouterr().out.splitlines()[1])
    assert chosen[0] == chosen[1]
    assert len(set(chosen)) > 1
    line.verify("--from-scratch", "9")
    assert len(capsys.readouterr().out.splitlines()) == 1 + 3


def test_verification_is_on_the_ledger_and_no_new_trial(line: Line) -> None:
    """Every fit of it says that it only repeats one."""
    before = line.ledger.read()
    line.verify("--from-scratch", "1")
    after = [record.trial for record in line.ledger.read()[len(before) :]]
    assert [trial.facts["verify"] for trial in after] == [True, True]
    assert {trial.key for trial in after} <= {record.trial.key for record in before}


def test_a_fold_that_cannot_be_rebuilt_is_named_with_its_head(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its file is sound, but nobody fitted what it says."""
    line = Line(tmp_path)
    line.run()
    fold = line.store.stored("regime")[0]
    line.store.put("regime", replace(fold, answers=fold.answers.with_columns(pl.col("margin_q16") + 1)))
    assert line.verify("--from-scratch", "3") == 1
    printed = capsys.readouterr()
    assert [text.rsplit(maxsplit=1)[1] for text in printed.out.splitlines()[1:]] == ["no", "yes", "yes"]
    assert printed.err.startswith(
        "PROOF_FAILED: a fold fitted from scratch is another fold (regime 2025-03-03 to 2025-03-03, "
        "test 2025-03-05: regime; got "
    )


def test_without_folds_of_these_rows_there_is_nothing_to_verify(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, whether there are none or only old ones."""
    line = Line(tmp_path)
    assert line.verify() == 1
    line.run()
    Lake(str(line.data / "lake")).commit(REGIME_DATASET, line.rows[:1], day=FIRST_DAY, code_version="1")
    assert line.verify("--model", "regime") == 1
    refusals = capsys.readouterr().err.splitlines()
    assert len(refusals) == 2
    assert all(line.startswith("NO_DATA: no fold is kept of these rows and this code") for line in refusals)


@pytest.mark.parametrize(
    ("options", "refusal"),
    [(["--from-scratch", "0"], "OUT_OF_RANGE: at least one fold"), (["--model", "crystal"], "UNKNOWN_NAME")],
)
def test_what_cannot_be_asked_is_refused(
    line: Line, options: list[str], refusal: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line."""
    assert line.verify(*options) == 1
    assert capsys.readouterr().err.startswith(refusal)


def test_ledger_verify_counts_records_and_trials(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    """By kind, with the root; a repetition is a record and no trial."""
    line.verify("--from-scratch", "1")
    capsys.readouterr()
    assert main(["ledger", "verify", "--models", str(line.models)]) == 0
    records = line.ledger.read()
    assert capsys.readouterr().out.splitlines() == [
        f"{line.ledger.path}: {len(records)} records of 6 distinct trials, chain unbroken",
        f"  fit           {len(records):>8}",
        f"root {records[-1].sha256}",
    ]


def test_ledger_verify_finds_a_removed_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And a ledger that is not there at all."""
    assert main(["ledger", "verify", "--models", str(tmp_path)]) == 1
    line = Line(tmp_path)
    line.run()
    path = line.models / LEDGER_FILE
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:2] + lines[3:]))
    assert main(["ledger", "verify", "--models", str(line.models)]) == 1
    missing, removed = capsys.readouterr().err.splitlines()
    assert missing.startswith("LEDGER_BROKEN: there is no trial ledger")
    assert removed.startswith(f"LEDGER_BROKEN: a record was removed, repeated or moved ({path}, line 3; got record 4;")
