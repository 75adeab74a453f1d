"""Gold tables of grids: what every grid of a lattice earned in every window, and the grid a window asked for.

A window starts on the clock every `WINDOW_EVERY_S` seconds and lasts `WINDOW_S`, inside the session and without a gap
in the quotes; windows overlap. In each of them every grid is simulated alone, flat to flat. Money is bps x 1000 of the
capital, `CAPITAL_UNITS` units of size at the window's first mid: the same for all grids of a window, so that what they
earned can be compared and added up.
"""

import polars as pl

from grinder_resources.contracts.gold import SNAPSHOT_FEATURES
from grinder_resources.contracts.table import DAY, SYMBOL, VENUE, Column, Table, optional, required

WINDOW_EVERY_S = 300
"""A window starts at every multiple of this many seconds of the clock."""

WINDOW_S = 600
"""Length of a window, seconds."""

NAV_EVERY_S = 60
"""Seconds between two samples of a grid's money; `squares` sums over the steps between them."""

SPACINGS_BPS = (3, 5, 8, 12, 20, 30, 50)
"""Distances between two lines that are swept, bps."""

UNIT_QUOTE = 1_000
"""What one unit of size is worth at the window's first mid, in whole quote currency, as near as lots allow."""

CAPITAL_UNITS = 16
"""Largest position, in units; what is earned is measured against it."""

RULES = "rules"
"""Name of the grid that the bot's rules ask for at the window's start; all others are of the lattice."""

PAUSE = "pause"
"""Name of no grid at all. It has no row: it earns 0 and costs 0."""

_INT, _TEXT = pl.Int64(), pl.String()
_BY_TIME = ("venue", "symbol", "ts_ns")
_START = required("ts_ns", _INT, f"start of the window, ns UTC, a multiple of {WINDOW_EVERY_S} s")
_CAPITAL = "bps x 1000 of capital, half-even"

GRID_SWEEP = Table(
    name="gold/grid_sweep",
    doc="What every grid of the lattice, and the one the rules ask for, earned in every window. Windows overlap.",
    columns=(
        DAY,
        VENUE,
        SYMBOL,
        _START,
        required("window_end_ns", _INT, "end of the window; the position was closed by then"),
        required("grid", _TEXT, f"its name, s<spacing bps>_l<levels>_u<units>, or '{RULES}'"),
        required("spacing_x1000", _INT, "distance between two lines, bps x 1000", at_least=1),
        required("levels", _INT, "lines on each side", at_least=1),
        required("size_units", _INT, "size of each order, units", at_least=1),
        required("size_lots", _INT, "size of each order, lots", at_least=1),
        required("price_step_ticks", _INT, "step of the venue's prices, as far as the day's quotes tell", at_least=1),
        required("pnl_x1000", _INT, f"what it earned after all fees, {_CAPITAL}"),
        required("fees_x1000", _INT, f"fees, {_CAPITAL}"),
        required(
            "max_drawdown_x1000", _INT, f"largest fall from an earlier height of its money, {_CAPITAL}", at_least=0
        ),
        required("squares", _INT, f"sum of squares of its money's change every {NAV_EVERY_S} s, each {_CAPITAL}"),
        required("round_trip_x1000", _INT, f"what its round trips earned after their fees, {_CAPITAL}"),
        required(
            "round_trips", _INT, "lines bought and sold back, or sold and bought back, by limit orders", at_least=0
        ),
        required("maker_fills", _INT, "fills of limit orders, part fills included", at_least=0),
        required("orders", _INT, "limit orders that came to stand in the book", at_least=0),
        required("orders_filled", _INT, "of them, filled whole", at_least=0),
    ),
    sort_by=(*_BY_TIME, "grid"),
    key=(*_BY_TIME, "grid"),
)

SPACING_LABEL = "optimal_spacing_x1000"
LEVELS_LABEL = "optimal_levels"
SIZE_LABEL = "optimal_size_units"
EARNED_LABELS = {bps: f"earned_s{bps}_x1000" for bps in SPACINGS_BPS}
"""By spacing: what its grids earned."""

_NO_GRID = "null where no grid keeps the target's constraints"
_NO_SWEEP = "null where the window was not swept"
_NO_PAST = "null before enough windows of the instrument have ended, and where no grid kept the constraints in them"


def _label(name: str, doc: str) -> Column:
    return optional(name, _INT, f"{doc}: a label")


GRID_SPACING = Table(
    name="gold/training/grid_spacing",
    doc="One snapshot a window with the grid that was best in it, and the one that was best in the windows before it.",
    columns=(
        DAY,
        VENUE,
        SYMBOL,
        _START,
        required("watermark_ns", _INT, "event time of the newest quote, print or book behind the row's features"),
        *SNAPSHOT_FEATURES,
        _label(SPACING_LABEL, f"spacing of the grid that was best in the window, bps x 1000; {_NO_GRID}"),
        _label(LEVELS_LABEL, f"its lines on each side; {_NO_GRID}"),
        _label(SIZE_LABEL, f"its size, units; {_NO_GRID}"),
        _label("best_pnl_x1000", f"what it earned in the window, {_CAPITAL}; {_NO_GRID}"),
        *(
            _label(name, f"what {bps} bps earned in the window, mean over shapes, {_CAPITAL}; {_NO_SWEEP}")
            for bps, name in EARNED_LABELS.items()
        ),
        _label("chosen_spacing_x1000", f"spacing of the grid that was best in the past windows; {_NO_PAST}"),
        _label("chosen_levels", f"its lines on each side; {_NO_PAST}"),
        _label("chosen_size_units", f"its size, units; {_NO_PAST}"),
        _label("chosen_pnl_x1000", f"what it earned in this window, {_CAPITAL}; {_NO_PAST}"),
        required("label_end_ns", _INT, "end of the window; what a purge needs"),
    ),
    sort_by=_BY_TIME,
    key=_BY_TIME,
)
"""Every grid's row stands in GRID_SWEEP; here is one row a window, ready to fit on."""
