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
from typing import Any

from grinder_assets.in_process import run_job, set_addresses
from grinder_resources import progress
from grinder_resources.errors import NoData
from grinder_resources.storage import storage_errors


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
    set_addresses(data=arguments.data, models=arguments.models, landing=arguments.landing)
    os.environ["GRINDER_SYMBOLS"] = ",".join(arguments.symbols)
    with progress.shown(), storage_errors(os.environ["GRINDER_LAKE"]):
        landing = _landing_folder(arguments)
        days = _days(arguments)
        _run_jobs(days)
    from grinder_assets.run_summary import summary

    sys.stdout.write(summary(landing, days, time.perf_counter() - started))
    return 0


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
        run_job("main", stretches[0])
        return
    for stretch in stretches:
        run_job("daily", stretch)
    run_job("retrain", None)
