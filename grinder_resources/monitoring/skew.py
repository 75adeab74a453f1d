"""Skew: whether a trading process read the inputs that the lake has for the same row.

A logged decision carries the hash of what it read; `monitoring/predictions/<model>` has beside it the hash of what the
lake says there was. Equal hashes, equal inputs. There is no right amount of skew: one row is a warning already.
"""

import polars as pl

from grinder_resources.monitoring.predictions import LOGGED
from grinder_resources.monitoring.states import Measured

DECISION = ("venue", "symbol", "ts_ns", "row_id", "features_hash", "recomputed_hash")
"""What a decision is known by; the table has a row for each of its answers."""


def skew(predictions: pl.DataFrame) -> list[Measured]:
    """Return the share of logged decisions that read something else than the lake has; nothing where none is logged.

    predictions
        Rows of `monitoring/predictions/<model>`. Decisions that the lake has no row for are counted, and not judged.
    """
    decisions = predictions.filter(pl.col("source") == LOGGED).select(DECISION).unique()
    if decisions.is_empty():
        return []
    there = decisions.filter(pl.col("recomputed_hash").is_not_null())
    if there.is_empty():
        words = f"none of {decisions.height:,} logged decisions is about a row that the lake has"
        return [Measured("skew", LOGGED, 0, None, None, None, words)]
    differing = there.filter(pl.col("features_hash") != pl.col("recomputed_hash")).height
    share = differing / there.height
    words = (
        f"{differing:,} of {there.height:,} logged decisions read other inputs than the lake has"
        f"; of {decisions.height - there.height:,} more it has no row"
    )
    return [Measured("skew", LOGGED, there.height, share, share, None, words, alarming=differing > 0)]
