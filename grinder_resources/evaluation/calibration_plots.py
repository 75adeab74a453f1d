"""Figures of calibration: predicted against observed, and what is left of it by day and by symbol.

Answers before calibration are grey and hollow, after it coloured and full. Bars are 95 % intervals.
"""

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from grinder_resources.evaluation.drawing import ACCENT, INK, MUTED, grid, png, targets
from grinder_resources.evaluation.summary import Report, by_group, equal_mass_bins, modes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AXIS_ENDS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Where the axes of a reliability panel may end."""

MARKS = MappingProxyType({"raw": (MUTED, "none"), "calibrated": (ACCENT, ACCENT)})
"""Colour and filling of the dots of each answer."""

MOST_LABELS = 4
"""Groups named below a panel; of more, every second, third, ... is."""

GAP_ENDS = (2, 5, 10, 15, 20, 30, 40, 60, 100)
"""Where the axis of gaps may end, in percentage points."""


def reliability_png(report: Report) -> bytes | None:
    """Return the leading mode's reliability curves as PNG, or nothing where there is no probability."""
    figures = (reliability_grid(report.calibration, mode) for mode in modes_of(report.calibration)[:1])
    return next((png(figure) for figure in figures if figure is not None), None)


def reliability_grid(calibration: pl.DataFrame, mode: str) -> "Figure | None":
    """Draw observed frequency against predicted probability, one panel an answer; None without rows.

    Dots are bins of equal counts. The dotted diagonal is perfect calibration. Axes end where the answer's probabilities
    do.
    """
    bins = equal_mass_bins(calibration, mode)
    if bins.is_empty():
        return None
    return grid(targets(bins), _reliability_panel, "predicted probability", "observed frequency")


def group_grid(reliability: pl.DataFrame, mode: str, by: str) -> "Figure | None":
    """Draw observed - predicted frequency of each day, or each symbol, one panel an answer; None without rows."""
    groups = by_group(reliability, mode, by)
    if groups.is_empty():
        return None
    furthest = 100.0 * float(np.nanmax(groups.select(pl.col("gap", "gap_low", "gap_high").abs()).to_numpy()))
    end = next((limit for limit in GAP_ENDS if limit >= furthest), GAP_ENDS[-1])
    return grid(targets(groups), partial(_group_panel, end=end), by, "observed \N{MINUS SIGN} predicted, % points")


def _reliability_panel(axes: "Axes", curve: pl.DataFrame) -> None:
    furthest = max(curve["predicted"].to_numpy().max(), curve["observed"].to_numpy().max())
    top = next(limit for limit in AXIS_ENDS if limit >= furthest)
    axes.plot([0, top], [0, top], color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    for answer in MARKS:
        of_answer = curve.filter(pl.col("answer") == answer)
        _draw(axes, answer, of_answer.select("predicted", "observed", "observed_low", "observed_high"), line=True)
    axes.set(xlim=(0, top), ylim=(0, top))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks([0, top / 2, top], ["0", f"{top / 2:g}", f"{top:g}"])


def _group_panel(axes: "Axes", groups: pl.DataFrame, *, end: float) -> None:
    names = groups["group"].unique().sort().to_list()
    axes.axhline(0, color=INK, linewidth=0.8)
    for answer, shift in zip(MARKS, (-0.14, 0.14), strict=True):
        of_answer = groups.filter(pl.col("answer") == answer)
        place = pl.Series([names.index(name) + shift for name in of_answer["group"]])
        _draw(
            axes, answer, of_answer.select(place.alias("place"), pl.col("gap", "gap_low", "gap_high") * 100), line=False
        )
    step = -(-len(names) // MOST_LABELS)
    axes.set(xlim=(-0.6, len(names) - 0.4), ylim=(-end, end), yticks=[-end, 0, end])
    axes.set_xticks(range(0, len(names), step), [_short(name) for name in names[::step]])


def _draw(axes: "Axes", answer: str, points: pl.DataFrame, *, line: bool) -> None:
    """Draw dots and their intervals; the columns of `points` are x, y and the bounds of y, null where unknown."""
    colour, fill = MARKS[answer]
    known = points.drop_nulls()
    x, low, high = (known.to_series(column).to_numpy() for column in (0, 2, 3))
    axes.vlines(x, low, high, color=colour, linewidth=1.0, alpha=0.55)
    x, y = (points.to_series(column).to_numpy() for column in (0, 1))
    (dots,) = axes.plot(
        x, y, color=colour, linestyle="-" if line else "none", linewidth=0.9, marker="o", markersize=3.2
    )
    dots.set(markerfacecolor=fill, markeredgewidth=0.8, clip_on=False)


def _short(group: str) -> str:
    """Return what fits below a panel: month and day of a day, the symbol without its venue."""
    return group[5:] if group[:4].isdigit() and group[4:5] == "-" else group.rpartition(" ")[2]
