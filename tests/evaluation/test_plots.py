"""Figures are small, deterministic, and show what the tables hold."""

import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from grinder_resources.evaluation import plots
from tests.evaluation.report_rows import empty_report, report

FIGURES = pytest.mark.parametrize("name", ["reliability", "folds", "forest"])


def figure(name: str, mode: str = "expanding", given: object = None) -> object:
    """Draw one of the three figures of the report."""
    shown = given or report()
    match name:
        case "reliability":
            return plots.reliability_grid(shown.calibration, mode)  # type: ignore[attr-defined]
        case "folds":
            return plots.fold_grid(shown.scores, mode)  # type: ignore[attr-defined]
        case _:
            return plots.forest(shown.scores, shown.verdicts, mode)  # type: ignore[attr-defined]


@FIGURES
def test_a_png_is_small_and_always_the_same(name: str) -> None:
    """The same rows give the same bytes, drawn once or twice, at most 60 kB, without a date in them."""
    one, two = figure(name), figure(name)
    packed = plots.png(one)
    assert packed == plots.png(one) == plots.png(two)
    assert len(packed) < 60_000
    assert Image.open(BytesIO(packed)).info.keys() <= {"dpi", "transparency"}
    assert Image.open(BytesIO(packed)).size[0] > 250


@FIGURES
def test_an_svg_takes_the_colours_of_its_page(name: str) -> None:
    """No colour of the figure's own is left, no address, no date; the same rows give the same text."""
    drawn = plots.svg(figure(name))
    assert drawn == plots.svg(figure(name))
    assert drawn.startswith("<svg")
    assert "var(--accent)" in drawn
    assert not re.search(r"#(1b1f24|6a737d|d9dee3|0072b2)|https?:|<dc:date", drawn)


@FIGURES
def test_without_rows_there_is_no_figure(name: str) -> None:
    """An empty report, or a mode that was not run, draws nothing."""
    assert figure(name, given=empty_report()) is None
    assert figure(name, mode="anchored") is None


def test_a_run_shows_the_leading_mode() -> None:
    """The PNG of a whole report is the figure of its first mode, or nothing."""
    assert plots.walk_forward_png(report()) == plots.png(figure("forest"))
    assert plots.reliability_png(report()) == plots.png(figure("reliability"))
    assert plots.walk_forward_png(empty_report()) is None
    assert plots.reliability_png(empty_report()) is None


def test_figures_leave_the_settings_of_the_process_alone() -> None:
    """Neither drawing nor saving changes matplotlib's global parameters, and the process's do not show in a figure."""
    import matplotlib as mpl

    plain = plots.png(figure("forest"))
    with mpl.rc_context({"font.size": 30.0, "axes.facecolor": "red"}):
        assert plots.png(figure("forest")) == plain
        assert mpl.rcParams["font.size"] == 30.0


def test_other_numbers_draw_another_picture() -> None:
    """A moved bin moves a dot."""
    calibration = report().calibration
    moved = report(calibration=calibration.with_columns(calibration["observed"] * 0.5))
    assert plots.png(figure("reliability")) != plots.png(figure("reliability", given=moved))


def test_each_panel_is_named_after_its_answer() -> None:
    """The class is named where it is not plain from the head."""
    drawn = plots.svg(figure("folds"))
    assert [title for title in ("direction: BREAK", "t1_60s") if title in drawn] == ["direction: BREAK", "t1_60s"]
    assert "t1_60s: yes" not in drawn


def test_the_forest_fills_dots_of_edges_only() -> None:
    """Of the two judged answers one has an edge: one filled dot in each half, one hollow."""
    left, right = figure("forest").axes  # type: ignore[attr-defined]
    for axes in (left, right):
        dots = [line for line in axes.lines if line.get_marker() == "o"]
        assert sorted(line.get_markerfacecolor() for line in dots) == ["#0072b2", "none"]
    assert [label.get_text() for label in left.get_yticklabels()] == ["direction: BREAK", "t1_60s"]


def test_a_fold_that_could_not_be_scored_has_no_dot() -> None:
    """Direction was not scored in fold 1: its panel starts at fold 2, and no interval is drawn where there is none."""
    direction, reach = figure("folds").axes[:2]  # type: ignore[attr-defined]
    assert direction.lines[1].get_xdata().tolist() == [2, 3]
    assert reach.lines[1].get_xdata().tolist() == [1, 2, 3]
    assert len(reach.collections[0].get_segments()) == 2


def test_wilson_intervals_are_the_published_ones() -> None:
    """Wilson score intervals of 0, 15 and 81 of 10, 148 and 263 (Newcombe 1998, table I, method 3)."""
    low, high = plots.wilson(np.array([81.0, 15.0, 0.0]), np.array([263.0, 148.0, 20.0]))
    assert low.round(4).tolist() == [0.2553, 0.0624, 0.0]
    assert high.round(4).tolist() == [0.3662, 0.1605, 0.1611]
