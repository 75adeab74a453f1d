"""Figures of the toxicity report: a day's price with its regimes, and the score's inputs by what followed."""

from typing import TYPE_CHECKING

import polars as pl

from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.contracts.signals import REGIMES
from grinder_resources.evaluation.drawing import ACCENT, HAIRLINE, INK, MUTED, empty_figure, png, style
from grinder_resources.usecases.toxicity.ranking import INPUTS
from grinder_resources.usecases.toxicity.words import name_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_INSTRUMENTS = 2
"""More would be too small to read."""

_HOUR_NS = 3_600 * NS_PER_SECOND
_ABOVE, _BELOW = 1.12, -0.12


def day_png(newest: pl.DataFrame) -> bytes:
    """Return the figure of the day as PNG."""
    return png(day_figure(newest))


def day_figure(newest: pl.DataFrame) -> "Figure":
    """Draw price and probability of HIGH over the day, with the minutes that came HIGH and those that were.

    newest
        Rows of `report.ToxicityReport.newest`, at least one.
    """
    instruments = newest.partition_by("venue", "symbol", maintain_order=True)[:MOST_INSTRUMENTS]
    with style():
        figure = empty_figure(8.6, 3.6, left=0.55, bottom=0.45, wspace=0.2, hspace=0.22)
        panels = figure.subplots(
            2, len(instruments), sharex="col", squeeze=False, gridspec_kw={"height_ratios": [3, 2]}
        )
        for column, instrument in enumerate(instruments):
            timed = instrument.with_columns(hour=(pl.col("ts_ns") % (24 * _HOUR_NS)) / _HOUR_NS)
            _price(panels[0][column], timed)
            _chance(panels[1][column], timed)
    return figure


def _price(axes: "Axes", timed: pl.DataFrame) -> None:
    axes.plot(timed["hour"].to_numpy(), timed["price"].to_numpy(), color=INK, linewidth=0.8)
    _shade(axes, timed)
    axes.set_title(f"{timed['symbol'][0]}, mid")
    axes.locator_params(axis="y", nbins=5)


def _chance(axes: "Axes", timed: pl.DataFrame) -> None:
    """Draw the probability of HIGH, ticks above for minutes that came HIGH, and shade those that were, if known."""
    axes.plot(timed["hour"].to_numpy(), timed["HIGH"].to_numpy() / 10_000, color=ACCENT, linewidth=0.7)
    came = timed.filter(pl.col("next") == "HIGH")["hour"].to_numpy()
    axes.plot(came, [_ABOVE] * len(came), color=INK, linestyle="", marker="|", markersize=4, markeredgewidth=0.5)
    _shade(axes, timed)
    axes.set(ylim=(_BELOW, 1.25), yticks=(0.0, 0.5, 1.0), xlabel="hour of the day, UTC")
    axes.set_xlim(float(timed["hour"].to_numpy().min()), float(timed["hour"].to_numpy().max()))
    axes.set_title("Probability that the next minute is HIGH; ticks: it was", fontsize=7.5)


def _shade(axes: "Axes", timed: pl.DataFrame) -> None:
    """Shade the stretches in which the hidden regime was HIGH; nothing where it is not known."""
    high = timed.select((pl.col("hidden") == "HIGH").fill_null(value=False)).to_series().to_numpy()
    if high.any():
        axes.fill_between(
            timed["hour"].to_numpy(),
            0,
            1,
            where=high,
            step="post",
            color=HAIRLINE,
            linewidth=0,
            transform=axes.get_xaxis_transform(),
            zorder=0.5,
        )


def inputs_figure(inputs: pl.DataFrame) -> "Figure":
    """Draw median and middle half of every input by the regime that followed.

    inputs
        Rows of `reports/toxicity/inputs_by_regime`.
    """
    with style():
        figure = empty_figure(8.6, 1.9, left=0.35, bottom=0.3, wspace=0.45)
        for axes, name in zip(figure.subplots(1, len(INPUTS)), INPUTS, strict=True):
            rows = {row["next"]: row for row in inputs.filter(pl.col("input") == name).iter_rows(named=True)}
            for place, regime in enumerate(REGIMES):
                if regime in rows:
                    low, middle, high = (
                        rows[regime][f"{part}_x1000"] / 1_000 for part in ("quarter", "median", "three_quarters")
                    )
                    axes.plot([place, place], [low, high], color=MUTED, linewidth=1.4, solid_capstyle="round")
                    axes.plot(place, middle, marker="o", markersize=4, color=ACCENT)
            axes.set(title=name_of(name), xlim=(-0.5, 2.5), ylim=(0, None), xticks=range(len(REGIMES)))
            axes.set_xticklabels(REGIMES)
            axes.locator_params(axis="y", nbins=4)
    return figure
