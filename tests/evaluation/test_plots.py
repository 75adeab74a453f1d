"""Figures are small, deterministic, and show what the tables hold."""

import re
from io import BytesIO

import polars as pl
import pytest
from PIL import Image

from grinder_resources.evaluation import calibration_plots, plots
from grinder_resources.evaluation.drawing import png, svg
from tests.evaluation.report_rows import empty_report, report

FIGURES = pytest.mark.parametrize("name", ["reliability", "day", "symbol", "folds", "forest"])


def figure(name: str, mode: str = "expanding", given: object = None) -> object:
    """Draw one of the figures of the report."""
    shown = given or report()
    match name:
        case "reliability":
            return calibration_plots.reliability_grid(shown.calibration, mode)  # type: ignore[attr-defined]
        case "day" | "symbol":
            return calibration_plots.group_grid(shown.reliability, mode, name)  # type: ignore[attr-defined]
        case "folds":
            return plots.fold_grid(shown.scores, mode)  # type: ignore[attr-defined]
        case _:
            return plots.forest(shown.scores, shown.verdicts, mode)  # type: ignore[attr-defined]


@FIGURES
def test_a_png_is_small_and_always_the_same(name: str) -> None:
    """The same rows give the same bytes, drawn once or twice, at most 60 kB, without a date in them."""
    one, two = figure(name), figure(name)
    packed = png(one)
    assert packed == png(one) == png(two)
    assert len(packed) < 60_000
    assert Image.open(BytesIO(packed)).info.keys() <= {"dpi", "transparency"}
    assert Image.open(BytesIO(packed)).size[0] > 250


@FIGURES
def test_an_svg_takes_the_colours_of_its_page(name: str) -> None:
    """No colour of the figure's own is left, no address, no date; the same rows give the same text."""
    drawn = svg(figure(name))
    assert drawn == svg(figure(name))
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
    assert plots.walk_forward_png(report()) == png(figure("forest"))
    assert calibration_plots.reliability_png(report()) == png(figure("reliability"))
    assert plots.walk_forward_png(empty_report()) is None
    assert calibration_plots.reliability_png(empty_report()) is None


def test_figures_leave_the_settings_of_the_process_alone() -> None:
    """Neither drawing nor saving changes matplotlib's global parameters, and the process's do not show in a figure."""
    import matplotlib as mpl

    plain = png(figure("forest"))
    with mpl.rc_context({"font.size": 30.0, "axes.facecolor": "red"}):
        assert png(figure("forest")) == plain
        assert mpl.rcParams["font.size"] == 30.0


def test_other_numbers_draw_another_picture() -> None:
    """A moved bin moves a dot."""
    calibration = report().calibration
    moved = report(calibration=calibration.with_columns(calibration["observed"] * 0.5))
    assert png(figure("reliability")) != png(figure("reliability", given=moved))


def test_each_panel_is_named_after_its_answer() -> None:
    """The class is named where it is not plain from the head."""
    drawn = svg(figure("folds"))
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


def test_before_is_hollow_and_after_is_full() -> None:
    """Two curves a panel, with an interval at every dot that has one: t1_60s has two bins of each."""
    direction, reach = figure("reliability").axes[:2]  # type: ignore[attr-defined]
    before, after = reach.lines[1:]
    assert (before.get_markerfacecolor(), after.get_markerfacecolor()) == ("none", "#0072b2")
    assert before.get_xdata().tolist() == [0.1913, 0.3641]
    assert after.get_xdata().tolist() == [0.1889, 0.3702]
    assert [len(bars.get_segments()) for bars in reach.collections] == [2, 2]
    assert [len(bars.get_segments()) for bars in direction.collections] == [2, 0]


def test_groups_are_shown_in_percentage_points_beside_each_other() -> None:
    """Gaps of both days before and after, the second without an interval; the axis ends at the next round number."""
    (panel,) = (axes for axes in figure("day").axes if axes.get_title(loc="left"))  # type: ignore[attr-defined]
    assert [line.get_ydata().round(2).tolist() for line in panel.lines[1:]] == [[1.48, -2.07]] * 2
    assert [len(bars.get_segments()) for bars in panel.collections] == [1, 1]
    assert panel.get_ylim() == (-5.0, 5.0)
    assert [label.get_text() for label in panel.get_xticklabels()] == ["01-09", "01-10"]


def test_of_many_groups_only_some_are_named() -> None:
    """Nine symbols, every third one named, without its venue."""
    one = report().reliability.filter(pl.col("by") == "symbol").head(1)
    many = pl.concat([one.with_columns(group=pl.lit(f"demo S{number}")) for number in range(9)])
    panel = calibration_plots.group_grid(many, "expanding", "symbol").axes[0]  # type: ignore[union-attr]
    assert [label.get_text() for label in panel.get_xticklabels()] == ["S0", "S3", "S6"]
