"""What the simulated month is: how long, which market, when it changes, and who works when. Facts only."""

from dataclasses import dataclass, field
from datetime import date, time, timedelta

from grinder_resources.errors import OutOfRange
from grinder_resources.simulation.demo_config import DemoConfig
from grinder_resources.simulation.demo_market import SYMBOLS

SHORTEST_DAYS = 8
"""Days before there can be a first model: the first Monday after a full week."""


@dataclass(frozen=True)
class Shift:
    """How the market changes on the day drift is planted: every number multiplies what it is named after.

    volatility, half_spread, depth
        Of every regime, from midnight of that day on.
    """

    volatility: float = 2.5
    half_spread: float = 2.0
    depth: float = 0.5


@dataclass(frozen=True)
class MonthPlan:
    """Every parameter of the simulated month.

    days
        Days that arrive, one by one.
    drift_day
        The day, counted from 1, from whose midnight on the market is the shifted one; above `days` = never.
    first_day
        A Monday, so that the weekly schedule meets full weeks.
    symbols, hours, seed
        Of the demo market.
    shift
        What changes on the drift day.
    """

    days: int = 30
    drift_day: int = 20
    first_day: date = date(2025, 1, 6)
    symbols: tuple[str, ...] = SYMBOLS
    hours: float = 24.0
    seed: int = 7
    shift: Shift = field(default_factory=Shift)

    def __post_init__(self) -> None:
        if self.days < SHORTEST_DAYS:
            raise OutOfRange(
                "the month is too short for a first model", got=str(self.days), expected=f">= {SHORTEST_DAYS}"
            )

    @property
    def calm(self) -> DemoConfig:
        """The market before the drift day."""
        return DemoConfig(hours=self.hours)

    def day(self, number: int) -> date:
        """Return the date of day `number`, counted from 1."""
        return self.first_day + timedelta(days=number - 1)

    def drifted(self, number: int) -> bool:
        """Return whether day `number` is traded in the shifted market."""
        return number >= self.drift_day


LANDS, CHECK, RETRAIN, OPERATOR = time(8), time(0), time(4), time(9)
"""When a day's files arrive, when monitoring looks, when Monday's retraining is due, when a person comes to work."""

MODEL = "regime"
"""The model whose life the month follows; it is the one that has rows enough."""

SWITCHED_ON = ("hourly_monitor", "weekly_retrain", "landing_files", "drift", "failed_runs")
"""Schedules and sensors at work. Tables are made as files land: daily_tables and late_data would find nothing."""

OPERATIONS = """\
ml:
  monitoring: {drift_check_interval_hours: 24, cool_down_hours: 72}
"""
"""Settings of the month: the defaults, but that monitoring looks once a day, for a day's files land together."""
