"""Figures of the report: money over a day, fills on the price, and what each spacing earned in each regime."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from grinder_resources.contracts.grid_report import POLICIES
from grinder_resources.contracts.instruments import Instrument
from grinder_resources.evaluation.drawing import png
from grinder_resources.usecases.grid_spacing.scoring import REGIMES
from grinder_resources.usecases.trading_plots import equity_figure, equity_of, fills_figure, surface_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_INSTRUMENTS = 3
"""Instruments whose day is drawn; the tables hold all of them."""

Key = tuple[str, str]


def money_figures(equity: pl.DataFrame) -> dict[Key, "Figure"]:
    """Return the money of every policy over the traded day, by instrument; from `reports/grid_spacing/equity`."""
    figures = {}
    for key in _shown(equity):
        own = _of(equity, key)
        ordered = pl.concat([own.filter(pl.col("policy") == policy) for policy in POLICIES])
        figures[key] = equity_figure(equity_of(ordered, ordered["capital_micros"][0]))
    return figures


def model_fills(
    equity: pl.DataFrame, fills: pl.DataFrame, instruments: Mapping[Key, Instrument]
) -> dict[Key, "Figure"]:
    """Return the model's fills on the price, by instrument."""
    of_model = [frame.filter(pl.col("policy") == "model") for frame in (equity, fills)]
    return {
        key: fills_figure(*(_of(frame, key) for frame in of_model), tick_size=float(instruments[key].tick_size))
        for key in _shown(equity)
    }


def surface(cells: pl.DataFrame) -> "Figure | None":
    """Return what each spacing earned in each regime; None where nothing is known."""
    if cells.is_empty():
        return None
    ranks = {regime: place for place, regime in enumerate(REGIMES)}
    ordered = cells.sort(pl.col("regime").replace_strict(ranks))
    labels = ("distance between lines, bps", "range before")
    return surface_figure(ordered, "regime", "spacing_bps", "pnl", labels=labels, digits=2)


def surface_png(cells: pl.DataFrame) -> bytes | None:
    """Return the surface as PNG, where there is one."""
    drawn = surface(cells)
    return png(drawn) if drawn else None


def _shown(equity: pl.DataFrame) -> list[Key]:
    return equity.select("venue", "symbol").unique().sort("venue", "symbol").head(MOST_INSTRUMENTS).rows()


def _of(frame: pl.DataFrame, key: Key) -> pl.DataFrame:
    return frame.filter((pl.col("venue") == key[0]) & (pl.col("symbol") == key[1]))
