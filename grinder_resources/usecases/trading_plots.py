"""Figures of trading: money over time and its falls, fills on the price, and a surface of what each grid earned.

Frames come in the shapes of `contracts.simulation`, with a text column `policy` that says whose they are:

=================  =============================================================================
figure             reads
=================  =============================================================================
equity_figure      policy, ts_ns, equity: from `equity_of`, or sums of anything, in one unit
fills_figure       NAV and FILLS of one instrument with `policy`, an episode after the other
surface_figure     one row a cell: two columns that name it, and its value
=================  =============================================================================

Policies are drawn in the order in which they first stand in a frame, the last of them in the accent colour: put what is
compared first, and what it is compared with last. An empty frame gives an empty figure, not an error.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.evaluation.drawing import ACCENT, HAIRLINE, INK, MUTED, empty_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NS_PER_HOUR = 3_600 * NS_PER_SECOND
LONGEST_IN_HOURS = 48
"""Longer stretches are drawn in days."""

SOLD = "#d55e00"
LINES: tuple[dict[str, Any], ...] = (
    {"color": MUTED, "linestyle": (0, (4, 2)), "linewidth": 1.2},
    {"color": INK, "linestyle": (0, (1, 1.5)), "linewidth": 1.2},
    {"color": "#009e73", "linestyle": "-", "linewidth": 1.2},
    {"color": SOLD, "linestyle": (0, (6, 1.5, 1, 1.5)), "linewidth": 1.2},
    {"color": "#cc79a7", "linestyle": "-", "linewidth": 1.2},
)
"""Lines of all policies but the last."""
LAST: dict[str, Any] = {"color": ACCENT, "linestyle": "-", "linewidth": 1.6}

MOST_LABELLED = 120
"""With more cells than this a surface shows colours without numbers."""


def equity_of(nav: pl.DataFrame, capital_micros: int) -> pl.DataFrame:
    """Return policy, ts_ns, equity (bps of capital) of one instrument, each episode going on where the last ended.

    nav
        NAV rows with `policy`. Episodes of a policy must not overlap in time.
    capital_micros
        What 10,000 bps are; > 0.
    """
    order = ["policy", "episode", "ts_ns"]
    steps = pl.col("nav_micros") - pl.col("nav_micros").shift(1, fill_value=0).over("policy", "episode")
    in_order = nav.with_columns(rank=pl.col("policy").rle_id()).sort("rank", *order[1:], maintain_order=True)
    money = in_order.select("policy", "ts_ns", equity=steps.cum_sum().over("policy") * (10_000 / capital_micros))
    # where an episode ends as the next one starts, the later row holds both
    return money.unique(["policy", "ts_ns"], keep="last", maintain_order=True)


def equity_figure(equity: pl.DataFrame, *, unit: str = "bps of capital") -> "Figure":
    """Draw money over time, a line a policy, and below how far each stands under its highest so far.

    equity
        policy, ts_ns, equity: in `unit`, in time order within a policy.
    """
    with style():
        figure = empty_figure(8.6, 4.2, left=0.6, bottom=0.5, hspace=0.28)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
        clock = _Clock(equity["ts_ns"])
        lines = _lines(equity)
        for name, look in lines.items():
            of_policy = equity.filter(pl.col("policy") == name)
            times, money = clock.of(of_policy["ts_ns"]), of_policy["equity"].to_numpy()
            above.plot(times, money, label=name, **look)
            below.plot(times, money - np.maximum.accumulate(np.append(0.0, money))[1:], **look)
        for axes in (above, below):
            axes.axhline(0, color=HAIRLINE, linewidth=0.8, zorder=0)
            axes.locator_params(axis="y", nbins=5)
        above.set_title(f"Money so far, {unit}")
        below.set(title=f"Below the highest so far, {unit}", xlabel=clock.label)
        _legend(above, len(lines))
    return figure


def fills_figure(nav: pl.DataFrame, fills: pl.DataFrame, *, tick_size: float = 1.0) -> "Figure":
    """Draw the mid and every fill on it, one panel a policy: bought below, sold above, hollow at the market.

    nav, fills
        NAV and FILLS of one instrument with `policy`.
    tick_size
        Quote currency a tick; 1 = prices in ticks.
    """
    names = list(_lines(nav)) or [""]
    with style():
        figure = empty_figure(8.6, 0.7 + 1.7 * len(names), left=0.75, bottom=0.5, hspace=0.35)
        panels = figure.subplots(len(names), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        clock = _Clock(nav["ts_ns"])
        for axes, name in zip(panels, names, strict=True):
            own, filled = (frame.filter(pl.col("policy") == name) for frame in (nav, fills))
            mids = own.unique("ts_ns", keep="first", maintain_order=True).sort("ts_ns")
            axes.plot(
                clock.of(mids["ts_ns"]), mids["mid_half_ticks"].to_numpy() * tick_size / 2, color=MUTED, linewidth=0.7
            )
            _marks(axes, filled, clock, tick_size)
            axes.set_title(f"{name}: {filled.height:,} fills")
            axes.locator_params(axis="y", nbins=4)
            axes.ticklabel_format(axis="y", useOffset=False)
        panels[-1].set_xlabel(clock.label)
        _legend(panels[0], 4)
    return figure


def surface_figure(
    cells: pl.DataFrame, rows: str, columns: str, value: str, *, labels: tuple[str, str] = ("", ""), digits: int = 1
) -> "Figure":
    """Draw a heat map with its numbers: blue earned, orange lost, white 0; the best cell of each row is framed.

    cells
        One row a cell, at most one for each pair; cells without a row or with null stay empty.
    rows, columns
        The columns that name a cell, e.g. a regime and a spacing. They stand in sorted order; texts in their order of
        appearance.
    value
        The number, e.g. bps of capital a window.
    labels
        What the two axes are called, columns first; their names where empty.
    """
    across, down = (_headings(cells[name]) for name in (columns, rows))
    grid = np.full((len(down), len(across)), np.nan)
    for row, column, number in cells.select(rows, columns, value).drop_nulls().iter_rows():
        grid[down.index(row), across.index(column)] = number
    with style():
        figure = empty_figure(8.6, 0.9 + 0.34 * max(1, len(down)), left=1.3, bottom=0.5)
        axes = figure.subplots()
        if grid.size:
            _cells(axes, grid, digits)
        axes.set_xticks(range(len(across)), [_named(item) for item in across])
        axes.set_yticks(range(len(down)), [_named(item) for item in down])
        axes.set(xlabel=labels[0] or columns, ylabel=labels[1] or rows)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    return figure


class _Clock:
    """Hours of the first day, UTC, or days since its midnight where a stretch is long."""

    def __init__(self, ts_ns: pl.Series) -> None:
        first, last = (int(bound) if bound is not None else 0 for bound in (ts_ns.min(), ts_ns.max()))  # type: ignore[arg-type]
        day = 24 * NS_PER_HOUR
        self._midnight = first - first % day
        long = last - self._midnight > LONGEST_IN_HOURS * NS_PER_HOUR
        self._unit = day if long else NS_PER_HOUR
        shown = pl.Series([self._midnight]).cast(pl.Datetime("ns")).dt.strftime("%Y-%m-%d").item()
        self.label = f"{'days' if long else 'hours'} since {shown}, UTC"

    def of(self, ts_ns: pl.Series) -> "np.ndarray[Any, np.dtype[np.float64]]":
        return (ts_ns.to_numpy() - self._midnight) / self._unit


def _lines(frame: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the look of every policy, in order of appearance."""
    names: Sequence[str] = frame["policy"].unique(maintain_order=True).to_list()
    return {name: LAST if name == names[-1] else LINES[place % len(LINES)] for place, name in enumerate(names)}


def _marks(axes: "Axes", fills: pl.DataFrame, clock: _Clock, tick_size: float) -> None:
    """Put a mark a fill; as pixels, for a day may hold thousands."""
    for side, marker, colour, verb in ((1, "^", ACCENT, "bought"), (-1, "v", SOLD, "sold")):
        for is_maker in (True, False):
            some = fills.filter((pl.col("side") == side) & (pl.col("is_maker") == is_maker))
            axes.plot(
                clock.of(some["ts_ns"]),
                some["price_ticks"].to_numpy() * tick_size,
                linestyle="",
                marker=marker,
                markersize=3.2 if is_maker else 5.0,
                markeredgecolor=colour,
                markerfacecolor=colour if is_maker else "none",
                markeredgewidth=0.4 if is_maker else 0.9,
                label=verb if is_maker else f"{verb} at the market",
                rasterized=True,
            )


def _cells(axes: "Axes", grid: "np.ndarray[Any, np.dtype[np.float64]]", digits: int) -> None:
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    reach = float(np.nanmax(np.abs(grid), initial=0.0)) or 1.0
    colours = LinearSegmentedColormap.from_list("earned", [SOLD, "#ffffff", ACCENT])
    axes.imshow(grid, cmap=colours, vmin=-reach, vmax=reach, aspect="auto")
    for (row, column), number in np.ndenumerate(grid if grid.size <= MOST_LABELLED else grid[:0]):
        if np.isfinite(number):
            # the same ink in a light and a dark page: it stands on the cell's colour, not on the paper
            ink = "#ffffff" if abs(number) > 0.6 * reach else "#1b1f25"
            axes.text(column, row, f"{number:.{digits}f}", ha="center", va="center", fontsize=7, color=ink)
    for row, numbers in enumerate(grid):
        if np.isfinite(numbers).any():
            corner = (int(np.nanargmax(numbers)) - 0.5, row - 0.5)
            axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=INK, linewidth=1.2))


def _legend(axes: "Axes", entries: int) -> None:
    """Put the legend beside the title, where no line can run through it."""
    if entries:
        legend = axes.legend(frameon=False, fontsize=7, ncols=min(entries, 6), loc="lower right", borderaxespad=0.0)
        legend.set_bbox_to_anchor((1.0, 0.98), axes.transAxes)


def _headings(names: pl.Series) -> list[Any]:
    found = names.drop_nulls().unique(maintain_order=True)
    return (found if found.dtype == pl.String else found.sort()).to_list()


def _named(item: object) -> str:
    return f"{item:g}" if isinstance(item, int | float) else str(item)
