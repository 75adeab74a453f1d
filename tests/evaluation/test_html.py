"""Pages say the verdict first, repeat the numbers they are given, and need nothing from outside."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from grinder_resources.errors import StorageFull
from grinder_resources.evaluation.cells import DASH, MINUS, number
from grinder_resources.evaluation.html import calibration_page, walk_forward_page, write_page
from grinder_resources.evaluation.summary import Report
from tests.evaluation.report_rows import empty_report, report

Page = Callable[[Report], str]
PAGES = pytest.mark.parametrize("make", [walk_forward_page, calibration_page])
VOID = {"meta", "br", "hr", "img", "link", "input"}


class Outline(HTMLParser):
    """Checks that every element is closed in order, and keeps the text people see, piece by piece."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember what is open."""
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Leave `<path/>` and its like alone: they close themselves."""

    def handle_endtag(self, tag: str) -> None:
        """Insist that what closes is what was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep text with the element around it."""
        if data.strip() and self.open[-1] != "style":
            self.seen.append((self.open[-1], data.strip()))

    def texts(self, tag: str) -> list[str]:
        """Return the pieces of text that stand directly in elements of a kind."""
        return [text for name, text in self.seen if name == tag]


@PAGES
def test_a_page_is_well_formed(make: Page) -> None:
    """Every element closes in order, the pictures' included, and the pictures are there."""
    outline = Outline(make(report()))
    assert outline.open == []
    assert len(outline.texts("title")) == 1
    assert "<svg" in make(report())


@PAGES
def test_a_page_loads_nothing(make: Page) -> None:
    """No address, no script, no import and no external style is in the file."""
    html = make(report())
    assert not re.search(r"https?:|//[a-z]|<script|<link|@import|<img|url\((?!#)", html)


@PAGES
def test_the_same_report_makes_the_same_page(make: Page) -> None:
    """Two pages of one report are equal byte by byte."""
    assert make(report()) == make(report())


def test_the_verdict_comes_before_any_number() -> None:
    """The first paragraph after the header is the verdict, and what it does not claim follows."""
    paragraphs = Outline(walk_forward_page(report())).texts("p")
    assert paragraphs[2:4] == [
        "1 of 3 answers beats where the price stands at t1 out of sample; 1 shows no edge; 1 could not be judged.",
        "An edge is calibration skill: it says nothing about where the price goes.",
    ]


def test_the_caveat_of_a_model_stands_in_its_verdict() -> None:
    """Right after what an edge is not, where nobody can miss it."""
    paragraphs = Outline(walk_forward_page(report(caveat="Most of it may be luck."))).texts("p")
    assert paragraphs[3] == (
        "An edge is calibration skill: it says nothing about where the price goes. Most of it may be luck."
    )


def test_the_walk_forward_page_holds_scores_with_intervals() -> None:
    """Pooled AUC and skill, fold skills, counts and bounds of the tables are on the page, rounded to three digits."""
    outline = Outline(walk_forward_page(report()))
    cells, spans = outline.texts("td"), outline.texts("span")
    assert {"0.613", "0.052", "0.072", "0.034", "1,842", "1,206", "517", "3/3", "0.42", f"{MINUS}0.012"} <= set(cells)
    assert "0.224" in cells
    assert {"[0.161, 0.287]", "[0.583, 0.641]", "[0.011, 0.091]", f"[{MINUS}0.041, 0.101]"} <= set(spans)
    assert {"edge", "no edge", "not judged"} <= set(spans)


def test_the_walk_forward_page_says_which_rows_are_judged() -> None:
    """Open and settled rows stand side by side, and one sentence says what they are."""
    outline = Outline(walk_forward_page(report()))
    assert outline.texts("th")[6:9] == ["Open", "Settled", "Of class"]
    assert "Judged are open rows, whose answer was not yet known at decision time" in outline.texts("p")[4]


def test_the_walk_forward_page_says_what_skill_is_over() -> None:
    """In the note above the numbers, at both pictures, and in the tooltip of the column."""
    html = walk_forward_page(report())
    outline = Outline(html)
    assert outline.texts("th")[2:6] == ["AUC", "AUC beyond", "Skill", "Skill over base"]
    assert "squared error over that of the reference: where the price stands at t1" in outline.texts("p")[4]
    assert "over where the price stands at t1; 0 is no better" in html
    assert "the line at 0 is the reference: where the price stands at t1." in html
    assert "Skill over where the price stands at t1" in html
    assert "{reference}" not in html


def test_the_walk_forward_page_shows_what_each_fold_was_fitted_and_tested_on() -> None:
    """Days of train, validation and test stand in the table of folds, mode by mode."""
    cells = Outline(walk_forward_page(report())).texts("td")
    last = cells.index("rolling") + 10
    assert cells[last : last + 5] == ["rolling", "3", "2025-01-07 to 2025-01-08 (2 days)", "2025-01-09", "2025-01-10"]


def test_every_number_of_the_walk_forward_page_has_an_interval_or_says_that_it_has_none() -> None:
    """What is lost of the skill in sample, too: 1 - 0.0907 / 0.09 to 1 - 0.0113 / 0.09, the mean of two folds."""
    html = walk_forward_page(report())
    outline = Outline(html)
    assert f"[{MINUS}0.01, 0.87]" in outline.texts("span")
    assert "[0.514, 0.570]" in outline.texts("span")
    assert re.search(r"0\.072<span class=\"interval\">no interval</span>", html)
    assert "stands where the rows come from fewer than 8 hours" in outline.texts("p")[4]


def test_a_leak_alarm_is_never_an_edge() -> None:
    """It has its own badge, and the first sentence says what to do about it."""
    alarmed = report().verdicts.with_columns(leak_alarm=pl.col("head") == "t1_60s", edge=pl.lit(value=False))
    outline = Outline(walk_forward_page(report(verdicts=alarmed)))
    assert "leak alarm" in outline.texts("span")
    assert outline.texts("p")[2] == (
        "No promotion: no answer beats where the price stands at t1 out of sample; "
        "1 is too good to be true: look for a leak; 1 shows no edge; 1 could not be judged."
    )


def test_the_calibration_page_says_before_and_after_first() -> None:
    """The middle and the worst answer with their intervals, after calibration and then before it."""
    paragraphs = Outline(calibration_page(report())).texts("p")
    assert paragraphs[2] == (
        "After calibration, predicted and observed frequencies are 1.2 (1.0 to 2.9) percentage points apart in the "
        "middle answer, t1_60s, and 3.5 (no interval) in the worst, direction: BREAK."
    )
    assert paragraphs[3].startswith(
        "Before calibration, predicted and observed frequencies are 2.3 (1.9 to 4.0) percentage points apart in the "
        "middle answer, t1_60s, and 8.5 (7.1 to 12.8) in the worst, direction: BREAK. Each probability"
    )


def test_the_calibration_page_holds_errors_and_bins() -> None:
    """Errors before and after with their intervals, parts of the Brier score, groups, and every bin."""
    outline = Outline(calibration_page(report()))
    cells, spans = outline.texts("td"), outline.texts("span")
    assert {"0.281", "0.023", "0.012", "0.062", "0.038", "0.187", "0.186", "0.006"} <= set(cells)
    assert {"[0.019, 0.040]", "[0.010, 0.029]", "[0.171, 0.203]", "[0.0002, 0.0015]", "no interval"} <= set(spans)
    assert {"2025-01-09", "2025-01-10", "demo AAA", "demo BBB", "0.015", f"{MINUS}0.021"} <= set(cells)
    assert {"before", "after", "921", "0.191", "0.187", f"{MINUS}0.005"} <= set(cells)
    assert {"[0.162, 0.214]", f"[{MINUS}0.016, 0.047]"} <= set(spans)


def test_the_calibration_page_has_its_sections_in_order() -> None:
    """From the picture to what it rests on."""
    assert Outline(calibration_page(report())).texts("h2") == [
        "Predicted against observed",
        "Before and after",
        "What the Brier score is made of",
        "Day by day",
        "Symbol by symbol",
        "What could not be done",
        "Provenance",
    ]


def test_a_rounded_nought_has_no_sign() -> None:
    """-0.0001 to three digits is 0.000; a true minus stands before what is left."""
    assert [number(value) for value in (-0.0001, -0.0006, None, float("nan"))] == ["0.000", f"{MINUS}0.001", DASH, DASH]


@PAGES
def test_provenance_and_limits_are_on_the_page(make: Page) -> None:
    """Facts are shown as given; what could not be judged joins what the caller could not do."""
    outline = Outline(make(report()))
    assert outline.texts("dd")[-2:] == ["9f2c41d07be3a8c5", "0.1.0+3f9ac1d"]
    assert outline.texts("li") == [
        "Five days are fewer than the twenty a promotion asks for.",
        "t2_60s: not judged: 9 rows of class 'yes' <b>&",
    ]


@PAGES
def test_text_is_escaped(make: Page) -> None:
    """A name with markup in it is shown, not run."""
    nasty = "<script>alert('x')</script>\"&"
    html = make(report(model=nasty, doc=nasty, facts={nasty: nasty}, limits=(nasty,)))
    assert "<script" not in html
    assert Outline(html).texts("h1") == [nasty]


@PAGES
def test_a_report_of_nothing_says_so(make: Page) -> None:
    """With too few days there is a verdict, a reason and no picture."""
    html = make(empty_report())
    outline = Outline(html)
    assert outline.texts("p")[2].startswith("Not judged: there is no out-of-fold")
    assert outline.texts("li") == ["TOO_FEW_DAYS: a walk-forward needs more days than have rows."]
    assert "<svg" not in html


def test_no_edge_means_no_promotion() -> None:
    """Without a single edge the first sentence says that nothing should be promoted."""
    found = report().verdicts
    html = walk_forward_page(report(verdicts=found.filter(~found["edge"])))
    assert Outline(html).texts("p")[2] == (
        "No promotion: no answer beats where the price stands at t1 out of sample; "
        "1 shows no edge; 1 could not be judged."
    )


def test_a_page_replaces_the_old_one_whole(tmp_path: Path) -> None:
    """The folder is made if need be and holds the page alone, without leftovers."""
    path = tmp_path / "reports" / "page.html"
    write_page(path, "old")
    write_page(path, "new \N{GREEK SMALL LETTER DELTA}")
    assert path.read_text(encoding="utf-8") == "new \N{GREEK SMALL LETTER DELTA}"
    assert list(path.parent.iterdir()) == [path]


def test_a_page_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A file in the place of the folder is one clear line, not a traceback."""
    (tmp_path / "reports").write_text("a file")
    with pytest.raises(StorageFull, match="the page could not be written"):
        write_page(tmp_path / "reports" / "page.html", "new")
