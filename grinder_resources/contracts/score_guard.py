"""What the score guard reads and leaves: files of scores, its decisions, its trades, and how each policy came out.

Scores and hazards are bps, 10,000 = certain. Money of a grid is bps x 1000 of capital; money of a gate trade is
micro-dollars.
"""

import polars as pl

from grinder_resources.contracts.calibration import CERTAIN_BPS
from grinder_resources.contracts.table import SYMBOL, VENUE, Column, Table, optional, required

HEURISTIC = "heuristic"
GUARDED = "guarded"

_INT, _TEXT, _FLOAT = pl.Int64(), pl.String(), pl.Float64()
_TS = required("ts_ns", _INT, "time of the decision, ns since 1970-01-01 UTC")


def _share(name: str, doc: str, *, nullable: bool = True) -> Column:
    make = optional if nullable else required
    return make(name, _INT, f"{doc}, bps", at_least=0, at_most=CERTAIN_BPS)


SCORES = Table(
    name="scores",
    doc="A file of scores, at most one row an instrument and moment. The column hazard_bps may be left out.",
    columns=(
        VENUE,
        SYMBOL,
        required("ts_ns", _INT, "from when on the score is known, ns since 1970-01-01 UTC", at_least=0),
        _share("score_bps", "how good it is to trade; for gates the probability that the price rises", nullable=False),
        _share("hazard_bps", "how dangerous it is; null where nobody knows"),
    ),
    sort_by=("venue", "symbol", "ts_ns"),
    key=("venue", "symbol", "ts_ns"),
)

_HEARD = (
    optional("score_ts_ns", _INT, "time of the score in force; null where there is none of the allowed age"),
    _share("score_bps", "the score in force; null where there is none"),
    _share("hazard_bps", "the hazard in force; null where there is none"),
    required("open", pl.Boolean(), "whether the guard lets the heuristic trade"),
    required("reason", _TEXT, "why it does not; empty where it does"),
)

GRID_DECISIONS = Table(
    name="reports/score_guard/decisions",
    doc="One row a decision about a grid: what the rules ask for, and whether the guard lets them.",
    columns=(
        _TS,
        VENUE,
        SYMBOL,
        required("rule_regime", _TEXT, "what the rules call the market; empty without a fresh quote"),
        optional("spacing_x1000", _INT, "grid in force, bps x 1000; null: none, for there is no fresh quote"),
        optional("levels", _INT, "its lines on each side; null where there is none"),
        required("rebuilt", pl.Boolean(), "whether the rules changed it here"),
        *_HEARD,
    ),
    sort_by=("ts_ns", "venue", "symbol"),
    key=("ts_ns", "venue", "symbol"),
)

GATE_TRADES = Table(
    name="gate_trades",
    doc="One row a trade of the gate heuristic, in the order in which they were entered.",
    columns=(
        required("signal_ts_ns", _INT, "the gate that asked for it"),
        required("entry_ts_ns", _INT, "the next gate of the instrument, at whose price it was entered"),
        required("exit_ts_ns", _INT, "the gate at whose price it was left"),
        VENUE,
        SYMBOL,
        required("side", pl.Int8(), "+1 bought, -1 sold"),
        required("units", _INT, "base currency", at_least=1),
        required("entry_x1e6", _INT, "price, quote currency x 10^6"),
        required("exit_x1e6", _INT, "price, quote currency x 10^6"),
        required("gross_micros", _INT, "earned before costs, micro-dollars"),
        required("cost_micros", _INT, "costs of both sides, micro-dollars"),
    ),
    sort_by=("entry_ts_ns", "venue", "symbol"),
    key=("entry_ts_ns", "venue", "symbol"),
)

EQUITY = Table(
    name="reports/score_guard/equity",
    doc="Money of every policy over time, all instruments together.",
    columns=(
        required("policy", _TEXT, f"'{HEURISTIC}' or '{GUARDED}'"),
        required("ts_ns", _INT, "time of the sample"),
        required("equity_x1000", _INT, "earned so far after all costs, bps x 1000 of capital; 0 at the start"),
    ),
    sort_by=("policy", "ts_ns"),
    key=("policy", "ts_ns"),
)

POLICIES = Table(
    name="reports/score_guard/policies",
    doc="How each policy came out, every cost included.",
    columns=(
        required("policy", _TEXT, f"'{HEURISTIC}' or '{GUARDED}'"),
        required("backtest", _TEXT, "grid or gates"),
        required("first_day", pl.Date(), "first day of the backtest"),
        required("last_day", pl.Date(), "last day of the backtest"),
        required("scores", _TEXT, "where the scores come from"),
        required("threshold_bps", _INT, "least score that opens the guard"),
        optional("max_hazard_bps", _INT, "largest hazard that leaves it open; null: not asked"),
        required("pnl_x1000", _INT, "earned after all costs, bps x 1000 of capital"),
        required("fees_x1000", _INT, "costs paid, bps x 1000 of capital"),
        required("max_drawdown_x1000", _INT, "largest fall from an earlier height, bps x 1000 of capital"),
        optional("sharpe_x1000", _INT, "mean / deviation of the returns of a period, yearly, x 1000; null undefined"),
        optional("sortino_x1000", _INT, "the same over the deviation of losses alone; null where nothing was lost"),
        required("trades", _INT, "round trips of a grid, or trades"),
        required("fills", _INT, "fills, or sides of trades"),
        optional("difference_low", _FLOAT, "lower end of the guarded policy's advantage, bps; null not judged"),
        optional("difference_high", _FLOAT, "upper end of it"),
        required("verdict", _TEXT, "the sentence a report prints"),
    ),
    sort_by=("policy",),
    key=("policy",),
)
