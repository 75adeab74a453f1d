"""Single limit orders that never stood in the book: when each would have been filled, and how long one could watch.

A probe rests from its time on until it is filled whole or can be watched no longer: its horizon is over, the session
ends, or the quotes stop for too long. It takes no time to get into the book and moves nobody: it is the order of a
trader too small to be seen.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from grinder_resources.errors import OutOfRange
from grinder_resources.market.events import events
from grinder_resources.market.slices import frozen, int64
from grinder_resources.market.state import NEVER
from grinder_resources.simulation.probes_kernel import UNKNOWN, Orders, Prints, watch

Ints = npt.NDArray[np.int64]

PROBED = pl.Schema({"front_lots": pl.Int64(), "filled_after_ns": pl.Int64(), "watched_ns": pl.Int64()})
"""What is known of a probe afterwards.

front_lots
    Lots in front of it when it was placed; null at a price deeper than the best.
filled_after_ns
    From its time to the event that filled it whole; null where it was not filled while it was watched.
watched_ns
    How long it could have been watched, filled or not; 0 where it was placed into a gap.
"""


def probe(
    quotes: pl.DataFrame, trades: pl.DataFrame, orders: pl.DataFrame, *, horizon_ns: int, end_ns: int, max_gap_ns: int
) -> pl.DataFrame:
    """Return the PROBED columns of every order, in the orders' own sequence.

    quotes, trades
        One instrument's rows of `bronze/quotes` and `bronze/trades`, in time order.
    orders
        Columns ts_ns, side (+1 buy, -1 sell), price_ticks and size_lots, Int64; no price is marketable. An order stands
        after every event with ts <= its own.
    horizon_ns
        Longest time an order is watched.
    end_ns
        End of the session: nothing is watched beyond it.
    max_gap_ns
        The market is not known from a quote to the next one where these are further apart, nor after the last quote.

    Raises OutOfRange for an order before the first quote, and for numbers beyond the exact range.
    """
    quoted = events(quotes, None, None).quotes
    prints = Prints(*(int64(trades[name]) for name in ("ts_ns", "price_ticks", "size_lots", "aggressor")))
    ts, side, price, size = (int64(orders[name]) for name in ("ts_ns", "side", "price_ticks", "size_lots"))
    if ts.size and (not quoted.ts.size or ts.min() < quoted.ts[0]):
        raise OutOfRange("an order stands before the first quote", got=f"ts_ns {ts.min()}")
    until = np.minimum(np.minimum(ts + horizon_ns, end_ns), _known_until(quoted.ts, ts, max_gap_ns))
    front, filled = (np.empty(ts.size, np.int64) for _ in range(2))
    watch(quoted, prints, Orders(ts, side, price, size, frozen(until)), front, filled)
    frame = pl.DataFrame({"front_lots": front, "filled_ns": filled, "ts_ns": ts, "until_ns": until})
    return frame.select(
        front_lots=pl.when(pl.col("front_lots") != UNKNOWN).then("front_lots"),
        filled_after_ns=pl.when(pl.col("filled_ns") != NEVER).then(pl.col("filled_ns") - pl.col("ts_ns")),
        watched_ns=pl.max_horizontal(pl.col("until_ns") - pl.col("ts_ns"), 0),
    )


def _known_until(quote_ts: Ints, ts: Ints, max_gap_ns: int) -> Ints:
    """Return the last quote before the first gap after each time."""
    if not quote_ts.size:
        return ts
    before_a_gap = np.append(np.diff(quote_ts) > max_gap_ns, np.True_)
    ends = quote_ts[before_a_gap]
    stretch = np.searchsorted(quote_ts, ts, side="right") - 1
    return np.asarray(ends[np.cumsum(before_a_gap)[stretch] - before_a_gap[stretch]])
