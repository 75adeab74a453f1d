"""The factory of daily table assets: key, group, column schema and checks come from the table's contract."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import dagster as dg

from grinder_assets.keys import key_of
from grinder_assets.metadata import table_metadata
from grinder_assets.partitions import DAILY, SINGLE_RUN
from grinder_assets.publish import DayCheck, check_specs
from grinder_resources.contracts.table import Table
from grinder_resources.errors import PartitionMissing
from grinder_resources.lake import Lake

OWNERS = ["team:grinder"]


def daily_asset(
    table: Table,
    *,
    code_version: str,
    deps: Sequence[dg.AssetDep | dg.AssetKey] = (),
    checks: Sequence[DayCheck] = (),
    kinds: frozenset[str] = frozenset({"polars", "deltalake"}),
) -> Callable[[Callable[..., dg.MaterializeResult]], dg.AssetsDefinition]:
    """Return a decorator that makes a function the asset of `table`."""
    key = key_of(table.name)
    return dg.asset(
        key=key,
        description=table.doc,
        group_name=table.layer,
        kinds=set(kinds),
        owners=OWNERS,
        tags={"layer": table.layer},
        code_version=code_version,
        partitions_def=DAILY,
        backfill_policy=SINGLE_RUN,
        deps=list(deps),
        check_specs=check_specs(key, checks),
        metadata=table_metadata(table),
    )


def upstream_hashes(lake: Lake, tables: Sequence[Table], first: date, last: date) -> Mapping[str, str]:
    """Return `table/day -> logical hash` of every committed day of `tables` in [first, last].

    Raises PartitionMissing if `last` itself was never committed in one of them: a day is not built on a hole.
    """
    hashes = {}
    for table in tables:
        days = lake.days(table.name, first, last)
        if last not in days:
            raise PartitionMissing(
                "an upstream day was never materialised", where=f"{table.name}/date={last}", hint="Materialise it first"
            )
        stamps = lake.stamps(table.name)
        hashes.update({f"{table.name}/{day}": stamps[day.isoformat()].logical_sha256 for day in days})
    return hashes
