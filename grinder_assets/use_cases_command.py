"""`grinder use-cases`: the use cases of the models over the days a lake already has, and what each of them found.

It runs the job `use_cases` as the UI does, on the same instance; `grinder run` has to have made the tables below it.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from grinder_assets.in_process import run_job, set_addresses
from grinder_resources import progress
from grinder_resources.addresses import lake_root
from grinder_resources.errors import NoData
from grinder_resources.storage import storage_errors


def add_parsers(commands: Any) -> None:
    """Add `grinder use-cases` to what `ArgumentParser.add_subparsers()` returned."""
    parser = commands.add_parser(
        "use-cases", help="toxicity, fills, spacing, policies, score guard", description=__doc__
    )
    parser.add_argument("--data", type=Path, help="folder of lake, reports and warehouse (default data)")
    parser.add_argument("--models", type=Path, help="folder of artifacts (default models)")
    parser.add_argument("--landing", type=Path, help="folder of source files (default DATA/landing)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the job over the lake's days and print what was found. Raises RunFailed with the line of a refusing step."""
    started = time.perf_counter()
    set_addresses(data=arguments.data, models=arguments.models, landing=arguments.landing)
    days = _days(lake_root(arguments.data))
    with progress.shown(), storage_errors(lake_root(arguments.data)):
        _run_stretches(days)
    took = time.perf_counter() - started
    sys.stdout.write(f"Use cases: {days[0]} to {days[-1]}, {len(days)} days with data, {took:.0f} s\n\n")
    sys.stdout.writelines(f"{line}\n" for line in _found())
    return 0


def _days(root: str) -> list[date]:
    """Return the days that have snapshots: what the use cases start from."""
    from grinder_resources.contracts.silver import SNAPSHOTS
    from grinder_resources.lake import Lake

    stamps = Lake(root).stamps(SNAPSHOTS.name)
    days = sorted(date.fromisoformat(day) for day, stamp in stamps.items() if stamp.rows)
    if not days:
        raise NoData("no day has snapshots", where=root, hint="Run `grinder run` first")
    return days


def _run_stretches(days: Sequence[date]) -> None:
    """Run the job once; where the days lie far apart, the tables of each stretch and then the rest."""
    import dagster as dg

    from grinder_assets.automation import USE_CASE_RESULTS, USE_CASE_TABLES
    from grinder_assets.partitions import contiguous

    stretches = contiguous(days)
    if len(stretches) == 1:
        run_job("use_cases", stretches[0])
        return
    for stretch in stretches:
        run_job("use_cases", stretch, assets=USE_CASE_TABLES)
    run_job("use_cases", None, assets=[*USE_CASE_RESULTS, dg.AssetKey("warehouse")])


def _found() -> Iterator[str]:
    """Yield the headline of every use case's report, as its run recorded it."""
    import dagster as dg

    from grinder_assets.automation import USE_CASE_REPORTS

    with dg.DagsterInstance.get() as instance:
        for key in USE_CASE_REPORTS:
            event = instance.get_latest_materialization_event(key)
            if event is not None and event.asset_materialization is not None:
                metadata = event.asset_materialization.metadata
                yield f"{key.path[-1].removesuffix('_use_case'):<18}{metadata['headline'].value}"
                if "page" in metadata:
                    yield f"{'':<18}{metadata['page'].value}"
