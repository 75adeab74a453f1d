"""Rules as data and as text: literal documents, a strict reader, and the statistics behind the numbers."""

import json
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.errors import GrinderError, ManifestRejected, OutOfRange, SchemaMismatch
from grinder_resources.hashing import sha256_facts
from grinder_resources.usecases.policy_discovery.book import Period, RuleBook, Settings, choose
from grinder_resources.usecases.policy_discovery.book_json import from_json, to_json
from grinder_resources.usecases.policy_discovery.book_text import to_text
from grinder_resources.usecases.policy_discovery.evidence import (
    bootstrap_bounds,
    discoveries,
    selected_tail_ppm,
    sign_flip_p_ppm,
)
from grinder_resources.usecases.policy_discovery.policies import POLICIES
from grinder_resources.usecases.policy_discovery.rules import (
    Condition,
    Evidence,
    JudgedRule,
    Performance,
    PolicyRule,
)
from grinder_resources.usecases.policy_discovery.tree import Branch, Leaf, leaves, merged, tree_text

NARROW, FAST = Condition("spread_bps", "<=", 3), Condition("range_60s_x1000", ">", 5_400)
WIDE = Condition("spread_bps", ">", 3)
TRAINED = Performance(rows=250, share_bps=2_500, hours=40, instruments=2, lift_x1000=900, hit_lift_bps=1_000)
LATER = Performance(rows=90, share_bps=1_800, hours=20, instruments=2, lift_x1000=-412, hit_lift_bps=-50)
KEPT = JudgedRule(
    PolicyRule("r02", (NARROW, FAST), "wide", TRAINED),
    replace(LATER, lift_x1000=412),
    Evidence(low_x1000=120, high_x1000=701, p_ppm=3_141),
    (),
)
FAILED = JudgedRule(
    PolicyRule("r01", (WIDE,), "tight", TRAINED), LATER, Evidence(-900, 80, 801_234), ("NO_LIFT", "NOT_SIGNIFICANT")
)
BOOK = RuleBook(
    default="pause",
    policies=POLICIES,
    rules=(FAILED, KEPT),
    columns=MappingProxyType({"spread_bps": "the spread", "range_60s_x1000": "the range"}),
    training=Period("2025-01-06", "2025-01-08", 3, 1_000, 2),
    later=Period("2025-01-09", "2025-01-10", 2, 500, 2),
    settings=Settings(),
    data_sha256="d" * 64,
    tree_sha256="e" * 64,
    code_version="c0de",
)

TEXT = """\
1 of 2 rules hold out of sample: r02 (wide).
Found on 1,000 windows of 2025-01-06 to 2025-01-08, judged on 500 of 2025-01-09 to 2025-01-10. Rules tested: 2; of the \
kept ones 10 % may be worthless.

r02: IF spread_bps <= 3 AND range_60s_x1000 > 5400 THEN wide: +0.412 bps over pause [+0.120, +0.701], p 0.0032, \
in 90 windows (18.0 %): kept
r01: IF spread_bps > 3 THEN tight: -0.412 bps over pause [-0.900, +0.080], p 0.8013, in 90 windows (18.0 %): \
not kept, NO_LIFT, NOT_SIGNIFICANT
ELSE pause
"""


def test_a_book_reads_as_text() -> None:
    """Kept rules first, each in one line with its numbers, the default last."""
    assert to_text(BOOK) == TEXT


def test_a_rule_reads_as_data() -> None:
    """Integers and texts, nothing to parse."""
    rule = json.loads(to_json(BOOK))["rules"][1]
    assert rule["conditions"] == [
        {"column": "spread_bps", "comparison": "<=", "value": 3},
        {"column": "range_60s_x1000", "comparison": ">", "value": 5400},
    ]
    assert (rule["policy"], rule["kept"], rule["reasons"]) == ("wide", True, [])
    assert rule["evidence"] == {"low_x1000": 120, "high_x1000": 701, "p_ppm": 3141}


def test_a_book_survives_the_round_trip() -> None:
    """What is read is what was written, to the byte."""
    assert from_json(to_json(BOOK)) == BOOK
    assert to_json(from_json(to_json(BOOK))) == to_json(BOOK)


@pytest.mark.parametrize(
    ("spread", "swing", "policy"),
    [(3, 5_401, "wide"), (4, 5_401, "pause"), (3, 5_400, "pause"), (None, 5_401, "pause"), (3, None, "pause")],
)
def test_the_first_kept_rule_that_holds_chooses(spread: int | None, swing: int | None, policy: str) -> None:
    """A rule that was not kept advises nothing, and a condition on no value does not hold."""
    assert choose(BOOK, {"spread_bps": spread, "range_60s_x1000": swing}) == policy


def test_a_missing_column_is_no_missing_value() -> None:
    """A caller that forgot a column hears of it."""
    with pytest.raises(SchemaMismatch, match="spread_bps"):
        choose(BOOK, {"range_60s_x1000": 1})


def edited(change: Any) -> bytes:
    """Return the document with one thing changed and its sha256 made right again."""
    facts = json.loads(to_json(BOOK))
    del facts["sha256"]
    change(facts)
    return json.dumps(facts | {"sha256": sha256_facts(facts)}).encode()


def set_rule(**facts: Any) -> Any:
    return lambda book: book["rules"][1].update(facts)


TWICE = [{"column": "spread_bps", "comparison": "<=", "value": value} for value in (3, 4)]
NEVER = [{"column": "spread_bps", "comparison": sign, "value": 3} for sign in ("<=", ">")]
FLAWS = {
    "another schema": lambda book: book.update(schema="grinder.policy_rules.v2"),
    "an unknown field": lambda book: book.update(owner="me"),
    "an unknown policy": set_rule(policy="double"),
    "an unknown default": lambda book: book.update(default="double"),
    "an unknown reason": set_rule(reasons=["BAD_MOOD"], kept=False),
    "an unknown comparison": set_rule(conditions=[{"column": "spread_bps", "comparison": "<", "value": 3}]),
    "an undeclared column": lambda book: book["columns"].pop("spread_bps"),
    "a threshold that is no integer": set_rule(conditions=[{"column": "spread_bps", "comparison": "<=", "value": 3.5}]),
    "a bound given twice": set_rule(conditions=TWICE),
    "bounds that nothing meets": set_rule(conditions=NEVER),
    "kept in spite of a reason": set_rule(reasons=["NO_LIFT"]),
    "kept without a test": set_rule(evidence=None),
    "two rules of one name": set_rule(name="r01"),
    "a setting out of range": lambda book: book["settings"].update(max_depth=0),
    "bounds the wrong way": set_rule(evidence={"low_x1000": 2, "high_x1000": 1, "p_ppm": 1}),
}


@pytest.mark.parametrize("change", FLAWS.values(), ids=FLAWS)
def test_a_document_that_says_nonsense_is_refused(change: Any) -> None:
    """Even with a sha256 that fits."""
    with pytest.raises(GrinderError) as refused:
        from_json(edited(change))
    assert isinstance(refused.value, ManifestRejected | OutOfRange)


def test_a_document_that_was_edited_is_refused() -> None:
    """A threshold changed by hand is no rule that was judged."""
    with pytest.raises(ManifestRejected, match="edited"):
        from_json(to_json(BOOK).replace(b'"value": 5400', b'"value": 54'))


def test_bounds_of_a_column_are_merged() -> None:
    """The tightest of either kind, columns as they first came, the lower bound first."""
    path = (Condition("a", "<=", 9), Condition("b", ">", 1), Condition("a", "<=", 5), Condition("a", ">", 2))
    assert [str(one) for one in merged(path)] == ["a > 2", "a <= 5", "b > 1"]


def test_leaves_come_from_left_to_right() -> None:
    """Text and rules number them alike."""
    tree = Branch("a", 3, Leaf("pause", 200), Branch("b", -1, Leaf("wide", 150), Leaf("tight", 100)))
    assert [([str(one) for one in path], leaf.policy) for path, leaf in leaves(tree)] == [
        (["a <= 3"], "pause"),
        (["a > 3", "b <= -1"], "wide"),
        (["a > 3", "b > -1"], "tight"),
    ]
    assert tree_text(tree).splitlines()[-1] == "|   |   tight  [r03, 100 windows]"


def test_benjamini_and_hochberg_by_hand() -> None:
    """At 5 % of four: 0.0125, 0.025, 0.0375, 0.05 in order; the third passes and takes the second with it."""
    assert discoveries([40_000, 1_000, 37_000, 30_000], 50_000) == (True, True, True, True)
    assert discoveries([60_000, 1_000, 37_000, 30_000], 50_000) == (False, True, True, True)
    assert discoveries([60_000, 13_000, 38_000, 30_000], 50_000) == (False, False, False, False)
    assert discoveries([], 50_000) == ()


def test_bounds_are_wider_the_fewer_were_chosen() -> None:
    """Two of ten at 10 %: each bound may miss in 2 %."""
    assert [selected_tail_ppm(10, found, 100_000) for found in (0, 1, 2, 10)] == [10_000, 10_000, 20_000, 100_000]


def test_signs_of_few_hours_are_all_tried() -> None:
    """Of the 8 patterns of 1, 2 and 4 one reaches 7, two reach 5 and all reach -7."""
    assert [sign_flip_p_ppm(np.array(sums), 10, 1) for sums in ([1, 2, 4], [-1, 2, 4], [-1, -2, -4], [0, 0, 0])] == [
        125_000,
        250_000,
        1_000_000,
        1_000_000,
    ]


def test_signs_of_many_hours_are_drawn() -> None:
    """No draw of 40 equal signs comes again, but the one that came is counted: 1 of 1,000."""
    assert sign_flip_p_ppm(np.full(40, 5), 999, 1) == 1_000
    assert 400_000 < sign_flip_p_ppm(np.array([5, -5] * 20), 999, 1) < 700_000


def test_bounds_hold_the_mean_and_stand_on_ranks() -> None:
    """Equal hours leave no doubt; two kinds of hours give the means that resampling finds, rounded outwards."""
    ones = np.ones(10, dtype=np.int64)
    assert bootstrap_bounds(7 * ones, 2 * ones, 50_000, 200, 1) == (3, 4)
    assert bootstrap_bounds(np.array([0, 10] * 5), ones, 40_000, 2_000, 1) == (2, 8)


@given(st.lists(st.tuples(st.integers(-10_000, 10_000), st.integers(1, 24)), min_size=1, max_size=12))
def test_turning_every_hour_turns_the_bounds(hours: list[tuple[int, int]]) -> None:
    """The bounds of the opposite are the opposite bounds, and hold the mean."""
    sums, rows = (np.array(column) for column in zip(*hours, strict=True))
    low, high = bootstrap_bounds(sums, rows, 50_000, 100, 1)
    assert bootstrap_bounds(-sums, rows, 50_000, 100, 1) == (-high, -low)
    assert low <= sums.sum() / rows.sum() <= high
