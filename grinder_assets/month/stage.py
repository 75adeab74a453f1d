"""Setting the month up and taking it down: folder, market, processes, timeline."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from grinder_assets.month.clock import FakeClock
from grinder_assets.month.daemon import Line
from grinder_assets.month.driver import Month
from grinder_assets.month.market import write_market
from grinder_assets.month.plan import LANDS, OPERATIONS, SWITCHED_ON, MonthPlan
from grinder_assets.month.timeline import Timeline
from grinder_assets.month.watching import Watch
from grinder_assets.schedules import SCHEDULES
from grinder_resources.errors import OutOfRange


def play(plan: MonthPlan, folder: Path) -> Path:
    """Run the month in a new folder; return its page, which is written even if the month breaks off.

    Raises OutOfRange if the folder is there, ExtraMissing without libfaketime, RunFailed if the daemon stands still.
    """
    if folder.exists():
        raise OutOfRange("a month needs a folder of its own", where=str(folder), got="one that is there already")
    folder.mkdir(parents=True)
    started = time.perf_counter()
    clock = FakeClock(folder / "clock")
    clock.set(datetime.combine(plan.first_day, LANDS, UTC))
    line, timeline = Line(folder, clock), Timeline(folder)
    line.prepare(OPERATIONS)
    write_market(plan, folder / "aside")
    os.environ["DAGSTER_HOME"] = line.addresses["DAGSTER_HOME"]
    schedules = {schedule.name for schedule in SCHEDULES}
    on = [name for name in SWITCHED_ON if name in schedules], [name for name in SWITCHED_ON if name not in schedules]
    with dg.DagsterInstance.get() as instance, line.running(*on):
        try:
            Month(plan, line, clock, Watch(instance), timeline).live(folder / "aside")
        finally:
            runs = instance.get_runs_count()
            page = timeline.write_page(_facts(plan, runs, time.perf_counter() - started))
    return page


def _facts(plan: MonthPlan, runs: int, seconds: float) -> list[str]:
    symbols = " and ".join(plan.symbols)
    return [
        f"{plan.days} days from {plan.first_day}, {plan.hours:g} hours of {symbols} each; "
        f"the market changes on day {plan.drift_day}",
        f"{runs} runs of a Dagster daemon in {seconds / 60:.0f} minutes",
    ]
