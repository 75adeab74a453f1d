"""One run an artifact in an MLflow store: found again by the artifact's hash, and only added to when told again.

Whoever is killed on the way leaves a run that the next telling completes: a run carries its key from its first moment.
This module alone imports MLflow, and only inside functions; whatever it raises becomes one line of ours.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from grinder_resources.errors import TrackingFailed
from grinder_resources.tracking.address import Store
from grinder_resources.tracking.facts import EXPERIMENT, KEY, RunFacts

if TYPE_CHECKING:
    from mlflow import MlflowClient

_MANNERS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    # a lake of market data tells nobody but the store it was asked to tell
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""How long a server that is down is waited for, in seconds and tries, and that MLflow speaks to nobody else."""

_SCORES_AT_ONCE, _PARAMS_AT_ONCE = 1000, 100
"""What MLflow takes in one call."""

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class TrackedRun:
    """A run that stands in a store; `made` is false where it was there before."""

    run_id: str
    name: str
    made: bool
    store: str
    params: int
    scores: int
    tags: int

    @property
    def sentence(self) -> str:
        """One line for a log."""
        how = "made" if self.made else "brought up to date"
        held = f"{self.params} parameters, {self.scores} scores, {self.tags} tags"
        return f"{self.name}: run {self.run_id[:8]} {how} in {self.store}, {held}"


def track(store: Store, facts: RunFacts) -> TrackedRun:
    """Tell a store of an artifact. Raises TrackingFailed if it refuses or does not answer; nothing else is touched."""
    with _environment(), _mapped(store), _quiet():
        from mlflow import MlflowClient

        client = MlflowClient(store.uri)
        experiment = _experiment(client)
        known = client.search_runs([experiment], f"tags.{KEY} = '{facts.key}'", max_results=1)
        run_id = known[0].info.run_id if known else _made(client, experiment, facts)
        _log(client, run_id, facts)
        client.set_terminated(run_id, end_time=facts.at_ms)
    counts = (len(facts.params), len(facts.scores), len(facts.tags))
    return TrackedRun(run_id, facts.name, not known, store.shown, *counts)


def _experiment(client: "MlflowClient") -> str:
    known = client.get_experiment_by_name(EXPERIMENT)
    return str(known.experiment_id if known else client.create_experiment(EXPERIMENT))


def _made(client: "MlflowClient", experiment: str, facts: RunFacts) -> str:
    made = client.create_run(experiment, start_time=facts.at_ms, run_name=facts.name, tags=dict(facts.tags))
    return str(made.info.run_id)


def _log(client: "MlflowClient", run_id: str, facts: RunFacts) -> None:
    from mlflow.entities import Metric, Param

    for params in _batches(sorted(facts.params.items()), _PARAMS_AT_ONCE):
        client.log_batch(run_id, params=[Param(name, value) for name, value in params])
    for scores in _batches(facts.scores, _SCORES_AT_ONCE):
        # the same number at the same step and time is the same to MLflow, so telling it again adds nothing
        client.log_batch(run_id, metrics=[Metric(one.name, one.value, facts.at_ms, one.step) for one in scores])


def _batches(many: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    return (many[start : start + size] for start in range(0, len(many), size))


@contextmanager
def _environment() -> Iterator[None]:
    """Set what MLflow reads from the environment, where it does not say otherwise, inside the block."""
    added = {name: value for name, value in _MANNERS.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


@contextmanager
def _mapped(store: Store) -> Iterator[None]:
    """Raise TrackingFailed for whatever MLflow, its database or the network have against it."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise TrackingFailed(
            "the tracking store did not take a run",
            where=store.shown,
            got=store.without_password(str(error))[:160],
            hint="`grinder track ARTIFACT` tells it again",
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what MLflow says of its own tables out of our output."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
