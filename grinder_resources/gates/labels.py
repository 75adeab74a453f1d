"""Forward labels of gates, and where they cannot be believed.

The exporter takes the last candle at or before ts + horizon. Where candles stop, at the end of what it was given or
for the weekend, it takes an earlier one without saying so; such a label is cut here.

Currency pairs trade from Sunday to Friday 17:00 New York time (22:00 UTC in winter, 21:00 UTC in summer).
"""

from datetime import UTC, date, datetime

import polars as pl

from grinder_resources.contracts.gates import GATE_HORIZONS_MIN
from grinder_resources.contracts.instruments import NS_PER_DAY, NS_PER_SECOND
from grinder_resources.gates.history import NS_PER_MINUTE

_CODE = "(AUD|CAD|CHF|CNH|CZK|DKK|EUR|GBP|HKD|HUF|JPY|MXN|NOK|NZD|PLN|SEK|SGD|THB|TRY|USD|ZAR|XAG|XAU)"
_PAIR = f"^{_CODE}_{_CODE}$"
"""Symbols that close for the weekend, such as EUR_USD; others are taken to trade on."""

_FRIDAY, _SATURDAY = 5, 6


def with_labels(gates: pl.DataFrame, day: date, *, goes_on: bool) -> pl.DataFrame:
    """Return the gates of one day with `label_cut_*` and `label_end_*`, and no forward change where a label is cut.

    A label that ends at midnight, or at the close, is whole.
    """
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * NS_PER_SECOND + NS_PER_DAY
    labelled = gates
    for minutes in GATE_HORIZONS_MIN:
        end, change = pl.col("ts_ns") + minutes * NS_PER_MINUTE, pl.col(f"roc_forward_{minutes}m_pct_x1e6")
        cut = _closed(end) if goes_on else _closed(end) | (end > midnight)
        labelled = labelled.with_columns(
            pl.when(~cut).then(change).alias(f"roc_forward_{minutes}m_pct_x1e6"),
            cut.cast(pl.Int8).alias(f"label_cut_{minutes}m"),
            pl.when(~cut & change.is_not_null()).then(end).alias(f"label_end_{minutes}m_ns"),
        )
    return labelled


def _closed(end: pl.Expr) -> pl.Expr:
    """Return whether (Friday 17:00, Sunday 17:00] New York time holds `end`, for a currency pair."""
    local = pl.from_epoch(end - 1, time_unit="ns").dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York")
    since_close = local.dt.replace_time_zone(None).dt.offset_by("-17h").dt.weekday()
    return pl.col("symbol").str.contains(_PAIR) & since_close.is_in((_FRIDAY, _SATURDAY))
