"""What grid parameters are calibrated for: a metric that is to be large, within constraints.

Both are taken over any number of windows at once, from sums: what is best in one window, in the windows of the past
hours and on all training days is found in one way. Every metric is an integer; `UNITS` says in what.

=================  =====================================================================  ============================
name               what it is                                                             unit of a constraint
=================  =====================================================================  ============================
pnl                what was earned after all fees                                         bps of capital
sharpe             mean / standard deviation of the money's change a minute               1
rt_expectancy      what a round trip earned after its fees, on average                    bps of capital
fill_rate          orders filled whole / orders that stood in the book                    1
max_dd             largest fall of the money within a window, the worst of them           1, so 0.05 are 5 %
=================  =====================================================================  ============================

A grid without a round trip has no expectancy, one without an order no fill rate, and one whose money never moved no
Sharpe ratio: where that is asked for, such a grid is not chosen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import inf, isqrt
from types import MappingProxyType

import polars as pl

from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.gold_grid import NAV_EVERY_S, WINDOW_S
from grinder_resources.errors import OutOfRange, UnknownName
from grinder_resources.gold.lattice import LATTICE, GridChoice

UNITS: Mapping[str, int] = MappingProxyType(
    {"pnl": 1_000, "sharpe": 1_000, "rt_expectancy": 1_000, "fill_rate": 10_000, "max_dd": 10_000_000}
)
"""How many of a metric's integers make 1 of the unit its constraints are in."""

METRICS = ("pnl", "sharpe", "rt_expectancy", "fill_rate")
"""What can be made large; `max_dd` can only be kept small."""

GRID = ("grid", "spacing_x1000", "levels", "size_units")
SUMS = ("pnl_x1000", "squares", "round_trip_x1000", "round_trips", "orders", "orders_filled")
STEPS = WINDOW_S // NAV_EVERY_S
"""Changes of the money in one window."""


@dataclass(frozen=True)
class CalibrationTarget:
    """What is optimised: the largest `metric` among the grids whose every constrained metric lies in its bounds.

    constraints
        Metric name -> (low, high), both included, in the unit of the table above: {"max_dd": (0, 0.05)}.

    Raises UnknownName for a metric that is not one, OutOfRange for bounds that hold nothing.
    """

    metric: str = "pnl"
    constraints: Mapping[str, tuple[float, float]] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        for name, known in ((self.metric, METRICS), *((name, UNITS) for name in self.constraints)):
            if name not in known:
                raise UnknownName("no such metric", where="CalibrationTarget", got=name, expected=", ".join(known))
        for name, (low, high) in self.constraints.items():
            if not low <= high:
                raise OutOfRange("bounds of a constraint", where=name, got=f"({low}, {high})", expected="low <= high")

    def best(self, rows: pl.DataFrame) -> GridChoice | None:
        """Return the best grid over all `rows` of `gold/grid_sweep` together; None, a pause, if none will do."""
        found = self.best_by(totals(rows, ()), ())
        return GridChoice(*found.select(GRID[1:]).row(0)) if found.height else None

    def best_by(self, sums: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
        """Return the row of the best grid of every group of `totals`, sorted by group; no row where none will do.

        Only grids of the lattice are looked at. Of equally good ones the wider spacing, then fewer lines, then the
        smaller size is taken, so that the order of rows decides nothing.
        """
        lattice = sums.filter(pl.col("grid").is_in(list(LATTICE)))
        kept = [self._keeps(name, *bounds) for name, bounds in self.constraints.items()]
        good = with_metrics(lattice).filter(pl.col(self.metric).is_not_null(), *kept)
        order, down = [self.metric, *GRID[1:]], [True, True, False, False]
        ranked = good.sort([*by, *order], descending=[*(False for _ in by), *down])
        return ranked.group_by(by, maintain_order=True).first() if by else ranked.head(1)

    def _keeps(self, name: str, low: float, high: float) -> pl.Expr:
        # as the bounds are written: 0.05 is a twentieth, not the float nearest to it
        lower, upper = (None if abs(bound) == inf else Fraction(str(bound)) * UNITS[name] for bound in (low, high))
        holds = pl.col(name).is_not_null()
        if lower is not None:
            holds &= pl.col(name) >= -(-lower.numerator // lower.denominator)
        return holds if upper is None else holds & (pl.col(name) <= upper.numerator // upper.denominator)


TARGET = CalibrationTarget()
"""What the dataset and the report calibrate for: money."""


def totals(rows: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return rows of `gold/grid_sweep` added up by group and grid, as `best_by` takes them; `windows` counts them."""
    return rows.group_by(*by, *GRID).agg(*added()).sort(*by, "grid")


def added() -> tuple[pl.Expr, ...]:
    """Return the sums over windows that every metric can be had from."""
    sums = [pl.col(name).sum() for name in SUMS]
    return (pl.len().cast(pl.Int64).alias("windows"), *sums, pl.col("max_drawdown_x1000").max())


def with_metrics(sums: pl.DataFrame) -> pl.DataFrame:
    """Return `totals` with a column a metric, integers, null where a grid has none."""
    return sums.with_columns(
        pl.col("pnl_x1000").alias("pnl"),
        pl.Series("sharpe", list(map(_sharpe_x1000, *sums.select("pnl_x1000", "squares", "windows"))), pl.Int64),
        _share("round_trip_x1000", "round_trips", 1).alias("rt_expectancy"),
        _share("orders_filled", "orders", UNITS["fill_rate"]).alias("fill_rate"),
        pl.col("max_drawdown_x1000").alias("max_dd"),
    )


def _share(part: str, whole: str, unit: int) -> pl.Expr:
    some = pl.when(pl.col(whole) > 0).then(whole)
    share: pl.Expr = half_even(pl.col(part) * unit, some)
    return share


def _sharpe_x1000(total: int, squares: int, windows: int) -> int | None:
    """Return mean / standard deviation of n = windows x STEPS changes x 1000, cut towards 0.

    mean = total / n and variance = squares / n - mean^2, so that mean / deviation = total / sqrt(n squares - total^2).
    """
    spread = windows * STEPS * squares - total * total
    if spread <= 0:
        return None
    size = isqrt(UNITS["sharpe"] ** 2 * total * total // spread)
    return size if total >= 0 else -size
