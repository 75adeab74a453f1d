"""Running a job of the code location in this process, on the instance that the Dagster UI shows.

Command lines use it; nothing in the graph does. Dagster is imported when a job starts, so that a refusal or `--help`
costs nothing.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grinder_resources.errors import RunFailed

if TYPE_CHECKING:
    import dagster as dg

DEFAULT_DATA = Path("data")
DEFAULT_MODELS = Path("models")
EVERY_ASSET = "__ASSET_JOB"
"""Dagster's own name of the job that any assets can be selected from."""
INSTANCE_FILE = Path(__file__).with_name("dagster.yaml")

_FOLDERS = {
    "GRINDER_LAKE": "lake",
    "GRINDER_STAGING": "staging",
    "GRINDER_INSTRUMENTS": "instruments.yaml",
    "GRINDER_WAREHOUSE": "grinder.duckdb",
    "GRINDER_REPORTS": "reports",
    "DAGSTER_HOME": "dagster",
}


def set_addresses(*, data: Path | None, models: Path | None, landing: Path | None = None) -> None:
    """Tell the resources where things lie; what the environment already says stands unless a folder is given here."""
    below = data or DEFAULT_DATA
    _settle({variable: below / name for variable, name in _FOLDERS.items()}, data is not None)
    _settle({"GRINDER_MODELS": models or DEFAULT_MODELS}, models is not None)
    _settle({"GRINDER_LANDING": landing or below / "landing"}, landing is not None)
    home = Path(os.environ["DAGSTER_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    if not (home / INSTANCE_FILE.name).exists():
        shutil.copyfile(INSTANCE_FILE, home / INSTANCE_FILE.name)


def _settle(addresses: Mapping[str, Path], chosen: bool) -> None:
    for variable, address in addresses.items():
        if chosen or variable not in os.environ:
            os.environ[variable] = str(address.absolute())


def run_job(
    name: str,
    stretch: tuple[date, date] | None,
    *,
    assets: "Sequence[dg.AssetKey] | None" = None,
    ops: Mapping[str, Any] | None = None,
) -> None:
    """Run a job over a stretch of days, None for a job without days.

    `assets` are those of the job's assets to make, by default all; `ops` is the run config of some. Raises RunFailed
    with the line of the step that refused.
    """
    import dagster as dg

    from grinder_assets.definitions import defs
    from grinder_assets.partitions import range_tags

    with dg.DagsterInstance.get() as instance:
        result = defs.resolve_job_def(name).execute_in_process(
            instance=instance,
            tags=range_tags(*stretch) if stretch else {},
            asset_selection=assets,
            run_config={
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                **({"ops": dict(ops)} if ops else {}),
            },
            raise_on_error=False,
        )
    if not result.success:
        raise RunFailed(_first_failure(result))


def _first_failure(result: "dg.ExecuteInProcessResult") -> str:
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return str(data.user_failure_data.description)
            return f"DEFECT: {event.step_key} stopped on an error of ours: {_innermost(data.error)}"
    return "DEFECT: the run failed before its first step"


def _innermost(error: Any) -> str:
    while error.cause is not None:
        error = error.cause
    return " ".join(error.message.split())
