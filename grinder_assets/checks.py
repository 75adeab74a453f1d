"""Checks that every table has; layers add their own."""

from datetime import date

import polars as pl

from grinder_assets.publish import DayCheck, Verdict
from grinder_resources.contracts.table import Table


def contract_check(table: Table) -> DayCheck:
    """Return the check that a day keeps the table's contract: columns, types, nulls, bounds, unique key."""

    def judge(rows: pl.DataFrame, _day: date) -> Verdict:
        from grinder_resources.contracts.validation import schema_failures

        failures = schema_failures(table, rows)
        return Verdict(not failures, {"rows": rows.height, "failures": "; ".join(failures) or "none"})

    return DayCheck("contract", "columns, types, nulls, bounds and keys are as the contract says", judge)
