"""Tracking, as the UI shows it: whether the run is in the store that was asked for, and why not."""

from pathlib import Path
from typing import Any

import dagster as dg

from grinder_resources.lake import Lake
from grinder_resources.tracking.address import Store


def tracked(context: dg.AssetExecutionContext, folder: Path, store: Store | None, lake: Lake) -> dict[str, Any]:
    """Tell the store of an artifact and return the metadata that says so; none where nobody asked for a store.

    A store that is down is a warning in the log: the model is made, and `grinder track` tells of it later.
    """
    if store is None:
        return {}
    from grinder_resources.tracking.telling import tell_if_possible

    told = tell_if_possible(folder, store, lake)
    (context.log.info if told.tracked else context.log.warning)(told.sentence)
    return {"tracked": told.tracked, "tracking": told.sentence}
