"""Figures of drift: how far each input and answer has moved, and how the furthest lie now against then."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from grinder_resources.contracts.monitoring import ANSWER_PREFIX
from grinder_resources.evaluation.drawing import ACCENT, HAIRLINE, INK, MUTED, empty_figure, grid, png, style
from grinder_resources.monitoring.distances import DECILES, deciles, merged, stacked
from grinder_resources.monitoring.drift import DriftReport
from grinder_resources.monitoring.states import Finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_BARS = 24
MOST_PANELS = 8


def drift_png(report: DriftReport) -> bytes | None:
    """Return the bars of `index_bars` as PNG; None where no index is known."""
    figure = index_bars(report)
    return None if figure is None else png(figure)


def index_bars(report: DriftReport) -> "Figure | None":
    """Draw the stability index of the inputs and answers that moved furthest; None where none is known.

    Full bars are critical, coloured hollow ones a warning, grey hollow ones neither. Dotted lines are the bounds.
    """
    moved = _furthest(report, MOST_BARS)
    if not moved:
        return None
    with style():
        figure = empty_figure(8.6, 0.75 + 0.2 * max(6, len(moved)), left=2.6, bottom=0.45)
        axes = figure.subplots()
        _bars(axes, moved[::-1])
        for bound in (report.settings.warning_threshold, report.settings.drift_threshold):
            axes.axvline(bound, color=INK, linewidth=0.8, linestyle=":")
        axes.set(xlabel="population stability index", ylim=(-0.7, max(6, len(moved)) - 0.3), xlim=(0, None))
    return figure


def lie_grid(report: DriftReport) -> "Figure | None":
    """Draw the share of rows by decile of the training rows, now and then, of what moved furthest; None without any.

    The first column, apart from the others, holds rows without a value.
    """
    names = [_name(finding) for finding in _furthest(report, MOST_PANELS)]
    if not names:
        return None
    pairs = [report.pairs[name] for name in names]
    now, then = stacked([pair.now for pair in pairs]), stacked([pair.then for pair in pairs])
    places = deciles(then)
    tenths = zip(names, merged(now, places), merged(then, places), strict=True)
    panels = [
        pl.DataFrame({"now": is_now / is_now.sum(), "then": was / was.sum()}).with_columns(
            pl.lit(name.removeprefix(ANSWER_PREFIX)).alias("head"), pl.lit("").alias("class")
        )
        for name, is_now, was in tenths
    ]
    return grid(panels, _lie_panel, "missing, then deciles of the training rows, lowest to highest", "share of rows")


def _furthest(report: DriftReport, most: int) -> list[Finding]:
    """Return the inputs and answers with an index, largest first."""
    moved = [*report.of_kind("feature"), *report.of_kind("prediction")]
    known = [finding for finding in moved if finding.measured.effect is not None]
    return sorted(known, key=lambda finding: (-finding.effect, finding.measured.name))[:most]


def _name(finding: Finding) -> str:
    """Return the name that the sketches of a finding go by."""
    measured = finding.measured
    return f"{ANSWER_PREFIX}{measured.name}" if measured.kind == "prediction" else measured.name


def _bars(axes: "Axes", moved: list[Finding]) -> None:
    looks = {"critical": (ACCENT, ACCENT), "warning": (ACCENT, "none")}
    for height, finding in enumerate(moved):
        edge, fill = looks.get(finding.state, (MUTED, "none"))
        axes.barh(height, finding.effect, height=0.6, edgecolor=edge, facecolor=fill, linewidth=1.0)
    axes.set_yticks(range(len(moved)), [_name(finding).replace(ANSWER_PREFIX, "answer ") for finding in moved])
    axes.tick_params(axis="y", length=0, labelcolor=INK)


def _lie_panel(axes: "Axes", shares: pl.DataFrame) -> None:
    at = np.r_[-0.6, np.arange(1, DECILES + 1)]
    axes.bar(at, shares["now"].to_numpy(), width=0.8, color=ACCENT)
    axes.bar(at, shares["then"].to_numpy(), width=0.8, facecolor="none", edgecolor=INK, linewidth=0.8)
    axes.set(xlim=(-1.4, DECILES + 0.8), xticks=[-0.6, DECILES])
    axes.set_xticklabels(["none", "highest"])
    axes.grid(axis="y", color=HAIRLINE, linewidth=0.5)
    axes.set_axisbelow(True)
