"""A try of the grid: from a lake and a source of scores to a recorded comparison."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

import polars as pl

from grinder_resources.contracts.bronze import INSTRUMENTS, QUOTES, TRADES
from grinder_resources.contracts.score_guard import GRID_DECISIONS
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.contracts.simulation import Costs
from grinder_resources.errors import NoData
from grinder_resources.export.verify import read_artifact
from grinder_resources.lake import Lake
from grinder_resources.learning.ledger import Ledger
from grinder_resources.learning.specs import spec_named
from grinder_resources.usecases.score_guard.comparison import Openness
from grinder_resources.usecases.score_guard.grid import Market, read_market, rule_decisions, run_grid
from grinder_resources.usecases.score_guard.guard import Guard
from grinder_resources.usecases.score_guard.model_scores import Outputs, model_scores
from grinder_resources.usecases.score_guard.scores import Scores, in_force
from grinder_resources.usecases.score_guard.tries import Backtest, Setup, data_sha256, recorded

TABLES = (SNAPSHOTS.name, QUOTES.name, TRADES.name, INSTRUMENTS.name)


def read_markets(lake: Lake, days: Sequence[date], symbols: Sequence[str]) -> list[Market]:
    """Return the days in order. Raises PartitionMissing for a day that was never committed, NoData without rows."""
    if not days:
        raise NoData("a backtest needs a day")
    return [read_market(lake, day, symbols) for day in sorted(set(days))]


def scores_of_model(folder: Path, lake: Lake, markets: Sequence[Market], outputs: Outputs | None) -> Scores:
    """Return a model's scores of the markets: of the snapshots decided on, where those hold all its inputs.

    Otherwise of its own Gold table, every row of the days; such a table has a row only where the time after it is
    whole, and where there is none the guard is closed.
    """
    manifest = read_artifact(folder).manifest
    snapshots = pl.concat(market.snapshots for market in markets)
    if not {name.partition("=")[0] for name in manifest.input_features} <= set(snapshots.columns):
        dataset = spec_named(manifest.model_name).dataset
        snapshots = pl.concat(lake.rows(dataset, market.day) for market in markets)
    return model_scores(folder, snapshots, outputs)


def try_grid(
    lake: Lake,
    markets: Sequence[Market],
    scores: Scores | None,
    ledger: Ledger,
    *,
    guard: Guard,
    costs: Costs,
    symbols: Sequence[str] = (),
) -> Backtest:
    """Return the heuristic and the guarded grid over all days, compared and recorded.

    markets
        From `read_markets`.
    scores
        None = the heuristic alone; nothing is compared, and nothing recorded.
    symbols
        What was asked for, for the record; none = all.
    """
    days = tuple(market.day for market in markets)
    decisions = pl.concat(rule_decisions(market) for market in markets)
    if scores is not None:
        decisions = GRID_DECISIONS.conform(guard.judged(in_force(decisions, scores.rows, guard.max_age_s)))
    runs = run_grid(markets, decisions, costs)
    setup = Setup("grid", days, tuple(sorted(symbols)), data_sha256(lake, TABLES, days), asdict(costs), guard)
    ticks = {key: float(unit.tick_size) for market in markets for key, unit in market.instruments.items()}
    backtest = Backtest(setup, scores, runs.policies, decisions, runs.nav, runs.fills, tick_size=ticks)
    return recorded(backtest, _openness(decisions), ledger)


def _openness(decisions: pl.DataFrame) -> Openness:
    """Return how often the guard was asked about a grid that the rules wanted, and was open."""
    wanted = decisions.filter(pl.col("spacing_x1000").is_not_null())
    return Openness(wanted.height, int(wanted["open"].sum()) if "open" in wanted.columns else wanted.height)
