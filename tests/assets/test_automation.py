"""What runs by itself: the landing sensor and the schedules."""

from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from grinder_assets.definitions import defs
from grinder_assets.partitions import contiguous
from grinder_assets.schedules import daily_tables
from grinder_assets.sensors import landing_sensor
from grinder_resources.dagster import LandingResource
from grinder_resources.simulation.demo_config import DemoConfig
from grinder_resources.simulation.demo_market import write_demo_landing


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    folder = tmp_path / "landing"
    write_demo_landing(folder, days=2, symbols=("DEMOUSDT",), config=DemoConfig(hours=0.1))
    return folder


def look(folder: Path, cursor: str | None) -> tuple[list[dg.RunRequest], str | None]:
    context = dg.build_sensor_context(cursor=cursor, resources={"landing": LandingResource(folder=str(folder))})
    found = landing_sensor(context)
    requests = [item for item in found if isinstance(item, dg.RunRequest)]
    return requests, context.cursor


def test_new_files_request_their_days_in_one_run(landing: Path) -> None:
    """Two days of files ask for one run over both."""
    (request,), _ = look(landing, None)
    assert request.tags == {
        "dagster/asset_partition_range_start": "2025-01-06",
        "dagster/asset_partition_range_end": "2025-01-07",
        "grinder/reason": "new_files",
    }


def test_the_same_files_request_nothing_twice(landing: Path) -> None:
    """A second look at an unchanged folder is skipped."""
    _, cursor = look(landing, None)
    requests, again = look(landing, cursor)
    assert requests == []
    assert again == cursor


def days_asked_for(requests: list[dg.RunRequest]) -> list[list[str]]:
    return [[day for tag, day in sorted(one.tags.items(), reverse=True) if "range" in tag] for one in requests]


def empty(landing: Path, *days: str) -> None:
    for day in days:
        (landing / f"x_trades_{day}_X.csv.gz").touch()


def test_a_changed_file_asks_for_its_day_and_the_days_it_touches(landing: Path) -> None:
    """The day before, whose gates it settles, and a week after, whose levels look back: no others."""
    days = [f"2025-01-{day:02}" for day in range(6, 31)]
    empty(landing, *days)
    _, cursor = look(landing, None)
    (landing / "x_trades_2025-01-15_X.csv.gz").write_bytes(b"more")
    requests, _ = look(landing, cursor)
    assert days_asked_for(requests) == [["2025-01-14", "2025-01-22"]]


def test_a_new_day_asks_for_itself_and_the_day_before(landing: Path) -> None:
    """However many days lie there, files of the next one make a run of two."""
    empty(landing, *(f"2025-01-{day:02}" for day in range(6, 30)))
    _, cursor = look(landing, None)
    empty(landing, "2025-01-30")
    requests, _ = look(landing, cursor)
    assert days_asked_for(requests) == [["2025-01-29", "2025-01-30"]]


def test_a_file_that_is_gone_asks_for_its_day_again(landing: Path) -> None:
    """Its rows have to go as well."""
    empty(landing, "2025-03-01")
    _, cursor = look(landing, None)
    (landing / "x_trades_2025-03-01_X.csv.gz").unlink()
    requests, _ = look(landing, cursor)
    assert days_asked_for(requests) == [["2025-03-01", "2025-03-01"]]


def test_schedules_and_sensors_are_off_until_switched_on() -> None:
    """Nothing starts by itself on a fresh instance."""
    repository = defs.get_repository_def()
    assert {schedule.name for schedule in repository.schedule_defs} == {
        "daily_tables",
        "hourly_monitor",
        "late_data",
        "weekly_retrain",
    }
    assert {sensor.name for sensor in repository.sensor_defs} == {"drift", "failed_runs", "landing_files"}
    started = [*repository.schedule_defs, *repository.sensor_defs]
    assert {one.default_status.value for one in started} == {"STOPPED"}


def test_days_far_apart_are_stretches() -> None:
    """A weekend and a holiday are spanned, a missing month is not."""
    days = [date(2025, 1, 2), date(2025, 1, 3), date(2025, 1, 11), date(2025, 2, 10)]
    assert contiguous(days) == [(date(2025, 1, 2), date(2025, 1, 11)), (date(2025, 2, 10), date(2025, 2, 10))]


def test_the_daily_schedule_asks_for_yesterday() -> None:
    """At one in the morning the day that has just ended is made."""
    with dg.build_schedule_context(scheduled_execution_time=datetime(2025, 1, 10, 1, tzinfo=UTC)) as context:
        assert daily_tables(context).partition_key == "2025-01-09"
