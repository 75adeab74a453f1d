"""Orders and what was said of them out of fold: the Gold rows joined with the answers of the walk-forward."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grinder_resources.contracts.calibration import CERTAIN_BPS
from grinder_resources.contracts.gold_fills import FILL_HORIZONS_S, PROBE_DISTANCES_BPS, filled_label
from grinder_resources.evaluation.summary import modes_of

ORDER = ("venue", "symbol", "ts_ns", "source", "order_id")

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def said(horizon_s: int) -> str:
    """Return the column with the calibrated probability that an order is filled within that many seconds."""
    return f"said_{horizon_s}s"


def said_by_reference(horizon_s: int) -> str:
    """Return the column with what distance and spread alone say."""
    return f"reference_{horizon_s}s"


def answered_orders(orders: pl.DataFrame, predictions: pl.DataFrame) -> pl.DataFrame:
    """Return the orders that were answered out of fold in the leading mode, with `band_bps` and what was said.

    orders
        Rows of `gold/training/fill_probability`.
    predictions
        Rows of `reports/predictions/fill_probability`.

    An answer is null where an order has no label for its horizon. `band_bps` is the largest distance ever asked for
    that is not above the order's own. Nothing comes back where nothing was answered.
    """
    mode = (modes_of(predictions) or ("",))[0]
    leading = predictions.filter(pl.col("mode") == mode)
    named = orders.with_columns(pl.concat_str(ORDER, separator="_").alias("row_id"), band_bps=_band())
    for horizon in FILL_HORIZONS_S:
        answers = leading.filter(pl.col("head") == filled_label(horizon)).select(
            "row_id",
            (pl.col("calibrated_bps") / CERTAIN_BPS).alias(said(horizon)),
            pl.col("baseline").alias(said_by_reference(horizon)),
        )
        named = named.join(answers, on="row_id", how="left", maintain_order="left")
    return named.filter(pl.any_horizontal(pl.col(said(horizon)).is_not_null() for horizon in FILL_HORIZONS_S))


def _band() -> pl.Expr:
    own = pl.col("distance_bps_x1000")
    return pl.max_horizontal(pl.when(own >= 1_000 * band).then(pl.lit(band)) for band in PROBE_DISTANCES_BPS).cast(
        pl.Int64()
    )
