"""Figures of a backtest: money and drawdown of both policies, and the fills of one instrument on its last day."""

from typing import TYPE_CHECKING

import polars as pl

from grinder_resources.usecases.score_guard.tries import Backtest
from grinder_resources.usecases.trading_plots import equity_figure, fills_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def money_figure(backtest: Backtest) -> "Figure":
    """Draw what every policy has earned so far, all instruments together."""
    return equity_figure(money_of(backtest))


def money_of(backtest: Backtest) -> pl.DataFrame:
    """Return policy, ts_ns, equity (bps of capital)."""
    return pl.concat(
        policy.equity.select(pl.lit(policy.name).alias("policy"), "ts_ns", equity=pl.col("equity_x1000") / 1_000)
        for policy in backtest.policies
    )


def price_figure(backtest: Backtest) -> "tuple[Figure, str]":
    """Draw the instrument's day with the most fills, of equal ones the last; return the figure and what it shows."""
    by_day = backtest.fills.with_columns(date=pl.from_epoch("ts_ns", time_unit="ns").dt.date())
    counts = (
        by_day.group_by("date", "venue", "symbol").len().sort("len", "date", "symbol", descending=[True, True, False])
    )
    if counts.is_empty():
        day, venue, symbol = backtest.nav.select("date", "venue", "symbol").row(-1)
    else:
        day, venue, symbol, _ = counts.row(0)
    own = (pl.col("date") == day) & (pl.col("venue") == venue) & (pl.col("symbol") == symbol)
    figure = fills_figure(
        backtest.nav.filter(own), by_day.filter(own), tick_size=backtest.tick_size.get((venue, symbol), 1.0)
    )
    return figure, f"{venue} {symbol} on {day}"
