"""What the report pages put into their tables and sections: numbers with intervals, figures, what could not be done."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from grinder_resources.evaluation.document import Markup, element, facts, join, listing, picture, section
from grinder_resources.evaluation.drawing import svg
from grinder_resources.evaluation.scores import MIN_BLOCKS, MIN_ROWS
from grinder_resources.evaluation.summary import NO_INTERVAL, Report, unjudged

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"

QUOTE, UNQUOTE = "\N{LEFT DOUBLE QUOTATION MARK}", "\N{RIGHT DOUBLE QUOTATION MARK}"

WHY_NO_INTERVAL = (
    f"{QUOTE}{NO_INTERVAL.capitalize()}{UNQUOTE} stands where the rows come from fewer than {MIN_BLOCKS} hours, or are "
    f"fewer than {MIN_ROWS} of either class: too little to say how sure a number is."
)


def number(value: float | None, digits: int = 3) -> str:
    """Return the number with a true minus, a dash where there is none."""
    if value is None or not math.isfinite(value):
        return DASH
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", MINUS)


def estimate(row: Row | None, name: str = "value", digits: int = 3) -> Markup:
    """Return `value [low, high]` of the columns `name`, and `low` and `high` or `<name>_low` and `<name>_high`.

    It says so where there is no interval; a dash where there is no value.
    """
    if row is None or row[name] is None or not math.isfinite(row[name]):
        return Markup(DASH)
    low, high = (row[end if name == "value" else f"{name}_{end}"] for end in ("low", "high"))
    return interval(row[name], low, high, digits)


def interval(value: float, low: float | None, high: float | None, digits: int = 3) -> Markup:
    """Return `value [low, high]`, or that there is no interval where a bound is None."""
    bounds = NO_INTERVAL if low is None or high is None else f"[{number(low, digits)}, {number(high, digits)}]"
    return join(number(value, digits), element("span", bounds, "interval"))


def by_metric(scores: pl.DataFrame) -> dict[tuple[str, str, str], Row]:
    """Return the rows of a scores table by head, class and metric."""
    return {(row["head"], row["class"], row["metric"]): row for row in scores.iter_rows(named=True)}


def figure(drawn: "Figure | None", title: str, caption: str) -> list[Markup]:
    """Return a section with the figure; nothing where there is none."""
    return [section(title, picture(svg(drawn), caption))] if drawn is not None else []


def ending(report: Report) -> list[Markup]:
    """Return the last sections of a page: what could not be done, and where the numbers come from."""
    limits = (*report.limits, *unjudged(report.verdicts))
    parts = [section("What could not be done", listing(limits))] if limits else []
    return [*parts, section("Provenance", facts(report.facts))] if report.facts else parts
