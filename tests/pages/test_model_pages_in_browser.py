"""A real browser looks at the pages about one model: its card, what moves it, and why it said what it did."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from grinder_resources.cards.facts import card_of
from grinder_resources.cards.page import card_page
from grinder_resources.interpretability.event import find_event
from grinder_resources.interpretability.importance import importance
from grinder_resources.interpretability.importance_page import importance_page
from grinder_resources.interpretability.page import why_page
from grinder_resources.interpretability.why import why
from grinder_resources.learning.specs import REGIME
from tests.interpretability.asked import EVENT, asked, lake_of
from tests.pages.test_pages_in_browser import CHROMIUM, DESK, PHONE, look

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: nobody to look at the pages")

TALL = 6000
Page = Callable[[], str]


@cache
def card() -> str:
    return card_page(card_of(asked() / "models" / "regime_v1.0.0", lake_of(asked()), asked() / "models"))


def moved() -> str:
    found = importance(REGIME, lake_of(asked()), asked() / "models", code_version="1")
    return importance_page(found, REGIME.doc, {"Dataset": REGIME.dataset})


def told() -> str:
    lake, models = lake_of(asked()), asked() / "models"
    return why_page(why(find_event(EVENT, lake, models), lake, models))


@pytest.mark.parametrize(("make", "width"), [(card, DESK), (card, PHONE), (moved, PHONE), (told, PHONE)])
def test_a_page_as_its_reader_sees_it(make: Page, width: int, tmp_path: Path) -> None:
    """Headline, verdict and every picture are drawn, nothing sticks out sideways, is fetched or complains."""
    seen = look(make(), tmp_path, width, TALL)
    assert (seen.console, seen.facts["fetched"], seen.facts["clipped"]) == ([], [], 0)
    assert (seen.facts["width"], seen.facts["height"] <= TALL) == (width, True)
    assert seen.facts["pictures"]
    for box in (*seen.facts["headings"], *seen.facts["verdicts"], *seen.facts["pictures"]):
        assert seen.ink(*box) > 0.005
