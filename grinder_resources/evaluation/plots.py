"""Figures of a walk-forward: every answer against chance, and fold by fold."""

from typing import TYPE_CHECKING, Any

import polars as pl

from grinder_resources.evaluation.drawing import ACCENT, HAIRLINE, INK, MUTED, empty_figure, grid, png, style, targets
from grinder_resources.evaluation.summary import (
    Report,
    by_fold,
    modes_of,
    pooled,
    reference_of,
    standing,
    target_label,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def walk_forward_png(report: Report) -> bytes | None:
    """Return the leading mode's AUC and skill against chance as PNG, or nothing where no answer was scored."""
    figures = (forest(report.scores, report.verdicts, mode) for mode in modes_of(report.scores)[:1])
    return next((png(figure) for figure in figures if figure is not None), None)


def fold_grid(scores: pl.DataFrame, mode: str) -> "Figure | None":
    """Draw skill against fold, one panel an answer, with its 95 % interval; None without rows. 0 is the reference."""
    folds = by_fold(scores, mode).filter(pl.col("metric") == "skill", pl.col("value").is_finite())
    if folds.is_empty():
        return None
    low, high = min(0.0, folds["value"].quantile(0.02) or 0.0), max(0.0, *folds["value"])
    margin = 0.15 * max(high - low, 0.02)

    def panel(axes: "Axes", curve: pl.DataFrame) -> None:
        _fold_panel(axes, curve)
        axes.set_ylim(low - margin, high + margin)

    return grid(targets(folds), panel, "fold", "skill over the reference")


def forest(scores: pl.DataFrame, verdicts: pl.DataFrame, mode: str) -> "Figure | None":
    """Draw pooled AUC and skill of every answer with 95 % intervals beside coin toss and reference; None without rows.

    Full dots clear both, hollow ones do not.
    """
    found = pooled(scores, mode).filter(pl.col("metric").is_in(["auc", "skill"]), pl.col("value").is_finite())
    if found.is_empty():
        return None
    of_mode = verdicts.filter(pl.col("mode") == mode).iter_rows(named=True)
    edges = {(row["head"], row["class"]) for row in of_mode if standing(row) == "edge"}
    by_skill = found.filter(pl.col("metric") == "skill").sort("value", "head", "class")
    order = list(by_skill.select("head", "class").iter_rows())
    with style():
        figure = empty_figure(8.6, 0.5 + 0.23 * len(order), left=1.5, bottom=0.25, wspace=0.3)
        left, right = figure.subplots(1, 2, sharey=True)
        _dots(left, found.filter(pl.col("metric") == "auc"), order, edges)
        _dots(right, by_skill, order, edges)
        left.set(title="Area under the ROC curve (0.5 = coin toss)", yticks=range(len(order)))
        left.set_yticklabels([target_label(*target) for target in order], color=INK)
        right.set(title=f"Skill over {reference_of(verdicts)}")
        for axes, chance in ((left, 0.5), (right, 0.0)):
            axes.axvline(chance, color=INK, linewidth=0.8, zorder=0.5)
            axes.locator_params(axis="x", nbins=6)
    return figure


def _fold_panel(axes: "Axes", curve: pl.DataFrame) -> None:
    folds, skill = curve["fold"].to_numpy(), curve["value"].to_numpy()
    known = curve.drop_nulls(["low", "high"])
    axes.axhline(0, color=INK, linewidth=0.8)
    where, low, high = (known[name].to_numpy() for name in ("fold", "low", "high"))
    axes.vlines(where, low, high, color=ACCENT, linewidth=1.0, alpha=0.55)
    axes.plot(folds, skill, color=ACCENT, linewidth=1.1, marker="o", markersize=3.2)
    axes.set(xlim=(folds.min() - 0.5, folds.max() + 0.5))
    axes.locator_params(axis="x", integer=True, nbins=6)
    axes.locator_params(axis="y", nbins=4)


def _dots(axes: "Axes", found: pl.DataFrame, order: list[tuple[Any, ...]], edges: set[tuple[str, str]]) -> None:
    """Draw value and interval of each row of `found` at the height its target has in `order`."""
    for row in found.iter_rows(named=True):
        target = (row["head"], row["class"])
        height, colour = order.index(target), ACCENT if target in edges else MUTED
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [height, height], color=colour, linewidth=1.4, solid_capstyle="round")
        (dot,) = axes.plot(row["value"], height, marker="o", markersize=4.5, markeredgewidth=1.2, color=colour)
        dot.set_markerfacecolor(colour if target in edges else "none")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color=HAIRLINE, linewidth=0.5)
    axes.set_axisbelow(True)
