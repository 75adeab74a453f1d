"""The page of a policy discovery: what holds out of sample, what does not and why, and how that was found out."""

from collections.abc import Mapping, Sequence

from grinder_resources.evaluation.cells import DASH, figure, interval, number
from grinder_resources.evaluation.document import (
    Column,
    Markup,
    element,
    facts,
    folded,
    head,
    join,
    listing,
    page,
    section,
    table,
    tiles,
    verdict,
)
from grinder_resources.usecases.policy_discovery.book import PPM, RuleBook
from grinder_resources.usecases.policy_discovery.book_text import p_value
from grinder_resources.usecases.policy_discovery.discovery import Discovery
from grinder_resources.usecases.policy_discovery.plots import rules_figure
from grinder_resources.usecases.policy_discovery.rules import ABOVE, AT_MOST, CODES, Condition, JudgedRule
from grinder_resources.usecases.policy_discovery.tree import tree_text

AT_MOST_SIGN, NO_BREAK = "\N{LESS-THAN OR EQUAL TO}", "\N{NO-BREAK SPACE}"
DOC = "Which grid earned most in which market: rules found by a decision tree on earlier days, judged on later ones."
CALM = "A rule that does not hold costs nothing while it is not traded; more days are more evidence."
PAPER = "Kept rules are candidates to watch in shadow. Nothing trades by them by itself."
HOW_TO_READ = (
    "Lift is the mean PnL of a rule's policy less that of the default in the same windows, in bps of capital a window, "
    "after fees. Brackets hold it for the rules that were chosen, not only for one looked at alone; p is one-sided."
)
HOW_JUDGED = (
    "Hours are drawn whole, all instruments together. The p-value flips the signs of hourly sums; the bounds resample "
    "hours. False discoveries are controlled by Benjamini and Hochberg over every rule that was tested: each rule of a "
    "list stands for itself, and it is the share of worthless ones among the kept that has to be small."
)
CAPTION = (
    "Full dots are kept, hollow ones are not. Left: how often a rule holds and what it adds, with its bounds. Right: "
    "on the dashed line it would have added as much as on the days it was found on. Rules that were not tested are "
    "left out."
)


def discovery_page(found: Discovery, provenance: Mapping[str, str]) -> str:
    """Return the discovery as HTML; `provenance` is label -> text."""
    book = found.book
    kept, failed = ([rule for rule in book.rules if rule.kept is kept] for kept in (True, False))
    parts = [
        head("Use case", "Policy discovery", DOC),
        verdict(book.sentence, PAPER if kept else CALM, good=bool(kept)),
        _tiles(book),
        *(
            [section("Rules that hold", element("p", HOW_TO_READ, "note"), _rules(kept, book.default))]
            if book.rules
            else []
        ),
        *([section("Rules that do not", _rules(failed, book.default))] if failed else []),
        *([section("Why they do not", _reasons(failed))] if failed else []),
        *figure(rules_figure(book), "Support, lift, and what training promised", CAPTION),
        section("The policies", _policies(found)),
        section("What to make of it", listing(_caveats(found))),
        section(
            "How it was found",
            element("p", HOW_JUDGED, "note"),
            folded("The tree", element("div", element("pre", tree_text(found.tree.root)), "scroll")),
            folded("What the columns are", facts(book.columns)) if book.columns else Markup(""),
        ),
        section("Provenance", facts({**_facts(found), **provenance})),
    ]
    return page("Policy discovery", *parts)


def _tiles(book: RuleBook) -> Markup:
    return tiles(
        {
            "rules found": str(len(book.rules)),
            "tested": str(book.tested),
            "kept": str(len(book.kept)),
            "default": book.default,
            "windows to find them": f"{book.training.windows:,}",
            "windows to judge them": f"{book.later.windows:,}",
        }
    )


def _rules(rules: Sequence[JudgedRule], default: str) -> Markup:
    if not rules:
        return element("p", f"None. Where no rule holds, the policy is {default}.")
    columns = (
        Column("Rule", "name"),
        Column("If"),
        Column("Then", "name"),
        Column(
            "Windows", "number", "of the later days in which it holds, their share, and how many instruments' they are"
        ),
        Column("Lift", "number", "bps of capital a window over the default, later days"),
        Column("p", "number", "one-sided"),
        Column("Hits", "number", "share of windows in which its policy is best less that of the default, % points"),
        Column("Training", "number", "lift on the days it was found on"),
        Column("Standing"),
    )
    ordered = sorted(rules, key=lambda rule: (rule.evidence is None, -rule.later.lift_x1000))
    return table(columns, [_row(rule) for rule in ordered])


def _row(judged: JudgedRule) -> tuple[object, ...]:
    rule, later, evidence = judged.rule, judged.later, judged.evidence
    share = element("span", f"{later.share_bps / 100:.1f} %, {_instruments(later.instruments)}", "interval")
    bounds = (evidence.low_x1000 / 1_000, evidence.high_x1000 / 1_000) if evidence else (None, None)
    lift = interval(later.lift_x1000 / 1_000, *bounds) if evidence else number(later.lift_x1000 / 1_000)
    return (
        rule.name,
        _bounds(rule.conditions),
        rule.policy,
        join(f"{later.rows:,}", share),
        lift,
        p_value(evidence.p_ppm) if evidence else DASH,
        number(later.hit_lift_bps / 100, 1),
        number(rule.training.lift_x1000 / 1_000),
        _standing(judged),
    )


def _instruments(count: int) -> str:
    return f"{count} instrument" + ("" if count == 1 else "s")


def _bounds(conditions: Sequence[Condition]) -> Markup:
    """Return a line a column: `column > 3`, `column <= 5`, or both bounds at once."""
    given = {(one.column, one.comparison): one.value for one in conditions}
    columns = dict.fromkeys(one.column for one in conditions)
    lines = (_bound(column, given.get((column, ABOVE)), given.get((column, AT_MOST))) for column in columns)
    return join(*(element("div", line.replace(" ", NO_BREAK)) for line in lines))


def _bound(column: str, above: int | None, at_most: int | None) -> str:
    if at_most is None:
        return f"{column} > {above}"
    return ("" if above is None else f"{above} < ") + f"{column} {AT_MOST_SIGN} {at_most}"


def _standing(judged: JudgedRule) -> Markup:
    """Return a badge that says kept, or one a reason."""
    if judged.kept:
        return element("span", "kept", "badge good")
    return join(
        *(element("div", element("span", _short(code), "badge open", title=CODES[code])) for code in judged.reasons)
    )


def _short(code: str) -> str:
    return code.replace("_", " ").lower()


def _reasons(failed: Sequence[JudgedRule]) -> Markup:
    """Return what each reason says, and the rules that it speaks against."""
    rows = []
    for code, meaning in CODES.items():
        against = [judged.rule.name for judged in failed if code in judged.reasons]
        rows += [(_short(code), meaning, ", ".join(against))] if against else []
    return table((Column("Reason", "name"), Column("What it says"), Column("Rules")), rows)


def _policies(found: Discovery) -> Markup:
    columns = (
        Column("Policy", "name"),
        Column("Grid"),
        Column("Earlier days", "number", "mean PnL of a window, bps of capital"),
        Column("Later days", "number", "mean PnL of a window, bps of capital"),
        Column(""),
    )
    rows = []
    for policy in found.book.policies:
        earned = (number(pnl / 1_000) for pnl in found.earned[policy.name])
        default = element("span", "default", "badge") if policy.name == found.book.default else ""
        rows.append((policy.name, policy.grid, *earned, default))
    return table(columns, rows)


def _caveats(found: Discovery) -> list[str]:
    book, per_window = found.book, sum(found.blind.values()) / 1_000 / max(found.book.later.windows, 1)
    single = [judged.rule.name for judged in book.kept if judged.later.instruments == 1 < book.later.instruments]
    blind = (
        f"Followed blindly, kept rules or not, the whole tree would have earned {number(per_window)} bps of capital a "
        f"window more than {book.default} on the later days. Nothing was chosen on those days: this number flatters "
        "nobody."
    )
    names = f"Of a single instrument are the windows of {', '.join(single)}: a rule may be that instrument's name."
    flattering = "The means of kept rules do flatter: they were kept for these very days. Their bounds allow for that."
    alike = (
        f"The tree told {found.tree.leaves} parts of the market apart; in the training windows of each, {book.default} "
        "earned most."
        if found.tree.leaves > 1
        else "There are too few windows to tell parts of the market apart."
    )
    return [
        blind if book.rules else alike,
        *([flattering] if book.kept else []),
        *([names] if single else []),
        "What did not happen in these hours is in no interval: a grid earns little and often, and loses much and "
        "rarely.",
        "Fills are simulated: orders in front of the best price meet every print that comes that far, and nobody "
        "answers them. What tight grids earn in coarse ticks leans on that.",
        "A policy is simulated flat to flat in every window; to change it costs what a window's end costs here.",
    ]


def _facts(found: Discovery) -> dict[str, str]:
    book, tree, settings = found.book, found.tree, found.book.settings
    return {
        "Earlier days": f"{book.training.first_day} to {book.training.last_day} ({book.training.days})",
        "Later days": f"{book.later.first_day} to {book.later.last_day} ({book.later.days})",
        "Tree": f"at most {settings.max_depth} cuts deep, at least {settings.min_samples_leaf} windows a leaf",
        "Leaves": f"{tree.leaves} by {tree.columns} columns, {max(len(book.rules), 1)} after merging",
        "Tested from": f"{settings.min_rows} windows in {settings.min_hours} hours on",
        "False discoveries": f"{100 * settings.false_discovery_ppm / PPM:g} % of the kept rules, in expectation",
        "Rules hash": book.tree_sha256[:16],
        "Data hash": book.data_sha256[:16],
        "Code version": book.code_version,
    }
