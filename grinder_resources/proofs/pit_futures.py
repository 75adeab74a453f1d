"""Two other futures of a day: nothing more arrives, or everything that arrives is something else.

A record belongs to the future of a decision at t if its own time is later than t. Records that were made by t and
arrived later are *in flight*: the decision is one about t, taken when all that was made by t has arrived, and
`in_flight` says how many had to be waited for and how long. A receive time before the record's own time is that of a
slow clock and says nothing; nor does a missing one.
"""

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import polars as pl

from grinder_resources.proofs.rebuild import MarketDay

Future = Callable[[MarketDay, int, np.random.Generator], MarketDay]
"""A day, a decision time and a generator to the day with another future."""

_MOST_MOVE_BPS = 500
_MOST_SPREAD_TICKS = 50
_MOST_LOTS = 10_000


def deleted(day: MarketDay, time_ns: int, _: np.random.Generator) -> MarketDay:
    """Return the day as it stood at a time: no later quote, print or book of any instrument."""
    return day.until(time_ns)


def scrambled(day: MarketDay, time_ns: int, rng: np.random.Generator) -> MarketDay:
    """Return the day with other prices, sizes and sides in every later record; times and order stay.

    Records stay legal: prices and sizes positive, quotes not crossed, books in order.
    """
    return replace(
        day,
        quotes=_changed(day.quotes, time_ns, _other_quotes(day.quotes.height, rng)),
        trades=_changed(day.trades, time_ns, _other_trades(day.trades.height, rng)),
        depth=_changed(day.depth, time_ns, _other_books(day.depth.height, rng)),
    )


FUTURES = MappingProxyType({"deleted": deleted, "scrambled": scrambled})


def without_in_flight(day: MarketDay, time_ns: int) -> MarketDay:
    """Return the day as far as its receiver knew it at a time by its own clock."""
    return day.until(time_ns).each(lambda rows: rows.filter(~_is_in_flight(time_ns)))


def in_flight(day: MarketDay, time_ns: int) -> list[int]:
    """Return, for every record made by a time and received later, how long after that time it arrived, ns."""
    waits = [rows.filter(_is_in_flight(time_ns)).select(pl.col("recv_ns") - time_ns) for rows in day.streams]
    return pl.concat(waits).to_series().to_list()


def _is_in_flight(time_ns: int) -> pl.Expr:
    return (pl.col("ts_ns") <= time_ns) & (pl.col("recv_ns").fill_null(0) > time_ns)


def _changed(rows: pl.DataFrame, time_ns: int, others: dict[str, pl.Expr]) -> pl.DataFrame:
    late = pl.col("ts_ns") > time_ns
    return rows.with_columns(
        pl.when(late).then(other).otherwise(pl.col(name)).alias(name) for name, other in others.items()
    )


def _other_quotes(count: int, rng: np.random.Generator) -> dict[str, pl.Expr]:
    bid = _moved(pl.col("bid_ticks"), count, rng)
    spread = _random(1, _MOST_SPREAD_TICKS, count, rng)
    lots = {f"{side}_lots": _random(1, _MOST_LOTS, count, rng) for side in ("bid", "ask")}
    return {"bid_ticks": bid, "ask_ticks": bid + spread, **lots}


def _other_trades(count: int, rng: np.random.Generator) -> dict[str, pl.Expr]:
    return {
        "price_ticks": _moved(pl.col("price_ticks"), count, rng),
        "size_lots": _random(1, _MOST_LOTS, count, rng),
        "aggressor": _random(-1, 1, count, rng).cast(pl.Int8),
    }


def _other_books(count: int, rng: np.random.Generator) -> dict[str, pl.Expr]:
    """Move whole books, so that prices stay in order, and deal the sizes out from the other end, several fold."""
    best, worst = pl.col("bid_ticks").list.first(), pl.col("bid_ticks").list.last()
    shift = pl.max_horizontal(_moved(best, count, rng) - best, 1 - worst).fill_null(0)
    factor = _random(2, 9, count, rng)
    prices = {f"{side}_ticks": pl.col(f"{side}_ticks") + shift for side in ("bid", "ask")}
    return prices | {f"{side}_lots": pl.col(f"{side}_lots").list.reverse() * factor for side in ("bid", "ask")}


def _moved(price: pl.Expr, count: int, rng: np.random.Generator) -> pl.Expr:
    """Return prices moved by up to 5 %, and by a few ticks where that is nothing; at least 1."""
    share = _random(-_MOST_MOVE_BPS, _MOST_MOVE_BPS, count, rng)
    return pl.max_horizontal(price + price * share // 10_000 + _random(-3, 3, count, rng), 1)


def _random(least: int, most: int, count: int, rng: np.random.Generator) -> pl.Expr:
    return pl.lit(pl.Series(rng.integers(least, most, count, endpoint=True)))
