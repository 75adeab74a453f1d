"""How a policy came out: exact integers from its money over time."""

from dataclasses import dataclass
from math import isqrt

import polars as pl

from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.instruments import NS_PER_DAY, NS_PER_SECOND

HOUR_NS = 3_600 * NS_PER_SECOND


@dataclass(frozen=True)
class Period:
    """What a return is of: its length, how many of them a ratio is stretched to, and what that is called."""

    ns: int
    stretch: int
    name: str


HOURLY = Period(HOUR_NS, 24, "of hourly returns, a day of 24 hours")
DAILY = Period(NS_PER_DAY, 252, "of daily returns, a year of 252 days")


@dataclass(frozen=True, eq=False)
class Policy:
    """A policy and its money.

    equity
        ts_ns, equity_x1000: earned so far after all costs, bps x 1000 of capital, 0 at the start; in time order.
    fees_x1000
        Costs paid, bps x 1000 of capital; they are in the equity already.
    trades, fills
        Round trips of a grid, or trades; and fills, or sides of trades.
    """

    name: str
    equity: pl.DataFrame
    fees_x1000: int
    trades: int
    fills: int
    period: Period

    @property
    def pnl_x1000(self) -> int:
        """Earned in the end, bps x 1000 of capital."""
        return int(self.equity["equity_x1000"][-1]) if self.equity.height else 0

    @property
    def max_drawdown_x1000(self) -> int:
        """Largest fall from an earlier height, the start included, bps x 1000 of capital, >= 0."""
        money = self.equity.select(pl.col("equity_x1000"), top=pl.col("equity_x1000").cum_max().clip(lower_bound=0))
        return int(money.select((pl.col("top") - pl.col("equity_x1000")).max()).item() or 0)

    @property
    def returns(self) -> list[int]:
        """What each period earned, bps x 1000; periods without a sample are left out."""
        return list(earned(self.equity, self.period.ns).values())

    @property
    def sharpe_x1000(self) -> int | None:
        """Mean over population deviation of the returns, stretched, x 1000, cut; None where none differs."""
        returns = self.returns
        count, total = len(returns), sum(returns)
        return _ratio_x1000(total, count * sum(each * each for each in returns) - total * total, self.period.stretch)

    @property
    def sortino_x1000(self) -> int | None:
        """The same over the root of the mean squared loss; None where no period lost."""
        returns = self.returns
        return _ratio_x1000(
            sum(returns), len(returns) * sum(min(each, 0) ** 2 for each in returns), self.period.stretch
        )


def earned(equity: pl.DataFrame, block_ns: int) -> dict[int, int]:
    """Return block -> what was earned in it, bps x 1000, blocks in time order; a block is ts_ns // block_ns.

    A sample at the very start of a block still belongs to the one before, so that a block ends with its last moment;
    the first sample of all is the start, and earned nothing.
    """
    block = ((pl.col("ts_ns") - 1) // block_ns).alias("block")
    steps = equity.select(block, pl.col("equity_x1000").diff()).slice(1)
    return dict(steps.group_by("block", maintain_order=True).agg(pl.col("equity_x1000").sum()).iter_rows())


def together(samples: pl.DataFrame, instruments: int) -> pl.DataFrame:
    """Return ts_ns, equity_x1000 of equal capital in every instrument.

    samples
        ts_ns, step_x1000: what an instrument earned since its sample before, in any order.
    """
    steps = samples.group_by("ts_ns").agg(pl.col("step_x1000").sum()).sort("ts_ns")
    mean = half_even(pl.col("step_x1000").cum_sum(), instruments).cast(pl.Int64)
    return steps.select("ts_ns", equity_x1000=mean)


def _ratio_x1000(total: int, square: int, stretch: int) -> int | None:
    """Return 1000 x total x sqrt(stretch / square), cut toward zero; None where square is 0."""
    if square <= 0:
        return None
    size = isqrt(1_000_000 * total * total * stretch // square)
    return size if total >= 0 else -size
