"""What blocks a Bronze day: rows that do not add up."""

from datetime import date

import polars as pl

from grinder_assets.publish import DayCheck, Verdict
from grinder_resources.lake import Lake


def conservation_check(lake: Lake | None = None) -> DayCheck:
    """Return the check of the ingest log: every file and table adds up, and the lake holds exactly the rows it says.

    Without a lake only the declaration is used.
    """

    def judge(log: pl.DataFrame, day: date) -> Verdict:
        sums = log.select("rows_in", "rows_out", "quarantined", "deduplicated", "reordered").sum().row(0, named=True)
        broken = log.filter(pl.col("rows_in") != pl.col("rows_out") + pl.col("quarantined") + pl.col("deduplicated"))
        missing = _missing_rows(lake, log, day) if lake else 0
        return Verdict(
            not (broken.height or missing), {**sums, "files that do not add up": broken.height, "rows missing": missing}
        )

    return DayCheck(
        "conservation", "rows in = rows out + quarantined + deduplicated, and the lake holds the rows out", judge
    )


def _missing_rows(lake: Lake, log: pl.DataFrame, day: date) -> int:
    published = log.group_by("table").agg(pl.col("rows_out").sum()).sort("table")
    stamps = ((lake.stamp(table, day), rows) for table, rows in published.iter_rows())
    return sum(abs(rows - (stamp.rows if stamp else 0)) for stamp, rows in stamps)
