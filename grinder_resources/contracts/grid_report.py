"""Report tables of grid parameters: what every way to choose a grid earned, window by window and over a day.

Replaced whole by the latest report; `date` is a fact about a row here, not a partition. A *policy* is a way to choose a
grid at a window's start:

=========  ==========================================================================================
policy     the grid it takes
=========  ==========================================================================================
pause      none
static     the one that earned most on all days before, the instrument's own
rules      the one the bot's rules ask for
past       the one that earned most in the windows that ended in the last hours
optimum    the one nearest to the best spacing, lines and size that the model expects; fitted on earlier days
model      the one at the spacing that the model expects to earn most, none where it expects none to earn
hindsight  the one that earned most in the window itself, or none: nobody can know it, it bounds all others
=========  ==========================================================================================
"""

import polars as pl

from grinder_resources.contracts.simulation import FILLS, NAV
from grinder_resources.contracts.table import SYMBOL, VENUE, Table, optional, required

POLICIES = ("pause", "static", "rules", "past", "optimum", "model", "hindsight")
"""Ways to choose a grid, from what is compared with to what is compared."""

_TEXT, _INT, _FLOAT = pl.String(), pl.Int64(), pl.Float64()
_POLICY = required("policy", _TEXT, f"one of {', '.join(POLICIES)}")
_WINDOW = ("venue", "symbol", "ts_ns")

WINDOWS = Table(
    name="reports/grid_spacing/windows",
    doc="What every policy earned in every out-of-fold window, flat to flat.",
    columns=(
        required("date", pl.Date(), "UTC day of ts_ns"),
        VENUE,
        SYMBOL,
        required("ts_ns", _INT, "start of the window"),
        _POLICY,
        required("grid", _TEXT, "name of the grid it took, as in gold/grid_sweep; 'pause' for none"),
        required("pnl_x1000", _INT, "what it earned after all fees, bps x 1000 of capital; 0 for a pause"),
        required("fees_x1000", _INT, "fees, bps x 1000 of capital"),
        required("max_drawdown_x1000", _INT, "largest fall of its money in the window, bps x 1000 of capital"),
        required("round_trips", _INT, "lines bought and sold back, or sold and bought back"),
        required("orders", _INT, "limit orders that stood in the book"),
        required("orders_filled", _INT, "of them, filled whole"),
    ),
    sort_by=(*_WINDOW, "policy"),
    key=(*_WINDOW, "policy"),
)

SCORES = Table(
    name="reports/grid_spacing/scores",
    doc="Each policy over all out-of-fold windows: means a window in bps of capital, 95 % intervals of a bootstrap "
    "over hours. A bound is null where there were too few hours to resample.",
    columns=(
        _POLICY,
        required("windows", _INT, "windows, overlapping"),
        required("hours", _INT, "hours they start in: the blocks that are resampled"),
        required("pnl", _FLOAT, "mean pnl"),
        optional("pnl_low", _FLOAT, "2.5 % quantile"),
        optional("pnl_high", _FLOAT, "97.5 % quantile"),
        required("over_static", _FLOAT, "mean pnl less that of static, window by window"),
        optional("over_static_low", _FLOAT, "2.5 % quantile"),
        optional("over_static_high", _FLOAT, "97.5 % quantile"),
        required("over_rules", _FLOAT, "mean pnl less that of the rules, window by window"),
        optional("over_rules_low", _FLOAT, "2.5 % quantile"),
        optional("over_rules_high", _FLOAT, "97.5 % quantile"),
        required("fees", _FLOAT, "mean fees"),
        required("worst", _FLOAT, "smallest pnl of a window"),
        required("max_drawdown", _FLOAT, "largest drawdown within a window"),
        required("quoted", _FLOAT, "share of windows with a grid"),
        required("earning", _FLOAT, "share of windows with pnl above 0"),
        required("round_trips", _FLOAT, "mean round trips"),
        optional("fill_rate", _FLOAT, "orders filled whole / orders; null without any"),
    ),
    sort_by=(),
    key=("policy",),
)

SURFACE = Table(
    name="reports/grid_spacing/surface",
    doc="Mean pnl of the lattice's grids by spacing and by how far the mid ranged in the five minutes before.",
    columns=(
        required("regime", _TEXT, "tercile of range_300s_x1000 over the out-of-fold windows: calm, usual or wild"),
        required("spacing_bps", _INT, "distance between two lines, bps"),
        required("windows", _INT, "windows of the regime"),
        required("pnl", _FLOAT, "mean over windows and shapes, bps of capital a window"),
    ),
    sort_by=("regime", "spacing_bps"),
    key=("regime", "spacing_bps"),
)

_TRADED = (_POLICY, VENUE, SYMBOL)
_BY_TRADED = ("policy", "venue", "symbol")

EQUITY = Table(
    name="reports/grid_spacing/equity",
    doc=f"{NAV.doc} The newest out-of-fold day, traded without a stop; a policy's changes of grid are paid for.",
    columns=(
        *_TRADED,
        *NAV.columns,
        required("capital_micros", _INT, "largest position at the first mid; what the money is out of"),
    ),
    sort_by=(*_BY_TRADED, "ts_ns"),
    key=(*_BY_TRADED, "ts_ns"),
)

TRADED_FILLS = Table(
    name="reports/grid_spacing/fills",
    doc=f"{FILLS.doc} Of the day of reports/grid_spacing/equity.",
    columns=(*_TRADED, *FILLS.columns),
    sort_by=(*_BY_TRADED, "fill"),
    key=(*_BY_TRADED, "fill"),
)

REPORT_TABLES = (WINDOWS, SCORES, SURFACE, EQUITY, TRADED_FILLS)
"""Tables of the report, in the order they are made."""
