"""The promotion page of a model: the decision first, then the evidence of every answer against the gates."""

from collections.abc import Mapping

from grinder_resources.evaluation.cells import DASH, interval, number
from grinder_resources.evaluation.document import (
    Column,
    Markup,
    element,
    facts,
    head,
    join,
    page,
    picture,
    section,
    table,
    tiles,
    verdict,
)
from grinder_resources.evaluation.drawing import svg
from grinder_resources.evaluation.promotion import Answer, Promotion
from grinder_resources.evaluation.promotion_gates import BLOCKING, CODES
from grinder_resources.evaluation.promotion_plots import evidence
from grinder_resources.evaluation.scores import Estimate

CALM = "“No promotion” is a result like any other: the bot goes on as before, and more days are more evidence."
RULES = (
    "What is not known does not pass. A head is used only if all its answers carry; a broken ledger, or a leak alarm "
    "that luck cannot explain, stops the whole model. Numbers are of open out-of-fold rows and calibrated answers; "
    "brackets are 95 % intervals."
)
HOW_MANY = (
    "An answer's return in an hour is the squared error it saves against the reference. The deflated Sharpe ratio is "
    "the probability that the true ratio exceeds what the best of so many worthless trials would show; every distinct "
    "trial on the dataset in the ledger counts. The probability of backtest overfitting is how often the trial that is "
    "best in one half of the hours is below the median in the other half."
)
CAPTION = (
    "Left: full dots have a deflated Sharpe ratio above the gate. Right: over all ways to halve the hours, in runs of "
    "neighbours; what lies left of the median is the probability of backtest overfitting."
)


def promotion_page(found: Promotion, doc: str, provenance: Mapping[str, str]) -> str:
    """Return the check as HTML; `doc` is the spec's one-line description, `provenance` label -> text."""
    figure = evidence(found)
    parts = [
        head("Promotion", found.model, doc),
        verdict(found.sentence, found.ledger_fault or ("" if found.promoted else CALM), good=found.promoted),
        _tiles(found),
        section("Evidence by answer", element("p", RULES, "note"), _answers(found)),
        *([section("What is missing", _missing(found))] if found.codes else []),
        section("Luck", element("p", HOW_MANY, "note"), picture(svg(figure), CAPTION) if figure else Markup("")),
        section("Gates and trials", facts(_numbers(found))),
        section("Provenance", facts(provenance)),
    ]
    return page(f"{found.model}: promotion", *parts)


def _tiles(found: Promotion) -> Markup:
    heads = found.heads
    return tiles(
        {
            "heads that carry": f"{sum(heads.values())} of {len(heads)}",
            "distinct trials": str(found.trials),
            "Sharpe ratio of luck": number(found.sharpe_by_luck, 2),
            "probability of overfitting": number(found.pbo, 2),
        }
    )


def _answers(found: Promotion) -> Markup:
    columns = (
        Column("Answer", "name"),
        Column("Standing", title="the first of what speaks against the answer"),
        Column("AUC", "number", "area under the ROC curve; 0.5 is a coin toss"),
        Column("AUC beyond", "number", "among rows that the reference answers alike; 0.5 is a coin toss"),
        Column("Skill", "number", "over the reference; 0 is no better"),
        Column("ECE upper", "number", "upper bound of the expected calibration error"),
        Column("Hours", "number", "with open rows"),
        Column("Sharpe", "number", "of what the answers saved in an hour"),
        Column("DSR", "number", "deflated Sharpe ratio, a probability"),
    )
    return table(columns, [_row(found, answer) for answer in found.answers])


def _row(found: Promotion, answer: Answer) -> tuple[object, ...]:
    return (
        answer.label,
        _standing(found.codes_of(answer)),
        _estimate(answer.auc),
        _estimate(answer.auc_beyond),
        _estimate(answer.skill),
        number(answer.ece.high if answer.ece else None),
        f"{answer.blocks:,}",
        number(answer.sharpe, 2),
        number(answer.dsr),
    )


def _standing(codes: tuple[str, ...]) -> Markup:
    """Return a badge that says carries, or the first code against it and how many more there are."""
    if not codes:
        return element("span", "carries", "badge good")
    css = "badge alarm" if codes[0] in BLOCKING else "badge open"
    badge = element("span", _short(codes[0]), css, title="; ".join(CODES[code] for code in codes))
    return join(badge, f" +{len(codes) - 1}" if codes[1:] else "")


def _short(code: str) -> str:
    """Return a code as people read it: `NO_EDGE` is `no edge`."""
    words = code.replace("_ABOVE_GATE", "").replace("_BELOW_GATE", "").split("_")
    return " ".join(word if word in ("AUC", "DSR", "PBO") else word.lower() for word in words)


def _missing(found: Promotion) -> Markup:
    """Return each code with the answers that it speaks against."""
    rows = []
    for code in found.codes:
        against = [answer.label for answer in found.answers if code in found.codes_of(answer)]
        everyone = len(against) == len(found.answers) > 1
        rows.append((code, CODES[code], f"all {len(against)}" if everyone else ", ".join(against)))
    return table((Column("Code", "name"), Column("What it says"), Column("Answers")), rows)


def _numbers(found: Promotion) -> dict[str, str]:
    """Return gates and trial statistics as label -> text."""
    gates, overfitting = found.gates, found.overfitting
    numbers = {
        "Mode": found.mode,
        "Least deflated Sharpe ratio": f"{gates.min_dsr:g}",
        "Largest probability of overfitting": f"{gates.max_pbo:g}",
        "Largest calibration error, upper bound": f"{gates.max_ece_upper:g}",
        "Distinct trials": f"{found.trials}, as {found.effective:.1f} independent ones",
    }
    if overfitting is None:
        return numbers | {"Cross-validation": "not defined: too few hours, or a single trial"}
    return numbers | {
        "Cross-validation": f"{overfitting.trials} trials over {overfitting.blocks} hours, {overfitting.halvings:,} "
        f"ways to halve {overfitting.submatrices} runs of hours",
        "Winners that lose in the other half": f"{100 * overfitting.loss:.0f} %",
        "Slope of the other half on the first": number(overfitting.slope, 2),
    }


def _estimate(estimate: Estimate | None) -> Markup:
    """Return `value [low, high]`, a dash where there is no value."""
    return interval(estimate.value, estimate.low, estimate.high) if estimate else Markup(DASH)
