"""The grid backtest: the bot's rules as they are, and with the guard in their way, on the same tape in one pass.

The rules decide every DECISION_S on the clock, from the snapshot of that second. A grid stands until they call the
market something else or ask for another spacing; levels are those of the moment at which it was built. Without a
snapshot, while the quote is stale, both policies are flat. Where the guard is closed the guarded policy has no grid: it
is taken down at the market, as every change of a grid is. An instrument's day starts and ends flat.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from grinder_resources.contracts.bronze import INSTRUMENTS, QUOTES, TRADES
from grinder_resources.contracts.exact import BPS_X1000, half_even
from grinder_resources.contracts.instruments import NS_PER_SECOND, Instrument, instruments_of
from grinder_resources.contracts.score_guard import GRID_DECISIONS, GUARDED, HEURISTIC
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.contracts.simulation import Costs, Episode, GridParameters, Step
from grinder_resources.errors import NoData
from grinder_resources.gold.grid_sweep import INSTRUMENT
from grinder_resources.gold.lattice import GridChoice, unit_lots
from grinder_resources.gold.price_steps import with_price_steps
from grinder_resources.lake import Lake
from grinder_resources.market.minutes import is_of
from grinder_resources.policy.regimes import classify, full_lots, inputs_of
from grinder_resources.simulation.grid import simulate, tape_of
from grinder_resources.usecases.score_guard.policies import HOURLY, Policy, together

DECISION_S = 600
NAV_EVERY_S = 60
_DECISION_NS = DECISION_S * NS_PER_SECOND
POLICIES = (HEURISTIC, GUARDED)
Key = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Market:
    """One day of the lake: what the rules see every DECISION_S, what was traded, and what a tick and a lot are.

    snapshots
        Rows of `silver/snapshots` at multiples of DECISION_S.
    ends
        The day's last snapshot, by instrument: where its episode ends.
    """

    day: date
    snapshots: pl.DataFrame
    ends: Mapping[Key, int]
    quotes: pl.DataFrame
    trades: pl.DataFrame
    instruments: Mapping[Key, Instrument]


@dataclass(frozen=True, eq=False)
class GridRuns:
    """What the simulator said.

    policies
        The heuristic, and the guarded one unless there are no scores.
    nav, fills
        NAV and FILLS of every instrument and day with `venue`, `symbol`, `date` and `policy`.
    """

    policies: tuple[Policy, ...]
    nav: pl.DataFrame
    fills: pl.DataFrame


def read_market(lake: Lake, day: date, symbols: Sequence[str]) -> Market:
    """Return one day of some symbols, or of all where none is named; instruments without quotes are left out.

    Raises PartitionMissing where the day was never committed, NoData where it holds no decision.
    """
    chosen = pl.col("symbol").is_in(symbols) if symbols else pl.lit(value=True)
    snapshots, quotes, trades = (lake.read(table, day, day).filter(chosen) for table in (SNAPSHOTS, QUOTES, TRADES))
    # nothing can be traded on books alone
    snapshots = snapshots.join(quotes.select(INSTRUMENT).unique(), on=INSTRUMENT, how="semi", maintain_order="left")
    ends = {(venue, symbol): end for venue, symbol, end in _ends(snapshots).iter_rows()}
    decided = snapshots.filter(pl.col("ts_ns") % _DECISION_NS == 0)
    if decided.is_empty():
        raise NoData("the day holds no decision of these symbols", where=f"{SNAPSHOTS.name}/date={day}")
    return Market(day, decided, ends, quotes, trades, instruments_of(lake.read(INSTRUMENTS, day, day)))


def rule_decisions(market: Market) -> pl.DataFrame:
    """Return ts_ns, venue, symbol, rule_regime, spacing_x1000, levels, rebuilt: what the rules do all day."""
    rows = [
        row for key, seen in market.snapshots.group_by("venue", "symbol", maintain_order=True)
        for row in _decided(seen, market.instruments[str(key[0]), str(key[1])])
    ]  # fmt: skip
    names = ("ts_ns", "venue", "symbol", "rule_regime", "spacing_x1000", "levels", "rebuilt")
    return pl.DataFrame(rows, schema={name: GRID_DECISIONS.schema[name] for name in names}, orient="row")


def run_grid(markets: Sequence[Market], decisions: pl.DataFrame, costs: Costs) -> GridRuns:
    """Return both policies over all days; the heuristic alone where the decisions have no column `open`."""
    names = POLICIES if "open" in decisions.columns else POLICIES[:1]
    parts = [part for market in markets for part in _instrument_days(market, decisions, names, costs)]
    nav, fills, counts = (pl.concat(frames) for frames in zip(*parts, strict=True))
    instruments = nav.select("venue", "symbol").n_unique()
    policies = tuple(_policy(name, nav, counts, instruments) for name in names)
    return GridRuns(policies, nav, fills)


def _decided(seen: pl.DataFrame, instrument: Instrument) -> Iterator[tuple[object, ...]]:
    """Yield an instrument's decisions of a day, one every DECISION_S from the first to the last snapshot."""
    by_time = {row["ts_ns"]: row for row in seen.iter_rows(named=True)}
    full, standing = full_lots(instrument.lot_size), None
    for ts_ns in range(min(by_time), max(by_time) + 1, _DECISION_NS):
        place = (ts_ns, instrument.venue, instrument.symbol)
        if ts_ns not in by_time:
            standing = None
            yield (*place, "", None, None, False)
            continue
        regime, choice = str(classify(inputs_of(by_time[ts_ns], full)).name), GridChoice.of_rules(by_time[ts_ns], full)
        same = standing is not None and (regime, choice.spacing_x1000) == (standing[0], standing[1].spacing_x1000)
        if standing is None or not same:
            standing = regime, choice
        yield (*place, regime, standing[1].spacing_x1000, standing[1].levels, not same)


def _instrument_days(
    market: Market, decisions: pl.DataFrame, names: Sequence[str], costs: Costs
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]]:
    """Yield NAV, FILLS and counts of each instrument of a day."""
    for (venue, symbol), end_ns in market.ends.items():
        own = is_of(market.instruments[venue, symbol])
        seen = market.snapshots.filter(own)
        if seen.is_empty():
            continue
        unit = unit_lots(seen["mid_half_ticks"][0], market.instruments[venue, symbol])
        quotes = market.quotes.filter(own)
        decided = _with_steps(decisions.filter(own, pl.col("ts_ns").is_between(seen["ts_ns"][0], end_ns)), quotes)
        episodes = [_episode(decided, end_ns, unit, guarded=name == GUARDED) for name in names]
        tape = tape_of(quotes, market.trades.filter(own))
        found = simulate(tape, episodes, costs, nav_every_s=NAV_EVERY_S, with_fills=True)
        # both are measured against what the heuristic may hold, even where the guard never opens
        capital = max(1, *found.summary["capital_micros"].to_list())
        facts = {"venue": pl.lit(venue), "symbol": pl.lit(symbol), "date": pl.lit(market.day)}
        yield tuple(  # type: ignore[misc]
            _named(frame, names).with_columns(**facts, capital_micros=pl.lit(capital, dtype=pl.Int64))
            for frame in (found.nav, found.fills, found.summary.drop("capital_micros"))
        )


def _with_steps(decided: pl.DataFrame, quotes: pl.DataFrame) -> pl.DataFrame:
    """Add `step_ticks`, the price step that was known when the standing grid was built; 1 before any is."""
    known = decided.join_asof(with_price_steps(quotes).select("ts_ns", "step_ticks"), on="ts_ns")
    at_build = pl.when(pl.col("rebuilt")).then(pl.col("step_ticks").fill_null(1))
    return known.with_columns(step_ticks=at_build.forward_fill())


def _episode(decided: pl.DataFrame, end_ns: int, unit: int, *, guarded: bool) -> Episode:
    steps = tuple(
        Step(row["ts_ns"], _grid(row, unit) if row.get("open", True) or not guarded else None)
        for row in decided.iter_rows(named=True)
    )
    return Episode(steps[0].from_ns, max(end_ns, steps[0].from_ns + 1), steps)


def _grid(row: Mapping[str, int | None], unit: int) -> GridParameters | None:
    spacing, levels, step_ticks = row["spacing_x1000"], row["levels"], row["step_ticks"]
    if spacing is None or levels is None or step_ticks is None:
        return None
    return GridChoice(spacing, levels, 1).parameters(unit, step_ticks)


def _named(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    by_number = pl.Series("policy", names).gather(frame["episode"])
    return frame.with_columns(by_number.alias("policy"))


def _policy(name: str, nav: pl.DataFrame, counts: pl.DataFrame, instruments: int) -> Policy:
    own, counted = (frame.filter(pl.col("policy") == name) for frame in (nav, counts))
    money = own.with_columns(money=_x1000("nav_micros"))
    step = pl.col("money") - pl.col("money").shift(1, fill_value=0).over("venue", "symbol", "date", order_by="ts_ns")
    fees = int(counted.select(_x1000("fees_micros").sum()).item() or 0)
    return Policy(
        name,
        together(money.select("ts_ns", step_x1000=step), instruments),
        int(half_even(fees, instruments)),
        int(counted["round_trips"].sum()),
        sum(counted.select(pl.sum("maker_fills", "taker_fills")).row(0)),
        HOURLY,
    )


def _x1000(name: str) -> pl.Expr:
    """Return an amount in bps x 1000 of its instrument's capital, half-even."""
    # amounts times 10^7 go beyond 64 bits
    amount = pl.col(name).cast(pl.Int128) * BPS_X1000
    shares: pl.Expr = half_even(amount, pl.col("capital_micros").cast(pl.Int128)).cast(pl.Int64)
    return shares


def _ends(snapshots: pl.DataFrame) -> pl.DataFrame:
    return snapshots.group_by("venue", "symbol", maintain_order=True).agg(pl.col("ts_ns").max())
