"""Gold tables: training data promoted from Silver, ready to fit on."""

from dataclasses import replace

import polars as pl

from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.contracts.table import DAY, SYMBOL, TS, VENUE, Table, required

NOT_FEATURES = frozenset({"date", "venue", "symbol", "ts_ns", "quote_ts_ns", "trade_ts_ns", "book_ts_ns", "gap"})
"""Snapshot columns that are no inputs: identity, times, and the gap flag, which no row of the dataset carries."""

SNAPSHOT_FEATURES = tuple(
    column
    for column in SNAPSHOTS.columns
    if column.name not in NOT_FEATURES and not column.name.endswith("_half_ticks")
)
"""Snapshot columns a model may read. Amounts in half ticks name the instrument and the day: they are left out."""

REGIME_LABEL = "range_60s_forward_x1000"
REGIME_HORIZON_S = 60

REGIME_DATASET = Table(
    name="gold/training/regime",
    doc="One snapshot a minute and instrument with the range of the next minute; label windows do not overlap.",
    columns=(
        DAY,
        VENUE,
        SYMBOL,
        TS,
        required("watermark_ns", pl.Int64(), "event time of the newest quote, print or book behind the row"),
        *SNAPSHOT_FEATURES,
        required(
            REGIME_LABEL,
            pl.Int32(),
            "(highest - lowest mid in (ts, ts + 60 s]) / mid at ts, bps x 1000, half-even: a label",
        ),
        required("label_end_ns", pl.Int64(), "end of the label window, ts_ns + 60 s; what a purge needs"),
    ),
    sort_by=("venue", "symbol", "ts_ns"),
    key=("venue", "symbol", "ts_ns"),
)

SIGNALS = "gold/training/signals_production"


def signals_table(feature_table: Table) -> Table:
    """Return `gold/training/signals_production`: the columns, order and key of the promoted feature version."""
    return replace(
        feature_table,
        name=SIGNALS,
        doc=f"Production training data of the level models, promoted from {feature_table.name}.",
    )
