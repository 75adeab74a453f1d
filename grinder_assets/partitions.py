"""The one partition set: UTC days. Symbols live inside a day, so that a hundred of them cost nothing in the graph."""

from collections.abc import Sequence
from datetime import date, timedelta

import dagster as dg

DAILY = dg.DailyPartitionsDefinition(start_date="2000-01-01", timezone="UTC", end_offset=1)
"""UTC days from the first that readers accept; today is included, because a day is rebuilt as its files arrive."""

SINGLE_RUN = dg.BackfillPolicy.single_run()
"""Every asset has it, the unpartitioned ones too: one ranged run covers Bronze to reports."""

MAX_HOLE_DAYS = 7
"""Days without data that a range may span: holidays and a weekend are published empty, a missing year is not."""

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def range_tags(first: date, last: date) -> dict[str, str]:
    """Return the tags that make one run cover the days of [first, last]."""
    return {RANGE_START: first.isoformat(), RANGE_END: last.isoformat()}


def contiguous(days: Sequence[date]) -> list[tuple[date, date]]:
    """Return first and last day of every stretch of ascending days without a hole of more than MAX_HOLE_DAYS."""
    stretches = [(days[0], days[0])]
    for day in days[1:]:
        first, last = stretches[-1]
        if day - last > timedelta(days=MAX_HOLE_DAYS + 1):
            stretches.append((day, day))
        else:
            stretches[-1] = (first, day)
    return stretches
