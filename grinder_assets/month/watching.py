"""Reading a running instance from outside: which ticks and runs there were, and whether all is quiet."""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from grinder_resources.errors import RunFailed

_UNFINISHED = RunsFilter(
    statuses=[
        DagsterRunStatus.NOT_STARTED,
        DagsterRunStatus.QUEUED,
        DagsterRunStatus.STARTING,
        DagsterRunStatus.STARTED,
        DagsterRunStatus.CANCELING,
    ]
)
_PATIENCE_S = 600
_LOOK_EVERY_S = 0.3


class Watch:
    """A look at an instance on which a daemon works; it only reads."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._seen: set[str] = set()

    def await_ticks(self, names: Sequence[str], since: datetime) -> None:
        """Wait until each schedule or sensor has a finished tick at or after `since`, or raise RunFailed."""
        self._await(lambda: all(self._ticked(name, since) for name in names), f"a tick of {', '.join(names)}")

    def await_quiet(self) -> None:
        """Wait until no run is queued or in progress. Raises RunFailed if that takes ten minutes."""
        self._await(lambda: self._instance.get_runs_count(_UNFINISHED) == 0, "the end of all runs")

    def skips(self, name: str, since: datetime) -> list[str]:
        """Return why a schedule or sensor asked for nothing since a moment, oldest first."""
        ticks = self._ticks(name, since)
        return [tick.skip_reason for tick in reversed(ticks) if tick.skip_reason]

    def new_runs(self) -> list[dg.RunRecord]:
        """Return the records of runs that were not returned before, in the order they were asked for."""
        records = [record for record in self._instance.get_run_records() if record.dagster_run.run_id not in self._seen]
        self._seen |= {record.dagster_run.run_id for record in records}
        return sorted(records, key=lambda record: record.storage_id)

    def sentence(self, key: dg.AssetKey, name: str) -> str:
        """Return a text of the metadata of an asset's newest materialization, '' where there is none."""
        event = self._instance.get_latest_materialization_event(key)
        found = event.asset_materialization.metadata.get(name) if event and event.asset_materialization else None
        return str(found.value) if found else ""

    def _await(self, holds: Any, what: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not holds():
            if time.monotonic() > deadline:
                raise RunFailed(
                    "the daemon did not get there", got=f"no {what} in {_PATIENCE_S} s", hint="See daemon.log"
                )
            time.sleep(_LOOK_EVERY_S)

    def _ticked(self, name: str, since: datetime) -> bool:
        return any(tick.status.value != "STARTED" for tick in self._ticks(name, since))

    def _ticks(self, name: str, since: datetime) -> Sequence[Any]:
        (state,) = [state for state in self._states() if state.instigator_name == name]
        return self._instance.get_ticks(
            state.instigator_origin_id, state.selector_id, after=since.timestamp() - 1, limit=10
        )

    def _states(self) -> list[Any]:
        return [state for state in self._instance.all_instigator_state() if state.status.value == "RUNNING"]
