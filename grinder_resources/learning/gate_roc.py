"""The gate dataset: gate events with the sign and the size of what came after, at every horizon.

A change of exactly zero has a size but no sign: it is neither up nor down, so the sign has no label there. Which sizes
are small or large is decided at fitting time, on training days alone.
"""

import polars as pl

from grinder_resources.contracts.gates import GATE_HORIZONS_MIN, GATE_ROC_DATASET


def gate_roc_rows(events: pl.DataFrame) -> pl.DataFrame:
    """Return rows of `gold/training/gate_roc` from `silver/gate_events`, one a gate; those without a label as well."""
    return GATE_ROC_DATASET.conform(
        events.with_columns(
            *(_sign(minutes) for minutes in GATE_HORIZONS_MIN),
            *(_size(minutes) for minutes in GATE_HORIZONS_MIN),
            label_end_ns=pl.max_horizontal(f"label_end_{minutes}m_ns" for minutes in GATE_HORIZONS_MIN),
        ).select(GATE_ROC_DATASET.schema.names())
    )


def _sign(minutes: int) -> pl.Expr:
    change = pl.col(f"roc_forward_{minutes}m_pct_x1e6")
    return pl.when(change != 0).then((change > 0).cast(pl.Int8)).alias(f"sign_forward_{minutes}m")


def _size(minutes: int) -> pl.Expr:
    return pl.col(f"roc_forward_{minutes}m_pct_x1e6").abs().alias(f"size_forward_{minutes}m_pct_x1e6")
