"""Which forward changes are believed: not those that the exporter could not see to their end."""

from pathlib import Path

import polars as pl
import pytest

from grinder_resources.contracts.gates import GATE_HORIZONS_MIN
from tests.gates.gate_rows import DAY_MINUTES, bronze, events, gate, ns

FORWARD = {str(minutes): 0.25 for minutes in GATE_HORIZONS_MIN}
FRIDAY, SUNDAY = 4 * DAY_MINUTES, 6 * DAY_MINUTES
WINTER_CLOSE = FRIDAY + 22 * 60
"""Friday 2025-03-07, 17:00 in New York, before the clocks change on the 9th."""


def cuts(rows: pl.DataFrame) -> list[tuple[int, ...]]:
    """Return by gate the horizons that are cut, checking that exactly the others have a change and an end."""
    found = []
    for row in rows.iter_rows(named=True):
        cut = tuple(minutes for minutes in GATE_HORIZONS_MIN if row[f"label_cut_{minutes}m"])
        for minutes in GATE_HORIZONS_MIN:
            whole = None if minutes in cut else (250_000, row["ts_ns"] + minutes * 60_000_000_000)
            change, end = row[f"roc_forward_{minutes}m_pct_x1e6"], row[f"label_end_{minutes}m_ns"]
            assert (None if change is None and end is None else (change, end)) == whole
        found.append(cut)
    return found


def made(folder: Path, *minutes: int, symbol: str = "EUR_USD", goes_on: bool = True) -> list[tuple[int, ...]]:
    return cuts(events(bronze(folder, [gate(m, symbol, roc_forward_pct=FORWARD) for m in minutes]), goes_on=goes_on))


def test_a_label_ends_with_the_stream(tmp_path: Path) -> None:
    """A window that ends at midnight is whole, one that ends a minute later is not."""
    minutes = (DAY_MINUTES - 240, DAY_MINUTES - 60, DAY_MINUTES - 59, DAY_MINUTES - 5, DAY_MINUTES - 4)
    assert made(tmp_path / "ends", *minutes, goes_on=False) == [
        (),
        (240,),
        (60, 240),
        (15, 30, 60, 240),
        (5, 15, 30, 60, 240),
    ]
    assert made(tmp_path / "goes on", *minutes, goes_on=True) == [()] * 5


def test_a_label_ends_with_the_trading_week(tmp_path: Path) -> None:
    """Friday 22:00 UTC in winter; Sunday evening trades again."""
    minutes = (WINTER_CLOSE - 240, WINTER_CLOSE - 239, WINTER_CLOSE - 15, WINTER_CLOSE - 3, SUNDAY + 21 * 60 + 1)
    assert made(tmp_path, *minutes) == [(), (240,), (30, 60, 240), (5, 15, 30, 60, 240), ()]


def test_the_week_ends_an_hour_earlier_in_summer(tmp_path: Path) -> None:
    """New York has changed its clocks by Friday 2025-03-14."""
    summer_close = 11 * DAY_MINUTES + 21 * 60
    assert made(tmp_path, summer_close - 60, summer_close - 59) == [(240,), (60, 240)]


@pytest.mark.parametrize("symbol", ["BTCUSDT", "BTC_USD", "EUR_USDX"])
def test_only_currency_pairs_rest_at_the_weekend(symbol: str, tmp_path: Path) -> None:
    """Another symbol trades on."""
    assert made(tmp_path, WINTER_CLOSE - 3, WINTER_CLOSE + 60, symbol=symbol) == [(), ()]


def test_a_change_that_is_not_there_is_no_cut(tmp_path: Path) -> None:
    """The source may know some horizons only."""
    rows = events(bronze(tmp_path, [gate(0, roc_forward_pct={"5": -0.5, "90": 1.0})]))
    assert rows.select("roc_forward_5m_pct_x1e6", "label_end_5m_ns").row(0) == (-500_000, ns(5))
    assert rows.select("roc_forward_15m_pct_x1e6", "label_end_15m_ns", "label_cut_15m").row(0) == (None, None, 0)
