"""Boosters as a tunable component: what is scored is out of fold, against a bar that stands still."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from grinder_resources.evaluation.walk_forward import run_walk_forward
from grinder_resources.learning.fold_store import FoldStore
from grinder_resources.learning.ledger import Ledger
from grinder_resources.learning.model_spec import BoosterParams, ModelSpec
from grinder_resources.learning.splits import walk_forward
from grinder_resources.tuning.component import TunableComponent, score_of
from grinder_resources.tuning.parameters import Configuration, Value, defaults
from grinder_resources.tuning.training import SOME_ROWS, booster_space, training_component, tuned
from tests.evaluation.toy_rows import SPEC as TOY
from tests.evaluation.toy_rows import toy_rows

ROWS = toy_rows(days=4)
SPEC = replace(
    TOY,
    heads=tuple(head for head in TOY.heads if head.name in {"planted", "luck", "size"}),
    params=replace(TOY.params, rounds=8),
)


class Desk:
    """A store and a ledger in one folder."""

    def __init__(self, folder: Path) -> None:
        self.store, self.ledger = FoldStore(folder / "folds"), Ledger(folder / "ledger.jsonl")

    def component(self, spec: ModelSpec = SPEC, rows: pl.DataFrame = ROWS) -> TunableComponent:
        """Return the spec's boosters over the rows."""
        return training_component(spec, rows, self.store, self.ledger)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def scored(component: TunableComponent, **changed: Value) -> list[float]:
    """Return what a run with changed settings yields, and at the end its objective."""
    configuration: Configuration = {**defaults(component.parameters), **changed}
    component.apply(configuration)
    return [*component.run(), component.telemetry()["skill"]]


def test_the_objective_is_the_skill_of_the_walk_forward(desk: Desk) -> None:
    """Mean over its answers of the pooled skill on open test rows, to the rounding of returns to whole bps."""
    component = desk.component()
    *_, last, objective = scored(component)
    result = run_walk_forward(SPEC, ROWS, store=desk.store, ledger=desk.ledger, code_version="1", modes=("expanding",))
    skill = result.scores.filter(metric="skill", part="test", fold=0)
    assert skill["head"].to_list() == ["luck", "planted", "size"]
    assert objective == last == pytest.approx(skill["value"].mean(), abs=1e-4)
    by_answer = {name: value for name, value in component.telemetry().items() if name != "skill"}
    assert sorted(by_answer) == ["luck/yes", "planted/yes", "size"]
    assert objective == pytest.approx(sum(by_answer.values()) / 3)
    assert objective == score_of(component.earned(), component.scales)


def test_what_was_learned_by_heart_is_worth_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels are coins: deep trees know their own rows, the objective is about 0, and does not ask what they know."""
    heads = tuple(head for head in SPEC.heads if head.name == "luck")
    coin = replace(SPEC, heads=heads, params=BoosterParams(max_depth=8, eta=0.3, min_child_weight=1.0))
    *_, objective = scored(desk.component(coin))
    in_sample = [score.scores["skill"] for fold in desk.store.stored("toy") for _, score in fold.in_sample]
    assert abs(objective) < 0.002
    assert max(in_sample) > 0.02
    desk.store.sweep("toy", [])
    monkeypatch.setattr("grinder_resources.learning.folds._in_sample", lambda *_: iter(()))
    assert scored(desk.component(coin))[-1] == objective


def test_test_days_decide_and_each_counts_when_it_comes(desk: Desk) -> None:
    """A step a fold; the labels of a test day change the score from its fold on, and not before."""
    plain = scored(desk.component())
    assert len(plain) == len(walk_forward(ROWS["date"].to_list())) + 1 == 3
    newest = pl.col("date") == ROWS["date"].max()
    flipped = ROWS.with_columns(hit=pl.when(newest).then(1 - pl.col("hit")).otherwise("hit"))
    other = scored(desk.component(rows=flipped))
    assert other[0] == plain[0]
    assert other[1] < plain[1] - 0.05


def test_the_bar_stands_still(desk: Desk) -> None:
    """A trial is held against the reference as it answers with the settings in force, not with its own.

    Here the only input is the reference's: with its own it would be a copy of it, and score 0 with any settings.
    """
    copied = replace(SPEC, reference=("noise",), select=lambda _: replace(TOY.select(pl.Schema()), numeric=("noise",)))
    component = desk.component(copied)
    assert scored(component)[-1] == 0.0
    assert scored(component, max_depth=8, eta=0.3, min_child_weight=1.0)[-1] < -0.001


def test_settled_rows_have_no_part_in_it(desk: Desk) -> None:
    """Where half of the rows are settled, the scales are those of the other half."""
    heads = tuple(replace(head, settled_when_zero="left") for head in SPEC.heads)
    rows = ROWS.with_columns(left=pl.int_range(pl.len()) % 2)
    whole, half = desk.component(), desk.component(replace(SPEC, heads=heads), rows)
    for question, scale in whole.scales.items():
        assert half.scales[question] == pytest.approx(scale / 2, rel=0.25)


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_depth", 2), ("eta", 0.2), ("min_child_weight", 60.0), ("max_bin", 32), ("each_tree", SOME_ROWS)],
)
def test_every_parameter_changes_the_score(desk: Desk, name: str, value: Value) -> None:
    """One after the other, from the same defaults; where trees see some rows, their share does as well."""
    component = desk.component(replace(SPEC, params=replace(SPEC.params, max_depth=3)))
    drawn = {"subsample": 0.7} if value == SOME_ROWS else {}
    assert scored(component, **{name: value, **drawn}) != scored(component)
    if drawn:
        assert scored(component, **{name: value, "subsample": 0.5}) != scored(component, **{name: value, **drawn})


def test_the_defaults_are_the_settings_in_force() -> None:
    """Whatever they are; and a configuration changes what it names, nothing else."""
    for params in (BoosterParams(), BoosterParams(subsample=0.8, max_depth=2, seed=7)):
        assert tuned(params, defaults(booster_space(params))) == params
    assert tuned(BoosterParams(seed=7), {"eta": 0.2}) == BoosterParams(seed=7, eta=0.2)


def test_fits_of_trials_are_on_the_ledger(desk: Desk) -> None:
    """Two folds of three heads each for the bar, which the defaults share, and again for other settings."""
    component = desk.component()
    scored(component)
    assert len(desk.ledger.read()) == 2 * 3
    scored(component, eta=0.2)
    assert len(desk.ledger.read()) == 2 * 2 * 3
