"""What the grid kernel is handed: checked episodes, steps and tapes as int64 arrays."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.contracts.simulation import MICROS, WHOLE_X1000, Costs, Episode, GridParameters, Step
from grinder_resources.errors import OutOfRange
from grinder_resources.market.slices import frozen
from grinder_resources.market.state import NEVER
from grinder_resources.simulation.grid_state import LARGEST, Episodes, Ints, Rules, Steps
from grinder_resources.simulation.tape import IS_QUOTE, Tape

MOST_LEVELS = 1_000
LATEST = 1 << 62
"""Times stay below this, so that latencies can be added to them."""


def check_input(tape: Tape, episodes: Sequence[Episode], costs: Costs, nav_every_s: int) -> None:
    """Refuse what has no meaning, and what could leave int64."""
    if not 1 <= nav_every_s <= 86_400:
        raise OutOfRange("nav_every_s of a simulation", got=str(nav_every_s), expected="1..86400")
    if np.any(np.diff(tape.ts_ns) < 0):
        raise OutOfRange("a tape runs forward in time", got="a tape that does not", hint="Make it with tape_of.")
    for number, episode in enumerate(episodes):
        _check_times(episode, f"episode {number}")
    largest_fee = max(abs(costs.maker_fee_ppm), abs(costs.taker_fee_ppm))
    top = int(tape.ask_ticks.max(initial=1))
    for grid in _grids(episodes):
        _check_grid(grid, top, max(largest_fee, MICROS))
    if largest_fee > MICROS or costs.reaction_ns >= LATEST:
        raise OutOfRange("costs of a simulation", got=str(costs), expected="fees within 100 %, latencies below 2^62 ns")


def _check_times(episode: Episode, where: str) -> None:
    times = [step.from_ns for step in episode.steps]
    if not 0 <= episode.start_ns < episode.end_ns < LATEST:
        got = f"{episode.start_ns} to {episode.end_ns}"
        raise OutOfRange("an episode ends after it starts", where=where, got=got, expected="0 <= start < end < 2^62")
    if not times or times[0] != episode.start_ns or any(a >= b for a, b in pairwise(times)):
        raise OutOfRange(
            "steps follow each other, the first at the start of its episode",
            where=where,
            got=", ".join(map(str, times[:4])) or "no steps",
            expected=f"{episode.start_ns} first, each later than the one before",
        )


def _grids(episodes: Sequence[Episode]) -> set[GridParameters]:
    return {step.grid for episode in episodes for step in episode.steps if step.grid is not None}


def _check_grid(grid: GridParameters, top: int, factor: int) -> None:
    """Refuse a grid whose prices or amounts could leave the exact range, `top` being the highest ask."""
    widest = grid.levels * grid.spacing_x1000
    if grid.levels > MOST_LEVELS or widest >= WHOLE_X1000:
        got = f"{grid.levels} lines of {grid.spacing_x1000}"
        raise OutOfRange("a grid's lines", got=got, expected=f"at most {MOST_LEVELS}, together below 100 %")
    if 2 * max(top, grid.price_step_ticks) * max(grid.recentre_x1000, 2 * WHOLE_X1000) >= LATEST:
        got = f"{top} ticks, recentre_x1000 {grid.recentre_x1000}, price_step_ticks {grid.price_step_ticks}"
        raise OutOfRange("prices of a simulation", got=got)
    lots = max(grid.max_position_lots, grid.size_lots)
    if (2 * top + 1) * lots * factor > LARGEST:
        got = f"{lots} lots at up to {top} ticks"
        raise OutOfRange("amounts of a simulation", got=got, expected=f"at most {LARGEST} micros", hint="Coarser lots.")


def rules_of(costs: Costs, nav_every_s: int) -> Rules:
    """Return the constants; what is decided in an instant never acts within it, so a reaction takes 1 ns at least."""
    return Rules(costs.maker_fee_ppm, costs.taker_fee_ppm, max(1, costs.reaction_ns), nav_every_s * NS_PER_SECOND)


def changes_of(episode: Episode) -> list[Step]:
    """Return the steps that change something: the first is a change from no grid, one like its predecessor is none."""
    before = [None, *(step.grid for step in episode.steps)]
    return [step for step, grid in zip(episode.steps, before, strict=False) if step.grid != grid]


def step_rows(tape: Tape, episodes: Sequence[Episode], reaction: int) -> tuple[Steps, Ints]:
    """Return the changes of all episodes and how many each has.

    A step is decided on the quote in force at its time, or on the first one after if there is none yet, and is in force
    a reaction later; without any quote it never is.
    """
    changes = [changes_of(episode) for episode in episodes]
    flat = [step for steps in changes for step in steps]
    decided, mid = _known_mid(tape, np.array([step.from_ns for step in flat], np.int64))
    due = np.where(mid > 0, decided + reaction, NEVER)
    grids = [(0, 0, 0, 0, 0, 1) if step.grid is None else _row(step.grid) for step in flat]
    columns = np.array(grids, np.int64).reshape(-1, 6).T
    return Steps(*(frozen(column) for column in (due, mid, *columns))), np.array(
        [len(steps) for steps in changes], np.int64
    )


def _row(grid: GridParameters) -> tuple[int, ...]:
    facts = (grid.spacing_x1000, grid.levels, grid.size_lots, grid.recentre_x1000, grid.max_position_lots)
    return (*facts, grid.price_step_ticks)


def _known_mid(tape: Tape, times: Ints) -> tuple[Ints, Ints]:
    """Return, for each time, that time and the mid then; before the first quote, its time and mid; else 0 for mid."""
    quotes = np.flatnonzero(tape.kind == IS_QUOTE)
    if quotes.size == 0:
        return times, np.zeros_like(times)
    first_ts = tape.ts_ns[quotes[0]]
    decided = np.maximum(times, first_ts)
    event = np.searchsorted(tape.ts_ns, decided, side="right") - 1
    return decided, tape.bid_ticks[event] + tape.ask_ticks[event]


def episode_rows(tape: Tape, episodes: Sequence[Episode], step_counts: Ints, nav_every: int) -> Episodes:
    """Return where each episode has its events, steps and samples; fills are placed once they are counted."""
    start = np.array([episode.start_ns for episode in episodes], np.int64)
    end = np.array([episode.end_ns for episode in episodes], np.int64)
    end_step = np.cumsum(step_counts)
    samples = -(-(end - start) // nav_every) + 1
    rows = (
        start,
        end,
        np.searchsorted(tape.ts_ns, start, side="right"),
        np.searchsorted(tape.ts_ns, end, side="left"),
        end_step - step_counts,
        end_step,
        np.cumsum(samples) - samples,
        np.zeros_like(start),
    )
    return Episodes(*(frozen(column) for column in rows))


def capital_micros(tape: Tape, episodes: Sequence[Episode]) -> Ints:
    """Return the largest max_position_lots of each episode's steps, at its first mid; 0 if it has no quote."""
    start = np.array([episode.start_ns for episode in episodes], np.int64)
    end = np.array([episode.end_ns for episode in episodes], np.int64)
    decided, mid = _known_mid(tape, start)
    lots = [
        max((step.grid.max_position_lots for step in episode.steps if step.grid), default=0) for episode in episodes
    ]
    return np.where(decided < end, np.array(lots, np.int64) * mid * (MICROS // 2), 0)
