"""A real browser looks at the drift page on a phone, where there is least room."""

from pathlib import Path

import pytest

from grinder_resources.monitoring.page import drift_page
from tests.monitoring.watched import ANSWER, CALM, MONDAY, MOVED, report, watched
from tests.pages.test_pages_in_browser import CHROMIUM, PHONE, look

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: nobody to look at the pages")

TALL = 6000


def test_the_page_as_its_reader_sees_it(tmp_path: Path) -> None:
    """Verdict, tables and both pictures are drawn, nothing sticks out sideways, is fetched or complains."""
    found = report(watched(tmp_path / "lake", {(MONDAY, 9): {"depth": CALM, "spread": MOVED, ANSWER: CALM}}))
    seen = look(drift_page(found, {"code version": "1"}), tmp_path, PHONE, TALL)
    assert (seen.console, seen.facts["fetched"], seen.facts["clipped"]) == ([], [], 0)
    assert (seen.facts["width"], seen.facts["height"] <= TALL) == (PHONE, True)
    assert len(seen.facts["pictures"]) == 2
    for box in (*seen.facts["headings"], *seen.facts["verdicts"], *seen.facts["pictures"]):
        assert seen.ink(*box) > 0.005
