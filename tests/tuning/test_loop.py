"""The loop and its memory: every trial is in the study and on the ledger, whatever became of it."""

from pathlib import Path

import pytest

from grinder_resources.errors import CorruptFile, NothingTrainable, OutOfRange, StorageFull
from grinder_resources.evaluation.trials import trials_on
from grinder_resources.tuning.backend import Outcome
from grinder_resources.tuning.loop import tune
from grinder_resources.tuning.optuna_backend import INTERRUPTED, OptunaBackend
from grinder_resources.tuning.parameters import Configuration
from grinder_resources.tuning.study import run_study, study_name
from tests.tuning.toy_component import HOURS, SPACE, Bench, Parabola, height


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def tuned(bench: Bench, toy: Parabola, trials: int, backend: OptunaBackend | None = None) -> tuple[Outcome, ...]:
    return tune(toy.component, backend or bench.backend(), bench.ledger, max_iterations=trials)


@pytest.fixture(scope="module")
def fifteen(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Return a folder with a study of fifteen trials."""
    bench = Bench(tmp_path_factory.mktemp("fifteen"))
    tuned(bench, Parabola(), 15)
    return bench


def configurations(outcomes: tuple[Outcome, ...]) -> list[Configuration]:
    return [outcome.configuration for outcome in outcomes]


def test_the_defaults_come_first_and_suggestions_stay_in_the_space(fifteen: Bench) -> None:
    """Each with a value for every parameter that matters, and for no other."""
    outcomes = fifteen.backend().outcomes()
    assert outcomes[0].configuration == {"x": 0.1, "shape": "plain"}
    for outcome in outcomes:
        found = outcome.configuration
        assert [one.name for one in SPACE if one.matters(found)] == list(found)
        assert all(one.allows(found[one.name]) for one in SPACE if one.name in found)
    assert {len(outcome.configuration) for outcome in outcomes} == {2, 3}


def test_the_loop_finds_the_hill_or_its_foot(fifteen: Bench, bench: Bench) -> None:
    """Fifteen trials come within 0.01 of the top, from 0.64; where less is better, few come below where they began."""
    assert max(outcome.score or 0.0 for outcome in fifteen.backend().outcomes()) > 0.99
    downhill = tuned(bench, Parabola(maximise=False), 7, bench.backend("down", maximise=False))
    assert min(outcome.score or 1.0 for outcome in downhill) < 0.6


def test_the_same_seed_suggests_the_same_also_when_taken_up_again(tmp_path: Path) -> None:
    """One study in one go, one in three pieces, each time from the file alone; another seed suggests something else."""
    whole = tuned(Bench(tmp_path / "whole"), Parabola(), 6)
    parts = Bench(tmp_path / "parts")
    for trials in (1, 4, 6):
        again = tuned(parts, Parabola(), trials)
    assert again == whole
    other = Bench(tmp_path / "other")
    assert configurations(tuned(other, Parabola(), 3, other.backend(seed=7)))[1:] != configurations(whole)[1:3]


def test_a_study_with_enough_trials_is_left_as_it_is(bench: Bench) -> None:
    """Nothing is run and nothing recorded."""
    tuned(bench, Parabola(), 3)
    again = Parabola()
    assert len(tuned(bench, again, 2)) == 3
    assert again.runs == []
    assert len(bench.ledger.read()) == 3


def test_hopeless_trials_are_given_up_early_and_recorded(fifteen: Bench) -> None:
    """After their first step, once there are five to compare with; with what they had by then."""
    outcomes = fifteen.backend().outcomes()
    pruned = [outcome for outcome in outcomes if outcome.state == "pruned"]
    assert pruned
    assert min(outcome.number for outcome in pruned) >= 5
    assert all(outcome.score == height(outcome.configuration) for outcome in pruned)
    assert {outcome.reason for outcome in pruned} == {"worse than the median after step 1"}
    states = [record.trial.facts["outcome"]["state"] for record in fifteen.ledger.read()]
    assert states == [outcome.state for outcome in outcomes]


def test_the_ledger_says_what_was_tried_and_what_it_earned(fifteen: Bench) -> None:
    """One record a question, in integers and texts, with the returns that the score is made of."""
    trial = fifteen.ledger.read()[0].trial
    assert (trial.kind, trial.subject, trial.question) == ("tuning", "toy", "hill")
    assert trial.facts["configuration"] == {"shape": "plain", "x": "0.1"}
    assert trial.facts["dataset"] == "gold/training/toy"
    score = {"study": "toy", "trial": 0, "state": "complete", "score_ppm": 640_000, "reason": ""}
    assert trial.facts["outcome"] == score
    assert (trial.blocks, trial.returns) == (tuple(range(HOURS)), (640,) * HOURS)


def test_the_same_trial_over_more_days_is_one_try_with_more_evidence(tmp_path: Path) -> None:
    """As where luck is counted; another configuration is another try."""
    bench = Bench(tmp_path)
    for data in ("ab", "cd"):
        run_study(Parabola(data=data).component, tmp_path, bench.ledger, trials=2)
    records = bench.ledger.read()
    assert len(records) == 4
    distinct = {record.trial.facts["configuration"]["x"] for record in records}
    assert trials_on(records, "gold/training/toy").count == len(distinct) == 2


def refusing(configuration: Configuration) -> None:
    if configuration["shape"] == "bent":
        raise NothingTrainable("nothing here", where="toy")


def test_a_refusal_fails_its_trial_and_the_study_goes_on(bench: Bench) -> None:
    """With the refusal's own line, in the study and on the ledger, without returns."""
    outcomes = tuned(bench, Parabola(refusing), 6)
    assert len(outcomes) == 6
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    assert failed
    assert {(outcome.score, outcome.reason) for outcome in failed} == {(None, "NOTHING_TRAINABLE: nothing here (toy)")}
    records = [record.trial for record in bench.ledger.read()]
    lost = [trial for trial in records if trial.facts["outcome"]["state"] == "failed"]
    assert [trial.facts["outcome"]["trial"] for trial in lost] == [outcome.number for outcome in failed]
    assert {(trial.question, trial.returns) for trial in lost} == {("", ())}


@pytest.mark.parametrize("error", [StorageFull("no space"), ValueError("a bug")])
def test_what_is_no_refusal_of_the_trial_ends_the_loop_after_it_is_recorded(bench: Bench, error: Exception) -> None:
    """A full disk, or a defect: going on would make it worse, hiding it too."""

    def broken(_: Configuration) -> None:
        raise error

    with pytest.raises(type(error)):
        tuned(bench, Parabola(broken), 5)
    (outcome,) = bench.backend().outcomes()
    assert outcome.state == "failed"
    assert len(bench.ledger.read()) == 1


def test_a_trial_lost_with_its_process_is_closed_recorded_and_the_defaults_tried_again(bench: Bench) -> None:
    """As after a kill in the middle of the first trial."""

    def killed(_: Configuration) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tuned(bench, Parabola(killed), 5)
    assert bench.ledger.read() == ()
    first, second = tuned(bench, Parabola(), 2)
    assert (first.state, first.reason) == ("failed", INTERRUPTED)
    assert second.configuration == first.configuration == {"x": 0.1, "shape": "plain"}
    assert [record.trial.facts["outcome"]["state"] for record in bench.ledger.read()] == ["failed", "complete"]


def test_what_decides_the_scores_names_the_study(tmp_path: Path) -> None:
    """Another seed makes another study beside the first; the same one goes on."""
    toy, bench = Parabola(), Bench(tmp_path)
    names = [run_study(toy.component, tmp_path, bench.ledger, trials=1, seed=seed).name for seed in (1, 2, 1)]
    assert names[0] == names[2] == study_name(toy.component, 1) != names[1]
    assert len(toy.runs) == 2
    with pytest.raises(OutOfRange):
        run_study(toy.component, tmp_path, bench.ledger, trials=0)


def test_importance_says_what_mattered(fifteen: Bench, bench: Bench) -> None:
    """The place on the hill is all there is to it; of two trials nothing can be said."""
    importance = fifteen.backend().importance()
    assert next(iter(importance)) == "x"
    assert importance["x"] > 0.8
    tuned(bench, Parabola(), 2)
    assert bench.backend().importance() == {}


def test_a_file_of_studies_that_cannot_be_read_is_an_error(bench: Bench) -> None:
    """Never a new study: the trials in it would be tried again as if nobody had."""
    tuned(bench, Parabola(), 1)
    studies = bench.folder / "studies.db"
    studies.write_bytes(b"no database" + studies.read_bytes()[11:])
    with pytest.raises(CorruptFile, match="stands on the ledger"):
        bench.backend()
