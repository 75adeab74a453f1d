"""A day traded without a stop by every policy: a grid is changed every ten minutes at most, and changes are paid for.

In windows every policy starts flat and ends flat, so that they can be compared; here what is held is carried on, and
giving up one grid for another costs what the market takes. Hindsight is left out: it bounds windows, and does not know
what its changes cost.
"""

from collections.abc import Iterator, Mapping

import polars as pl

from grinder_resources.contracts.gold_grid import NAV_EVERY_S, PAUSE, RULES, WINDOW_S
from grinder_resources.contracts.grid_report import EQUITY, POLICIES, TRADED_FILLS
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.contracts.simulation import Episode, Step
from grinder_resources.gold.grid_sweep import COSTS
from grinder_resources.gold.lattice import LATTICE, GridChoice
from grinder_resources.simulation.grid import simulate
from grinder_resources.simulation.tape import Tape

TRADED = tuple(policy for policy in POLICIES if policy != "hindsight")
"""Policies that a day is traded by."""

Choices = Mapping[tuple[str, int], GridChoice]
"""By (name, ts_ns): the grid behind a name; the rules' is another one in every window."""


def traded(windows: pl.DataFrame, sweep: pl.DataFrame, tape: Tape) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return rows of `reports/grid_spacing/equity` and `reports/grid_spacing/fills` of one instrument and day.

    windows
        Rows of `reports/grid_spacing/windows` of the instrument and day, at least one.
    sweep
        Rows of `gold/grid_sweep` of the same windows.
    tape
        The instrument's day.
    """
    unit = int(sweep.sort("ts_ns").select(pl.col("size_lots") // pl.col("size_units"))[0, 0])
    step_ticks = dict(sweep.select("ts_ns", "price_step_ticks").iter_rows())
    episodes = [
        _episode(windows.filter(pl.col("policy") == name), _choices(sweep), unit, step_ticks) for name in TRADED
    ]
    run = simulate(tape, episodes, COSTS, nav_every_s=NAV_EVERY_S, with_fills=True)
    names = {
        **{name: pl.lit(windows[name][0]) for name in ("venue", "symbol")},
        "policy": pl.col("episode").replace_strict(dict(enumerate(TRADED)), return_dtype=pl.String),
    }
    # one capital for all, the largest: a policy that pauses all day would have none of its own
    equity = run.nav.with_columns(**names, capital_micros=pl.lit(run.summary["capital_micros"].max(), pl.Int64))
    fills = run.fills.with_columns(**names)
    return EQUITY.conform(equity.select(EQUITY.schema.names())), TRADED_FILLS.conform(
        fills.select(TRADED_FILLS.schema.names())
    )


def _choices(sweep: pl.DataFrame) -> Choices:
    rules = sweep.filter(pl.col("grid") == RULES).select("ts_ns", "spacing_x1000", "levels", "size_units")
    return {(RULES, ts_ns): GridChoice(*numbers) for ts_ns, *numbers in rules.iter_rows()}


def _episode(windows: pl.DataFrame, rules: Choices, unit_lots: int, step_ticks: Mapping[int, int]) -> Episode:
    """Return one policy's day: a step at every second window, which start twice as often as they last."""
    in_order = windows.sort("ts_ns")
    first, last = in_order["ts_ns"][0], in_order["ts_ns"][-1]
    return Episode(first, last + WINDOW_S * NS_PER_SECOND, tuple(_steps(in_order, rules, unit_lots, step_ticks)))


def _steps(windows: pl.DataFrame, rules: Choices, unit_lots: int, step_ticks: Mapping[int, int]) -> Iterator[Step]:
    first = windows["ts_ns"][0]
    for ts_ns, name in windows.select("ts_ns", "grid").iter_rows():
        if (ts_ns - first) % (WINDOW_S * NS_PER_SECOND) == 0:
            choice = None if name == PAUSE else LATTICE.get(name) or rules[name, ts_ns]
            yield Step(ts_ns, choice.parameters(unit_lots, step_ticks[ts_ns]) if choice else None)
