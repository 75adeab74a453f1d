"""Rules judged on days they were not found on: how often they hold, what they add to the default, how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grinder_resources.contracts.exact import half_even
from grinder_resources.usecases.policy_discovery.book import Settings
from grinder_resources.usecases.policy_discovery.evidence import (
    bootstrap_bounds,
    discoveries,
    selected_tail_ppm,
    sign_flip_p_ppm,
)
from grinder_resources.usecases.policy_discovery.policies import NAMES, Flags, Integers, Windows
from grinder_resources.usecases.policy_discovery.rules import (
    AT_MOST,
    CODES,
    Condition,
    Evidence,
    JudgedRule,
    Performance,
    PolicyRule,
)

BPS = 10_000


def holds(windows: Windows, conditions: Sequence[Condition]) -> Flags:
    """Return bool [windows]: whether all conditions hold; a null is no value, and on that no condition holds."""
    inside = np.ones(windows.frame.height, dtype=np.bool_)
    for one in conditions:
        column = windows.frame[one.column]
        met = column <= one.value if one.comparison == AT_MOST else column > one.value
        inside &= met.fill_null(value=False).to_numpy()
    return inside


@dataclass(frozen=True, eq=False)
class Held:
    """A policy in the windows where its rule holds: their rows, and its PnL less the default's in each of them."""

    rows: Integers
    difference: Integers
    performance: Performance


def hold(windows: Windows, part: Integers, rule: tuple[Sequence[Condition], str], default: str) -> Held:
    """Return a rule, conditions and policy, on the windows `part`."""
    conditions, policy = rule
    rows = part[holds(windows, conditions)[part]]
    chosen, usual = NAMES.index(policy), NAMES.index(default)
    difference = windows.pnl[rows, chosen] - windows.pnl[rows, usual]
    best = windows.best[rows]
    return Held(
        rows,
        difference,
        Performance(
            rows=len(rows),
            share_bps=_mean(len(rows) * BPS, len(part)),
            hours=len(np.unique(windows.hours[rows])),
            instruments=windows.instruments(rows),
            lift_x1000=_mean(int(difference.sum()), len(rows)),
            hit_lift_bps=_mean(BPS * int((best == chosen).sum() - (best == usual).sum()), len(rows)),
        ),
    )


def _mean(total: int, count: int) -> int:
    return int(half_even(total, count)) if count else 0


def by_hour(windows: Windows, held: Held) -> tuple[Integers, Integers, Integers]:
    """Return hours since 1970, ascending, the differences summed over each, and its windows; int64 [hours] each."""
    hours, place = np.unique(windows.hours[held.rows], return_inverse=True)
    sums = np.zeros(len(hours), dtype=np.int64)
    np.add.at(sums, place, held.difference)
    return hours, sums, np.bincount(place, minlength=len(hours)).astype(np.int64)


def judge(
    windows: Windows, later: Integers, rules: Sequence[PolicyRule], default: str, settings: Settings
) -> tuple[JudgedRule, ...]:
    """Return every rule with what it did on the windows `later`, and why it is not kept, if it is not.

    Whether a rule is tested is decided by how often it holds, never by what it earned; all that were tested count.
    """
    held = [hold(windows, later, (rule.conditions, rule.policy), default) for rule in rules]
    untested = [_untested(rule, one.performance, default, settings) for rule, one in zip(rules, held, strict=True)]
    tested = [number for number, reasons in enumerate(untested) if not reasons]
    sums = {number: by_hour(windows, held[number])[1:] for number in tested}
    draws, seed, rate = settings.draws, settings.seed, settings.false_discovery_ppm
    p_ppm = {number: sign_flip_p_ppm(sums[number][0], draws, seed) for number in tested}
    found = dict(zip(tested, discoveries(list(p_ppm.values()), rate), strict=True))
    tail = selected_tail_ppm(len(tested), sum(found.values()), rate)
    judged = []
    for number, (rule, one) in enumerate(zip(rules, held, strict=True)):
        evidence = None
        if number in found:
            evidence = Evidence(*bootstrap_bounds(*sums[number], tail, draws, seed), p_ppm[number])
        reasons = untested[number] or _against(one.performance, evidence, found[number])
        judged.append(JudgedRule(rule, one.performance, evidence, reasons))
    return tuple(judged)


def _untested(rule: PolicyRule, later: Performance, default: str, settings: Settings) -> tuple[str, ...]:
    found = {
        "SAME_AS_DEFAULT": rule.policy == default,
        "TOO_FEW_ROWS": later.rows < settings.min_rows,
        "TOO_FEW_HOURS": later.hours < settings.min_hours,
    }
    return tuple(code for code in CODES if found.get(code))


def _against(later: Performance, evidence: Evidence | None, discovery: bool) -> tuple[str, ...]:
    found = {
        "NO_LIFT": later.lift_x1000 <= 0,
        "NOT_SIGNIFICANT": not discovery,
        "INTERVAL_HOLDS_ZERO": evidence is None or evidence.low_x1000 <= 0,
    }
    return tuple(code for code in CODES if found.get(code))
