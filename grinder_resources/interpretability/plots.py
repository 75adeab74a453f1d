"""Figures of an explanation: what moved the margin, and the step it lands on."""

from typing import TYPE_CHECKING

from grinder_resources.contracts.artifacts import LEAF_GRID_BITS
from grinder_resources.contracts.calibration import StepTable
from grinder_resources.evaluation.drawing import ACCENT, HAIRLINE, INK, MUTED, empty_figure, style
from grinder_resources.interpretability.answers import Answer, Input
from grinder_resources.interpretability.words import value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN_INPUTS = 12


def moved_figure(answer: Answer, table: StepTable | None) -> "Figure":
    """Draw the inputs that moved the margin most, and beside them the calibration table with the row's place on it.

    table
        None for a regression, which has none.
    """
    shown = answer.movers[:SHOWN_INPUTS][::-1]
    with style():
        figure = empty_figure(8.6, 0.75 + 0.23 * max(8, len(shown)), left=2.65, bottom=0.4, wspace=0.22)
        left, right = figure.subplots(1, 2, width_ratios=(1.0, 0.9))
        _moves(left, shown)
        _steps(right, answer, table)
    return figure


def _moves(axes: "Axes", shown: tuple[Input, ...]) -> None:
    if not shown:
        axes.set_axis_off()
        axes.set_title("No input moved the margin")
        return
    moved = [one.contribution for one in shown]
    axes.barh(range(len(shown)), moved, height=0.62, color=[ACCENT if move > 0 else MUTED for move in moved])
    axes.axvline(0.0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(shown)), [f"{one.name} = {value(one.value)}" for one in shown], color=INK)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=5)
    axes.set(title="What moved the margin", xlabel="contribution to the margin")


def _steps(axes: "Axes", answer: Answer, table: StepTable | None) -> None:
    axes.set(title="From margin to probability")
    if table is None:
        axes.set_axis_off()
        axes.set_title("A regression has no calibration")
        return
    cuts = [cut / (1 << LEAF_GRID_BITS) for cut in table.cuts_q16]
    first, last = min([*cuts, answer.scale]) - 0.4, max([*cuts, answer.scale]) + 0.4
    shares = [bps / 100 for bps in table.values_bps]
    axes.stairs(shares, [first, *cuts, last], baseline=None, color=MUTED, linewidth=1.2)
    here = (answer.step.bps if answer.step else 0) / 100
    axes.vlines(answer.scale, 0, here, color=ACCENT, linewidth=0.9, linestyle=(0, (1, 2)))
    axes.hlines(here, first, answer.scale, color=ACCENT, linewidth=0.9, linestyle=(0, (1, 2)))
    axes.plot(answer.scale, here, marker="o", markersize=5, color=ACCENT)
    axes.set(xlim=(first, last), ylim=(0, 100), xlabel="margin, or lead over the next class", ylabel="%")
    axes.grid(axis="y", color=HAIRLINE, linewidth=0.5)
    axes.set_axisbelow(True)
