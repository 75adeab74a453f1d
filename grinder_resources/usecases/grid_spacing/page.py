"""The page of grid parameters: what every way to choose a grid earned, and whether the model's is worth having."""

from collections.abc import Iterator, Mapping

import polars as pl

from grinder_resources.contracts.gold_grid import CAPITAL_UNITS, UNIT_QUOTE
from grinder_resources.contracts.grid_report import POLICIES, REPORT_TABLES
from grinder_resources.contracts.simulation import Costs
from grinder_resources.evaluation.cells import DASH, Row, figure, interval, number
from grinder_resources.evaluation.document import (
    Column,
    Markup,
    element,
    facts,
    folded,
    head,
    listing,
    page,
    picture,
    section,
    table,
    tiles,
    verdict,
)
from grinder_resources.evaluation.drawing import svg
from grinder_resources.gold.grid_spacing import MIN_PAST, PAST_S
from grinder_resources.gold.grid_sweep import COSTS
from grinder_resources.gold.lattice import LATTICE
from grinder_resources.usecases.grid_spacing.plots import model_fills, money_figures, surface
from grinder_resources.usecases.grid_spacing.report import GridReport, traded_day
from grinder_resources.usecases.grid_spacing.scoring import BPS, mean_bps
from grinder_resources.usecases.grid_spacing.summary import promoted, score_of, sentence

DOC = "Which distance between lines, how many lines and how much a line: chosen anew for every window of ten minutes."
CARRIES = "They earned, and more than the static grid and the rules: all three beyond their intervals."
STAYS = "A model is used where it earns, and more than the static grid and the rules: all three beyond their intervals."
HOW_TO_READ = (
    f"Each window a grid is put up flat and taken down flat. Money is in bps of the capital, {CAPITAL_UNITS} units of "
    f"about {UNIT_QUOTE:,} quote currency, after all fees, a mean a window. Brackets are 95 % intervals of a bootstrap "
    "over hours, all instruments together; differences are taken window by window."
)
NAMES = {
    "pause": ("no grid", "nothing is quoted"),
    "static": ("static", "the grid that earned most on all earlier days, for each instrument"),
    "rules": ("rules", "what the bot's rules ask for"),
    "past": ("past", f"the grid that earned most in the windows of the last {PAST_S // 3_600} hours"),
    "optimum": ("optimum", "the grid nearest to the optimum that the model expects; it was fitted on earlier days"),
    "model": ("model", "the grid that the same model expects to earn most, none where it expects none to earn"),
    "hindsight": ("hindsight", "the best of the window itself: nobody can know it, it bounds all others"),
}
MOST_GRIDS = 12

EQUITY_CAPTION = (
    "What is held is carried from window to window here, and a change of grid is paid for: the old one is taken down "
    "at the market. Hindsight has no such day."
)
FILLS_CAPTION = "Where the model's grid was filled: up is bought, down is sold, hollow is at the market."
SURFACE_CAPTION = (
    "Mean bps of capital a window over all shapes of the lattice, by distance between lines and by how far the mid had "
    "ranged in the five minutes before, in terciles. In hindsight, over the same windows."
)


def grid_page(report: GridReport, provenance: Mapping[str, str]) -> str:
    """Return the report as HTML; `provenance` is label -> text."""
    good = promoted(report.scores)
    parts = [
        head("Parameter calibration", "grid_spacing", DOC),
        verdict(sentence(report.scores), CARRIES if good else STAYS, good=good),
        *(_found(report) if report.scores.height else []),
        section("Provenance", facts({**_facts(report), **provenance})),
    ]
    return page("grid_spacing: parameter calibration", *parts)


def _found(report: GridReport) -> Iterator[Markup]:
    yield _tiles(report)
    yield section("What each choice earned", element("p", HOW_TO_READ, "note"), _scores(report.scores))
    yield section("What to make of it", listing(_caveats(report.scores)))
    yield from _figures(report)
    yield section("Day by day, instrument by instrument", _groups(report.windows))
    yield folded("Grids that the model asked for", _asked(report.windows))


def _tiles(report: GridReport) -> Markup:
    windows = report.windows.filter(pl.col("policy") == "model")
    return tiles(
        {
            "windows": f"{windows.height:,}",
            "days": str(windows["date"].n_unique()),
            "instruments": str(windows.select("venue", "symbol").n_unique()),
            "grids a window": str(len(LATTICE) + 1),
        }
    )


def _scores(scores: pl.DataFrame) -> Markup:
    columns = (
        Column("Choice", "name"),
        Column("Earned", "number", "bps of capital a window, after fees"),
        Column("Over static", "number", "window by window"),
        Column("Over rules", "number", "window by window"),
        Column("Quoted", "number", "share of windows with a grid"),
        Column("Fees", "number", "bps of capital a window"),
        Column("Worst", "number", "smallest window"),
        Column("Earning", "number", "share of windows above 0"),
        Column("Round trips", "number", "a window"),
        Column("Filled", "number", "share of orders filled whole"),
    )
    return table(columns, [_score(row) for row in scores.iter_rows(named=True)])


def _score(row: Row) -> tuple[object, ...]:
    name, meaning = NAMES[row["policy"]]
    bounded = (
        interval(row[key], row[f"{key}_low"], row[f"{key}_high"], 2) for key in ("pnl", "over_static", "over_rules")
    )
    own = {"static": 1, "rules": 2}.get(row["policy"])
    cells = [Markup(DASH) if place == own else cell for place, cell in enumerate(bounded)]
    filled = DASH if row["fill_rate"] is None else f"{row['fill_rate']:.0%}"
    return (
        element("span", name, title=meaning),
        *cells,
        f"{row['quoted']:.0%}",
        number(row["fees"], 2),
        number(row["worst"], 1),
        f"{row['earning']:.0%}",
        number(row["round_trips"], 1),
        filled,
    )


def _caveats(scores: pl.DataFrame) -> list[str]:
    bound, fees = score_of(scores, "hindsight"), score_of(scores, "rules")["fees"]
    had = max((row for row in scores.iter_rows(named=True) if row["policy"] != "hindsight"), key=lambda row: row["pnl"])
    return [
        f"Of the choices one can make, {NAMES[had['policy']][0]} earned most: {number(had['pnl'], 2)} bps a window "
        f"({NAMES[had['policy']][1]}).",
        f"The best grid of every window, known only afterwards, earned {number(bound['pnl'], 2)} bps: no choice can be "
        "better, and most of that is luck which nothing foretells.",
        f"The rules paid {number(fees, 2)} bps of fees a window: {_fee(COSTS)}. Where lines are nearer than two maker "
        "fees no round trip earns.",
        "The optimum is a mean: where either a narrow or a wide grid was best it lies in between, at a grid that may "
        "never be best. So the model is asked for what each spacing earns instead, and takes the largest.",
        f"Past windows have ended before a grid is chosen on them; with fewer than {MIN_PAST} nothing is quoted.",
        "A simulation knows the best quotes and the prints, not the book behind: docs/usecases/simulator.md says what "
        "that flatters. Prices are the lake's ticks; where these are finer than the venue's, so are the lines, and "
        "what such a grid earns between two real prices nobody can have.",
    ]


def _fee(costs: Costs) -> str:
    return f"{costs.maker_fee_ppm / 100:g} bps as a maker, {costs.taker_fee_ppm / 100:g} as a taker"


def _figures(report: GridReport) -> Iterator[Markup]:
    day, money = traded_day(report.windows), money_figures(report.equity)
    fills = model_fills(report.equity, report.fills, report.instruments)
    yield from figure(surface(report.surface), "Spacing by regime", SURFACE_CAPTION)
    for key, drawn in money.items():
        pictures = picture(svg(drawn), EQUITY_CAPTION), picture(svg(fills[key]), FILLS_CAPTION)
        yield section(f"{key[1]}, {day}, traded without a stop", *pictures)


def _groups(windows: pl.DataFrame) -> Markup:
    columns = (
        Column("By", "name"),
        Column("Group"),
        Column("Windows", "number"),
        *(Column(NAMES[policy][0].capitalize(), "number", NAMES[policy][1]) for policy in POLICIES[1:]),
        Column("Model over static", "number"),
    )
    named = windows.with_columns(
        day=pl.col("date").cast(pl.String), instrument=pl.concat_str("venue", "symbol", separator=" ")
    )
    rows = []
    for by in ("day", "instrument"):
        for place, group in enumerate(named.partition_by(by, maintain_order=True)):
            rows.append((by if place == 0 else "", group[by][0], *_group(group)))
    return table(columns, rows)


def _group(windows: pl.DataFrame) -> Iterator[object]:
    of_policy = {policy: windows.filter(pl.col("policy") == policy) for policy in POLICIES}
    model, static = (of_policy[policy].sort("venue", "symbol", "ts_ns") for policy in ("model", "static"))
    yield f"{model.height:,}"
    for policy in POLICIES[1:]:
        yield number(int(of_policy[policy]["pnl_x1000"].sum()) / BPS / model.height, 2)
    found = mean_bps(model["pnl_x1000"] - static["pnl_x1000"], model["ts_ns"])
    yield interval(found.value, found.low, found.high, 2)


def _asked(windows: pl.DataFrame) -> Markup:
    asked = windows.filter(pl.col("policy") == "model")
    counts = asked.group_by("grid").agg(windows=pl.len(), pnl=pl.col("pnl_x1000").sum() / BPS / pl.len())
    most = counts.sort(pl.col("windows").cast(pl.Int64).neg(), "grid").head(MOST_GRIDS)
    columns = (
        Column("Grid", "name", "spacing in bps, lines a side, units a line"),
        Column("Windows", "number"),
        Column("Earned", "number", "bps of capital a window"),
    )
    return table(columns, [(name, f"{count:,}", number(pnl, 2)) for name, count, pnl in most.iter_rows()])


def _facts(report: GridReport) -> dict[str, str]:
    return {
        "Traded day": str(traded_day(report.windows) or DASH),
        "Costs": f"{_fee(COSTS)}; {COSTS.reaction_ns // 1_000_000} ms from an event to the order that answers it",
        "Tables": ", ".join(made.name for made in REPORT_TABLES),
    }
