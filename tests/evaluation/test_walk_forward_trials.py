from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from grinder_resources.evaluation.returns import block_returns
from grinder_resources.evaluation.walk_forward import WalkForwardResult, run_walk_forward
from grinder_resources.learning.fold_store import FoldStore
from grinder_resources.learning.ledger import Ledger, Trial
from grinder_resources.learning.model_spec import ModelSpec
from tests.evaluation.toy_rows import DAYS, FIRST_DAY, SPEC, toy_rows

ROWS = toy_rows()
QUICK = replace(
    SPEC,
    heads=tuple(head for head in SPEC.heads if head.name in {"luck", "size"}),
    params=replace(SPEC.params, rounds=5),
    reference=("noise",),
)


class Desk:
    """A store and a ledger that stay from one walk-forward to the next."""

    def __init__(self, folder: Path) -> None:
        self.store, self.ledger = FoldStore(folder / "folds"), Ledger(folder / "ledger.jsonl")

    def walk(self, rows: pl.DataFrame = ROWS, spec: ModelSpec = QUICK, code_version: str = "1") -> WalkForwardResult:
        """Return the walk-forward of the rows."""
        return run_walk_forward(spec, rows, store=self.store, ledger=self.ledger, code_version=code_version)

    def trials(self) -> list[Trial]:
        """Return the trials of walk-forwards."""
        return [record.trial for record in self.ledger.read() if record.trial.kind == "walk_forward"]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_every_judged_answer_is_a_trial_with_its_returns(desk: Desk) -> None:
    """One a mode, head and class; hours and what the answer earned in each over its reference."""
    result = desk.walk()
    trials = {(trial.facts["mode"], trial.question): trial for trial in desk.trials()}
    assert sorted(trials) == [(mode, head) for mode in ("expanding", "rolling") for head in ("luck/yes", "size")]
    chosen = (pl.col("mode") == "rolling") & (pl.col("head") == "luck")
    returns = block_returns(result.predictions.filter(chosen))
    luck = trials["rolling", "luck/yes"]
    assert dict(zip(luck.blocks, luck.returns, strict=True)) == returns
    assert len(returns) == 3 * 24
    assert luck.facts["dataset"] == "gold/training/toy"
    assert luck.facts["folds"] == 3


def test_the_same_report_again_fits_nothing_and_tries_nothing(desk: Desk) -> None:
    """However often it is made, and in whatever order the rows come."""
    first = desk.walk()
    records = len(desk.ledger.read())
    second = desk.walk(ROWS.sample(fraction=1.0, shuffle=True, seed=5))
    # Both modes share two of their three splits.
    assert (first.fitted, second.fitted) == (4, 0)
    assert len(desk.ledger.read()) == records
    for table in ("predictions", "scores", "verdicts", "calibration"):
        assert getattr(first, table).equals(getattr(second, table))


def test_folds_fitted_again_are_no_new_trials_of_the_report(desk: Desk) -> None:
    """A lost store costs fits, which are recorded; what was judged is the same."""
    desk.walk()
    known = len(desk.trials())
    desk.store.sweep(QUICK.name, [])
    assert desk.walk().fitted == 4
    assert len(desk.trials()) == known


def test_another_spec_code_or_day_is_another_trial(desk: Desk) -> None:
    """The hash of what differs says so; rows have the same hash for every spec over them."""
    earlier = ROWS.filter(pl.col("date") < FIRST_DAY + timedelta(days=DAYS - 1))
    desk.walk()
    desk.walk(spec=replace(QUICK, reference=()))
    desk.walk(code_version="2")
    desk.walk(earlier)
    facts = [
        trial.facts for trial in desk.trials() if trial.question == "luck/yes" and trial.facts["mode"] == "rolling"
    ]
    assert len({trial.key for trial in desk.trials()}) == len(desk.trials())
    base, spec, code, day = facts
    assert [name for name in base if base[name] != spec[name]] == ["spec"]
    assert [name for name in base if base[name] != code[name]] == ["code_version"]
    assert [name for name in base if base[name] != day[name]] == ["data", "folds"]


def test_a_new_day_fits_only_its_own_folds(desk: Desk) -> None:
    """One a mode, and the store holds those of the newest report."""
    earlier = ROWS.filter(pl.col("date") < FIRST_DAY + timedelta(days=DAYS - 1))
    desk.walk(earlier)
    assert desk.walk().fitted == 2
    assert len(desk.store.stored(QUICK.name)) == 4


def test_predictions_are_the_labelled_answers(desk: Desk) -> None:
    """A row without a label is answered in its fold and judged nowhere."""
    rows = ROWS.with_columns(coin=pl.when(pl.col("ts_ns") % 720_000_000_000 == 0).then("coin"))
    luck = desk.walk(rows).predictions.filter(pl.col("head") == "luck", pl.col("mode") == "expanding")
    asked = rows.filter(pl.col("date") >= FIRST_DAY + timedelta(days=2), pl.col("coin").is_not_null())
    assert 0 < luck.height == asked.height < 3 * 240
    answered = desk.store.stored(QUICK.name)[0].answers.filter(pl.col("head") == "luck")
    assert answered.height == 240
