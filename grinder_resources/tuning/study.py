"""A study from start to verdict: the one door of command and asset.

    <models>/tuning/studies.db

A study is named after its component and the hash of all that decides its scores: the space, the data, the settings in
force, the code and the seed. Asked for again it goes on where it stood; where one of these changed it is another one.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from grinder_resources.datasets import gold_table
from grinder_resources.errors import OutOfRange
from grinder_resources.export.durable import locked
from grinder_resources.hashing import sha256_facts
from grinder_resources.lake import Lake
from grinder_resources.learning.adopted import in_force
from grinder_resources.learning.fold_store import FOLDS_FOLDER, FoldStore
from grinder_resources.learning.ledger import LEDGER_FILE, Ledger
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.tuning.backend import SEED, TRIALS, Outcome
from grinder_resources.tuning.component import TunableComponent
from grinder_resources.tuning.evidence import Judgement, judge
from grinder_resources.tuning.loop import Watch, tune
from grinder_resources.tuning.optuna_backend import OptunaBackend
from grinder_resources.tuning.parameters import Configuration, defaults
from grinder_resources.tuning.record import earned_on
from grinder_resources.tuning.training import training_component

TUNING_FOLDER, STUDIES_FILE = "tuning", "studies.db"
_NAME_CHARACTERS = 12


@dataclass(frozen=True)
class Study:
    """All trials of a component, and what they come to.

    in_force
        The configuration of trial 0: what is used now.
    importance
        Share of each parameter in what made trials good or bad, largest first; empty where there are too few to say.
    """

    component: str
    name: str
    objective: str
    maximise: bool
    in_force: Configuration
    outcomes: tuple[Outcome, ...]
    judgement: Judgement
    importance: Mapping[str, float]

    @property
    def counts(self) -> dict[str, int]:
        """How many trials ended in which way."""
        states = [outcome.state for outcome in self.outcomes]
        return {state: states.count(state) for state in ("complete", "pruned", "failed")}


def run_study(
    component: TunableComponent,
    models_dir: Path,
    ledger: Ledger,
    *,
    trials: int = TRIALS,
    seed: int = SEED,
    watch: Watch = lambda _: None,
) -> Study:
    """Return the study of a component once it has `trials` trials.

    watch
        Is told of every trial that ends; of those that are in the study already it is not.

    Studies in one models folder take turns. Raises OutOfRange below one trial, and as `tuning.loop.tune`.
    """
    if trials < 1:
        raise OutOfRange("a study has at least one trial", where="trials", got=str(trials))
    folder, first = models_dir / TUNING_FOLDER, defaults(component.parameters)
    with locked(folder):
        name = study_name(component, seed)
        backend = OptunaBackend(folder / STUDIES_FILE, name, seed=seed, maximise=component.maximise)
        outcomes = tune(component, backend, ledger, max_iterations=trials, watch=watch)
        importance = backend.importance()
    earned = earned_on(ledger.read(), component.name, name)
    judgement = judge(outcomes, earned, component.scales, first, maximise=component.maximise)
    return Study(component.name, name, component.objective, component.maximise, first, outcomes, judgement, importance)


def study_name(component: TunableComponent, seed: int) -> str:
    """Return the name of a component's study."""
    space = [asdict(parameter) for parameter in component.parameters]
    decided_by = {"space": space, "facts": dict(component.facts), "objective": component.objective, "seed": seed}
    return f"{component.name}#{sha256_facts(decided_by)[:_NAME_CHARACTERS]}"


def tune_training(
    spec: ModelSpec,
    lake: Lake,
    models_dir: Path,
    *,
    trials: int = TRIALS,
    seed: int = SEED,
    watch: Watch = lambda _: None,
) -> Study:
    """Return the study of a spec's boosters over every committed day of its dataset, from what is in force.

    Raises PartitionMissing, TooFewDays, NothingTrainable where there is nothing to tune on, and as `run_study`.
    """
    ledger, store = Ledger(models_dir / LEDGER_FILE), FoldStore(models_dir / FOLDS_FOLDER)
    frame = lake.read(gold_table(lake, spec.dataset))
    component = training_component(in_force(spec, models_dir), frame, store, ledger)
    return run_study(component, models_dir, ledger, trials=trials, seed=seed, watch=watch)
