"""The month's timeline: a row an event, what commands printed below, and nothing lost if the month breaks off."""

import json
from datetime import UTC, datetime
from pathlib import Path

from grinder_assets.month.plan import OPERATIONS, SWITCHED_ON
from grinder_assets.month.timeline import Entry, Timeline, markdown
from grinder_assets.schedules import SCHEDULES
from grinder_assets.sensors import SENSORS
from grinder_resources.operations import load_operations


def test_what_a_command_printed_stands_below_the_table() -> None:
    """A cell holds one line; more is a block with the command over it."""
    entries = [
        Entry(1, "2025-01-06 08:00", "market", "files land", "a | b"),
        Entry(7, "2025-01-13 09:00", "operator", "grinder registry list", "regime\nv1.0.0\n"),
    ]
    assert list(markdown(entries)) == [
        "| day | UTC | who | what | |",
        "|---:|---|---|---|---|",
        "| 1 | 2025-01-06 08:00 | market | files land | a \\| b |",
        "| 7 | 2025-01-13 09:00 | operator | grinder registry list | printed below |",
        "",
        "Day 7, 2025-01-13 09:00: `grinder registry list`",
        "",
        "```text",
        "regime\nv1.0.0",
        "```",
    ]


def test_an_entry_is_on_disk_as_soon_as_it_is_told(tmp_path: Path) -> None:
    """A month that breaks off on day 3 has three days to show."""
    timeline = Timeline(tmp_path)
    timeline.add(Entry(1, "2025-01-06 08:00", "market", "files land"))
    (line,) = (tmp_path / "timeline.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {
        "day": 1,
        "at": "2025-01-06 08:00",
        "who": "market",
        "what": "files land",
        "detail": "",
    }
    page = timeline.write_page(["eight days"])
    assert page.read_text(encoding="utf-8").startswith("- eight days\n\n| day |")


def test_the_month_runs_on_settings_and_names_there_are(tmp_path: Path) -> None:
    """Its settings file is read strictly, and everything it switches on exists."""
    path = tmp_path / "operations.yaml"
    path.write_text(OPERATIONS, encoding="utf-8")
    assert load_operations(path).monitoring.drift_check_interval_hours == 24
    assert set(SWITCHED_ON) <= {one.name for one in (*SCHEDULES, *SENSORS)}


def test_time_passes_between_two_jumps_and_the_file_says_where_the_clock_was_set(tmp_path: Path) -> None:
    """What processes read is the moment of the jump; the driver's own view runs on."""
    from grinder_assets.month import clock

    library = tmp_path / "libfaketimeMT.so.1"
    library.touch()
    made = clock.FakeClock(tmp_path / "clock", library=library)
    made.set(datetime(2025, 1, 6, 8, tzinfo=UTC))
    assert (tmp_path / "clock" / "now").read_text(encoding="ascii") == "@2025-01-06 08:00:00\n"
    first, second = made.now, made.now
    assert datetime(2025, 1, 6, 8, tzinfo=UTC) <= first <= second
    assert made.environment()["LD_PRELOAD"] == str(library)
