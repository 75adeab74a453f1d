"""Made-up rows of `gold/grid_sweep`: what some grids earned in some windows, everything else quiet."""

from collections.abc import Mapping
from datetime import UTC, datetime

import polars as pl

from grinder_resources.contracts.gold_grid import GRID_SWEEP
from grinder_resources.gold.lattice import LATTICE, GridChoice

NOON_NS = 1_741_003_200_000_000_000
SECOND_NS = 1_000_000_000
EVERY_NS, WINDOW_NS = 300 * SECOND_NS, 600 * SECOND_NS


def sweep(earned: Mapping[tuple[int, str], int], symbol: str = "A", **facts: int) -> pl.DataFrame:
    """Return a row for each (window, grid) with its pnl; window 0 starts at noon, each later one 300 s after.

    facts
        What other columns hold in every row; 0 where nothing is said.
    """
    rows = []
    for (window, name), pnl in earned.items():
        choice, ts_ns = LATTICE.get(name, GridChoice(5_000, 4, 1)), NOON_NS + window * EVERY_NS
        known = {
            "date": datetime.fromtimestamp(ts_ns // SECOND_NS, UTC).date(),
            "venue": "demo",
            "symbol": symbol,
            "ts_ns": ts_ns,
            "window_end_ns": ts_ns + WINDOW_NS,
            "grid": name,
            "spacing_x1000": choice.spacing_x1000,
            "levels": choice.levels,
            "size_units": choice.size_units,
            "size_lots": 10 * choice.size_units,
            "price_step_ticks": 1,
            "pnl_x1000": pnl,
        }
        rows.append({column: known.get(column, facts.get(column, 0)) for column in GRID_SWEEP.schema})
    return GRID_SWEEP.conform(pl.DataFrame(rows, schema=GRID_SWEEP.schema))
