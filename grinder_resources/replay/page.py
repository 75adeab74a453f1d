"""The page of a shadow replay: what the signal would have changed, and that it changed nothing."""

from collections.abc import Mapping

import polars as pl

from grinder_resources.contracts.replay import DECISIONS
from grinder_resources.contracts.signals import REGIMES
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
    section,
    table,
    tiles,
    verdict,
)
from grinder_resources.evaluation.scores import clears
from grinder_resources.replay.plots import replay_figure
from grinder_resources.replay.report import ShadowReplay
from grinder_resources.replay.summary import Summary

DOC = "One day decided again, snapshot by snapshot: by the bot's rules alone, and by the rules with the signal."
UNUSED = "It was not used. In shadow a signal is scored and logged, and the rules decide."
HOW_TO_READ = (
    "A miss is how far the step of a grid lies from the range of the minute that followed, in bps. It is no profit and "
    "no loss: it knows nothing of fills, fees, inventory or direction. Brackets are 95 % intervals of a bootstrap over "
    "hours, all instruments together."
)
CAPTION = (
    "Left: means of each hour over all instruments. Right: the sum of all differences so far; it rises where the "
    "signal's step would have been closer to what came after than the rules'."
)
TITLES = {
    "symbol": "instrument",
    "predicted_regime": "predicted regime",
    "rule_regime": "regime of the rules",
    "refusal": "refusal",
    "mode": "mode",
}
NOTHING = {"predicted_regime": "no signal", "refusal": "none"}
SHOWN = 5


def replay_page(replay: ShadowReplay, provenance: Mapping[str, str]) -> str:
    """Return the replay as HTML; `provenance` is label -> text."""
    summary = Summary(replay)
    good = clears(summary.closer, 0.0)
    parts = [
        head("Shadow replay", replay.model, DOC),
        verdict(summary.sentence, UNUSED, good=good),
        _tiles(summary),
        section("Done, and what would have been", element("p", HOW_TO_READ, "note"), _compared(summary)),
        section("What to make of it", listing(_caveats(summary))),
        *figure(replay_figure(replay.decisions), "Over the day", CAPTION),
        section("Group by group", _groups(replay.totals)),
        folded(f"The {SHOWN} largest gains and losses", _extremes(replay.decisions)),
        section("Provenance", facts({**_facts(replay), **provenance})),
    ]
    return page(f"{replay.model}: shadow replay", *parts)


def _tiles(summary: Summary) -> Markup:
    return tiles(
        {
            "decisions": f"{summary.decisions:,}",
            "with a signal": f"{summary.signals:,}",
            "closer": f"{summary.total('closer'):,}",
            "farther": f"{summary.total('farther'):,}",
            "residual of the sums": str(summary.replay.residual),
        }
    )


def _compared(summary: Summary) -> Markup:
    rules, signal = summary.total("miss_rules_x1000"), summary.total("miss_signal_x1000")
    done, constant = rules - summary.total("done_x1000"), summary.constant
    closer = summary.closer
    columns = (
        Column("Step", "name"),
        Column("Miss, sum", "number", "bps over all decisions"),
        Column("Miss, mean", "number", "bps a decision"),
        Column("Closer than the rules", "number", "bps a decision; above 0 is closer to what came after"),
    )

    def row(name: str, miss: int, difference: Markup | None = None) -> tuple[object, ...]:
        gained = difference or number(summary.a_decision(rules - miss), 2)
        return name, f"{miss / 1_000:,.1f}", number(summary.a_decision(miss), 2), gained

    hindsight = f"rules x {constant.multiplier_x1000 / 1_000:g} all day, the best in hindsight"
    return table(
        columns,
        [
            row("rules", rules, Markup(DASH)),
            row("as done, in shadow", done),
            row("had the signal been used", signal, interval(closer.value, closer.low, closer.high, 2)),
            row(hindsight, constant.miss_x1000),
        ],
    )


def _caveats(summary: Summary) -> list[str]:
    replay = summary.replay
    fitted = f"the model was fitted on days up to {replay.fitted_until}"
    sample = f"Out of sample: {fitted}." if replay.out_of_sample else f"In sample, so it proves nothing: {fitted}."
    beyond = summary.a_decision(summary.constant.miss_x1000 - summary.total("miss_signal_x1000"))
    return [
        sample,
        f"In {summary.at_floor:,} of {summary.decisions:,} decisions the rules ask for the smallest step there is: a "
        "signal can only widen it.",
        f"A single multiplier for the whole day, the best in hindsight, leaves the signal {number(beyond, 2)} bps a "
        "decision closer: only that much is owed to knowing when.",
        "One day is one day: the walk-forward says what the model is worth over all of them.",
    ]


def _groups(totals: pl.DataFrame) -> Markup:
    columns = (
        Column("By", "name"),
        Column("Group"),
        Column("Decisions", "number"),
        Column("Miss, rules", "number", "mean, bps"),
        Column("Miss, signal", "number", "mean, bps"),
        Column("Closer by", "number", "mean difference, bps, had the signal been used"),
        Column("As done", "number", "mean difference, bps, as it was done"),
        Column("Closer in", "number", "decisions"),
        Column("Farther in", "number", "decisions"),
    )
    rows = []
    for by, title in TITLES.items():
        found = totals.filter(pl.col("by") == by).iter_rows(named=True)
        named = [title, *[""] * totals.height]
        rows += [(label, *_group(row)) for label, row in zip(named, sorted(found, key=_order), strict=False)]
    return table(columns, rows)


def _order(row: Row) -> tuple[int, str]:
    group = row["group"]
    return (REGIMES.index(group) if group in REGIMES else len(REGIMES), group)


def _group(row: Row) -> tuple[str, ...]:
    names = ("miss_rules_x1000", "miss_signal_x1000", "difference_x1000", "done_x1000")
    return (
        row["group"] or NOTHING.get(row["by"], DASH),
        f"{row['decisions']:,}",
        *(number(row[name] / row["decisions"] / 1_000, 2) for name in names),
        f"{row['closer']:,}",
        f"{row['farther']:,}",
    )


def _extremes(decisions: pl.DataFrame) -> Markup:
    ordered = decisions.sort("difference_x1000", "decision_hash", descending=[True, False])
    shown = pl.concat([ordered.head(SHOWN), ordered.tail(min(SHOWN, max(0, decisions.height - SHOWN)))])
    times = shown["ts_ms"].cast(pl.Datetime("ms")).dt.strftime("%H:%M").to_list()
    columns = (
        *(Column(name) for name in ("Time, UTC", "Decision", "Instrument", "Rules say", "Signal says")),
        *(Column(name, "number") for name in ("Step, rules", "Step, signal", "Range", "Closer")),
    )
    rows = [
        (
            time,
            element("code", row["decision_hash"]),
            f"{row['venue']} {row['symbol']}",
            row["rule_regime"],
            row["predicted_regime"] or DASH,
            str(row["step_rules_bps"]),
            str(row["step_signal_bps"]),
            number(row["range_60s_forward_x1000"] / 1_000, 1),
            number(row["difference_x1000"] / 1_000, 1),
        )
        for time, row in zip(times, shown.iter_rows(named=True), strict=True)
    ]
    return table(columns, rows)


def _facts(replay: ShadowReplay) -> dict[str, str]:
    return {
        "Replayed day": str(replay.day),
        "Model fitted until": str(replay.fitted_until),
        "Decision log": DECISIONS.name,
        "Digest": replay.digest,
        "Replays": "2, by runtimes opened afresh, equal",
    }
