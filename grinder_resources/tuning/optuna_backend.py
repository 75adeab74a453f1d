"""Optuna behind the loop: one study in a sqlite file, tree-structured Parzen estimators, pruning by the median.

Every suggestion is a function of the seed, the trial's number and the trials before it: the sampler is made anew for
each trial, so that a study that was interrupted and taken up again suggests what it would have suggested (Bergstra et
al. 2011 for the estimator). Optuna is imported inside functions: it is slow to load.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grinder_resources.errors import CorruptFile
from grinder_resources.storage import is_storage_full, storage_errors
from grinder_resources.tuning.backend import Outcome, State, Suggestion
from grinder_resources.tuning.parameters import Configuration, TunableParameter, Value, defaults

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

INTERRUPTED = "the process ended before the trial did"
WARM_UP_TRIALS = 5
"""Complete trials before one is held against their median, and before anything is said of what mattered."""

_CONFIGURATION, _METRICS, _REASON = "configuration", "metrics", "reason"


class OptunaBackend:
    """The study `name` in a sqlite file, made if it is not there.

    Raises StorageFull where the disk refuses, CorruptFile for a file that sqlite cannot read.
    """

    def __init__(self, path: Path, name: str, *, seed: int, maximise: bool = True) -> None:
        self._seed, self._where = seed, str(path)
        self._trial: Trial | None = None
        with storage_errors(self._where):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._study = _study(path, name, maximise=maximise)

    @property
    def study(self) -> str:
        """Name of the study."""
        return self._study.study_name

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return all trials that have ended, by number."""
        return tuple(_outcome(trial) for trial in self._study.get_trials(deepcopy=False) if trial.state.is_finished())

    def lost(self) -> tuple[Outcome, ...]:
        """Close the trials whose process ended before they did, and return them, failed."""
        from optuna.trial import TrialState

        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        for trial in running:
            self._study.tell(trial.number, state=TrialState.FAIL)
        return tuple(
            Outcome(trial.number, _configuration(trial), "failed", None, reason=INTERRUPTED) for trial in running
        )

    def suggest(self, space: Sequence[TunableParameter]) -> Suggestion:
        """Return what to try next: the defaults until they have been tried, then what the estimator suggests."""
        import optuna

        first = defaults(space)
        tried = [one for one in self.outcomes() if one.configuration == first and one.reason != INTERRUPTED]
        with storage_errors(self._where):
            if not tried:
                self._study.enqueue_trial(first)
            self._trial = self._study.ask()
            self._study.sampler = optuna.samplers.TPESampler(seed=_seed_of(self._seed, self._trial.number))
            configuration = _suggested(self._trial, space)
            self._trial.set_user_attr(_CONFIGURATION, configuration)
        return Suggestion(self._trial.number, configuration)

    def prune(self, step: int, value: float) -> bool:
        """Take the objective after a step; return whether it is worse than the median of earlier trials there."""
        trial = self._running
        with storage_errors(self._where):
            trial.report(value, step)
            return bool(trial.should_prune())

    def observe(self, outcome: Outcome) -> None:
        """Take what became of the running trial."""
        from optuna.trial import TrialState

        state = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}[outcome.state]
        trial, self._trial = self._running, None
        with storage_errors(self._where):
            trial.set_user_attr(_METRICS, dict(outcome.metrics))
            trial.set_user_attr(_REASON, outcome.reason)
            self._study.tell(trial, outcome.score if outcome.state == "complete" else None, state)

    def importance(self) -> dict[str, float]:
        """Return the share of each parameter in what made trials good or bad (PED-ANOVA, Watanabe et al. 2023).

        Largest first; empty with fewer than WARM_UP_TRIALS complete trials.
        """
        import optuna

        if sum(outcome.state == "complete" for outcome in self.outcomes()) < WARM_UP_TRIALS:
            return {}
        try:
            with warnings.catch_warnings():
                # it warns where few trials had a parameter at all
                warnings.simplefilter("ignore", UserWarning)
                return dict(optuna.importance.get_param_importances(self._study))
        except (ValueError, RuntimeError):
            return {}

    @property
    def _running(self) -> "Trial":
        assert self._trial is not None, "suggest comes first"
        return self._trial


def _study(path: Path, name: str, *, maximise: bool) -> "Study":
    import optuna
    import sqlalchemy.exc

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(
            study_name=name,
            storage=f"sqlite:///{path.resolve()}",
            direction="maximize" if maximise else "minimize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=WARM_UP_TRIALS),
            load_if_exists=True,
        )
    except sqlalchemy.exc.DatabaseError as error:
        if is_storage_full(error):
            raise
        hint = "Restore it, or move it away: what was tried stands on the ledger."
        raise CorruptFile("the studies cannot be read", where=str(path), got=str(error.orig), hint=hint) from error


def _seed_of(seed: int, number: int) -> int:
    """Return the seed of one trial's sampler: its own, whatever came before it."""
    return (seed * 1_000_003 + number) % (1 << 32)


def _suggested(trial: "Trial", space: Sequence[TunableParameter]) -> dict[str, Value]:
    """Return a value for every parameter that matters, conditions before what depends on them."""
    found: dict[str, Value] = {}
    for parameter in space:
        if parameter.matters(found):
            found[parameter.name] = parameter.rounded(_value(trial, parameter))
    return found


def _value(trial: "Trial", parameter: TunableParameter) -> Any:
    name, log = parameter.name, parameter.log_scale
    match parameter.kind:
        case "categorical":
            return trial.suggest_categorical(name, parameter.range)
        case "integer":
            low, high = parameter.bounds
            return trial.suggest_int(name, int(low), int(high), log=log)
        case "continuous":
            return trial.suggest_float(name, *parameter.bounds, log=log)


def _configuration(trial: "FrozenTrial") -> Configuration:
    return dict(trial.user_attrs.get(_CONFIGURATION, {}))


def _outcome(trial: "FrozenTrial") -> Outcome:
    from optuna.trial import TrialState

    states: dict[TrialState, State] = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned"}
    reached = trial.intermediate_values
    score = trial.value if trial.value is not None else reached[max(reached)] if reached else None
    state = states.get(trial.state, "failed")
    return Outcome(
        number=trial.number,
        configuration=_configuration(trial),
        state=state,
        score=None if state == "failed" else score,
        metrics=dict(trial.user_attrs.get(_METRICS, {})),
        reason=trial.user_attrs.get(_REASON, INTERRUPTED),
    )
