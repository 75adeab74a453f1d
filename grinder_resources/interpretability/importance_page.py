"""The importance page and figure: which inputs move which answers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from grinder_resources.evaluation.cells import DASH
from grinder_resources.evaluation.document import (
    Column,
    Markup,
    element,
    facts,
    folded,
    head,
    page,
    picture,
    section,
    table,
    tiles,
    verdict,
)
from grinder_resources.evaluation.drawing import ACCENT, HAIRLINE, INK, MUTED, empty_figure, png, style, svg
from grinder_resources.evaluation.summary import target_label
from grinder_resources.interpretability.importance import Importance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 18
"""Inputs in the figure."""

HOW_TO_READ = (
    "The importance of an input is the mean size of its exact Shapley value (TreeSHAP, XGBoost's own) in units of "
    "margin, over the open rows of days the model was not fitted on. Shares are of all movement of an answer. "
    "Direction is the rank correlation of value and contribution: near 1, larger values raise the answer; near 0 the "
    "relation is not a line. Importance is what the trees use, not what causes anything: inputs that say the same "
    "share it."
)
CAPTION = (
    "Shares of all movement of each answer, in percent; the darker, the more. Inputs by their mean share, the largest "
    "first."
)


def importance_page(found: Importance, doc: str, provenance: Mapping[str, str]) -> str:
    """Return the page; `doc` is the spec's one-line description, `provenance` label -> text."""
    answers = found.rows.select("head", "class").unique(maintain_order=True)
    parts = [
        head("Importance", found.model, doc),
        verdict(found.sentence, "What the trees use; not what moves the price.", good=True),
        _tiles(found, answers.height),
        section(
            "What moves which answer",
            element("p", HOW_TO_READ, "note"),
            picture(svg(importance_figure(found.rows)), CAPTION),
        ),
        section("Every input of every answer", *(_answer(found.rows, *row) for row in answers.iter_rows())),
        section("Provenance", facts({"Artifact": f"{found.folder}, {found.model_hash}", **provenance})),
    ]
    return page(f"{found.model}: importance", *parts)


def importance_png(found: Importance) -> bytes:
    """Return the figure as PNG."""
    return png(importance_figure(found.rows))


def importance_figure(rows: pl.DataFrame) -> "Figure":
    """Draw the share of each input in the movement of each answer, the inputs that move most on average first."""
    mean = rows.group_by("input").agg(pl.col("share_bps").sum()).sort("share_bps", "input", descending=[True, False])
    inputs = mean["input"].to_list()[:SHOWN]
    answers = list(rows.select("head", "class").unique(maintain_order=True).iter_rows())
    shares = {(name, (top, output)): bps for top, output, name, bps in _cells(rows)}
    with style():
        figure = empty_figure(8.6, 1.35 + 0.24 * len(inputs), left=2.35, bottom=0.1)
        figure.subplots_adjust(top=1 - 1.15 / (1.35 + 0.24 * len(inputs)))
        axes = figure.subplots()
        _draw(axes, inputs, answers, shares)
    return figure


def _cells(rows: pl.DataFrame) -> Sequence[tuple[str, str, str, int]]:
    return list(rows.select("head", "class", "input", "share_bps").iter_rows())


def _draw(
    axes: "Axes",
    inputs: Sequence[str],
    answers: Sequence[tuple[str, str]],
    shares: Mapping[tuple[str, tuple[str, str]], int],
) -> None:
    from matplotlib.patches import Rectangle

    most = max(*shares.values(), 1)
    for line, name in enumerate(inputs):
        for place, answer in enumerate(answers):
            share = shares[name, answer]
            cell = Rectangle(
                (place - 0.48, line - 0.46), 0.96, 0.92, color=ACCENT, alpha=0.85 * share / most, linewidth=0
            )
            axes.add_patch(cell)
            if share >= 100:
                axes.text(place, line, f"{share / 100:.0f}", ha="center", va="center", fontsize=6.5, color=INK)
    axes.set(xlim=(-0.5, max(len(answers), 6) + 0.5), ylim=(len(inputs) - 0.5, -0.5))
    axes.set_yticks(range(len(inputs)), inputs, color=INK)
    axes.set_xticks(range(len(answers)), [target_label(*one) for one in answers], rotation=40, ha="left", color=MUTED)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.hlines(
        [line + 0.5 for line in range(len(inputs) - 1)], -0.5, len(answers) - 0.5, color=HAIRLINE, linewidth=0.5
    )


def _tiles(found: Importance, answers: int) -> Markup:
    return tiles(
        {
            "answers": str(answers),
            "inputs": str(found.rows["input"].n_unique()),
            "inputs that move nothing": str(_unused(found.rows)),
            "test days": str(len(found.days)),
            "open rows": f"{max(found.rows['rows'].to_list()):,}",
        }
    )


def _unused(rows: pl.DataFrame) -> int:
    return rows.group_by("input").agg(pl.col("mean_abs_x1e6").max()).filter(pl.col("mean_abs_x1e6") == 0).height


def _answer(rows: pl.DataFrame, name: str, output: str) -> Markup:
    own = rows.filter(pl.col("head") == name, pl.col("class") == output, pl.col("mean_abs_x1e6") > 0).sort("rank")
    columns = (
        Column("Input", "name"),
        Column("Share", "number", "of all movement of the answer"),
        Column("Mean size", "number", "of the contribution, in units of margin"),
        Column("Mean", "number", "contribution, in units of margin"),
        Column("Direction", "number", "rank correlation of value and contribution"),
    )
    cells = [
        (
            row["input"],
            f"{row['share_bps'] / 100:.1f} %",
            f"{row['mean_abs_x1e6'] / 1e6:.4f}",
            f"{row['mean_x1e6'] / 1e6:+.4f}",
            DASH if row["direction_ppm"] is None else f"{row['direction_ppm'] / 1e6:+.2f}",
        )
        for row in own.iter_rows(named=True)
    ]
    return folded(f"{target_label(name, output)}, {own.height} inputs", table(columns, cells))


def leading_inputs(found: Importance, count: int) -> list[dict[str, object]]:
    """Return the `count` inputs that move each answer most, one row an answer, for the UI."""
    top = found.rows.filter(pl.col("rank") <= count, pl.col("mean_abs_x1e6") > 0).sort("head", "class", "rank")
    told = pl.concat_str("input", pl.lit(" "), (pl.col("share_bps") / 100).round(0).cast(pl.Int32), pl.lit(" %"))
    lines = top.group_by("head", "class", maintain_order=True).agg(told.str.join(", ").alias("inputs"))
    return [{"answer": target_label(name, output), "inputs": inputs} for name, output, inputs in lines.iter_rows()]
