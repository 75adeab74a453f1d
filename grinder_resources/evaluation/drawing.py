"""How figures are drawn: one style, one grid of panels, as SVG in a page's colours or as a small PNG for a run.

Same rows, same bytes: no dates, no random ids, no global state. Colours are Okabe and Ito's, distinguishable by
colour-blind readers, and nothing is told by colour alone. matplotlib is imported inside functions: it is slow to load.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

import polars as pl

from grinder_resources.evaluation.summary import target_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, HAIRLINE, ACCENT = "#1b1f24", "#6a737d", "#d9dee3", "#0072b2"
THEME = {INK: "var(--ink)", MUTED: "var(--muted)", HAIRLINE: "var(--hairline)", ACCENT: "var(--accent)"}
"""Colours of the figures, and the page's variable that replaces each of them in an SVG."""

PANELS_A_ROW = 4
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


Panel = Callable[["Axes", pl.DataFrame], None]
"""Draws the rows of one answer into its panel."""


def png(figure: "Figure") -> bytes:
    """Return the figure as PNG on white, 96 dots an inch, 48 colours: tens of kilobytes."""
    from PIL import Image

    drawn, packed = BytesIO(), BytesIO()
    with style():
        figure.savefig(drawn, format="png", dpi=96, facecolor="white")
    pixels = Image.open(drawn).convert("RGB")
    pixels.quantize(48, dither=Image.Dither.NONE).save(packed, format="png", optimize=True)
    return packed.getvalue()


def svg(figure: "Figure") -> str:
    """Return the figure as an SVG element for a page: transparent, in the page's font and colours."""
    with style():
        buffer = BytesIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue().decode()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text).replace("xlink:href", "href")
    text = text.replace("'DejaVu Sans'", "inherit")
    for colour, variable in THEME.items():
        text = text.replace(colour, variable)
    return text.strip()


def targets(frame: pl.DataFrame) -> list[pl.DataFrame]:
    """Return the rows of each answer, in their order."""
    return frame.partition_by("head", "class", maintain_order=True)


def grid(curves: Sequence[pl.DataFrame], panel: Panel, x_label: str, y_label: str) -> "Figure":
    """Lay out one panel a curve, PANELS_A_ROW a row, with shared axis labels; every figure is a whole row wide."""
    rows, used = math.ceil(len(curves) / PANELS_A_ROW), min(PANELS_A_ROW, len(curves))
    width, height = 0.6 + 2.0 * PANELS_A_ROW, 0.8 + 1.9 * rows
    with style():
        figure = empty_figure(width, height, left=0.6, bottom=0.5, wspace=0.4, hspace=0.35)
        flat = figure.subplots(rows, PANELS_A_ROW, squeeze=False).ravel().tolist()
        for axes, curve in zip(flat, curves, strict=False):
            panel(axes, curve)
            axes.set_title(target_label(*curve.select("head", "class").row(0)))
        for axes in flat[len(curves) :]:
            axes.set_axis_off()
        figure.supxlabel(x_label, color=MUTED, fontsize=8, x=(0.6 + used) / width, y=0.08 / height)
        figure.supylabel(y_label, color=MUTED, fontsize=8, x=0.02 / width)
    return figure


def empty_figure(width: float, height: float, *, left: float, bottom: float, **gaps: float) -> "Figure":
    """Return an empty figure of that many inches, with `left` and `bottom` inches for labels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white")
    edges = {"left": left / width, "right": 1 - 0.1 / width, "bottom": bottom / height, "top": 1 - 0.25 / height}
    figure.subplots_adjust(**edges, **gaps)
    return figure


@contextmanager
def style() -> Iterator[None]:
    """Draw with matplotlib's defaults and STYLE, whatever the process has set."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)  # type: ignore[arg-type]
        yield
