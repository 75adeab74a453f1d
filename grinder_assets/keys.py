"""Names in the graph."""

import dagster as dg


def key_of(name: str) -> dg.AssetKey:
    """Return the asset key of a lake table; dots, which keys may not hold, become underscores."""
    return dg.AssetKey(name.replace(".", "_").split("/"))
