"""The factory of report assets: what all of them are alike in, so that each file says only what is its own."""

from collections.abc import Callable, Sequence

import dagster as dg

from grinder_assets.metadata import table_metadata
from grinder_assets.partitions import SINGLE_RUN
from grinder_assets.tables import OWNERS
from grinder_resources.contracts.table import Table

AssetDecorator = Callable[[Callable[..., dg.MaterializeResult]], dg.AssetsDefinition]

DRAWN = frozenset({"polars", "matplotlib"})


def report_asset(
    key: dg.AssetKey,
    description: str,
    *,
    code_version: str,
    deps: Sequence[dg.AssetKey],
    kinds: frozenset[str] = DRAWN,
    model: str = "",
    table: Table | None = None,
) -> AssetDecorator:
    """Return a decorator that makes a function the report asset `key`.

    `model` is the one it is about, `table` the one it writes first of all, if there is any.
    """
    return dg.asset(
        key=key,
        description=description,
        group_name="reports",
        kinds=set(kinds),
        owners=OWNERS,
        tags={"layer": "reports", **({"model": model} if model else {})},
        code_version=code_version,
        backfill_policy=SINGLE_RUN,
        deps=list(deps),
        metadata=table_metadata(table) if table else None,
    )
