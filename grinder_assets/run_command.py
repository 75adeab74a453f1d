"""`grinder run`: the main job over a landing folder, in this process, with progress bars and a table at the end.

It runs the same Dagster job as the UI does, on the same instance, so the run is there to look at afterwards.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grinder_resources import progress
from grinder_resources.errors import NoData, RunFailed
from grinder_resources.storage import storage_errors

if TYPE_CHECKING:
    import dagster as dg

DEFAULT_DATA = Path("data")
INSTANCE_FILE = Path(__file__).with_name("dagster.yaml")
_FOLDERS = {
    "GRINDER_LAKE": "lake",
    "GRINDER_STAGING": "staging",
    "GRINDER_INSTRUMENTS": "instruments.yaml",
    "GRINDER_WAREHOUSE": "grinder.duckdb",
    "GRINDER_REPORTS": "reports",
    "DAGSTER_HOME": "dagster",
}


def add_parsers(commands: Any) -> None:
    """Add `grinder run` to what `ArgumentParser.add_subparsers()` returned."""
    parser = commands.add_parser("run", help="landing files to artifacts and reports", description=__doc__)
    parser.add_argument(
        "--landing",
        type=Path,
        help="folder of source files (default DATA/landing, with the demo market if that is empty)",
    )
    parser.add_argument(
        "--from", dest="first", type=date.fromisoformat, metavar="DAY", help="first UTC day, YYYY-MM-DD"
    )
    parser.add_argument("--to", dest="last", type=date.fromisoformat, metavar="DAY", help="last UTC day, YYYY-MM-DD")
    parser.add_argument("--symbols", nargs="+", default=[], metavar="SYMBOL", help="only these symbols (default all)")
    parser.add_argument("--data", type=Path, help="folder for lake, reports and warehouse (default data)")
    parser.add_argument("--models", type=Path, help="folder for artifacts (default models)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the main job and print what was made. Raises RunFailed with the step's line if anything is refused."""
    started = time.perf_counter()
    _set_addresses(arguments)
    with progress.shown(), storage_errors(os.environ["GRINDER_LAKE"]):
        landing = _landing_folder(arguments)
        days = _days(arguments)
        _run_jobs(days)
    from grinder_assets.run_summary import summary

    sys.stdout.write(summary(landing, days, time.perf_counter() - started))
    return 0


def _set_addresses(arguments: argparse.Namespace) -> None:
    """Tell the resources where things lie; what the environment already says stands unless an option overrides it."""
    data = arguments.data or DEFAULT_DATA
    addresses = {variable: data / name for variable, name in _FOLDERS.items()} | {
        "GRINDER_MODELS": arguments.models or Path("models")
    }
    for variable, address in addresses.items():
        chosen = arguments.models if variable == "GRINDER_MODELS" else arguments.data
        if chosen or variable not in os.environ:
            os.environ[variable] = str(address.absolute())
    if arguments.landing or "GRINDER_LANDING" not in os.environ:
        os.environ["GRINDER_LANDING"] = str((arguments.landing or data / "landing").absolute())
    os.environ["GRINDER_SYMBOLS"] = ",".join(arguments.symbols)
    _settle_home(Path(os.environ["DAGSTER_HOME"]))


def _settle_home(home: Path) -> None:
    """Give Dagster's home our instance settings, unless it has its own."""
    home.mkdir(parents=True, exist_ok=True)
    if not (home / INSTANCE_FILE.name).exists():
        shutil.copyfile(INSTANCE_FILE, home / INSTANCE_FILE.name)


def _landing_folder(arguments: argparse.Namespace) -> Path:
    """Return the landing folder; the default one is filled with the demo market if it is empty."""
    folder = Path(os.environ["GRINDER_LANDING"])
    if arguments.landing is None and not any(path.is_file() for path in folder.rglob("*")):
        _land_demo(folder)
    return folder


def _land_demo(folder: Path) -> None:
    """Write the demo market aside and move it in place in one rename, so that a killed run leaves no half of it."""
    from grinder_resources.simulation.demo_market import write_demo_landing

    aside = folder.with_name(f".{folder.name}-demo")
    shutil.rmtree(aside, ignore_errors=True)
    write_demo_landing(aside)
    if folder.exists():
        folder.rmdir()
    aside.rename(folder)


def _days(arguments: argparse.Namespace) -> list[date]:
    """Return the days with data between --from and --to, parsing what is new in the landing folder."""
    from grinder_assets.bronze.landing import staged_days
    from grinder_resources.dagster import LandingResource

    known = staged_days(LandingResource())
    first, last = arguments.first or known[0], arguments.last or known[-1]
    days = [day for day in known if first <= day <= last]
    if not days:
        raise NoData(
            "no landing file has a row between --from and --to",
            where=os.environ["GRINDER_LANDING"],
            got=f"{known[0]} .. {known[-1]}",
            expected=f"{first} .. {last}",
            hint="Ask for days inside the range it has",
        )
    return days


def _run_jobs(days: Sequence[date]) -> None:
    """Run the main job over the days; where they lie far apart, the tables of each stretch and then the models once."""
    from grinder_assets.partitions import contiguous

    stretches = contiguous(days)
    if len(stretches) == 1:
        _run_job("main", stretches[0])
        return
    for stretch in stretches:
        _run_job("daily", stretch)
    _run_job("retrain", None)


def _run_job(name: str, stretch: tuple[date, date] | None) -> None:
    import dagster as dg

    from grinder_assets.definitions import defs
    from grinder_assets.partitions import range_tags

    with dg.DagsterInstance.get() as instance:
        result = defs.resolve_job_def(name).execute_in_process(
            instance=instance,
            tags=range_tags(*stretch) if stretch else {},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
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
