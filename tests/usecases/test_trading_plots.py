"""Figures of trading draw what their frames hold, the same bytes each time, and nothing where there is nothing."""

import re

import polars as pl
import pytest

from grinder_resources.evaluation.drawing import png, svg
from grinder_resources.usecases.trading_plots import (
    equity_figure,
    equity_of,
    fills_figure,
    surface_figure,
)

MINUTE = 60 * 10**9
NAV = pl.DataFrame(
    {
        "policy": ["rules"] * 4 + ["guarded"] * 4,
        "episode": [0, 0, 1, 1] * 2,
        "ts_ns": [0, MINUTE, MINUTE, 2 * MINUTE] * 2,
        "nav_micros": [0, 50, 0, -20, 0, 10, 0, 30],
        "mid_half_ticks": [2000, 2004, 2004, 1998] * 2,
    }
)
FILLS = pl.DataFrame(
    {
        "policy": ["rules", "rules", "guarded"],
        "ts_ns": [MINUTE, 2 * MINUTE, MINUTE],
        "side": [1, -1, 1],
        "price_ticks": [1001, 1000, 1001],
        "is_maker": [True, False, True],
    }
)
CELLS = pl.DataFrame(
    {"regime": ["LOW", "LOW", "HIGH"], "spacing_bps": [8, 3, 8], "pnl": [1.25, -0.5, None]},
    schema_overrides={"pnl": pl.Float64()},
)


def test_episodes_go_on_where_the_last_one_ended() -> None:
    """Of 10,000 micros capital a micro is a bps; the moment an episode ends and the next starts is one row."""
    assert equity_of(NAV, 10_000).rows() == [
        ("rules", 0, 0.0),
        ("rules", MINUTE, 50.0),
        ("rules", 2 * MINUTE, 30.0),
        ("guarded", 0, 0.0),
        ("guarded", MINUTE, 10.0),
        ("guarded", 2 * MINUTE, 40.0),
    ]


def test_falls_are_counted_from_the_highest_so_far_and_from_the_start() -> None:
    """A policy that only loses is as far below its start as it has lost."""
    falling = pl.DataFrame({"policy": "a", "ts_ns": [0, MINUTE, 2 * MINUTE], "equity": [-1.0, 4.0, 1.0]})
    _, below = equity_figure(falling).axes
    assert [line.get_ydata().tolist() for line in below.lines[:1]] == [[-1.0, 0.0, -3.0]]


def test_fills_stand_at_their_price_and_time() -> None:
    """Bought up, sold down, in quote currency and hours; a panel a policy, its fills counted in the title."""
    rules, guarded = fills_figure(NAV, FILLS, tick_size=0.5).axes
    marks = {line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist()) for line in rules.lines[1:]}
    assert marks == {
        "bought": ([1 / 60], [500.5]),
        "bought at the market": ([], []),
        "sold": ([], []),
        "sold at the market": ([2 / 60], [500.0]),
    }
    assert [axes.get_title(loc="left") for axes in (rules, guarded)] == ["rules: 2 fills", "guarded: 1 fills"]


def test_a_surface_prints_each_number_in_its_cell() -> None:
    """Spacings in order of size, regimes as they come, an empty cell for null."""
    (axes,) = surface_figure(CELLS, "regime", "spacing_bps", "pnl").axes
    assert {(text.get_position(), text.get_text()) for text in axes.texts} == {((1, 0), "1.2"), ((0, 0), "-0.5")}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["3", "8"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["LOW", "HIGH"]


@pytest.mark.parametrize("name", ["equity", "fills", "surface"])
def test_the_same_rows_give_the_same_bytes_and_no_rows_no_error(name: str) -> None:
    """As PNG and as SVG in the page's colours; an empty frame gives an empty figure."""

    def drawn(rows: int | None) -> object:
        match name:
            case "equity":
                return equity_figure(equity_of(NAV.head(rows), 1))
            case "fills":
                return fills_figure(NAV.head(rows), FILLS.head(rows))
            case _:
                return surface_figure(CELLS.head(rows), "regime", "spacing_bps", "pnl")

    one, two = drawn(100), drawn(100)
    assert png(one) == png(two)  # type: ignore[arg-type]
    assert svg(one) == svg(two)  # type: ignore[arg-type]
    assert not re.search(r"#(1b1f24|6a737d|d9dee3|0072b2)|https?:|<dc:date", svg(one))  # type: ignore[arg-type]
    assert svg(drawn(0)).startswith("<svg")  # type: ignore[arg-type]
