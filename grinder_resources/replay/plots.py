"""Figures of a replay: steps against what came after, hour by hour, and how the difference adds up over the day."""

from typing import TYPE_CHECKING

import polars as pl

from grinder_resources.contracts.gold import REGIME_LABEL
from grinder_resources.evaluation.drawing import ACCENT, INK, MUTED, empty_figure, png, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HOUR_MS = 3_600_000
MOST_NAMES = 6
"""With more instruments their names would cover each other."""


def replay_png(decisions: pl.DataFrame) -> bytes:
    """Return the figure as PNG."""
    return png(replay_figure(decisions))


def replay_figure(decisions: pl.DataFrame) -> "Figure":
    """Draw hourly means of range and steps, and the running sum of the differences by instrument and in all."""
    timed = decisions.with_columns(hour=(pl.col("ts_ms") % (24 * HOUR_MS)) / HOUR_MS)
    shown = timed.select(pl.col("hour").min().floor(), last=pl.col("hour").max().floor() + 1).row(0)
    with style():
        figure = empty_figure(8.6, 2.9, left=0.55, bottom=0.5, wspace=0.24)
        left, right = figure.subplots(1, 2)
        _steps(left, timed)
        _sums(right, timed)
        for axes in (left, right):
            axes.set(xlabel="hour of the day, UTC", xlim=shown)
            axes.locator_params(axis="x", nbins=7, steps=[1, 2, 4, 10])
            axes.locator_params(axis="y", nbins=5)
    return figure


def _steps(axes: "Axes", timed: pl.DataFrame) -> None:
    names = ("step_rules_bps", "step_signal_bps", REGIME_LABEL)
    means = timed.group_by((pl.col("hour").floor() + 0.5).alias("hour")).agg(pl.col(names).mean()).sort("hour")
    hours = means["hour"].to_numpy()
    axes.plot(hours, means[REGIME_LABEL].to_numpy() / 1_000, color=INK, linestyle="", marker="o", markersize=3.5)
    axes.plot(hours, means["step_signal_bps"].to_numpy(), color=ACCENT, linewidth=1.6)
    axes.plot(hours, means["step_rules_bps"].to_numpy(), color=MUTED, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.set(title="Hourly means, bps", ylim=(0, None))
    axes.legend(
        ["range of the next minute", "step with the signal", "step of the rules"],
        frameon=False,
        fontsize=7,
        loc="lower right",
    )


def _sums(axes: "Axes", timed: pl.DataFrame) -> None:
    axes.axhline(0, color=INK, linewidth=0.8)
    instruments = timed.partition_by("venue", "symbol", maintain_order=True)
    for instrument in instruments:
        hours, sums = _running(instrument)
        axes.plot(hours, sums, color=MUTED, linewidth=0.9)
        if 1 < len(instruments) <= MOST_NAMES:
            axes.annotate(
                instrument["symbol"][0],
                (hours[-1], sums[-1]),
                xytext=(-2, 4),
                textcoords="offset points",
                ha="right",
                fontsize=7,
                color=MUTED,
            )
    axes.plot(*_running(timed), color=ACCENT, linewidth=1.6)
    axes.set_title("Closer in sum so far, bps: each instrument and all")


def _running(timed: pl.DataFrame) -> "tuple[list[float], list[float]]":
    """Return the hours, and after each of them the sum of all differences so far in bps."""
    by_time = timed.group_by("hour").agg(pl.col("difference_x1000").sum()).sort("hour")
    return by_time["hour"].to_list(), (by_time["difference_x1000"].cum_sum() / 1_000).to_list()
