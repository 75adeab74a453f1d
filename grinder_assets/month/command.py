"""`grinder month`: thirty days arrive one by one at a real Dagster daemon, in three quarters of an hour.

A fresh line in one folder: landing files, lake, models, registry, Dagster's own records. The market changes on the
drift day; schedules and sensors do the rest, and the operator's part is typed as `grinder` commands. Needs libfaketime.
"""

import argparse
import sys
from pathlib import Path
from typing import Any


def add_parsers(commands: Any) -> None:
    """Add `grinder month` to what `ArgumentParser.add_subparsers()` returned."""
    parser = commands.add_parser("month", help="simulate a month of operations by a fake clock", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder to make the line in")
    parser.add_argument("--days", type=int, default=30, metavar="N", help="days that arrive (default 30)")
    parser.add_argument("--drift-day", type=int, default=20, metavar="N", help="day the market changes (default 20)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the month and print where its timeline is. Raises RunFailed if the daemon does not get there."""
    from grinder_assets.month.plan import MonthPlan
    from grinder_assets.month.stage import play

    page = play(MonthPlan(days=arguments.days, drift_day=arguments.drift_day), arguments.out.absolute())
    sys.stdout.write(f"{page.read_text(encoding='utf-8')}\n{page}\n")
    return 0
