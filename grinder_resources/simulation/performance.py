"""What episodes were worth: exact integers from their NAV samples and summaries.

With n changes d of the NAV from sample to sample, S = sum d, Q = sum d^2, L = sum min(d, 0)^2 and N samples a day:

    sharpe     sqrt(N) S / sqrt(n Q - S^2)     mean over the population standard deviation
    sortino    sqrt(N) S / sqrt(n L)           mean over the downside deviation from 0

Both are of one day; those of a year are sqrt(days a year) times as large. They are square roots of fractions, and
rounded as such.
"""

from collections.abc import Iterable
from itertools import pairwise
from math import isqrt
from typing import Any

import polars as pl

from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.simulation import MICROS, PERFORMANCE, WHOLE_X1000
from grinder_resources.errors import OutOfRange

DAY_S = 86_400
_BPS = 10_000


def performance(nav: pl.DataFrame, summary: pl.DataFrame, *, nav_every_s: int = 60) -> pl.DataFrame:
    """Return PERFORMANCE of the episodes of `summary`, whose NAV samples stand `nav_every_s` apart in `nav`.

    Raises OutOfRange if an episode of the summary has no samples.
    """
    samples = nav.sort("episode", "ts_ns").group_by("episode", maintain_order=True).agg("nav_micros", _exposure())
    joined = summary.join(samples, on="episode", how="left", maintain_order="left")
    missing = joined["nav_micros"].null_count()
    if missing:
        raise OutOfRange("every episode has NAV samples", got=f"{missing} episodes without")
    rows = [_row(episode, nav_every_s) for episode in joined.iter_rows(named=True)]
    return PERFORMANCE.conform(pl.DataFrame(rows, schema=PERFORMANCE.schema))


def _exposure() -> pl.Expr:
    """Return |position| x mid of the samples inside an episode, micros."""
    value = pl.col("position_lots").abs() * pl.col("mid_half_ticks") * (MICROS // 2)
    return value.slice(1, pl.len().cast(pl.Int64) - 2).alias("exposure")


def _row(episode: dict[str, Any], nav_every_s: int) -> dict[str, int | None]:
    capital = episode["capital_micros"]
    values, exposure = episode["nav_micros"], episode["exposure"]
    changes = [after - before for before, after in pairwise(values)]
    return {
        "episode": episode["episode"],
        "pnl_x1000": share(episode["pnl_micros"], capital, WHOLE_X1000),
        "fees_x1000": share(episode["fees_micros"], capital, WHOLE_X1000),
        "max_drawdown_x1000": share(episode["max_drawdown_micros"], capital, WHOLE_X1000),
        "sharpe_x1000": sharpe_x1000(changes, nav_every_s),
        "sortino_x1000": sortino_x1000(changes, nav_every_s),
        "fill_rate_bps": share(episode["orders_filled"], episode["orders"], _BPS),
        "round_trip_x1000": share(episode["round_trip_micros"], episode["round_trip_tick_lots"] * MICROS, WHOLE_X1000),
        "inventory_bps": share(sum(exposure), capital * len(exposure), _BPS),
    }


def share(part: int, whole: int, scale: int) -> int | None:
    """Return scale x part / whole, half-even; None for a whole of 0."""
    return int(half_even(scale * part, whole)) if whole > 0 else None


def sharpe_x1000(changes: Iterable[int], every_s: int) -> int | None:
    """Return 1000 x mean / population standard deviation x sqrt(samples a day); None if all changes are equal."""
    values = list(changes)
    total = sum(values)
    spread = len(values) * sum(value * value for value in values) - total * total
    return _signed_root(total, total * total * DAY_S, spread * every_s)


def sortino_x1000(changes: Iterable[int], every_s: int) -> int | None:
    """Return 1000 x mean / downside deviation from 0 x sqrt(samples a day); None if no change is a loss."""
    values = list(changes)
    total = sum(values)
    losses = sum(min(value, 0) ** 2 for value in values)
    return _signed_root(total, total * total * DAY_S, len(values) * losses * every_s)


def _signed_root(sign: int, numerator: int, denominator: int) -> int | None:
    """Return 1000 x sqrt(numerator / denominator), half-even, with a sign; None for a denominator of 0."""
    if denominator == 0:
        return None
    square = 1_000_000 * numerator
    root = isqrt(square // denominator)
    twice = (2 * root + 1) ** 2 * denominator
    root += 4 * square > twice or (4 * square == twice and root % 2 == 1)
    return -root if sign < 0 else root
