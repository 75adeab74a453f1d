"""The figure of a study: what every trial scored, in their order, and which parameters made the difference."""

from itertools import accumulate
from typing import TYPE_CHECKING

from grinder_resources.evaluation.drawing import ACCENT, HAIRLINE, INK, MUTED, empty_figure, png, style
from grinder_resources.tuning.backend import Outcome
from grinder_resources.tuning.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def study_png(study: Study) -> bytes | None:
    """Return the figure as PNG; None where no trial has a score."""
    figure = study_figure(study)
    return None if figure is None else png(figure)


def study_figure(study: Study) -> "Figure | None":
    """Draw the history of a study beside the importance of its parameters; None where no trial has a score.

    Full dots are complete trials, hollow ones were given up; the line is the best so far, dotted is what is in force.
    """
    if not any(outcome.score is not None for outcome in study.outcomes):
        return None
    panels = 2 if study.importance else 1
    with style():
        figure = empty_figure(4.6 * panels, 2.8, left=0.6, bottom=0.45, wspace=0.55)
        flat = figure.subplots(1, panels, squeeze=False).ravel().tolist()
        _history(flat[0], study)
        if study.importance:
            _importance(flat[1], study)
    return figure


def _history(axes: "Axes", study: Study) -> None:
    scored = [outcome for outcome in study.outcomes if outcome.score is not None]
    for outcome in scored:
        whole = outcome.state == "complete"
        (dot,) = axes.plot(
            outcome.number, outcome.score or 0.0, marker="o", markersize=4, color=ACCENT if whole else MUTED
        )
        dot.set_markerfacecolor(ACCENT if whole else "none")
    complete = [outcome for outcome in scored if outcome.state == "complete"]
    axes.step([outcome.number for outcome in complete], _best_so_far(study, complete), where="post", color=ACCENT)
    if study.judgement.base and study.judgement.base.score is not None:
        axes.axhline(study.judgement.base.score, color=INK, linewidth=0.8, linestyle=":", zorder=0.5)
    for failed in (outcome.number for outcome in study.outcomes if outcome.state == "failed"):
        axes.axvline(failed, color=MUTED, linewidth=0.8, linestyle="--")
    axes.set(title=f"{study.objective} by trial (dotted: in force)", xlabel="trial")
    axes.grid(axis="y", color=HAIRLINE, linewidth=0.5)
    axes.set_axisbelow(True)


def _best_so_far(study: Study, complete: list[Outcome]) -> list[float]:
    better = max if study.maximise else min
    return list(accumulate((outcome.score or 0.0 for outcome in complete), better))


def _importance(axes: "Axes", study: Study) -> None:
    shares = list(study.importance.items())[::-1]
    axes.barh(range(len(shares)), [share for _, share in shares], height=0.6, color=ACCENT)
    axes.set(title="Importance of each parameter", yticks=range(len(shares)), xlim=(0.0, 1.0))
    axes.set_yticklabels([name.replace("_", " ") for name, _ in shares], color=INK)
    axes.tick_params(axis="y", length=0)
