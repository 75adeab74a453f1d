"""The grid simulator against hftbacktest: the same fills where the two agree, and how fast each sweeps 100 grids.

    python -m benchmarks.bench_grid [--quick] [--landing FOLDER --venue NAME --symbol NAME --day DATE]

One day of one instrument, of the demo market or of the landing folder named, is traded by the same strategy in both: a
fixed grid whose orders change sides when they are filled, 10 ms to the strategy and 10 ms back.

First the fills of one grid, compared by time, line, side, price and size, in one setting where both know the same
and in others that differ in one thing each; docs/usecases/simulator_comparison.md explains the differences. Then 100
grids: ours in one call with its NAV samples, theirs in a warmed-up compiled strategy, run after run, over a feed with
no more events than needed. Seconds are processor time of the one thread that both use, the best of several runs.

hftbacktest is no dependency. `pip install --no-deps hftbacktest==2.4.2` adds it, and moves no other package; without it
only ours is timed.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from time import thread_time

import numpy as np
import polars as pl

from benchmarks.table import print_table
from grinder_resources.contracts.bronze import DEPTH, QUOTES, TRADES
from grinder_resources.contracts.simulation import Costs, Episode, GridParameters, Step
from grinder_resources.ingest.bronze import bronze_day, stage_landing
from grinder_resources.simulation.demo_config import DemoConfig
from grinder_resources.simulation.demo_market import FIRST_DAY, write_demo_landing
from grinder_resources.simulation.grid import Tape, simulate, tape_of

COSTS = Costs()
FAR_X1000, MANY_LOTS = 9_000_000, 50_000
"""A centre and a position without limits, near enough: hftbacktest's strategy has none."""
LEVELS, SPACING_X1000 = 8, 5_000
SWEEP = tuple(
    (spacing * 1_000, levels) for spacing in (2, 3, 4, 5, 6, 8, 10, 12, 20, 30) for levels in range(1, LEVELS + 3)
)
FILL = ("ts_ns", "line", "side", "price_ticks")


@dataclass(frozen=True)
class Market:
    """One day of one instrument."""

    quotes: pl.DataFrame
    trades: pl.DataFrame
    depth: pl.DataFrame

    @property
    def events(self) -> int:
        """Quotes and prints."""
        return self.quotes.height + self.trades.height

    @property
    def start_ns(self) -> int:
        """Time of the first quote."""
        return int(self.quotes["ts_ns"][0])

    @property
    def mid_half_ticks(self) -> int:
        """The mid then, which grids are built around."""
        return int(self.quotes["bid_ticks"][0] + self.quotes["ask_ticks"][0])

    def episode(self, grid: GridParameters) -> Episode:
        """Return the day with one grid."""
        end_ns = max(int(rows["ts_ns"][-1]) for rows in (self.quotes, self.trades)) + 1
        return Episode(self.start_ns, end_ns, (Step(self.start_ns, grid),))


def market_of(arguments: argparse.Namespace) -> Market:
    """Return the instrument and the day asked for."""
    with tempfile.TemporaryDirectory() as name:
        landing, venue, symbol, day = Path(name) / "landing", "demo", "DEMOUSDT", FIRST_DAY
        if arguments.landing:
            landing, venue = arguments.landing, arguments.venue
            symbol, day = arguments.symbol, date.fromisoformat(arguments.day)
        else:
            write_demo_landing(landing, 1, (symbol,), config=DemoConfig(hours=2.0 if arguments.quick else 24.0))
        staged = stage_landing(landing, Path(name) / "staging", Path(name) / "pins.yaml", {symbol})
        tables = [bronze_day(staged, table, day).filter(pl.col("venue") == venue) for table in (QUOTES, TRADES, DEPTH)]
    return Market(*(rows.filter(pl.col("symbol") == symbol) for rows in tables))


def grid_of(spacing_x1000: int, levels: int, size_lots: int = 1) -> GridParameters:
    """Return a grid that is never moved and never full."""
    return GridParameters(spacing_x1000, levels, size_lots, FAR_X1000, MANY_LOTS)


def seconds_of(runs: int, work: Callable[[], object]) -> float:
    """Return the least processor time of several runs."""
    times = []
    for _ in range(runs):
        started = thread_time()
        work()
        times.append(thread_time() - started)
    return min(times)


def our_fills(tape: Tape, episodes: Sequence[Episode]) -> list[pl.DataFrame]:
    """Return the maker fills of each episode."""
    fills = simulate(tape, episodes, COSTS, with_fills=True).fills.filter("is_maker")
    return [_instants(fills.filter(pl.col("episode") == number)) for number in range(len(episodes))]


def _instants(fills: pl.DataFrame) -> pl.DataFrame:
    """Return one row an order and instant: hftbacktest reports no more than that."""
    return fills.cast({"side": pl.Int64}).group_by(FILL).agg(pl.col("size_lots").sum()).sort(FILL)


def compare(market: Market, tape: Tape) -> None:
    """Print how the fills of one grid agree."""
    from benchmarks.hftbacktest_feed import Behind, events_of
    from benchmarks.hftbacktest_grid import Exchange, slots_of, trade

    whole, partial = Exchange(), Exchange(partial=True)
    settings = (
        ("same knowledge, 1 lot", 1, Behind.HIDDEN, whole),
        ("same knowledge, 137 lots, partial fills", 137, Behind.HIDDEN, partial),
        ("same knowledge, 137 lots, whole fills", 137, Behind.HIDDEN, whole),
        ("20 levels of the book, 1 lot", 1, Behind.DEEP, whole),
        ("nobody behind the best, 1 lot", 1, Behind.PLAIN, whole),
    )
    rows = []
    for name, lots, behind, exchange in settings:
        grid = grid_of(SPACING_X1000, LEVELS, lots)
        ours = our_fills(tape, [market.episode(grid)])[0]
        slots = slots_of(market.mid_half_ticks, grid, market.start_ns + COSTS.feed_latency_ns)
        feed = events_of(
            market.quotes,
            market.trades,
            market.depth,
            behind,
            reach=_reach(market, LEVELS * SPACING_X1000),
            feed_ns=COSTS.feed_latency_ns,
        )
        theirs, ended = trade(feed, slots, COSTS, exchange)
        cells = _agreement(ours, _instants(theirs))
        rows.append((name, *(f"{cell:,}" for cell in cells), "" if ended == 1 else f"theirs stopped: error {ended}"))
    header = ("", "ours", "theirs", "equal", "only ours", "only theirs", "")
    print_table(header, rows, f"fills of {LEVELS} lines a side, {SPACING_X1000 / 1000:g} bps apart")


def _reach(market: Market, widest_x1000: int) -> int:
    """Return how many ticks beyond the market's prices a grid can reach."""
    return market.mid_half_ticks * widest_x1000 // 20_000_000 + 2


def _agreement(ours: pl.DataFrame, theirs: pl.DataFrame) -> tuple[int, int, int, int, int]:
    equal = ours.join(theirs, on=[*FILL, "size_lots"], how="inner").height
    return ours.height, theirs.height, equal, ours.height - equal, theirs.height - equal


def sweep(market: Market, tape: Tape, runs: int) -> None:
    """Print what 100 grids take."""
    grids = [grid_of(*parameters) for parameters in SWEEP]
    episodes = [market.episode(grid) for grid in grids]
    moving = [
        market.episode(GridParameters(spacing, levels, 1, spacing * levels, 2 * levels)) for spacing, levels in SWEEP
    ]
    simulate(tape, episodes[:1], COSTS)
    ours = seconds_of(runs, lambda: simulate(tape, episodes, COSTS))
    times = {
        "ours": ours,
        "ours, with re-centring and a limit": seconds_of(runs, lambda: simulate(tape, moving, COSTS)),
    }
    if find_spec("hftbacktest"):
        times |= their_times(market, tape, grids)
    work = market.events * len(grids)
    rows = [
        (name, f"{took:.3f}", f"{work / took / 1e6:.1f} M", f"{took / work * 1e9:.1f}", f"{took / ours:.1f}")
        for name, took in times.items()
    ]
    print_table(("", "seconds", "events/s", "ns/event", "x ours"), rows, f"{len(grids)} grids, {work:,} events in all")


def their_times(market: Market, tape: Tape, grids: Sequence[GridParameters]) -> dict[str, float]:
    """Return the seconds that hftbacktest takes for all grids, after a check that it does the same work."""
    from benchmarks.hftbacktest_feed import Behind, events_of
    from benchmarks.hftbacktest_grid import Exchange, slots_of, trade

    slots = [slots_of(market.mid_half_ticks, grid, market.start_ns + COSTS.feed_latency_ns) for grid in grids]
    reach = _reach(market, max(spacing * levels for spacing, levels in SWEEP))

    def feed(behind: Behind, feed_ns: int | None) -> np.ndarray:
        return events_of(market.quotes, market.trades, market.depth, behind, reach=reach, feed_ns=feed_ns)

    same = feed(Behind.HIDDEN, COSTS.feed_latency_ns)
    found = our_fills(tape, [market.episode(grid) for grid in grids])
    theirs = [_instants(trade(same, each, COSTS, Exchange(vector=True))[0]) for each in slots]
    pairs = [_agreement(ours, other) for ours, other in zip(found, theirs, strict=True)]
    ours_all, theirs_all, equal, only_ours, only_theirs = (sum(cells) for cells in zip(*pairs, strict=True))
    alike = sum(not any(cells[3:]) for cells in pairs)
    print(f"same knowledge, 1 lot: all fills equal in {alike} of {len(grids)} grids; {ours_all:,} fills of ours and")
    print(f"{theirs_all:,} of theirs, {equal:,} equal, {only_ours:,} only ours, {only_theirs:,} only theirs\n")
    times = {}
    for name, feed_ns, exchange in (
        ("hftbacktest, book in a map", COSTS.feed_latency_ns, Exchange()),
        ("hftbacktest, book in a vector", COSTS.feed_latency_ns, Exchange(vector=True)),
        ("the same, no feed to the strategy", None, Exchange(vector=True)),
    ):
        events = feed(Behind.PLAIN, feed_ns)
        trade(events, slots[0], COSTS, exchange)
        times[name] = seconds_of(2, lambda: [trade(events, each, COSTS, exchange) for each in slots])  # noqa: B023
    return times


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two hours of the demo market instead of a day")
    parser.add_argument("--landing", type=Path, help="folder with market data files; the demo market without it")
    parser.add_argument("--venue", help="of the instrument in --landing")
    parser.add_argument("--symbol", help="of the instrument in --landing")
    parser.add_argument("--day", help="UTC day in --landing, as 2025-01-06")
    arguments = parser.parse_args()
    market = market_of(arguments)
    tape = tape_of(market.quotes, market.trades)
    print(f"{market.quotes.height:,} quotes and {market.trades.height:,} prints\n")
    if find_spec("hftbacktest"):
        compare(market, tape)
    else:
        print("hftbacktest is skipped: pip install --no-deps hftbacktest==2.4.2\n")
    sweep(market, tape, runs=5)


if __name__ == "__main__":
    main()
