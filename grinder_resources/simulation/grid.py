"""The grid simulator: what limit-order grids would have earned on a tape.

What it assumes, and what it leaves out, is said in docs/usecases/simulator.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from grinder_resources.contracts.simulation import FILLS, NAV, SUMMARY, Costs, Episode
from grinder_resources.errors import OutOfRange
from grinder_resources.market.slices import frozen
from grinder_resources.simulation.grid_input import capital_micros, check_input, episode_rows, rules_of, step_rows
from grinder_resources.simulation.grid_state import Episodes, Ints, Room, Rules, Steps, new_slots, new_state
from grinder_resources.simulation.tape import Tape, tape_of

__all__ = ["Simulation", "Tape", "simulate", "tape_of"]

_COUNTED = SUMMARY.schema.names()[SUMMARY.schema.names().index("pnl_micros") :]


@dataclass(frozen=True)
class Simulation:
    """What episodes earned: frames of the contracts SUMMARY, NAV and FILLS; `fills` has no rows unless asked for."""

    summary: pl.DataFrame
    nav: pl.DataFrame
    fills: pl.DataFrame


def simulate(
    tape: Tape,
    episodes: Sequence[Episode],
    costs: Costs = Costs(),  # noqa: B008 - frozen
    *,
    nav_every_s: int = 60,
    with_fills: bool = False,
) -> Simulation:
    """Run every episode by itself over the tape; an episode alone gives the same rows as among others.

    nav_every_s
        Seconds between two NAV samples, counted from the start of each episode; the last sample is at its end.
    with_fills
        Whether to return every fill as well, which takes a second run.

    Raises OutOfRange for an episode that ends before it starts, for steps out of order, and for prices and sizes whose
    products could leave the exact range.
    """
    # The kernel is compiled for one kind of array.
    tape = Tape(*(frozen(column) for column in tape))
    check_input(tape, episodes, costs, nav_every_s)
    rules = rules_of(costs, nav_every_s)
    steps, step_counts = step_rows(tape, episodes, rules.reaction)
    rows = episode_rows(tape, episodes, step_counts, rules.nav_every)
    room = _room(rows, rules, np.zeros(len(episodes), np.int64), 0)
    _run(tape, rows, steps, rules, room)
    if with_fills:
        counts = room.summary[:, _COUNTED.index("maker_fills")] + room.summary[:, _COUNTED.index("taker_fills")]
        rows = rows._replace(first_fill=frozen(np.cumsum(counts) - counts))
        room = _room(rows, rules, counts, int(counts.sum()))
        _run(tape, rows, steps, rules, room)
    return Simulation(_summary(rows, capital_micros(tape, episodes), room.summary), _nav(room.nav), _fills(room.fills))


def _room(rows: Episodes, rules: Rules, fill_counts: Ints, fills: int) -> Room:
    """Return empty arrays in which the number of its episode stands in every row."""
    numbers = np.arange(rows.start.size)
    samples = -(-(rows.end - rows.start) // rules.nav_every) + 1
    room = Room(
        np.zeros((rows.start.size, len(_COUNTED)), np.int64),
        np.zeros((int(samples.sum()), len(NAV.columns)), np.int64),
        np.zeros((fills, len(FILLS.columns)), np.int64),
    )
    room.nav[:, 0] = np.repeat(numbers, samples)
    room.fills[:, 0] = np.repeat(numbers, fill_counts)
    return room


def _run(tape: Tape, rows: Episodes, steps: Steps, rules: Rules, room: Room) -> None:
    # numba is loaded by the first simulation, not by whoever imports this module.
    from grinder_resources.simulation.grid_kernel import run

    inexact = run(new_state(), new_slots(int(steps.levels.max(initial=1))), tape, rows, steps, rules, room)
    if inexact >= 0:
        raise OutOfRange(
            "the money of an episode left the exact range", where=f"episode {inexact}", hint="Coarser lots."
        )


def _summary(rows: Episodes, capital: Ints, counted: Ints) -> pl.DataFrame:
    head = {
        "episode": np.arange(rows.start.size),
        "start_ns": rows.start,
        "end_ns": rows.end,
        "capital_micros": capital,
    }
    columns = {name: counted[:, place] for place, name in enumerate(_COUNTED)}
    return SUMMARY.conform(pl.DataFrame(head | columns, schema=SUMMARY.schema))


def _nav(rows: Ints) -> pl.DataFrame:
    return NAV.conform(pl.DataFrame(rows, schema=NAV.schema, orient="row"))


def _fills(rows: Ints) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=FILLS.schema.names(), orient="row").cast(FILLS.schema)
    at_market = pl.col("line") == 0
    return FILLS.conform(frame.with_columns(pl.when(~at_market).then("line").alias("line")))
