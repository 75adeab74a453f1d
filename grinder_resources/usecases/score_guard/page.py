"""The page of a backtest: the verdict, both policies side by side, and what the numbers know and do not know."""

from collections.abc import Mapping

import polars as pl

from grinder_resources.evaluation.cells import DASH, MINUS, figure, interval
from grinder_resources.evaluation.document import (
    Column,
    Markup,
    element,
    facts,
    head,
    listing,
    page,
    section,
    table,
    tiles,
    verdict,
)
from grinder_resources.evaluation.scores import Estimate
from grinder_resources.usecases.score_guard.comparison import REASONS, Comparison
from grinder_resources.usecases.score_guard.gate_account import ACCOUNT_USD, POSITION_USD
from grinder_resources.usecases.score_guard.grid import DECISION_S
from grinder_resources.usecases.score_guard.plots import money_figure, price_figure
from grinder_resources.usecases.score_guard.table import guard_text, rows
from grinder_resources.usecases.score_guard.tries import Backtest

DOC = "The same heuristic twice over the same market: as it is, and with a score in its way."
NOTE = "Nothing was traded. Every try stands in the trial ledger, whatever came of it."
MONEY_CAPTION = "Money after all costs, open positions at the mid; below, how far each policy stands under its highest."
TITLES: Mapping[str, str] = {"grid": "The bot's grid, guarded", "gates": "The gate heuristic, guarded"}
KINDS: Mapping[str, tuple[str, ...]] = {
    "grid": (
        f"The rules decide every {DECISION_S // 60} minutes; a grid stands until they call the market something else "
        "or ask for another spacing. A closed guard takes it down at the market.",
        "Queue, part fills, latency of feed and orders, maker and taker fees and the spread of what is closed at the "
        "market are in the money. Funding is not: the lake holds none.",
        "The tape does not answer: neither policy moves a price, and prints that its own orders would have caused or "
        "taken are as they were.",
    ),
    "gates": (
        "An admitted gate asks for a trade in the direction of its last candle, entered at the next gate, never at the "
        f"price that asked for it. Positions are worth {POSITION_USD:,} dollars of {ACCOUNT_USD:,}.",
        "Costs are half the spread and everything else as one number a side; prices are closes of candles, so that "
        "nothing is known of the way between two gates.",
        "Over a weekend a position is held, with whatever it opens at.",
    ),
}


def backtest_page(backtest: Backtest, provenance: Mapping[str, str]) -> str:
    """Return the backtest as HTML; `provenance` is label -> text."""
    found = backtest.comparison
    shown, where = price_figure(backtest)
    caption = "Filled: a resting order was filled. Hollow: at the market, where a grid was taken down or a trade made."
    parts = [
        head("Score guard", TITLES[backtest.setup.kind], DOC),
        _verdict(backtest),
        *([_tiles(found)] if found else []),
        section("Side by side", _policies(backtest)),
        *([section("How sure", _sure(found), listing(_reasons(found)))] if found else []),
        *figure(money_figure(backtest), "Money over time", MONEY_CAPTION),
        *figure(shown, f"Fills: {where}", caption),
        *([section("What the guard said", _said(backtest.decisions))] if found else []),
        section("What to make of it", listing(KINDS[backtest.setup.kind])),
        section("Provenance", facts({**_facts(backtest), **provenance})),
    ]
    return page(f"{backtest.setup.kind}: score guard", *parts)


def _verdict(backtest: Backtest) -> Markup:
    found = backtest.comparison
    if found is None:
        return verdict("No verdict: there are no scores to compare with.", NOTE, good=False)
    numbers = found.numbers[:1].upper() + found.numbers[1:]
    return verdict(f"{found.headline}.", f"{numbers}. {NOTE}", good=found.promoted)


def _tiles(found: Comparison) -> Markup:
    opened = found.openness
    return tiles(
        {
            "more than the heuristic, bps": f"{found.difference.value:+,.1f}",
            "more than at random, bps": f"{found.beyond_random.value:+,.1f}",
            f"of the {opened.unit} left": f"{float(opened.share):.0%}",
            "hours": f"{len(found.differences):,}",
            "tries so far": f"{found.tries:,}",
        }
    )


def _policies(backtest: Backtest) -> Markup:
    policies = backtest.policies
    columns = (Column("", "name"), *(Column(policy.name, "number") for policy in policies))
    ratios = element("p", f"Ratios are {policies[0].period.name}.", "note")
    return Markup(
        table(
            columns,
            [(label, *(text(policy).replace("-", MINUS) for policy in policies)) for label, text in rows(policies[0])],
        )
        + ratios
    )


def _sure(found: Comparison) -> Markup:
    columns = (Column("The guarded policy earned more", "name"), Column("bps of capital", "number"))
    return table(
        columns,
        [
            ("than the heuristic", _estimate(found.difference)),
            ("than a guard that leaves as much, at random", _estimate(found.beyond_random)),
        ],
    )


def _estimate(found: Estimate) -> Markup:
    return interval(found.value, found.low, found.high, 1)


def _reasons(found: Comparison) -> list[str]:
    return [f"Against it: {REASONS[code]}." for code in found.codes] or ["Nothing speaks against it."]


def _said(decisions: pl.DataFrame) -> Markup:
    """Return its answers wherever the heuristic may have wanted to trade."""
    wanted = decisions.filter(pl.col("side") != 0) if "side" in decisions.columns else decisions
    counts = wanted.group_by("reason").agg(pl.len(), pl.col("score_bps").mean()).sort("len", descending=True)
    columns = (Column("Guard", "name"), Column("decisions", "number"), Column("mean score, bps", "number"))
    return table(
        columns,
        [
            (reason or "open", f"{count:,}", DASH if mean is None else f"{mean:,.0f}")
            for reason, count, mean in counts.iter_rows()
        ],
    )


def _facts(backtest: Backtest) -> dict[str, str]:
    setup, scores = backtest.setup, backtest.scores
    given = {
        "Days": f"{setup.days[0]} to {setup.days[-1]} ({len(setup.days)})",
        "Symbols": ", ".join(setup.symbols) or "all",
        "Costs": ", ".join(f"{name} {value}" for name, value in setup.costs.items()),
        "Data hash": setup.data_sha256[:16],
    }
    if scores is None:
        return given
    return given | {
        "Scores": scores.name,
        "Hash of scores": scores.sha256,
        "Made by what was fitted on": scores.fitted,
        "Guard": guard_text(backtest),
    }
