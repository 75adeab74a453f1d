"""The one partition set: UTC days. Symbols live inside a day, so that a hundred of them cost nothing in the graph."""

import dagster as dg

DAILY = dg.DailyPartitionsDefinition(start_date="2010-01-01", timezone="UTC", end_offset=1)
"""UTC days; today is included, because a day is rebuilt as its files arrive."""

SINGLE_RUN = dg.BackfillPolicy.single_run()
"""Every asset has it, the unpartitioned ones too: one ranged run covers Bronze to reports."""

LOOK_BACK_DAYS = 7
"""Calendar days of bars before a day that levels may use: three sessions, a weekend and a holiday.

The graph declares the same day only. A partition mapping with an offset would also tell a backfill that seven days
*after* the last one asked for have to be made, days that have no data yet. Which earlier days a day was built on stands
in its commit, so a day that gains history is rebuilt the next time it is materialised.
"""
