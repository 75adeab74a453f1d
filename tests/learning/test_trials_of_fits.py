import hashlib
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from grinder_resources.errors import NothingTrainable
from grinder_resources.learning.ledger import Ledger, Trial
from grinder_resources.learning.model_spec import BoosterParams, ModelSpec
from grinder_resources.learning.reference import fit_reference, prepare_reference
from grinder_resources.learning.specs import level_signals
from grinder_resources.learning.splits import split_by_date, split_rows
from grinder_resources.learning.training import TrainedModel, prepare, train
from tests.learning.level_rows import level_rows

ROWS = level_rows(per_day=150)
SPLIT = split_by_date(ROWS["date"].to_list())
LEVEL = level_signals("stage_b", "full")
SPEC = replace(
    LEVEL,
    heads=tuple(head for head in LEVEL.heads if head.name in {"tradeable_2", "strength"}),
    params=BoosterParams(rounds=6, early_stopping=3),
    reference=("dist_to_vwap_x1000",),
)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.jsonl")


def fit(ledger: Ledger, rows: pl.DataFrame = ROWS, spec: ModelSpec = SPEC) -> tuple[TrainedModel, list[Trial]]:
    """Return a model, and the trials that fitting it appended."""
    known = len(ledger.read())
    model = train(spec, rows, SPLIT, ledger)
    return model, [record.trial for record in ledger.read()[known:]]


def test_every_fit_is_a_trial(ledger: Ledger) -> None:
    """With its days, rows, rounds, loss and the hashes of data, settings and booster."""
    model, trials = fit(ledger)
    assert [(trial.kind, trial.subject, trial.question) for trial in trials] == [
        ("fit", SPEC.name, "tradeable_2"),
        ("fit", SPEC.name, "strength"),
    ]
    for trial, head in zip(trials, model.heads, strict=True):
        assert trial.facts["booster"] == hashlib.sha256(head.booster).hexdigest()
        assert trial.facts["rounds"] == head.rounds
        assert trial.facts["val_loss_e9"] == round(head.snapping.after * 1e9)
        assert trial.facts["days"] == {"train": ["2025-03-03"], "val": ["2025-03-04"], "test": ["2025-03-05"]}
        assert trial.facts["rows"] == {"train": model.rows["train"], "val": model.rows["val"]}
        assert (trial.blocks, trial.returns) == ((), ())


def test_the_same_fit_again_is_a_record_and_no_new_trial(ledger: Ledger) -> None:
    """Whatever the order of the rows; the ledger keeps both."""
    first, second = fit(ledger)[1], fit(ledger, ROWS.sample(fraction=1.0, shuffle=True, seed=1))[1]
    assert [trial.key for trial in first] == [trial.key for trial in second]
    assert len(ledger.read()) == 4


@pytest.mark.parametrize("change", ["params", "inputs", "rows", "labels"])
def test_another_fit_is_another_trial(ledger: Ledger, change: str) -> None:
    """By the fact that names what is different."""
    _, (known, _) = fit(ledger)
    in_train = pl.col("date") == SPLIT.train[0]
    spec = {
        "params": replace(SPEC, params=replace(SPEC.params, max_depth=3)),
        "inputs": replace(SPEC, select=level_signals("stage_a", "ta").select),
    }.get(change, SPEC)
    feature, label = pl.col("dist_to_vwap_x1000"), pl.col("tradeable_2")
    rows = {
        "rows": ROWS.with_columns(pl.when(in_train).then(feature + 1).otherwise(feature).alias("dist_to_vwap_x1000")),
        "labels": ROWS.with_columns(pl.when(in_train).then(1 - label).otherwise(label).alias("tradeable_2")),
    }.get(change, ROWS)
    _, (other, _) = fit(ledger, rows, spec)
    fact = {"params": "params", "inputs": "columns", "rows": "data", "labels": "data"}[change]
    assert other.facts[fact] != known.facts[fact]
    assert other.key != known.key


def test_rows_that_were_not_used_change_no_trial(ledger: Ledger) -> None:
    """A fold keeps its trials while later days come."""
    later = ROWS.with_columns(
        pl.when(pl.col("date") == SPLIT.test[0]).then(0).otherwise("dist_to_vwap_x1000").alias("dist_to_vwap_x1000")
    )
    assert [trial.key for trial in fit(ledger)[1]] == [trial.key for trial in fit(ledger, later)[1]]


def test_a_head_that_could_not_be_fitted_is_a_trial_too(ledger: Ledger) -> None:
    """With the reason, even where nothing at all could be."""
    never = ROWS.with_columns(tradeable_2=pl.lit(0, pl.Int8), strength_signed=pl.lit(7, pl.Int32))
    with pytest.raises(NothingTrainable):
        fit(ledger, never)
    tradeable, strength = (record.trial for record in ledger.read())
    assert tradeable.facts["obstacle"].startswith("open train rows hold")
    assert strength.facts["obstacle"].endswith("train rows, needs 20 that differ")
    assert "booster" not in tradeable.facts


def test_fits_of_a_reference_carry_its_name(ledger: Ledger) -> None:
    """They are fits like all others, of another subject."""
    prepared = prepare(SPEC, ROWS)
    fit_reference(prepare_reference(prepared), split_rows(prepared.frame, SPLIT), ledger)
    assert {record.trial.subject for record in ledger.read()} == {"level_signals_stage_b_full/reference"}
