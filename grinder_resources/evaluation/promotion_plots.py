"""The figure of a promotion: each answer's Sharpe ratio beside the luck of so many trials, and where winners end up."""

from typing import TYPE_CHECKING

import numpy as np

from grinder_resources.evaluation.drawing import ACCENT, HAIRLINE, INK, MUTED, empty_figure, png, style
from grinder_resources.evaluation.overfitting import Overfitting
from grinder_resources.evaluation.promotion import Promotion

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RANK_BINS = 20


def promotion_png(found: Promotion) -> bytes | None:
    """Return the figure as PNG; None where no answer has a Sharpe ratio."""
    figure = evidence(found)
    return None if figure is None else png(figure)


def evidence(found: Promotion) -> "Figure | None":
    """Draw Sharpe ratios of every answer, and of the winners of half the hours their rank in the other half.

    Full dots have a deflated Sharpe ratio above the gate, hollow ones have not. None where there is no Sharpe ratio.
    """
    if all(answer.sharpe is None for answer in found.answers):
        return None
    panels = 2 if found.overfitting else 1
    height = 0.75 + 0.23 * max(6, len(found.answers))
    with style():
        figure = empty_figure(4.6 * panels, height, left=1.5, bottom=0.4, wspace=0.25)
        flat = figure.subplots(1, panels, squeeze=False).ravel().tolist()
        _sharpe_panel(flat[0], found)
        if found.overfitting:
            _rank_panel(flat[1], found.overfitting)
    return figure


def _sharpe_panel(axes: "Axes", found: Promotion) -> None:
    rated = sorted((answer.sharpe, answer.label, answer.dsr) for answer in found.answers if answer.sharpe is not None)
    for height, (sharpe, _, dsr) in enumerate(rated):
        clears = dsr is not None and dsr >= found.gates.min_dsr
        (dot,) = axes.plot(sharpe, height, marker="o", markersize=4.5, color=ACCENT if clears else MUTED)
        dot.set_markerfacecolor(ACCENT if clears else "none")
    axes.axvline(0.0, color=INK, linewidth=0.8, zorder=0.5)
    if found.sharpe_by_luck is not None:
        axes.axvline(found.sharpe_by_luck, color=INK, linewidth=0.8, linestyle=":", zorder=0.5)
    axes.set(title="Sharpe ratio per hour (dotted: luck of the trials)", yticks=range(len(rated)))
    axes.set_ylim(-0.7, max(5, len(rated)) - 0.3)
    axes.set_yticklabels([label for _, label, _ in rated], color=INK)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color=HAIRLINE, linewidth=0.5)
    axes.set_axisbelow(True)


def _rank_panel(axes: "Axes", overfitting: Overfitting) -> None:
    rank = 1.0 / (1.0 + np.exp(-overfitting.logits))
    share = np.histogram(rank, RANK_BINS, range=(0.0, 1.0))[0] / len(rank)
    left = np.arange(RANK_BINS) / RANK_BINS
    colours = [ACCENT if place >= 0.5 else MUTED for place in left]
    axes.bar(left, share, width=0.9 / RANK_BINS, align="edge", color=colours)
    axes.axvline(0.5, color=INK, linewidth=0.8)
    axes.set(title="Rank of half the hours' best trial in the other half", xlim=(0.0, 1.04), yticks=[])
    axes.set_xticks([0.0, 0.5, 1.0], labels=["worst", "median", "best"])
    axes.spines["left"].set_visible(False)
