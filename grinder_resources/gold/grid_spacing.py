"""Rows of `gold/training/grid_spacing`: what is known when a window starts, and which grids were best in and before it.

The grid that was best before it is the walk-forward a desk can do without any model: parameters chosen on the past,
scored on the next window. A window counts as past once it has ended, so that nothing of the scored one, which overlaps
its neighbour, is looked at.
"""

from datetime import timedelta

import polars as pl

from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.gold_grid import (
    EARNED_LABELS,
    GRID_SPACING,
    LEVELS_LABEL,
    SIZE_LABEL,
    SPACING_LABEL,
    WINDOW_S,
)
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.gold.calibration_target import GRID, TARGET, CalibrationTarget, added, totals
from grinder_resources.gold.grid_sweep import windows_of
from grinder_resources.gold.lattice import LATTICE

PAST_S = 4 * 3_600
"""Windows that ended in the last so many seconds are the past that a grid is chosen on."""

MIN_PAST = 12
"""Fewer past windows choose nothing."""

LOOK_BACK = timedelta(days=1)
"""How far before its own day a day's rows look into the sweep."""

WINDOW = ("venue", "symbol", "ts_ns")
_BEST = {
    SPACING_LABEL: "spacing_x1000",
    LEVELS_LABEL: "levels",
    SIZE_LABEL: "size_units",
    "best_pnl_x1000": "pnl_x1000",
}
_CHOSEN = {
    "chosen_spacing_x1000": "spacing_x1000",
    "chosen_levels": "levels",
    "chosen_size_units": "size_units",
    "chosen_pnl_x1000": "earned",
}


def spacing_rows(snapshots: pl.DataFrame, sweep: pl.DataFrame, target: CalibrationTarget = TARGET) -> pl.DataFrame:
    """Return `gold/training/grid_spacing` of one day.

    snapshots
        Rows of `silver/snapshots` of the day.
    sweep
        Rows of `gold/grid_sweep` of the day and of days before it that `LOOK_BACK` reaches.
    """
    best = target.best_by(totals(sweep, WINDOW), WINDOW).select(
        *WINDOW, *(pl.col(name).alias(label) for label, name in _BEST.items())
    )
    chosen = choices(sweep, target).select(*WINDOW, *(pl.col(name).alias(label) for label, name in _CHOSEN.items()))
    rows = windows_of(snapshots)
    for known in (best, earned(sweep), chosen):
        rows = rows.join(known, on=WINDOW, how="left")
    return GRID_SPACING.conform(rows.select(GRID_SPACING.schema.names()))


def earned(sweep: pl.DataFrame) -> pl.DataFrame:
    """Return, for every window, what each spacing earned on average over the shapes of the lattice, half-even."""
    spacing = pl.col("spacing_x1000").replace_strict(
        {1_000 * bps: name for bps, name in EARNED_LABELS.items()}, return_dtype=pl.String
    )
    mean = half_even(pl.col("pnl_x1000").sum(), pl.len().cast(pl.Int64))
    lattice = sweep.filter(pl.col("grid").is_in(list(LATTICE)))
    means = lattice.group_by(*WINDOW, spacing=spacing).agg(mean=mean)
    wide = means.pivot("spacing", on_columns=list(EARNED_LABELS.values()), index=WINDOW, values="mean")
    return wide.sort(WINDOW)


def choices(sweep: pl.DataFrame, target: CalibrationTarget = TARGET) -> pl.DataFrame:
    """Return, for every window with enough of a past, the grid that was best in it and what that `earned` since.

    One row a window: venue, symbol, ts_ns, the grid's name and numbers, its sums over the past, and `earned`, its pnl
    in the window itself, bps x 1000. No row where no grid keeps the constraints.
    """
    past = past_totals(sweep).filter(pl.col("windows") >= MIN_PAST)
    found = target.best_by(past, WINDOW)
    now = sweep.select(*WINDOW, "grid", earned="pnl_x1000")
    return found.join(now, on=[*WINDOW, "grid"], how="inner", maintain_order="left")


def past_totals(sweep: pl.DataFrame) -> pl.DataFrame:
    """Return, for every window and grid, the sums over the windows of the instrument that ended in (ts - PAST_S, ts].

    A window that ended then started in (ts - PAST_S - WINDOW_S, ts - WINDOW_S].
    """
    length, reach = (seconds * NS_PER_SECOND for seconds in (PAST_S, PAST_S + WINDOW_S))
    return (
        sweep.sort("ts_ns")
        .rolling("ts_ns", period=f"{length}i", offset=f"-{reach}i", closed="right", group_by=["venue", "symbol", *GRID])
        .agg(*added())
    )
