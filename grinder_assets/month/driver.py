"""The month itself: the clock jumps to where something is due, and everything that happens is somebody else's doing.

The driver only lands files, moves the clock and types an operator's commands. Which runs there are, schedules and
sensors decide in the daemon. The clock never jumps while a run is queued or in progress.
"""

import re
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path

from grinder_assets.month import told
from grinder_assets.month.clock import FakeClock
from grinder_assets.month.daemon import Line
from grinder_assets.month.market import land
from grinder_assets.month.plan import CHECK, LANDS, MODEL, OPERATOR, RETRAIN, MonthPlan
from grinder_assets.month.timeline import Entry, Timeline
from grinder_assets.month.watching import Watch
from grinder_assets.sensors import NO_NEW_REPORT

_MONDAY = 0
_LOOKS_EVERY_S = 1.5
_SENSORS = ("landing_files", "drift", "failed_runs")
"""A round of the daemon: once all three have looked, none is still asking by the time before the next jump."""
_TOLD = ("hourly_monitor", "weekly_retrain", "drift")
_NUDGE = timedelta(seconds=61)
"""Longer than any sensor's minimum interval: after it every sensor looks again."""


class Month:
    """A running line, the clock it lives by, and the timeline it leaves."""

    def __init__(self, plan: MonthPlan, line: Line, clock: FakeClock, watch: Watch, timeline: Timeline) -> None:
        self._plan, self._line, self._clock, self._watch, self._timeline = plan, line, clock, watch, timeline
        self._day = 0
        self._staged = False
        self._drift_promoted: date | None = None
        self._rolled_back = False

    def live(self, aside: Path) -> None:
        """Let every day of the plan arrive, and what comes of it happen."""
        for number in range(1, self._plan.days + 1):
            self._day, day = number, self._plan.day(number)
            self._jump(day, LANDS)
            # A process looks at the clock once a second: files that land before would be found at yesterday's time.
            time.sleep(_LOOKS_EVERY_S)
            size = land(self._plan, number, aside, self._line.landing)
            market = "the shifted market" if self._plan.drifted(number) else "the calm market"
            self._tell("market", f"files of {day} land", f"{market}, {size / 1e6:.1f} MB")
            self._settle(sensors=("landing_files",))
            self._operate(day)
            following = day + timedelta(days=1)
            self._jump(following, CHECK)
            self._settle(("hourly_monitor",), _SENSORS)
            if following.weekday() == _MONDAY:
                self._jump(following, RETRAIN)
                self._settle(("weekly_retrain",))

    def _operate(self, day: date) -> None:
        """Do what a person does at nine: promote what is staged, and once take a promotion back."""
        if self._drift_promoted and not self._rolled_back and day > self._drift_promoted:
            self._rolled_back = True
            self._jump(day, OPERATOR)
            self._type("registry", "rollback", MODEL, "--reason", "fills look worse than before, to be looked into")
            self._type("registry", "list")
        elif self._staged:
            self._jump(day, OPERATOR)
            self._promote(day)
        self._staged = False

    def _promote(self, day: date) -> None:
        if self._type("registry", "promote", MODEL, "--reason", "the gates let it through") != 0:
            why = "a demo market; the month shows what follows a promotion"
            self._type("registry", "promote", MODEL, "--despite", why)
        self._type("registry", "list")
        if any(entry.who == "drift" and entry.what.startswith("retrain") for entry in self._timeline.entries):
            self._drift_promoted = self._drift_promoted or day

    def _jump(self, day: date, at: time_of_day) -> None:
        self._clock.set(datetime.combine(day, at, UTC))

    def _settle(self, schedules: Sequence[str] = (), sensors: Sequence[str] = ()) -> None:
        """Wait for the schedules that are due, then for the sensors, and each time for the runs they ask for."""
        self._await(schedules, self._clock.now)
        if sensors:
            since = self._clock.now + _NUDGE
            self._clock.set(since)
            self._await(sensors, since)

    def _await(self, names: Sequence[str], since: datetime) -> None:
        self._watch.await_ticks(names, since)
        self._watch.await_quiet()
        self._tell_skips(names, since)
        self._tell_runs()

    def _tell_skips(self, names: Sequence[str], since: datetime) -> None:
        """Tell why a schedule or sensor asked for nothing, unless there was nothing it could have asked for."""
        for name in names:
            for reason in self._watch.skips(name, since):
                if name in _TOLD and reason != NO_NEW_REPORT:
                    self._tell(name, "asks for nothing", reason)

    def _tell_runs(self) -> None:
        for record in self._watch.new_runs():
            self._tell(told.who(record), told.what(record), told.detail(record, self._watch))
            if record.dagster_run.job_name == "retrain" and record.dagster_run.is_success:
                self._staged = True

    def _type(self, *words: str) -> int:
        code, printed = self._line.command(["grinder", *words])
        shown = " ".join(f'"{word}"' if re.search(r"\s", word) else word for word in ("grinder", *words))
        self._tell("operator", shown, f"{printed}exit {code}\n" if code else printed)
        return code

    def _tell(self, who: str, what: str, detail: str = "") -> None:
        self._timeline.add(Entry(self._day, f"{self._clock.now:%Y-%m-%d %H:%M}", who, what, detail))
