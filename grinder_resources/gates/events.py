"""`silver/gate_events`: one day of Bronze gates as integers, with the history before and the labels after each gate."""

from datetime import date

import polars as pl

from grinder_resources.contracts.gates import GATE_EVENTS, GATE_HORIZONS_MIN, GATE_REGIMES
from grinder_resources.gates.history import with_history
from grinder_resources.gates.integers import millionths
from grinder_resources.gates.labels import with_labels

_NUMBERS = {
    "hazard_x1e6": "hazard",
    "hazard_threshold_x1e6": "hazard_threshold",
    "lambda_x1e6": "lambda",
    "entropy_x1e6": "entropy",
    "coherence_x1e6": "coherence",
    "stability_x1e6": "stability",
    "regime_confidence_x1e6": "regime_confidence",
    "price_close_x1e6": "price_close",
    "roc_prev_pct_x1e6": "roc_prev_pct",
    **{f"roc_forward_{minutes}m_pct_x1e6": f"roc_forward_{minutes}m_pct" for minutes in GATE_HORIZONS_MIN},
}
"""Column of `silver/gate_events` -> the Bronze number it is."""


def gate_events(today: pl.DataFrame, before: pl.DataFrame, day: date, *, goes_on: bool) -> pl.DataFrame:
    """Return rows of `silver/gate_events` of one day, in the table's order, whatever the order of the gates.

    today, before
        Rows of `bronze/gates` of the day, and of the days before it that the look-back reaches.
    goes_on
        Whether the stream that gave the day's gates goes on after midnight. If it does not, a label that reaches into
        the next day is cut.

    Raises OutOfRange for a number that no gate can hold.
    """
    gates = pl.concat([before, today]).sort("venue", "symbol", "ts_ns")
    numbered = gates.select("date", "venue", "symbol", "ts_ns", *_facts()).hstack(millionths(gates, _NUMBERS))
    history = with_history(numbered).filter(pl.col("date") == day)
    return GATE_EVENTS.conform(with_labels(history, day, goes_on=goes_on).select(GATE_EVENTS.schema.names()))


def _facts() -> tuple[pl.Expr, ...]:
    known = pl.col("regime").is_in(GATE_REGIMES)
    return (
        pl.col("admit").cast(pl.Int8),
        pl.col("repetitions"),
        pl.when(known).then("regime").otherwise(pl.lit(GATE_REGIMES[-1])).alias("regime"),
    )
