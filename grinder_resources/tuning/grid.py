"""The grid strategy as a tunable component: spacing, lines, size and recentring, by what they earn in past windows.

A window is that of `gold/grid_sweep`: inside the session, flat to flat, after all fees. The later part of the windows
is held out: no trial is scored on it, and what the settings in force and the best ones earn there is told beside.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date

import numpy as np
import polars as pl

from grinder_resources.contracts.bronze import INSTRUMENTS, QUOTES, TRADES
from grinder_resources.contracts.exact import BPS_X1000, half_even
from grinder_resources.contracts.gold_grid import CAPITAL_UNITS
from grinder_resources.contracts.instruments import instruments_of
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.contracts.simulation import Costs, Episode, GridParameters, Step
from grinder_resources.errors import NoData
from grinder_resources.evaluation.scores import BLOCK_NS, Estimate, mean_estimate
from grinder_resources.gold.grid_sweep import COSTS, INSTRUMENT, windows_of
from grinder_resources.gold.lattice import unit_lots
from grinder_resources.gold.price_steps import with_price_steps
from grinder_resources.hashing import sha256_rows
from grinder_resources.lake import Lake
from grinder_resources.market.minutes import is_of
from grinder_resources.simulation.grid import Tape, simulate, tape_of
from grinder_resources.tuning.component import Earnings, Steps, TunableComponent, score_of
from grinder_resources.tuning.parameters import Configuration, TunableParameter

OBJECTIVE = "pnl_bps"
HELD_OUT = 1 / 3
"""Share of the windows, the latest, that no trial is scored on."""

AT_LAST_LINE, SOONER = "at the last line", "sooner"

GRID_SPACE = (
    TunableParameter("spacing_bps", "integer", 12, (3, 50), log_scale=True),
    TunableParameter("levels", "integer", 4, (1, 10)),
    TunableParameter("size_units", "integer", 2, (1, 4)),
    TunableParameter("recentre", "categorical", AT_LAST_LINE, (AT_LAST_LINE, SOONER)),
    TunableParameter("recentre_share", "continuous", 0.5, (0.2, 0.95), conditional_on={"recentre": SOONER}),
)
"""What is tuned of a grid: distance between lines, lines a side, units an order, and how far the mid may go from the
centre before it is built again, as a share of the grid's width."""


@dataclass(frozen=True, eq=False)
class Market:
    """Windows of one instrument on one day: rows of ts_ns, label_end_ns, unit (lots of a unit) and step_ticks."""

    question: str
    tape: Tape
    windows: pl.DataFrame


def read_grid_markets(lake: Lake, days: Sequence[date]) -> list[Market]:
    """Return every instrument with quotes of every day, in time order.

    Raises PartitionMissing for a day that was never committed, NoData where no window fits into the days.
    """
    markets = [market for day in sorted(set(days)) for market in _markets(lake, day)]
    if not markets:
        raise NoData("no window of a grid fits into these days", where=SNAPSHOTS.name)
    return markets


def grid_component(markets: Sequence[Market], costs: Costs = COSTS) -> TunableComponent:
    """Return the grid over the past windows of the markets, from `split_windows`. Raises NoData where there is none."""
    past, _ = split_windows(markets)
    trials = _GridTrials(past, costs)
    return TunableComponent(
        name="grid",
        parameters=GRID_SPACE,
        apply=trials.apply,
        run=trials.run,
        telemetry=trials.telemetry,
        objective=OBJECTIVE,
        earned=trials.earned,
        scales=trials.scales,
        facts={
            "dataset": "tuning/grid",
            "data": sha256_rows(pl.concat(market.windows.with_columns(at=pl.lit(market.question)) for market in past)),
            "costs": asdict(costs),
        },
    )


def held_out(markets: Sequence[Market], configuration: Configuration, costs: Costs = COSTS) -> Estimate:
    """Return what a configuration earns a window in those held out, bps of capital, with its interval."""
    _, later = split_windows(markets)
    earned = pl.concat(_earned(market, configuration, costs) for market in later)
    return mean_estimate(earned["pnl_x1000"].to_numpy() / 1_000, earned["ts_ns"].to_numpy())


def split_windows(markets: Sequence[Market], share: float = HELD_OUT) -> tuple[list[Market], list[Market]]:
    """Return the markets with the windows that ended before the last `share` of them began, and with those.

    Windows that reach from one part into the other are in neither. Raises NoData where a part would be empty.
    """
    starts = np.sort(np.concatenate([market.windows["ts_ns"].to_numpy() for market in markets]))
    cut = int(starts[int(len(starts) * (1.0 - share))])
    past = list(_with(markets, pl.col("label_end_ns") <= cut))
    later = list(_with(markets, pl.col("ts_ns") >= cut))
    if not past or not later:
        raise NoData("too few windows to hold some out", where=SNAPSHOTS.name, got=str(len(starts)))
    return past, later


def parameters_of(configuration: Configuration, unit: int, step_ticks: int) -> GridParameters:
    """Return the grid of a configuration in lots."""
    spacing, levels = 1_000 * int(configuration["spacing_bps"]), int(configuration["levels"])
    share = float(configuration.get("recentre_share", 1.0))
    return GridParameters(
        spacing_x1000=spacing,
        levels=levels,
        size_lots=int(configuration["size_units"]) * unit,
        recentre_x1000=max(1, round(share * levels * spacing)),
        max_position_lots=CAPITAL_UNITS * unit,
        price_step_ticks=step_ticks,
    )


class _GridTrials:
    """The runs of the component: one market after the other."""

    def __init__(self, markets: Sequence[Market], costs: Costs) -> None:
        self._markets, self._costs = markets, costs
        self._configuration: Configuration = {}
        self._earned: dict[str, dict[int, int]] = {}
        self.scales = _windows(markets)

    def apply(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def run(self) -> Steps:
        self._earned = {question: {} for question in self.scales}
        for number, market in enumerate(self._markets, start=1):
            hourly = _earned(market, self._configuration, self._costs).group_by(pl.col("ts_ns") // BLOCK_NS)
            self._earned[market.question] |= dict(hourly.agg(pl.col("pnl_x1000").sum()).sort("ts_ns").iter_rows())
            yield score_of(self._earned, _windows(self._markets[:number]))

    def telemetry(self) -> Mapping[str, float]:
        by_market = {question: score_of(self._earned, {question: scale}) for question, scale in self.scales.items()}
        return {OBJECTIVE: score_of(self._earned, self.scales), **by_market}

    def earned(self) -> Earnings:
        return self._earned


def _windows(markets: Sequence[Market]) -> dict[str, int]:
    """Return the windows of every instrument x 1000: what bps x 1000 are divided by to give bps a window."""
    counts: dict[str, int] = {}
    for market in markets:
        counts[market.question] = counts.get(market.question, 0) + 1_000 * market.windows.height
    return counts


def _earned(market: Market, configuration: Configuration, costs: Costs) -> pl.DataFrame:
    """Return ts_ns, pnl_x1000: what the grid earned in every window, bps x 1000 of capital."""
    rows = market.windows.select("ts_ns", "label_end_ns", "unit", "step_ticks").iter_rows()
    episodes = [
        Episode(start, end, (Step(start, parameters_of(configuration, unit, step_ticks)),))
        for start, end, unit, step_ticks in rows
    ]
    summary = simulate(market.tape, episodes, costs).summary.sort("episode")
    # amounts times 10^7 go beyond 64 bits
    pnl, capital = (pl.col(name).cast(pl.Int128) for name in ("pnl_micros", "capital_micros"))
    return summary.select(ts_ns="start_ns", pnl_x1000=half_even(pnl * BPS_X1000, capital).cast(pl.Int64))


def _markets(lake: Lake, day: date) -> Iterator[Market]:
    snapshots, quotes, trades = (lake.read(table, day, day) for table in (SNAPSHOTS, QUOTES, TRADES))
    instruments = instruments_of(lake.read(INSTRUMENTS, day, day))
    quoted = windows_of(snapshots).join(quotes.select(INSTRUMENT).unique(), on=INSTRUMENT, how="semi")
    for (venue, symbol), windows in quoted.group_by(INSTRUMENT, maintain_order=True):
        instrument = instruments[str(venue), str(symbol)]
        own = quotes.filter(is_of(instrument))
        units = [unit_lots(mid, instrument) for mid in windows["mid_half_ticks"]]
        known = windows.sort("ts_ns").join_asof(with_price_steps(own).select("ts_ns", "step_ticks"), on="ts_ns")
        facts = known.select("ts_ns", "label_end_ns", pl.Series("unit", units, pl.Int64), "step_ticks")
        yield Market(f"{venue}:{symbol}", tape_of(own, trades.filter(is_of(instrument))), facts)


def _with(markets: Sequence[Market], wanted: pl.Expr) -> Iterator[Market]:
    for market in markets:
        windows = market.windows.filter(wanted)
        if windows.height:
            yield Market(market.question, market.tape, windows)
