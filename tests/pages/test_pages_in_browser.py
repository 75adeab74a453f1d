"""A real browser looks at the report pages: all is visible, nothing is fetched, nothing complains."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from grinder_resources.evaluation.html import calibration_page, walk_forward_page
from grinder_resources.evaluation.summary import Report
from tests.evaluation.report_rows import MODEL, empty_report, report

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: nobody to look at the pages")

# The browser itself stays silent too: no update, no sign-in, no name that resolves.
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--disable-quic"),
    *("--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND"),
    *("--force-color-profile=srgb", "--hide-scrollbars", "--enable-logging=stderr"),
)
DESK, PHONE = 1100, 500
HEIGHT = 3000
Page = Callable[[Report], str]
PAGES = pytest.mark.parametrize("make", [walk_forward_page, calibration_page])
EYES = """<script>
addEventListener('load', () => {
  const all = selector => [...document.querySelectorAll(selector)];
  const box = ({x, y, width, height}) => [x, y, width, height];
  const boxes = selector => all(selector).map(element => box(element.getBoundingClientRect()));
  const {scrollWidth, scrollHeight} = document.documentElement;
  document.body.dataset.seen = JSON.stringify({
    title: document.title, verdict: all('.verdict p')[0].innerText, width: scrollWidth, height: scrollHeight,
    headings: boxes('h1'), verdicts: boxes('.verdict'), pictures: boxes('figure svg'),
    clipped: all('td, th, h1, .verdict p').filter(element => element.scrollWidth > element.clientWidth + 1).length,
    fetched: performance.getEntriesByType('resource').map(entry => entry.name),
  });
});
</script>"""


@dataclass(frozen=True)
class Seen:
    """What the browser saw: `facts` of EYES, console lines, and pixels [height, width, channel] in 0..1."""

    facts: dict[str, Any]
    console: list[str]
    pixels: Any

    def ink(self, x: float, y: float, width: float, height: float) -> float:
        """Return the share of pixels in a box that differ from the page's corner."""
        box = self.pixels[round(y) : round(y + height), round(x) : round(x + width), :3]
        return float((abs(box - self.pixels[0, 0, :3]).max(axis=-1) > 0.05).mean())


def look(html: str, folder: Path, width: int, height: int = HEIGHT) -> Seen:
    """Open a page from disk as its reader would, with EYES added at the end."""
    from matplotlib.image import imread

    page, picture = folder / "page.html", folder / "page.png"
    page.write_text(html.replace("</body>", EYES + "</body>"), encoding="utf-8")
    shown = subprocess.run(
        [
            str(CHROMIUM),
            *FLAGS,
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size={width},{height}",
            f"--screenshot={picture}",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    facts = re.search(r'data-seen="([^"]*)"', shown.stdout)
    assert facts, shown.stderr[-2000:]
    console = [line for line in shown.stderr.splitlines() if ":CONSOLE" in line]
    return Seen(json.loads(unescape(facts[1])), console, imread(picture))


@pytest.mark.parametrize("width", [DESK, PHONE])
@PAGES
def test_a_page_as_its_reader_sees_it(make: Page, width: int, tmp_path: Path) -> None:
    """Headline, verdict and every picture are drawn, nothing sticks out sideways, is fetched or complains."""
    seen = look(make(report()), tmp_path, width)
    assert seen.console == []
    assert seen.facts["fetched"] == []
    assert MODEL in seen.facts["title"]
    assert len(seen.facts["verdict"]) > 40
    assert seen.facts["width"] == width
    assert seen.facts["height"] <= HEIGHT
    assert seen.facts["clipped"] == 0
    ((_, top, *_),) = seen.facts["verdicts"]
    assert top < 400
    for box in (*seen.facts["headings"], *seen.facts["verdicts"], *seen.facts["pictures"]):
        assert seen.ink(*box) > 0.005
    assert len(seen.facts["pictures"]) >= 1
    assert all(wide > 0.8 * width and high > 40 for _, _, wide, high in seen.facts["pictures"])


@PAGES
def test_a_page_of_nothing_is_still_a_page(make: Page, tmp_path: Path) -> None:
    """With too few days there is a headline and a reason, and no empty frame of a picture."""
    seen = look(make(empty_report()), tmp_path, DESK)
    assert (seen.console, seen.facts["fetched"], seen.facts["pictures"]) == ([], [], [])
    assert seen.facts["verdict"].startswith("Not judged")
    assert all(seen.ink(*box) > 0.005 for box in (*seen.facts["headings"], *seen.facts["verdicts"]))


def test_these_eyes_would_see_it(tmp_path: Path) -> None:
    """A page that fetches, complains and is too wide is seen to do so: the other tests can fail."""
    image, script = '<img src="http://elsewhere.invalid/dot.png">', '<script>console.error("no")</script>'
    bad = image + script + '<div style="width: 1400px">wide</div>'
    seen = look(walk_forward_page(report()).replace("</main>", f"{bad}</main>"), tmp_path, DESK)
    assert seen.facts["fetched"] == ["http://elsewhere.invalid/dot.png"]
    assert any('"no"' in line for line in seen.console)
    assert seen.facts["width"] > DESK
