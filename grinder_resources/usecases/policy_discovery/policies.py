"""The policies that rules choose among, and what each of them earned in every window.

All grids of the lattice have the same lines and sizes here, so that policies differ in one thing, the distance
between two lines; `rules` is the bot as it is. Policies stand in the order of caution: no grid at all, then grids from
few fills to many, and last the bot's own, which may be any of them. Where two earned the same, the more cautious one is
better.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grinder_resources.contracts.gold import SNAPSHOT_FEATURES
from grinder_resources.contracts.gold_grid import PAUSE, RULES
from grinder_resources.errors import UnknownName
from grinder_resources.evaluation.scores import BLOCK_NS
from grinder_resources.hashing import sha256_rows
from grinder_resources.usecases.policy_discovery.rules import Policy

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

POLICIES = (
    Policy(PAUSE, PAUSE),
    Policy("wide", "s30_l4_u1"),
    Policy("normal", "s12_l4_u1"),
    Policy("tight", "s5_l4_u1"),
    Policy("rules", RULES),
)
NAMES = tuple(policy.name for policy in POLICIES)

WINDOW_KEY = ("venue", "symbol", "ts_ns")

CONDITIONS_ON = {column.name: column.doc for column in SNAPSHOT_FEATURES if not column.name.endswith("_lots")}
"""Columns a rule may ask for, and what they are. Sizes in lots are left out: they name the instrument."""

EXACT_IN_FLOAT32 = 1 << 24
"""The tree sees float32; up to here neighbouring integers are different to it."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows in time order.

    frame
        date, venue, symbol, ts_ns, label_end_ns (the window's end) and the columns in `columns`, Int64.
    pnl
        int64 [windows, policies], bps of capital x 1000, policies as in NAMES.
    """

    frame: pl.DataFrame
    columns: tuple[str, ...]
    pnl: Integers

    @cached_property
    def best(self) -> Integers:
        """Number of the policy that earned most in each window, the more cautious of equals; int64 [windows]."""
        best: Integers = np.argmax(self.pnl, axis=1).astype(np.int64)
        return best

    @cached_property
    def hours(self) -> Integers:
        """Hour since 1970 in which each window starts; int64 [windows]."""
        hours: Integers = self.frame["ts_ns"].to_numpy() // BLOCK_NS
        return hours

    @property
    def sha256(self) -> str:
        """Of everything in here."""
        earned = [pl.Series(f"pnl_{name}", self.pnl[:, number]) for number, name in enumerate(NAMES)]
        return sha256_rows(self.frame.with_columns(earned))

    def instruments(self, rows: Integers) -> int:
        """Return how many instruments those windows are of."""
        return self.frame[rows].select("venue", "symbol").n_unique() if len(rows) else 0

    def best_of(self, rows: Flags | Integers) -> int:
        """Return the number of the policy that earned most in those windows together."""
        return int(np.argmax(self.pnl[rows].sum(axis=0)))


def windows_of(starts: pl.DataFrame, sweep: pl.DataFrame) -> Windows:
    """Return the windows that both tables know.

    starts
        Rows of `gold/training/grid_spacing`: features at the start of each window.
    sweep
        Rows of `gold/grid_sweep`: what every grid earned in it. A window that lacks one of the policies is left out.

    Raises UnknownName if a policy's grid is in no window.
    """
    grids = {policy.grid: policy.name for policy in POLICIES if policy.grid != PAUSE}
    missing = sorted(set(grids) - set(sweep["grid"].unique()))
    if missing and sweep.height:
        raise UnknownName("a policy's grid is not in the sweep", where="gold/grid_sweep", got=", ".join(missing))
    rows = starts.select("date", *WINDOW_KEY, "label_end_ns", pl.col(list(CONDITIONS_ON)).cast(pl.Int64))
    for grid, name in grids.items():
        earned = sweep.filter(pl.col("grid") == grid).select(*WINDOW_KEY, pl.col("pnl_x1000").alias(f"pnl_{name}"))
        rows = rows.join(earned, on=WINDOW_KEY, how="inner")
    rows = rows.sort("ts_ns", "venue", "symbol").with_columns(pl.lit(0, pl.Int64).alias(f"pnl_{PAUSE}"))
    names = [f"pnl_{name}" for name in NAMES]
    return Windows(rows.drop(names), tuple(CONDITIONS_ON), rows.select(names).to_numpy())
