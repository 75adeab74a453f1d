"""The one partition set: UTC days. Symbols live inside a day, so that a hundred of them cost nothing in the graph."""

import dagster as dg

DAILY = dg.DailyPartitionsDefinition(start_date="2010-01-01", timezone="UTC", end_offset=1)
"""UTC days; today is included, because a day is rebuilt as its files arrive."""

SINGLE_RUN = dg.BackfillPolicy.single_run()
"""Every asset has it, the unpartitioned ones too: one ranged run covers Bronze to reports."""

LOOK_BACK_DAYS = 7
"""Calendar days of bars before a day that levels may use: three sessions, a weekend and a holiday."""

LOOK_BACK = dg.TimeWindowPartitionMapping(start_offset=-LOOK_BACK_DAYS)
