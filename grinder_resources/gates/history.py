"""What the gates of an instrument before a gate say about it; nothing of other instruments, nothing later."""

import polars as pl

from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.gates import GATE_MAX_GAP_MIN, GATE_WINDOWS_MIN
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.gates.integers import percent

NS_PER_MINUTE = 60 * NS_PER_SECOND
_INSTRUMENT = ("venue", "symbol")
_HOURS_A_WEEK = 168
_MONDAY_HOURS = 72
"""Hours from the epoch, a Thursday, back to the Monday before it."""


def with_history(gates: pl.DataFrame) -> pl.DataFrame:
    """Return numbered gates, sorted by venue, symbol and time, with the backward columns of `GATE_INPUTS`.

    Every column of a row is a function of rows of its instrument with ts <= ts_ns. `watermark_ns` is the time of the
    newest of them: the row itself, since a window ends there.
    """
    windows = (_window(gates, minutes) for minutes in GATE_WINDOWS_MIN)
    return pl.concat([gates.with_columns(**_since_previous()), *windows], how="horizontal").with_columns(
        pl.max_horizontal("ts_ns", *(f"newest_{minutes}m_ns" for minutes in GATE_WINDOWS_MIN)).alias("watermark_ns"),
        hazard_margin_x1e6=pl.col("hazard_threshold_x1e6") - pl.col("hazard_x1e6"),
        hour_of_week=((pl.col("ts_ns") // (60 * NS_PER_MINUTE) + _MONDAY_HOURS) % _HOURS_A_WEEK).cast(pl.Int32),
    )


def _since_previous() -> dict[str, pl.Expr]:
    minutes = ((pl.col("ts_ns") - _previous("ts_ns")) // NS_PER_MINUTE).cast(pl.Int32)
    gap = ((pl.col("ts_ns") - _previous("ts_ns")) > GATE_MAX_GAP_MIN * NS_PER_MINUTE).fill_null(value=True)
    changes = {
        "hazard_change_x1e6": _change("hazard_x1e6"),
        "entropy_change_x1e6": _change("entropy_x1e6"),
        "return_prev_pct_x1e6": percent(_change("price_close_x1e6"), _previous("price_close_x1e6")),
    }
    return {
        "minutes_since_prev": minutes,
        "after_gap": gap.cast(pl.Int8),
        **{name: pl.when(~gap).then(change) for name, change in changes.items()},
    }


def _window(gates: pl.DataFrame, minutes: int) -> pl.DataFrame:
    """Return the columns of the window (ts - minutes, ts] over each instrument's gates, row by row."""
    price, several = pl.col("price_close_x1e6"), pl.len() > 1
    first, last = price.first(), price.last()
    of_window = {
        "gates_{}m": pl.len().cast(pl.Int32),
        "rejected_{}m": (pl.col("admit") == 0).sum().cast(pl.Int32),
        "hazard_mean_{}m_x1e6": pl.when(several).then(
            half_even(pl.col("hazard_x1e6").sum(), pl.len().cast(pl.Int64)).cast(pl.Int64)
        ),
        "return_{}m_pct_x1e6": pl.when(several).then(percent(last - first, first)),
        "range_{}m_pct_x1e6": pl.when(several).then(percent(price.max() - price.min(), last)),
        "newest_{}m_ns": pl.col("ts_ns").max(),
    }
    index = gates.with_columns(time=pl.col("ts_ns"))
    rolled = index.rolling("time", period=f"{minutes * NS_PER_MINUTE}i", group_by=_INSTRUMENT, closed="right")
    rows = rolled.agg(**{name.format(minutes): value for name, value in of_window.items()})
    return rows.sort(*_INSTRUMENT, "time").drop(*_INSTRUMENT, "time")


def _previous(name: str) -> pl.Expr:
    return pl.col(name).shift(1).over(_INSTRUMENT)


def _change(name: str) -> pl.Expr:
    return pl.col(name) - _previous(name)
