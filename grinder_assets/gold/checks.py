"""What blocks a promotion to Gold, on top of the checks its Silver table already passed."""

from datetime import date

import polars as pl

from grinder_assets.publish import DayCheck, Verdict

MIN_ROWS_FOR_SHARES = 50
"""Below this a share of nulls says nothing."""


def null_share_check(required_columns: tuple[str, ...]) -> DayCheck:
    """Return the check that no column of `required_columns` is null in every row of a day."""

    def judge(rows: pl.DataFrame, _day: date) -> Verdict:
        if rows.height < MIN_ROWS_FOR_SHARES:
            return Verdict(True, {"rows": rows.height, "empty columns": "too few rows to judge"})
        empty = [name for name in required_columns if rows[name].null_count() == rows.height]
        return Verdict(not empty, {"rows": rows.height, "empty columns": ", ".join(empty) or "none"})

    return DayCheck("null_shares", "no input that needs only quotes and trades is null in every row", judge)


def _in_their_day(rows: pl.DataFrame, day: date) -> Verdict:
    outside = rows.filter(pl.from_epoch("ts_ns", time_unit="ns").dt.date() != day).height
    return Verdict(outside == 0, {"rows": rows.height, "rows of another day": outside})


DATE_COVERAGE = DayCheck("date_coverage", "event times lie in their day", _in_their_day)
