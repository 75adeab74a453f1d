"""Rows of `gold/grid_sweep`: every grid of the lattice, and the rules' grid, in every window, by simulation.

All windows and grids of an instrument's day are one call of the simulator, which walks the tape once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from grinder_resources.contracts.exact import BPS_X1000, half_even
from grinder_resources.contracts.gold_grid import GRID_SWEEP, NAV_EVERY_S, RULES, WINDOW_EVERY_S, WINDOW_S
from grinder_resources.contracts.instruments import Instrument
from grinder_resources.contracts.simulation import Costs, Episode, GridParameters, Step
from grinder_resources.gold.lattice import LATTICE, GridChoice, unit_lots
from grinder_resources.gold.price_steps import with_price_steps
from grinder_resources.learning.regime import clear_ahead
from grinder_resources.market.minutes import is_of
from grinder_resources.policy.regimes import full_lots
from grinder_resources.simulation.grid import simulate
from grinder_resources.simulation.tape import tape_of

COSTS = Costs()
"""What the sweep pays: the simulator's own defaults."""

INSTRUMENT = ["venue", "symbol"]
_MONEY = {
    "pnl_x1000": "pnl_micros",
    "fees_x1000": "fees_micros",
    "max_drawdown_x1000": "max_drawdown_micros",
    "round_trip_x1000": "round_trip_micros",
}
_COUNTS = ("round_trips", "maker_fills", "orders", "orders_filled")


@dataclass(frozen=True)
class _Run:
    """One grid in one window."""

    window: Mapping[str, Any]
    name: str
    choice: GridChoice
    unit_lots: int

    @property
    def parameters(self) -> GridParameters:
        return self.choice.parameters(self.unit_lots, self.window["step_ticks"])

    @property
    def episode(self) -> Episode:
        start, end = self.window["ts_ns"], self.window["label_end_ns"]
        return Episode(start, end, (Step(start, self.parameters),))

    @property
    def facts(self) -> dict[str, Any]:
        window, choice = self.window, self.choice
        return {
            **{name: window[name] for name in ("date", "venue", "symbol", "ts_ns")},
            "window_end_ns": window["label_end_ns"],
            "grid": self.name,
            "spacing_x1000": choice.spacing_x1000,
            "levels": choice.levels,
            "size_units": choice.size_units,
            "size_lots": choice.size_units * self.unit_lots,
            "price_step_ticks": window["step_ticks"],
        }


def windows_of(snapshots: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of one day of `silver/snapshots` at which a window starts, `label_end_ns` its end."""
    return clear_ahead(snapshots, WINDOW_EVERY_S, WINDOW_S)


def sweep_rows(
    snapshots: pl.DataFrame,
    quotes: pl.DataFrame,
    trades: pl.DataFrame,
    instruments: Mapping[tuple[str, str], Instrument],
    costs: Costs = COSTS,
) -> pl.DataFrame:
    """Return `gold/grid_sweep` of one day.

    snapshots, quotes, trades
        Rows of `silver/snapshots`, `bronze/quotes` and `bronze/trades` of the day, in any order of instruments.
    instruments
        What a tick and a lot are, by (venue, symbol).

    An instrument without quotes, one of books alone, has no rows.
    """
    parts = [GRID_SWEEP.empty()]
    quoted = quotes.select(INSTRUMENT).unique()
    windows_quoted = windows_of(snapshots).join(quoted, on=INSTRUMENT, how="semi", maintain_order="left")
    for key, windows in windows_quoted.group_by(INSTRUMENT, maintain_order=True):
        instrument = instruments[str(key[0]), str(key[1])]
        own = quotes.filter(is_of(instrument))
        known = windows.join_asof(with_price_steps(own).select("ts_ns", "step_ticks"), on="ts_ns")
        runs = list(_runs(known, instrument))
        simulation = simulate(
            tape_of(own, trades.filter(is_of(instrument))),
            [run.episode for run in runs],
            costs,
            nav_every_s=NAV_EVERY_S,
        )
        parts.append(_rows(runs, simulation.summary, simulation.nav))
    return GRID_SWEEP.conform(pl.concat(parts))


def _runs(windows: pl.DataFrame, instrument: Instrument) -> Iterator[_Run]:
    full = full_lots(instrument.lot_size)
    for window in windows.iter_rows(named=True):
        unit = unit_lots(window["mid_half_ticks"], instrument)
        grids = {**LATTICE, RULES: GridChoice.of_rules(window, full)}
        yield from (_Run(window, name, choice, unit) for name, choice in grids.items())


def _rows(runs: Sequence[_Run], summary: pl.DataFrame, nav: pl.DataFrame) -> pl.DataFrame:
    """Return the sweep's columns; episode k is run k."""
    # amounts times 10^7 go beyond 64 bits
    capital = pl.col("capital_micros").cast(pl.Int128)
    money = {
        name: half_even(pl.col(source).cast(pl.Int128) * BPS_X1000, capital).cast(pl.Int64)
        for name, source in _MONEY.items()
    }
    facts = pl.DataFrame([run.facts for run in runs], schema_overrides={"date": pl.Date()}, infer_schema_length=1)
    earned = summary.sort("episode").select(**money, **{name: pl.col(name) for name in _COUNTS})
    squares = _squares(nav.join(summary.select("episode", "capital_micros"), on="episode", how="left"))
    return pl.concat([facts, earned, squares.select("squares")], how="horizontal").select(GRID_SWEEP.schema.names())


def _squares(nav: pl.DataFrame) -> pl.DataFrame:
    """Return episode, squares: the sum of the squared changes of its money from sample to sample, (bps x 1000)^2."""
    change = pl.col("nav_micros").diff().over("episode", order_by="ts_ns").cast(pl.Int128)
    in_bps = half_even(change * BPS_X1000, pl.col("capital_micros").cast(pl.Int128)).cast(pl.Int64)
    changes = nav.select("episode", change=in_bps)
    return changes.group_by("episode").agg(squares=(pl.col("change") ** 2).sum()).sort("episode")
