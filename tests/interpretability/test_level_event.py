"""Six heads that limit each other: binary ones behind rules, and a regression."""

import pytest

from grinder_resources.contracts.artifacts import INPUT
from grinder_resources.contracts.calibration import AtLeast, AtMost, Either
from grinder_resources.export.verify import open_session
from grinder_resources.interpretability import words
from grinder_resources.interpretability.page import why_page
from grinder_resources.interpretability.text_page import text_page
from grinder_resources.interpretability.why import Why, why
from grinder_resources.lake import Lake
from tests.interpretability.level_event import NAMES, level_event

LAST_DAY_ROW = 450


@pytest.fixture(scope="module")
def level(tmp_path_factory: pytest.TempPathFactory) -> Why:
    """Return the explanation of a row of the last day, with an empty lake beside it."""
    root = tmp_path_factory.mktemp("level")
    return why(level_event(root, LAST_DAY_ROW), Lake(str(root / "lake")), root, head="t2_60s")


def test_every_head_says_what_the_graph_says(level: Why) -> None:
    """After tables, rules and units; the walk-forward has nothing to add."""
    session, row = open_session(level.artifact), level.event.prepared.matrix.values[[LAST_DAY_ROW]]
    said = session.run(list(NAMES), {INPUT: row})
    assert [answer.leading.said for answer in level.heads] == [int(one[0, 0]) for one in said]
    assert {answer.leading.evidence.rows for answer in level.heads} == {0}


def test_the_rule_that_moved_an_answer_is_told(level: Why) -> None:
    """Either of break and bounce is between the larger and the sum of both; what no rule names stays as it is."""
    answer = level.focused.leading
    assert answer.step is not None
    told = words.coherence(level, level.focused)
    assert told.startswith("between the larger and the sum of t2_break_60s and t2_bounce_60s")
    moved = f"moved from {words.percent(answer.step.bps)} to {words.percent(answer.said)}"
    assert told.endswith("it already was" if answer.step.bps == answer.said else moved)
    direction = next(one for one in level.heads if one.head.name == "direction")
    assert words.coherence(level, direction) == "no other head limits it"


def test_rules_in_words() -> None:
    """A bound above, a bound below, and two parts."""
    assert words.rule(AtMost("a", ("b", "c"))) == "no likelier than b or c"
    assert words.rule(AtLeast("a", ("b",))) == "no less likely than b"
    assert words.rule(Either("a", ("b", "c"))) == "between the larger and the sum of b and c"


def test_a_regression_is_its_margin_times_its_unit(level: Why) -> None:
    """There is no calibration to tell of."""
    strength = next(one for one in level.heads if one.head.name == "strength")
    answer = strength.leading
    assert (answer.step, round(answer.margin * 1000)) == (None, answer.said)
    assert words.happened(strength) == f"{level.event.facts['strength_signed']:,}"


def test_both_pages_name_the_categories_the_check_and_every_question(level: Why) -> None:
    """Without a promotion check they say that there was none."""
    facts = level.event.facts
    for page in (text_page(level), why_page(level)):
        assert f"level_kind_name {facts['level_kind_name']}, direction {facts['direction']}" in page
        assert "no promotion check is in the lake" in page
        assert "confirmed " in page
        assert all(name in page for name in NAMES)
