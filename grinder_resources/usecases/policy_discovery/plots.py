"""The figure of a discovery: how often rules hold against what they add, and what training promised of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from grinder_resources.evaluation.drawing import ACCENT, INK, MUTED, empty_figure, png, style
from grinder_resources.usecases.policy_discovery.book import RuleBook
from grinder_resources.usecases.policy_discovery.rules import JudgedRule

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_NAMES = 16
"""With more rules their names would cover each other."""


def rules_png(book: RuleBook) -> bytes | None:
    """Return the figure as PNG; None where no rule was tested."""
    figure = rules_figure(book)
    return png(figure) if figure else None


def rules_figure(book: RuleBook) -> "Figure | None":
    """Draw every tested rule, kept ones full; None where there is none."""
    tested = [rule for rule in book.rules if rule.evidence]
    if not tested:
        return None
    with style():
        figure = empty_figure(8.6, 3.2, left=0.6, bottom=0.5, wspace=0.26)
        left, right = figure.subplots(1, 2)
        _support(left, tested)
        _promised(right, tested)
        for axes in (left, right):
            axes.axhline(0, color=INK, linewidth=0.8)
            axes.set_ylabel("lift on the later days, bps of capital a window")
    return figure


def _support(axes: "Axes", tested: Sequence[JudgedRule]) -> None:
    for rule in tested:
        assert rule.evidence
        low, high = rule.evidence.low_x1000 / 1_000, rule.evidence.high_x1000 / 1_000
        axes.plot(
            [rule.later.rows] * 2, [low, high], color=_colour(rule), linewidth=1.4 if rule.kept else 0.9, zorder=1
        )
        _dot(axes, rule, rule.later.rows, named=len(tested) <= MOST_NAMES)
    axes.set(title="Support and lift", xlabel="windows of the later days in which the rule holds")
    axes.set_xlim(0, 1.12 * max(rule.later.rows for rule in tested))


def _promised(axes: "Axes", tested: Sequence[JudgedRule]) -> None:
    promised = [rule.rule.training.lift_x1000 / 1_000 for rule in tested]
    ends = [min(0.0, *promised), max(0.0, *promised)]
    axes.plot(ends, ends, color=MUTED, linewidth=1.0, linestyle=(0, (4, 2)), zorder=0)
    for rule, lift in zip(tested, promised, strict=True):
        _dot(axes, rule, lift, named=len(tested) <= MOST_NAMES)
    axes.set(title="What training promised", xlabel="lift on the earlier days, bps of capital a window")


def _dot(axes: "Axes", rule: JudgedRule, x: float, *, named: bool) -> None:
    y, colour = rule.later.lift_x1000 / 1_000, _colour(rule)
    axes.plot([x], [y], marker="o", markersize=5, color=colour, markerfacecolor=colour if rule.kept else "none")
    if named:
        axes.annotate(
            rule.rule.name, (x, y), xytext=(5, 3), textcoords="offset points", fontsize=7, color=colour, zorder=3
        )


def _colour(rule: JudgedRule) -> str:
    return ACCENT if rule.kept else MUTED
