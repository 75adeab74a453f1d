"""Figures of fills: how the share filled grows with time by distance, and what was said against what happened."""

from typing import TYPE_CHECKING

import polars as pl

from grinder_resources.contracts.gold_fills import FILL_HORIZONS_S
from grinder_resources.evaluation.drawing import ACCENT, INK, MUTED, empty_figure, png, style
from grinder_resources.usecases.fill_probability.report import FillReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = ("o", "s", "^", "D")
"""One a horizon, shortest first."""


def fill_png(report: FillReport) -> bytes:
    """Return the figure as PNG."""
    return png(fill_figure(report))


def fill_figure(report: FillReport) -> "Figure":
    """Draw the share filled over time, a line a band of distances, and predicted against observed shares."""
    with style():
        figure = empty_figure(8.6, 3.4, left=0.55, bottom=0.5, wspace=0.24)
        left, right = figure.subplots(1, 2)
        _over_time(left, report)
        _by_distance(right, report)
    return figure


def by_distance(report: FillReport) -> pl.DataFrame:
    """Return the shares by distance with `band_bps`, in order of distance and horizon."""
    rows = report.shares.filter(pl.col("by") == "distance").with_columns(band_bps=pl.col("group").cast(pl.Int64()))
    return rows.sort("band_bps", "horizon_s")


def _over_time(axes: "Axes", report: FillReport) -> None:
    said = by_distance(report)
    for band in report.survival.partition_by("band_bps", maintain_order=True):
        name, seconds, share = band["band_bps"][0], band["second"].to_numpy(), band["filled"].to_numpy()
        axes.plot(seconds, share, color=MUTED, linewidth=1.1)
        if band["filled_low"].null_count() == 0:
            bounds = band["filled_low"].to_numpy(), band["filled_high"].to_numpy()
            axes.fill_between(seconds, *bounds, color=MUTED, alpha=0.18, linewidth=0)
        points = said.filter(pl.col("band_bps") == name)
        axes.plot(points["horizon_s"].to_numpy(), points["predicted"].to_numpy(), "o", color=ACCENT, markersize=3.4)
        axes.annotate(
            f"{name}", (seconds[-1], share[-1]), xytext=(4, -2), textcoords="offset points", fontsize=7, color=MUTED
        )
    axes.set(title="Share filled by distance, bps from the mid", xlabel="seconds since it was placed", ylim=(0, 1))
    axes.set_xscale("log")
    axes.set_xticks([1, *FILL_HORIZONS_S], [str(second) for second in (1, *FILL_HORIZONS_S)])
    axes.minorticks_off()
    axes.set_xlim(1, 1.25 * max(FILL_HORIZONS_S))


def _by_distance(axes: "Axes", report: FillReport) -> None:
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8)
    for marker, horizon in zip(MARKERS, FILL_HORIZONS_S, strict=True):
        points = by_distance(report).filter(pl.col("horizon_s") == horizon)
        axes.plot(
            points["predicted"].to_numpy(),
            points["observed"].to_numpy(),
            marker,
            color=ACCENT,
            markersize=4.2,
            fillstyle="none",
            label=f"{horizon} s",
        )
    axes.set(title="Each distance and horizon", xlabel="said", ylabel="filled", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False, fontsize=7, loc="lower right")
