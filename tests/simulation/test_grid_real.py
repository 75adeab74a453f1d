"""The two simulators agree on real markets as well: a share whose spread is one tick, and a thin coin."""

from pathlib import Path

import polars as pl
import pytest

from grinder_resources.contracts.simulation import Costs, Episode, GridParameters, Step
from grinder_resources.simulation.grid import simulate
from tests.simulation.reference_grid import in_order, simulate_slowly
from tests.simulation.tapes import Row, tape

ROWS = 4_000
QUOTE = ("bid_price", "bid_amount", "ask_price", "ask_amount")
GRIDS = [
    GridParameters(spacing_x1000=spacing, levels=levels, size_lots=300, recentre_x1000=reach, max_position_lots=900)
    for spacing, levels, reach in ((3_000, 4, 20_000), (8_000, 3, 24_000), (20_000, 2, 100_000))
]


def read(path: Path, columns: tuple[str, ...], until: int) -> pl.DataFrame:
    """Return ts_ns and whole ticks and lots of a Tardis file, up to a time."""
    rows = pl.read_csv(path, n_rows=3 * ROWS).with_columns(pl.col("timestamp") * 1_000)
    return rows.filter(pl.col("timestamp") <= until).select("timestamp", *columns)


def market(folder: Path, source: str, tick: float, lot: float) -> tuple[list[Row], list[Row]]:
    """Return the first quotes of a file and the prints of the same time; crossed quotes are left out."""
    whole = [
        (pl.col(f"{side}_{unit}") / size).round().cast(pl.Int64)
        for side in ("bid", "ask")
        for unit, size in (("price", tick), ("amount", lot))
    ]
    quotes = read(folder / source.format("quotes"), QUOTE, 1 << 62).head(ROWS).select("timestamp", *whole)
    quotes = quotes.filter((pl.col("bid_price") <= pl.col("ask_price")) & (pl.min_horizontal(QUOTE) > 0))
    side = pl.col("side").replace_strict({"buy": 1, "sell": -1, "unknown": 0}, return_dtype=pl.Int64)
    prints = read(folder / source.format("trades"), ("price", "amount", "side"), quotes["timestamp"][-1]).select(
        "timestamp",
        (pl.col("price") / tick).round().cast(pl.Int64),
        (pl.col("amount") / lot).round().cast(pl.Int64),
        side,
    )
    return quotes.rows(), prints.filter(pl.col("amount") > 0).rows()


@pytest.mark.parametrize(
    ("source", "tick", "lot"),
    [("lean-us_{}_2013-10-07_BAC.csv.gz", 0.01, 1), ("binance_{}_2024-07-24_NEXOUSDT.csv.gz", 0.001, 0.01)],
    ids=["BAC", "NEXOUSDT"],
)
def test_the_first_quotes_of_a_real_day(real_data: Path, source: str, tick: float, lot: float) -> None:
    """Three grids over four thousand quotes and their prints, money and every fill."""
    quotes, prints = market(real_data / "tardis", source, tick, lot)
    start, end = quotes[0][0], quotes[-1][0]
    episodes = [Episode(start, end, (Step(start, grid),)) for grid in GRIDS]
    fast = simulate(tape(quotes, prints), episodes, Costs(), nav_every_s=60, with_fills=True)
    summary, nav, fills = simulate_slowly(in_order(quotes, prints), episodes, Costs(), 60)
    assert fast.summary.rows() == summary
    assert fast.nav.rows() == nav
    assert fast.fills.rows() == fills
    assert fast.summary["maker_fills"].sum() > 50
