"""The page of the toxicity use case: what follows what, who said so, and what of it the market's own state confirms."""

from collections.abc import Mapping

import polars as pl

from grinder_resources.contracts.gold_toxicity import MARKOUT_S, SCORE, VOLATILITY
from grinder_resources.contracts.signals import REGIMES
from grinder_resources.contracts.toxicity_report import TRANSITIONS
from grinder_resources.evaluation.cells import DASH, WHY_NO_INTERVAL, figure, interval, number
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
from grinder_resources.evaluation.summary import standing
from grinder_resources.usecases.toxicity.hits import ALL
from grinder_resources.usecases.toxicity.plots import day_figure, inputs_figure
from grinder_resources.usecases.toxicity.ranking import HIDDEN, HIDDEN_QUESTIONS, INPUTS, OBSERVED, QUESTIONS
from grinder_resources.usecases.toxicity.report import ToxicityReport
from grinder_resources.usecases.toxicity.words import beats_staying, measure, name_of, percent, points, sentence

DOC = "How volatile the next minute will be, LOW, MID or HIGH, whether that is a change, and what it costs a maker."
NOTE = "A regime is a tercile of realised volatility on the training days. It says nothing about where the price goes."
HOW_TO_READ = (
    "Every answer is out of fold: the model saw earlier days only, and those decided where LOW and MID end. The "
    "current regime is the volatility of the minute before the decision, by the same cuts. Brackets are 95 % intervals "
    f"of a bootstrap over hours, all instruments together. {WHY_NO_INTERVAL}"
)
DAY_CAPTION = (
    "Above: the mid of the newest day. Below: the calibrated probability of HIGH, and a tick for each minute that came "
    "HIGH.{shade}"
)
SHADE = " Shaded: the demo market's hidden regime was HIGH; the model never sees it."
INPUTS_CAPTION = (
    "Median and middle half at the decision, by the regime of the minute after it. Each input is within 0 and 3. "
    "Kyle and Amihud count returns in percent."
)
RANKED = (
    "Areas under the ROC curve: the chance that a minute that came so ranks above one that did not. Volatility and "
    "spread together are the reference, a model of these two alone; everything below is a column as it is."
)
COST = (
    f"The move of the mid from before a print to {MARKOUT_S} s after it, in the direction of its aggressor, weighed by "
    "size: what whoever rested lost. In terciles of the training days."
)
NO_TRUTH = "There is no truth to compare with: what is hidden in a real market stays hidden."
TRUTH = (
    "The demo market's regime is drawn before any price; the model never sees it. Cells are areas under the ROC curve. "
    "Minutes in which HIGH begins are looked for among those that are not HIGH yet. The chain has no memory, so what "
    "exceeds 0.5 there comes from HIGH following MID more often than LOW: nothing foretells when. Informed traders are "
    "looked for by what is said of costs to makers."
)
SCORES_FIRST = ("model", "reference", VOLATILITY, SCORE)
BACKWARDS = 0.48
"""An area under the ROC curve below this is a rank the wrong way round."""


def toxicity_page(report: ToxicityReport, provenance: Mapping[str, str]) -> str:
    """Return the report as HTML; `provenance` is label -> text."""
    note, shade = element("p", HOW_TO_READ, "note"), SHADE if report.has_truth else ""
    parts = [
        head("Use case", "Toxicity", DOC),
        verdict(sentence(report.hit_rates), NOTE, good=beats_staying(report.hit_rates)),
        _tiles(report),
        section("From one minute to the next", note, _transitions(report.transitions)),
        section("How often that was said", _hit_rates(report.hit_rates)),
        *figure(day_figure(report.newest), f"{report.newest['date'][0]}", DAY_CAPTION.format(shade=shade)),
        section("What to make of it", listing(_caveats(report))),
        section("What ranks minutes", element("p", RANKED, "note"), _ranking(report.ranking)),
        *figure(inputs_figure(report.inputs), "The composite score and its inputs", INPUTS_CAPTION),
        _hidden(report),
        section("What prints cost a maker", element("p", COST, "note"), _adverse(report.verdicts)),
        section("Provenance", facts({"Transitions": TRANSITIONS.name, **provenance})),
    ]
    return page("Toxicity", *parts)


def _tiles(report: ToxicityReport) -> Markup:
    rates = report.hit_rates
    shown = {"right": "right", "nothing changes, right": "stay_right", "changes caught": "change_caught"}
    found = {label: measure(rates, name) for label, name in shown.items()}
    return tiles(
        {
            "minutes": f"{report.minutes.height:,}",
            "days": str(report.minutes["date"].n_unique()),
            **{label: f"{percent(row['value'])} %" if row else DASH for label, row in found.items()},
        }
    )


def _transitions(transitions: pl.DataFrame) -> Markup:
    columns = (
        Column("Current", "name"),
        Column("Minutes", "number"),
        *(Column(f"{name} came", "number", "share of these minutes after which it came") for name in REGIMES),
        *(Column(f"{name} said", "number", "share in which it was the most likely") for name in REGIMES),
    )
    rows = []
    for current in REGIMES:
        mine = {row["next"]: row for row in transitions.filter(pl.col("current") == current).iter_rows(named=True)}
        total = sum(row["rows"] for row in mine.values())
        cells = [
            f"{percent(mine[name][what] / total)} %" if total else DASH for what in ("rows", "said") for name in REGIMES
        ]
        rows.append((current, f"{total:,}", *cells))
    return table(columns, rows)


def _hit_rates(hit_rates: pl.DataFrame) -> Markup:
    columns = (
        Column("Current", "name"),
        Column("Right", "number", "minutes in which the most likely regime came"),
        Column("Nothing changes", "number", "minutes in which the current regime came"),
        Column("Over that", "number", "difference, percentage points"),
        Column("Over the reference", "number", "difference to a model of volatility and spread alone"),
        Column("Changes caught", "number", "of the minutes that brought another regime, those in which it was said"),
        Column("Changes true", "number", "of the changes that were said, those that came as said"),
    )
    names = ("right", "stay_right", "over_staying", "over_reference", "change_caught", "change_true")
    rows = [(current, *(_share(measure(hit_rates, name, current)) for name in names)) for current in (*REGIMES, ALL)]
    return table(columns, rows)


def _share(row: Mapping[str, float] | None) -> Markup:
    if row is None:
        return Markup(DASH)
    low, high = (None if row[end] is None else 100 * row[end] for end in ("low", "high"))
    return interval(100 * row["value"], low, high, 1)


def _ranking(ranking: pl.DataFrame) -> Markup:
    """Return areas under the ROC curve against what was observed, one row a score."""
    found = _areas(ranking, OBSERVED)
    scores = (*SCORES_FIRST, *sorted({score for _, score in found} - set(SCORES_FIRST)))
    asked = [question.name for question in QUESTIONS if (question.name, "model") in found]
    columns = (Column("Ranked by", "name"), *(Column(name, "number") for name in asked))
    return table(columns, [(name_of(score), *(found[name, score] for name in asked)) for score in scores])


def _hidden(report: ToxicityReport) -> Markup:
    """Return areas under the ROC curve against what was hidden, one row a question; or that there is no truth."""
    if not report.has_truth:
        return section("Against the hidden state", element("p", NO_TRUTH))
    found = _areas(report.ranking, HIDDEN)
    counts = {row["question"]: row for row in report.ranking.filter(pl.col("against") == HIDDEN).iter_rows(named=True)}
    columns = (
        Column("The hidden regime", "name"),
        Column("Minutes", "number"),
        Column("Of them so", "number"),
        *(Column(name_of(score), "number") for score in SCORES_FIRST),
    )
    rows = [
        (name, f"{row['rows']:,}", f"{row['positives']:,}", *(found[name, score] for score in SCORES_FIRST))
        for name, row in ((question.name, counts.get(question.name)) for question in HIDDEN_QUESTIONS)
        if row is not None
    ]
    return section("Against the hidden state", element("p", TRUTH, "note"), table(columns, rows))


def _areas(ranking: pl.DataFrame, against: str) -> dict[tuple[str, str], Markup]:
    """Return the area of every question and score with its interval."""
    rows = ranking.filter(pl.col("against") == against).iter_rows(named=True)
    return {(row["question"], row["score"]): interval(row["auc"], row["low"], row["high"]) for row in rows}


def _adverse(verdicts: pl.DataFrame) -> Markup:
    columns = (
        Column("Class", "name"),
        Column("Standing"),
        Column("AUC", "number", "area under the ROC curve; 0.5 is a coin toss"),
        Column("AUC beyond", "number", "among minutes of which the reference says the same"),
        Column("Skill", "number", "over the reference; 0 is no better"),
        Column("Verdict"),
    )
    rows = [
        (
            row["class"],
            standing(row),
            interval(row["auc"], row["auc_low"], row["auc_high"]) if row["auc"] is not None else DASH,
            number(row["auc_beyond"]),
            number(row["skill"]),
            row["verdict"],
        )
        for row in verdicts.filter(pl.col("head") == "adverse").iter_rows(named=True)
    ]
    return table(columns, rows)


def _caveats(report: ToxicityReport) -> list[str]:
    rates = report.hit_rates
    level = [name for name in REGIMES if measure(rates, "right", name) and not beats_staying(rates, name)]
    gained, caught, true = (measure(rates, name) for name in ("over_reference", "change_caught", "change_true"))
    score = report.ranking.filter(pl.col("against") == OBSERVED, pl.col("question") == QUESTIONS[0].name)
    area = dict(score.select("score", "auc").iter_rows())
    backwards = [name_of(name) for name in INPUTS if area.get(name, 1.0) < BACKWARDS]
    adverse = report.verdicts.filter(pl.col("head") == "adverse")
    dear = [row for row in adverse.iter_rows(named=True) if standing(row) == "edge"]
    lines = (
        f"From {', '.join(level)}: not shown to be better than saying that nothing changes." if level else "",
        f"Against a model of volatility and spread alone: {points(gained)}." if gained else "",
        f"Of the minutes that bring a change, {percent(caught['value'])} % are named beforehand." if caught else "",
        f"Of the changes that are said, {percent(true['value'])} % come as said." if true else "",
        f"The composite score ranks HIGH minutes with an area of {number(area[SCORE])}, volatility alone with "
        f"{number(area[VOLATILITY])}, the model with {number(area['model'])}."
        if area
        else "",
        f"Larger where the next minute is calmer, against its purpose: {', '.join(backwards)}." if backwards else "",
        f"Costs to makers: {len(dear)} of {adverse.height} classes are told better than by volatility and spread."
        if adverse.height
        else "",
    )
    return [line for line in lines if line]
