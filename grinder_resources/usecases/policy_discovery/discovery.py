"""A discovery: windows split in time, rules found on the earlier days, judged on the later ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.gold_grid import WINDOW_S
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.hashing import sha256_facts
from grinder_resources.learning.splits import Parts, split_by_date, split_rows
from grinder_resources.usecases.policy_discovery.book import Period, RuleBook, Settings
from grinder_resources.usecases.policy_discovery.policies import CONDITIONS_ON, NAMES, POLICIES, Integers, Windows
from grinder_resources.usecases.policy_discovery.rules import Condition, JudgedRule, PolicyRule
from grinder_resources.usecases.policy_discovery.tree import Node, Tree, grow, leaves, rule_name
from grinder_resources.usecases.policy_discovery.validation import by_hour, hold, judge

EMBARGO_NS = WINDOW_S * NS_PER_SECOND
"""Kept between the end of a training window and the first later one: one window."""


@dataclass(frozen=True)
class Discovery:
    """What was found.

    tree
        The tree that the rules are leaves of.
    earned
        By policy: mean PnL in all training windows and in all later ones, bps of capital x 1000.
    blind
        Hour since 1970 -> what following the whole tree would have earned more than the default on the later days,
        bps of capital x 1000: nothing was chosen on those days, so it is what the ledger remembers.
    """

    book: RuleBook
    tree: Tree
    earned: Mapping[str, tuple[int, int]]
    blind: Mapping[int, int]


def discover(windows: Windows, settings: Settings, code_version: str) -> Discovery:
    """Return the rules of the earlier days, judged on the later ones.

    Training windows that reach into the later days, or come nearer than the embargo, are left out. Raises TooFewDays
    where there are not two days.
    """
    parts = _parts(windows, settings)
    default = NAMES[windows.best_of(parts.train)]
    tree = grow(windows, parts.train, settings)
    rules = _rules(windows, parts.train, tree.root, default)
    judged = judge(windows, parts.test, rules, default, settings)
    book = RuleBook(
        default=default,
        policies=POLICIES,
        rules=judged,
        columns=MappingProxyType({name: CONDITIONS_ON.get(name, name) for name in _asked(judged)}),
        training=_period(windows, parts.train),
        later=_period(windows, parts.test),
        settings=settings,
        data_sha256=windows.sha256,
        tree_sha256=sha256_facts([[str(rule), rule.name] for rule in rules]),
        code_version=code_version,
    )
    earned = {name: (_mean_pnl(windows, parts.train, name), _mean_pnl(windows, parts.test, name)) for name in NAMES}
    return Discovery(book, tree, MappingProxyType(earned), blind(windows, parts.test, rules, default))


def _parts(windows: Windows, settings: Settings) -> Parts:
    days = windows.frame["date"].unique().to_list()
    later = max(1, len(days) * settings.later_days_percent // 100)
    return split_rows(windows.frame, split_by_date(days, val_days=0, test_days=later, embargo_ns=EMBARGO_NS))


def _rules(windows: Windows, training: Integers, tree: Node, default: str) -> tuple[PolicyRule, ...]:
    """Return one rule a leaf, none where nothing was cut."""
    found = [(conditions, leaf.policy) for conditions, leaf in leaves(tree) if conditions]
    return tuple(
        PolicyRule(rule_name(number), *rule, training=hold(windows, training, rule, default).performance)
        for number, rule in enumerate(found, start=1)
    )


def _asked(judged: tuple[JudgedRule, ...]) -> list[str]:
    conditions: list[Condition] = [one for rule in judged for one in rule.rule.conditions]
    return sorted({condition.column for condition in conditions})


def _period(windows: Windows, rows: Integers) -> Period:
    days = windows.frame["date"][rows].unique().sort().to_list()
    first, last = (str(days[end]) if days else "" for end in (0, -1))
    return Period(first, last, len(days), len(rows), windows.instruments(rows))


def _mean_pnl(windows: Windows, rows: Integers, policy: str) -> int:
    earned = windows.pnl[rows, NAMES.index(policy)]
    return int(half_even(int(earned.sum()), len(rows))) if len(rows) else 0


def blind(windows: Windows, later: Integers, rules: tuple[PolicyRule, ...], default: str) -> Mapping[int, int]:
    """Return, by hour, what following every rule would have earned more than the default, kept or not."""
    total: dict[int, int] = {}
    for rule in rules:
        hours, sums, _ = by_hour(windows, hold(windows, later, (rule.conditions, rule.policy), default))
        for hour, added in zip(hours.tolist(), sums.tolist(), strict=True):
            total[hour] = total.get(hour, 0) + added
    return MappingProxyType(dict(sorted(total.items())))
