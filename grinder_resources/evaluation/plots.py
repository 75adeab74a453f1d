"""Figures of the report tables, drawn alike for a page (SVG in the page's colours) and for a run (PNG).

Same rows, same bytes: no dates, no random ids, no global state. Colours are Okabe and Ito's, distinguishable by
colour-blind readers, and nothing is told by colour alone. matplotlib is imported inside functions: it is slow to load.
"""

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

import polars as pl

from grinder_resources.evaluation.summary import (
    Report,
    by_fold,
    equal_mass_bins,
    modes_of,
    pooled,
    reference_of,
    standing,
    target_label,
)
from grinder_resources.learning.metrics import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, HAIRLINE, ACCENT = "#1b1f24", "#6a737d", "#d9dee3", "#0072b2"
THEME = {INK: "var(--ink)", MUTED: "var(--muted)", HAIRLINE: "var(--hairline)", ACCENT: "var(--accent)"}
"""Colours of the figures, and the page's variable that replaces each of them in an SVG."""

PANELS_A_ROW = 4
AXIS_ENDS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Where the axes of a reliability panel may end."""

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "text.color": INK,
    "axes.edgecolor": HAIRLINE,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 8.0,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": HAIRLINE,
    "ytick.color": HAIRLINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "svg.fonttype": "none",
    "svg.hashsalt": "grinder",
}


def walk_forward_png(report: Report) -> bytes | None:
    """Return the leading mode's AUC and skill against chance as PNG, or nothing where no answer was scored."""
    figures = (forest(report.scores, report.verdicts, mode) for mode in modes_of(report.scores)[:1])
    return next((png(figure) for figure in figures if figure is not None), None)


def reliability_png(report: Report) -> bytes | None:
    """Return the leading mode's reliability curves as PNG, or nothing where there is no probability."""
    figures = (reliability_grid(report.calibration, mode) for mode in modes_of(report.calibration)[:1])
    return next((png(figure) for figure in figures if figure is not None), None)


def reliability_grid(calibration: pl.DataFrame, mode: str) -> "Figure | None":
    """Draw observed frequency against predicted probability, one panel an answer; None without rows.

    Dots are bins of equal counts with their 95 % Wilson interval, which takes rows as independent and so is at best as
    wide as the truth. The dotted diagonal is perfect calibration. Axes end where the answer's probabilities do.
    """
    bins = equal_mass_bins(calibration, mode)
    if bins.is_empty():
        return None
    return _grid(_targets(bins), _reliability_panel, "predicted probability", "observed frequency")


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

    return _grid(_targets(folds), panel, "fold", "skill over the reference")


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
    with _style():
        figure = _figure(8.6, 0.5 + 0.23 * len(order), left=1.5, bottom=0.25, wspace=0.3)
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


def png(figure: "Figure") -> bytes:
    """Return the figure as PNG on white, 96 dots an inch, 48 colours: tens of kilobytes."""
    from PIL import Image

    drawn, packed = BytesIO(), BytesIO()
    with _style():
        figure.savefig(drawn, format="png", dpi=96, facecolor="white")
    pixels = Image.open(drawn).convert("RGB")
    pixels.quantize(48, dither=Image.Dither.NONE).save(packed, format="png", optimize=True)
    return packed.getvalue()


def svg(figure: "Figure") -> str:
    """Return the figure as an SVG element for a page: transparent, in the page's font and colours."""
    with _style():
        buffer = BytesIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue().decode()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text).replace("xlink:href", "href")
    text = text.replace("'DejaVu Sans'", "inherit")
    for colour, variable in THEME.items():
        text = text.replace(colour, variable)
    return text.strip()


def _targets(frame: pl.DataFrame) -> list[pl.DataFrame]:
    return frame.partition_by("head", "class", maintain_order=True)


def _grid(curves: Sequence[pl.DataFrame], panel: Any, x_label: str, y_label: str) -> "Figure":
    """Lay out one panel a curve, PANELS_A_ROW a row, with shared axis labels."""
    columns = min(PANELS_A_ROW, len(curves))
    rows = math.ceil(len(curves) / columns)
    with _style():
        figure = _figure(0.6 + 2.0 * columns, 0.8 + 1.9 * rows, left=0.6, bottom=0.5, wspace=0.4, hspace=0.35)
        flat = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
        for axes, curve in zip(flat, curves, strict=False):
            panel(axes, curve)
            axes.set_title(target_label(*curve.select("head", "class").row(0)))
        for axes in flat[len(curves) :]:
            axes.set_axis_off()
        figure.supxlabel(x_label, color=MUTED, fontsize=8, y=0.08 / figure.get_figheight())
        figure.supylabel(y_label, color=MUTED, fontsize=8, x=0.02 / figure.get_figwidth())
    return figure


def _reliability_panel(axes: "Axes", curve: pl.DataFrame) -> None:
    rows, predicted, observed = (curve[name].to_numpy() for name in ("rows", "predicted", "observed"))
    low, high = wilson(observed * rows, rows)
    top = next(limit for limit in AXIS_ENDS if limit >= max(predicted.max(), observed.max()))
    axes.plot([0, top], [0, top], color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    axes.vlines(predicted, low, high, color=ACCENT, linewidth=1.0, alpha=0.55)
    axes.plot(predicted, observed, color=ACCENT, linewidth=1.1, marker="o", markersize=3.2, clip_on=False)
    axes.set(xlim=(0, top), ylim=(0, top))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks([0, top / 2, top], ["0", f"{top / 2:g}", f"{top:g}"])
    gap = float((rows * abs(predicted - observed)).sum() / rows.sum())
    axes.text(0.04, 0.9, f"gap {gap:.3f}", transform=axes.transAxes, color=MUTED, fontsize=7)


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


def wilson(successes: Floats, trials: Floats) -> tuple[Floats, Floats]:
    """Return the bounds of the 95 % score interval of a share (Wilson 1927), float64 [n] each; `trials` > 0."""
    z = 1.959963984540054
    share = successes / trials
    spread = z * (share * (1 - share) / trials + z**2 / (4 * trials**2)) ** 0.5
    centre, scale = share + z**2 / (2 * trials), 1 + z**2 / trials
    return (centre - spread) / scale, (centre + spread) / scale


def _figure(width: float, height: float, *, left: float, bottom: float, **gaps: float) -> "Figure":
    """Return an empty figure of that many inches, with `left` and `bottom` inches for labels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white")
    edges = {"left": left / width, "right": 1 - 0.1 / width, "bottom": bottom / height, "top": 1 - 0.25 / height}
    figure.subplots_adjust(**edges, **gaps)
    return figure


@contextmanager
def _style() -> Iterator[None]:
    """Draw with matplotlib's defaults and STYLE, whatever the process has set."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)  # type: ignore[arg-type]
        yield
