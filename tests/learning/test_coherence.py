"""Coherence: whatever heads say, what leaves the model does not contradict itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.calibration import AtLeast, AtMost, Either, Spacing
from grinder_resources.learning.coherence import apply_rules, rules_for, spacing_x1000, sum_to_certain
from grinder_resources.learning.specs import LEVEL_HEADS, SPECS

PATIENT = settings(deadline=None, max_examples=60)
RULES = SPECS["level_signals_stage_b_full"].coherence
NAMES = [head.name for head in LEVEL_HEADS if head.kind == "binary"]
REACH = [name for name in NAMES if name.startswith(("t1_", "t2_"))]
BPS = st.integers(0, 10_000)


def bps(**values: int) -> dict[str, np.ndarray]:
    """Return one row of bps a head."""
    return {name: np.array([value], dtype=np.int32) for name, value in values.items()}


def promises(heads: set[str]) -> list[tuple[str, str]]:
    """Return pairs (rarer, likelier) of those heads that must be in that order, neighbours in time or distance."""
    pairs = [("t2_60s", "tradeable_2"), ("t2_120s", "tradeable_2")]
    for side in ("", "_break", "_bounce"):
        pairs += [(f"t2{side}_{horizon}s", f"t1{side}_{horizon}s") for horizon in (60, 120)]
        pairs += [(f"t{threshold}{side}_60s", f"t{threshold}{side}_120s") for threshold in (1, 2)]
    return [pair for pair in pairs if set(pair) <= heads]


@PATIENT
@given(st.lists(st.tuples(*[BPS] * len(NAMES)), min_size=1, max_size=8))
def test_no_answer_of_the_level_model_contradicts_another(rows: list[tuple[int, ...]]) -> None:
    """Farther is rarer, sooner is rarer, and either side lies between the likelier of two and their sum."""
    given_bps = dict(zip(NAMES, np.array(rows, dtype=np.int32).T, strict=True))
    found = apply_rules(rules_for(RULES, given_bps), given_bps)
    for rarer, likelier in promises(set(NAMES)):
        assert (found[rarer] <= found[likelier]).all(), (rarer, likelier)
    for threshold in (1, 2):
        for horizon in (60, 120):
            either, beyond, back = (found[f"t{threshold}{side}_{horizon}s"] for side in ("", "_break", "_bounce"))
            assert (np.maximum(beyond, back) <= either).all()
            assert (either <= beyond + back).all()
    assert all(values.dtype == np.int32 and values.min() >= 0 and values.max() <= 10_000 for values in found.values())


@PATIENT
@given(st.sets(st.sampled_from(NAMES)), st.tuples(*[BPS] * len(NAMES)))
def test_a_missing_head_takes_no_other_promise_with_it(heads: set[str], row: tuple[int, ...]) -> None:
    """Neighbours that are there stay in order, whichever heads could not be fitted."""
    given_bps = {
        name: np.array([value], dtype=np.int32) for name, value in zip(NAMES, row, strict=True) if name in heads
    }
    found = apply_rules(rules_for(RULES, heads), given_bps)
    for rarer, likelier in promises(heads):
        assert (found[rarer] <= found[likelier]).all(), (rarer, likelier)


def test_coherent_answers_stay_as_they_are() -> None:
    """Rules repair; they do not smooth."""
    row = dict.fromkeys(NAMES, 5000)
    row |= {name: 3_000 for name in REACH if name.startswith("t2")} | {name: 4_000 for name in REACH if "_b" in name}
    row |= {name: 2_000 for name in REACH if name.startswith("t2_b")}
    before = bps(**row)
    assert apply_rules(RULES, before) == before


def test_each_rule_by_hand() -> None:
    """What each kind does to a head that is too high or too low; what is given is left alone."""
    before = bps(a=7_000, b=4_000, c=5_000)
    assert apply_rules((AtMost("a", ("b", "c")),), before)["a"].tolist() == [4_000]
    assert apply_rules((AtLeast("b", ("a", "c")),), before)["b"].tolist() == [7_000]
    assert apply_rules((Either("b", ("a", "c")),), before)["b"].tolist() == [7_000]
    assert apply_rules((Either("a", ("b", "c")),), bps(a=9_500, b=4_000, c=5_000))["a"].tolist() == [9_000]
    assert apply_rules((Either("a", ("b", "c")),), bps(a=9_500, b=6_000, c=9_000))["a"].tolist() == [9_500]
    assert before["a"].tolist() == [7_000]


def test_rules_are_applied_in_their_order() -> None:
    """A later rule sees what an earlier one left."""
    rules = (AtMost("b", ("a",)), AtMost("c", ("b",)))
    row = bps(a=1_000, b=5_000, c=4_000)
    assert apply_rules(rules, row)["c"].tolist() == [1_000]
    assert apply_rules(rules[::-1], row)["c"].tolist() == [4_000]


def test_rules_of_missing_heads_are_left_out() -> None:
    """A rule whose head is absent, a bound that is absent, the last bound of a rule; `Either` only all together."""
    rules = (
        AtMost("b", ("a", "x")), AtLeast("x", ("a",)), AtMost("c", ("x",)), Either("a", ("b", "c")),
        Either("d", ("b", "x")),
    )  # fmt: skip
    assert rules_for(rules, ("a", "b", "c")) == (AtMost("b", ("a",)), Either("a", ("b", "c")))
    assert rules_for(rules, ("a", "b", "c", "d")) == (AtMost("b", ("a",)),)
    assert rules_for(rules, ("a", "b", "c", "d", "x")) == rules


WEIGHTS = st.lists(st.tuples(BPS, BPS, BPS), min_size=1, max_size=8)


@PATIENT
@given(WEIGHTS)
def test_rows_sum_to_exactly_certain(rows: list[tuple[int, int, int]]) -> None:
    """No share is negative, none is further than one unit a class from its proportion, larger weights get no less."""
    weights = np.array(rows, dtype=np.int64)
    shares = sum_to_certain(weights)
    assert shares.dtype == np.int32
    assert shares.min() >= 0
    assert shares.sum(axis=1).tolist() == [10_000] * len(rows)
    for weight, share in zip(weights, shares, strict=True):
        exact = 10_000 * weight / weight.sum() if weight.any() else np.full(3, 10_000 / 3)
        assert np.abs(share - exact).max() <= 2.0
        order = np.argsort(weight, kind="stable")
        assert (np.diff(share[order]) >= -1).all()


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ((1, 1, 1), (3_334, 3_333, 3_333)),
        ((0, 0, 0), (3_334, 3_333, 3_333)),
        ((0, 7, 7), (0, 5_000, 5_000)),
        ((2, 5_000, 5_000), (2, 4_999, 4_999)),
        ((1, 9_999, 10_000), (0, 5_000, 5_000)),
        ((5, 5, 70), (625, 625, 8_750)),
    ],
)
def test_what_rounding_leaves_goes_to_the_first_of_the_largest(
    weights: tuple[int, ...], shares: tuple[int, ...]
) -> None:
    """And where nothing weighs anything, all are alike."""
    assert sum_to_certain(np.array([weights])).tolist() == [list(shares)]


SPACING = Spacing("regime", (600, 1_000, 1_900))


@pytest.mark.parametrize(
    ("row", "multiplier"),
    [((10_000, 0, 0), 600), ((0, 0, 10_000), 1_900), ((2_500, 5_000, 2_500), 1_125), ((5, 9_990, 5), 1_000)],
)
def test_spacing_is_the_expected_multiplier(row: tuple[int, ...], multiplier: int) -> None:
    """600, 1000 and 1900 weighed by 5, 9990 and 5 are 1000.25: rounded."""
    found = spacing_x1000(np.array([row], dtype=np.int32), SPACING)
    assert (found.tolist(), found.dtype) == ([multiplier], np.int32)


@PATIENT
@given(st.tuples(*[st.integers(-5_000, 9_000)] * 3), st.lists(st.tuples(BPS, BPS, BPS), min_size=1, max_size=5))
def test_spacing_is_never_below_half_or_above_double(
    multipliers: tuple[int, int, int], rows: list[tuple[int, int, int]]
) -> None:
    """Whatever was learned, and whatever the probabilities."""
    shares = sum_to_certain(np.array(rows, dtype=np.int64))
    found = spacing_x1000(shares, Spacing("regime", multipliers))
    assert 500 <= found.min() <= found.max() <= 2_000


def test_specs_say_how_their_heads_hang_together() -> None:
    """All twelve reach heads and tradeable_2 in every level model; the regime decides spacing; facts know both."""
    assert {rule.head for rule in RULES} == {"tradeable_2", *REACH} - {"t2_break_60s", "t2_bounce_60s"}
    assert all(spec.coherence == RULES for name, spec in SPECS.items() if name.startswith("level_signals"))
    assert SPECS["regime"].facts["spacing_head"] == "regime"
    assert SPECS["level_signals_stage_a_ta"].facts["coherence"][-1] == {
        "rule": "at_least", "head": "tradeable_2", "bounds": ["t2_60s", "t2_120s"],
    }  # fmt: skip
