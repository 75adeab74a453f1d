"""The page of the fill use case: how likely orders fill, whether that was known beforehand, and what it is worth."""

from collections.abc import Mapping

import polars as pl

from grinder_resources.contracts.fill_report import POLICIES
from grinder_resources.contracts.gold_fills import CROSS_S, FILL_HORIZONS_S, WATCH_S
from grinder_resources.evaluation.cells import DASH, WHY_NO_INTERVAL, Row, figure, interval, number
from grinder_resources.evaluation.document import (
    Column,
    Markup,
    element,
    facts,
    head,
    join,
    listing,
    page,
    section,
    table,
    tiles,
    verdict,
)
from grinder_resources.evaluation.summary import modes_of, standing
from grinder_resources.usecases.fill_probability.costs import PPM_A_BPS
from grinder_resources.usecases.fill_probability.plots import by_distance, fill_figure
from grinder_resources.usecases.fill_probability.report import FillReport
from grinder_resources.usecases.fill_probability.words import policy, reliability, sentence, worth

DOC = "How likely a limit order is filled whole within 10, 30, 60 and 300 seconds, said when it is placed."
HOW_TO_READ = (
    "Every answer is out of fold: the model saw earlier days only. Distances are from the mid, in bands that begin at "
    "the number given. Brackets are 95 % intervals of a bootstrap over hours, all instruments together. "
    f"{WHY_NO_INTERVAL}"
)
CAPTION = (
    "Left: share of orders filled after so many seconds, with its 95 % interval, a line for each band of distances "
    "(Kaplan and Meier: orders that could be watched for part of the time count for that part). Dots are what the "
    "model said in the mean. Right: the same dots against what happened; on the line both agree."
)
COST = (
    f"One order a minute and instrument rests at a distance for {CROSS_S} s and then takes the market if it is not "
    "filled. Costs are against the mid at the decision, with fees of {maker} bps for resting and {taker} bps for "
    "taking; below 0 one is paid. Every policy knows earlier days only."
)
POLICY_NAMES = {
    "market": "take the market at once",
    "fixed": "the distance that was cheapest so far",
    "reference": "cheapest by distance and spread",
    "model": "cheapest by the model",
}
CAVEATS = (
    "Orders are placed by replay. They took no time to arrive, moved nobody, and were filled by the rules of the grid "
    "simulator: behind everything shown at their price, and not at all by prints at a price deeper than the best that "
    "the quote has not shown yet. A real order may be slower, and seen.",
    "Cancellations in front of an order are known only as far as the shown size falls below what stood there. Real "
    "orders fill somewhat sooner at the best price than these.",
    "An order that is filled is one the price came to, and often went through. A high probability of a fill is no gain "
    "by itself: that is what the costs are for.",
    "What is learned is mostly how far the price is about to move, not where to: inputs are turned towards the order's "
    "side, and no input says buy or sell.",
)


def fill_page(report: FillReport, provenance: Mapping[str, str]) -> str:
    """Return the report as HTML; `provenance` is label -> text."""
    edges = _edges(report)
    parts = [
        head("Use case", "Fill probability", DOC),
        verdict(sentence(report), f"{worth(report)} It says nothing about where the price goes.", good=edges > 0),
        _tiles(report, edges),
        *figure(fill_figure(report), "How soon, by distance", CAPTION),
        section(
            "What happened and what was said",
            element("p", HOW_TO_READ, "note"),
            element("p", reliability(report)),
            _by_distance(report),
        ),
        section("For each side, instrument and source", _by_group(report)),
        section("What knowing it is worth", *_worth(report)),
        section("What to make of it", listing(CAVEATS)),
        section("Provenance", facts(provenance)),
    ]
    return page("fill_probability: use case", *parts)


def _edges(report: FillReport) -> int:
    modes = modes_of(report.verdicts)[:1]
    leading = report.verdicts.filter(pl.col("mode").is_in(list(modes)))
    return sum(standing(row) == "edge" for row in leading.iter_rows(named=True))


def _tiles(report: FillReport, edges: int) -> Markup:
    orders = by_distance(report).filter(pl.col("horizon_s") == min(FILL_HORIZONS_S))["rows"].sum()
    chosen = policy(report, "model")
    return tiles(
        {
            "orders answered out of fold": f"{orders:,}",
            "answers that beat distance and spread": f"{edges} of {len(FILL_HORIZONS_S) + 1}",
            "bps an order saved by choosing with it": DASH if chosen is None else number(chosen["saved_bps"], 2),
        }
    )


def _percent(share: float) -> str:
    return number(100 * share, 1)


def _by_distance(report: FillReport) -> Markup:
    shares = {(row["band_bps"], row["horizon_s"]): row for row in by_distance(report).iter_rows(named=True)}
    columns = (
        Column("Distance", "number", "bps from the mid, from this number on"),
        *(Column(f"In {h} s, %", "number", "filled, with what was said below") for h in FILL_HORIZONS_S),
        Column("Orders", "number", f"watched for {WATCH_S} s"),
    )

    def cell(row: Row | None) -> Markup:
        if row is None:
            return Markup(DASH)
        return join(_percent(row["observed"]), element("span", f"said {_percent(row['predicted'])}", "interval"))

    rows = []
    for band in dict.fromkeys(band for band, _ in shares):
        found = [shares.get((band, horizon)) for horizon in FILL_HORIZONS_S]
        watched = found[-1]
        rows.append((str(band), *map(cell, found), f"{watched['rows']:,}" if watched else DASH))
    return table(columns, rows)


def _by_group(report: FillReport) -> Markup:
    columns = (
        Column("By", "name"),
        Column("Group"),
        *(Column(f"In {h} s: filled less said", "number", "percentage points") for h in FILL_HORIZONS_S),
    )
    rows = []
    for by in ("side", "symbol", "source"):
        found = report.shares.filter(pl.col("by") == by)
        for number_, group in enumerate(dict.fromkeys(found["group"])):
            gaps = {row["horizon_s"]: row for row in found.filter(pl.col("group") == group).iter_rows(named=True)}
            cells = (_gap(gaps.get(horizon)) for horizon in FILL_HORIZONS_S)
            rows.append(("" if number_ else by, group, *cells))
    return table(columns, rows)


def _gap(row: Row | None) -> Markup:
    if row is None:
        return Markup(DASH)
    value, low, high = (None if row[name] is None else 100 * row[name] for name in ("gap", "gap_low", "gap_high"))
    return interval(value or 0.0, low, high, 1)


def _worth(report: FillReport) -> list[Markup]:
    if report.costs.is_empty():
        return [element("p", worth(report), "note")]
    return [element("p", _cost_note(report), "note"), _costs(report)]


def _cost_note(report: FillReport) -> str:
    fees = {
        "maker": f"{report.trading.maker_fee_ppm / PPM_A_BPS:g}",
        "taker": f"{report.trading.taker_fee_ppm / PPM_A_BPS:g}",
    }
    return COST.format(**fees)


def _costs(report: FillReport) -> Markup:
    columns = (
        Column("Who chooses", "name"),
        Column("Cost", "number", "bps an order, fees included"),
        Column("Saved", "number", "bps an order, over the distance that was cheapest so far"),
        Column("Filled, %", "number", f"within {CROSS_S} s"),
        Column("Distance", "number", "mean, bps"),
        Column("Orders", "number"),
    )
    found = (policy(report, name) for name in POLICIES)
    rows = [
        (
            POLICY_NAMES[row["policy"]],
            interval(row["cost_bps"], row["cost_low"], row["cost_high"], 2),
            Markup(DASH)
            if row["policy"] == "fixed"
            else interval(row["saved_bps"], row["saved_low"], row["saved_high"], 2),
            _percent(row["filled"]),
            number(row["distance_bps"], 2),
            f"{row['orders']:,}",
        )
        for row in found
        if row is not None
    ]
    return table(columns, rows)
