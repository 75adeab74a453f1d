"""When orders were filled: the product-limit estimate, which also uses orders that could not be watched to the end."""

import numpy as np
import polars as pl

from grinder_resources.contracts.fill_report import FILL_SURVIVAL
from grinder_resources.contracts.gold_fills import TIME_TO_FILL, WATCH_S
from grinder_resources.evaluation.scores import resampling, time_blocks
from grinder_resources.usecases.fill_probability.answers import Floats, Ints

_MS = 1_000


def fill_survival(orders: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `reports/fill_probability/survival`, one a band of distances and second.

    orders
        Rows of the fill dataset with `band_bps`.

    Times are whole seconds, rounded up; an order that was not filled counts in every second that was watched whole. Of
    n orders that a second begins with, d filled in it: the share that stays open is the product of all 1 - d / n so
    far. Without orders at risk nothing more is known and the share stays as it is.
    """
    made = [_band_rows(int(str(band)), members) for (band,), members in sorted(orders.group_by("band_bps"))]
    return FILL_SURVIVAL.conform(pl.concat([FILL_SURVIVAL.empty(), *made]))


def _band_rows(band: int, orders: pl.DataFrame) -> pl.DataFrame:
    orders = orders.sort("ts_ns", "venue", "symbol", "source", "order_id")
    filled_s = np.ceil(orders[TIME_TO_FILL].fill_null(0).to_numpy() / _MS).astype(np.int64)
    watched_s = orders["label_watched_ms"].to_numpy() // _MS
    is_filled = filled_s > 0
    last = np.where(is_filled, filled_s, watched_s)
    blocks = time_blocks(orders["ts_ns"].to_numpy())
    fills, at_risk = _counts(filled_s[is_filled], blocks[is_filled], blocks), _counts_from(last, blocks)
    weights = resampling(is_filled.astype(np.float64), blocks)
    low: Floats | list[None] = [None] * WATCH_S
    high = low
    filled = _filled(fills.sum(axis=0), at_risk.sum(axis=0))
    if weights is not None:
        drawn = _filled(weights @ fills, weights @ at_risk)
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return pl.DataFrame(
        {
            "band_bps": np.full(WATCH_S, band),
            "second": np.arange(1, WATCH_S + 1),
            "at_risk": at_risk.sum(axis=0).astype(np.int64),
            "fills": fills.sum(axis=0).astype(np.int64),
            "filled": filled,
            "filled_low": low,
            "filled_high": high,
        },
        schema=FILL_SURVIVAL.schema,
    )


def _counts(seconds: Ints, blocks: Ints, all_blocks: Ints) -> Floats:
    """Return float64 [blocks, WATCH_S]: how often each second 1, 2, ... occurs in each block."""
    shape = (int(all_blocks.max()) + 1, WATCH_S + 1)
    flat = np.bincount(blocks * shape[1] + seconds, minlength=shape[0] * shape[1])
    return flat.reshape(shape)[:, 1:].astype(np.float64)


def _counts_from(last: Ints, blocks: Ints) -> Floats:
    """Return float64 [blocks, WATCH_S]: how many orders are there in each second, `last` being the last of each."""
    ends = _counts(last, blocks, blocks)
    return ends[:, ::-1].cumsum(axis=1)[:, ::-1]


def _filled(fills: Floats, at_risk: Floats) -> Floats:
    """Return the share filled by the end of each second, over the last axis."""
    stays = 1.0 - fills / np.maximum(at_risk, 1.0)
    return np.asarray(1.0 - np.cumprod(stays, axis=-1))
