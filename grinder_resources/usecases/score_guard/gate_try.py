"""A try of the gates: from a lake and a source of scores to a recorded comparison."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

import polars as pl

from grinder_resources.contracts.exact import BPS_X1000, half_even
from grinder_resources.contracts.gates import GATE_EVENTS
from grinder_resources.contracts.score_guard import GATE_TRADES, GUARDED, HEURISTIC
from grinder_resources.errors import NoData
from grinder_resources.lake import Lake
from grinder_resources.learning.ledger import Ledger
from grinder_resources.usecases.score_guard.comparison import Openness
from grinder_resources.usecases.score_guard.gate_account import ACCOUNT_USD, MICROS
from grinder_resources.usecases.score_guard.gates import GateCosts, GateRun, sided, signals
from grinder_resources.usecases.score_guard.guard import Guard
from grinder_resources.usecases.score_guard.model_scores import Outputs, model_scores
from grinder_resources.usecases.score_guard.policies import DAILY, Policy
from grinder_resources.usecases.score_guard.scores import Scores, in_force
from grinder_resources.usecases.score_guard.tries import Backtest, Setup, data_sha256, recorded

RISES = Outputs("sign_30m/up", None)
"""What a gate score is: the probability that the price has risen half an hour later."""

PRICE_UNIT = 1 / MICROS


def read_gates(lake: Lake, days: Sequence[date], symbols: Sequence[str]) -> pl.DataFrame:
    """Return `silver/gate_events` of the days. Raises PartitionMissing for an uncommitted day, NoData without gates."""
    chosen = pl.col("symbol").is_in(symbols) if symbols else pl.lit(value=True)
    events = pl.concat([GATE_EVENTS.empty(), *(lake.read(GATE_EVENTS, day, day) for day in sorted(set(days)))])
    found = events.filter(chosen)
    if found.is_empty():
        raise NoData("the days hold no gate of these symbols", where=GATE_EVENTS.name)
    return found


def gate_scores_of_model(folder: Path, events: pl.DataFrame, outputs: Outputs | None) -> Scores:
    """Return a model's scores of every gate: of `sign_30m/up` unless another output is asked for."""
    return model_scores(folder, events, outputs or RISES)


def try_gates(
    lake: Lake,
    events: pl.DataFrame,
    scores: Scores | None,
    ledger: Ledger,
    *,
    guard: Guard,
    costs: GateCosts,
    symbols: Sequence[str] = (),
) -> Backtest:
    """Return the gate heuristic and the guarded one over all gates, compared and recorded.

    events
        From `read_gates`.
    scores
        None = the heuristic alone; nothing is compared, and nothing recorded.
    symbols
        What was asked for, for the record; none = all.
    """
    asked = signals(events)
    if scores is not None:
        asked = guard.judged(sided(in_force(asked, scores.rows, guard.max_age_s)))
    runs = {HEURISTIC: GateRun(costs, guarded=False)} | ({GUARDED: GateRun(costs, guarded=True)} if scores else {})
    for run in runs.values():
        run.run(asked)
    days = tuple(events["date"].unique().sort().to_list())
    setup = Setup(
        "gates", days, tuple(sorted(symbols)), data_sha256(lake, [GATE_EVENTS.name], days), asdict(costs), guard
    )
    backtest = Backtest(
        setup=setup,
        scores=scores,
        policies=tuple(_policy(name, run, asked) for name, run in runs.items()),
        decisions=asked,
        nav=pl.concat(_prices(name, asked) for name in runs),
        fills=pl.concat(_fills(name, trades_of(run)) for name, run in runs.items()),
        tick_size=dict.fromkeys(asked.select("venue", "symbol").unique().iter_rows(), PRICE_UNIT),
    )
    # where it closes, a later gate is free to ask: so what was left is counted in trades, not in answers
    kept, every = len(runs[GUARDED if scores else HEURISTIC].trades), len(runs[HEURISTIC].trades)
    return recorded(backtest, Openness(every, kept, "trades"), ledger)


def trades_of(run: GateRun) -> pl.DataFrame:
    """Return the trades of a run as GATE_TRADES."""
    return GATE_TRADES.conform(pl.DataFrame(run.trades, schema=GATE_TRADES.schema, orient="row"))


def _policy(name: str, run: GateRun, gates: pl.DataFrame) -> Policy:
    """Return the run as a policy; its money is sampled at every gate, from the first to the last."""
    times = gates.select(pl.col("ts_ns").unique().sort())
    money = pl.DataFrame(run.money, schema={"ts_ns": pl.Int64(), "micros": pl.Int64()}, orient="row")
    sampled = times.join(money.unique("ts_ns", keep="last"), on="ts_ns", how="left", maintain_order="left")
    share = _x1000(pl.col("micros").forward_fill().fill_null(0))
    trades = trades_of(run)
    fees = int(trades["cost_micros"].sum())
    fees_x1000 = int(half_even(fees * BPS_X1000, ACCOUNT_USD * MICROS))
    return Policy(
        name, sampled.select("ts_ns", equity_x1000=share), fees_x1000, trades.height, 2 * trades.height, DAILY
    )


def _x1000(micros: pl.Expr) -> pl.Expr:
    """Return micro-dollars in bps x 1000 of the account, half-even."""
    shares: pl.Expr = half_even(micros.cast(pl.Int128) * BPS_X1000, ACCOUNT_USD * MICROS).cast(pl.Int64)
    return shares


def _prices(name: str, gates: pl.DataFrame) -> pl.DataFrame:
    """Return the prices as NAV rows are drawn."""
    price = (2 * pl.col("price_close_x1e6")).alias("mid_half_ticks")
    return gates.select("date", "venue", "symbol", "ts_ns", price, policy=pl.lit(name))


def _fills(name: str, trades: pl.DataFrame) -> pl.DataFrame:
    """Return both sides of every trade as FILLS rows are drawn: all at the market."""
    sides = (("entry", 1), ("exit", -1))
    return pl.concat(
        trades.select(
            "venue",
            "symbol",
            ts_ns=f"{end}_ts_ns",
            side=pl.col("side") * sign,
            price_ticks=f"{end}_x1e6",
            is_maker=pl.lit(value=False),
            policy=pl.lit(name),
        )
        for end, sign in sides
    )
