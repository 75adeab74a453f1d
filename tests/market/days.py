"""Random small market days in Bronze's own units."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import polars as pl

from grinder_resources.contracts.bronze import DEPTH, QUOTES, TRADES
from grinder_resources.contracts.instruments import Instrument

DAY = date(2024, 8, 8)
MIDNIGHT = int(datetime(2024, 8, 8, tzinfo=UTC).timestamp()) * 1_000_000_000
SECOND = 1_000_000_000
AAA = Instrument("demo", "AAA", Decimal("0.1"), Decimal("0.001"))
KEY = ("demo", "AAA")


def at(seconds, instrument=AAA, **columns):
    """Return the columns every Bronze table starts with, and `columns`."""
    ts_ns = MIDNIGHT + np.round(np.asarray(seconds, np.float64) * 1e6).astype(np.int64) * 1000
    frame = pl.DataFrame({"ts_ns": ts_ns, **columns})
    return frame.with_columns(
        pl.lit(DAY).alias("date"),
        pl.lit(instrument.venue).alias("venue"),
        pl.lit(instrument.symbol).alias("symbol"),
        pl.lit(None, pl.Int64).alias("recv_ns"),
        pl.int_range(pl.len(), dtype=pl.Int64).alias("seq"),
    )


def quotes_at(seconds, bid, ask, *, bid_lots=7, ask_lots=9, instrument=AAA):
    columns = {"bid_ticks": bid, "bid_lots": bid_lots, "ask_ticks": ask, "ask_lots": ask_lots}
    whole = {name: np.broadcast_to(np.asarray(values, np.int64), len(seconds)) for name, values in columns.items()}
    return at(seconds, instrument, **whole).select(QUOTES.schema.names())


def trades_at(seconds, lots, aggressor, price=1000, instrument=AAA):
    columns = {"price_ticks": price, "size_lots": lots, "aggressor": aggressor}
    whole = {name: np.broadcast_to(np.asarray(values, np.int64), len(seconds)) for name, values in columns.items()}
    frame = at(seconds, instrument, **whole).with_columns(
        pl.col("aggressor").cast(pl.Int8), pl.lit(None, pl.String).alias("trade_id")
    )
    return frame.select(TRADES.schema.names())


def books_at(seconds, bids, asks, instrument=AAA):
    """`bids` and `asks` hold one list of (ticks, lots) a book."""
    columns = {
        f"{side}_{unit}": pl.Series([[level[place] for level in book] for book in books], dtype=pl.List(pl.Int64))
        for side, books in (("bid", bids), ("ask", asks))
        for place, unit in enumerate(("ticks", "lots"))
    }
    return at(seconds, instrument, **columns, is_snapshot=[True] * len(seconds)).select(DEPTH.schema.names())


def random_day(seed, *, span_s=1200, quotes=500, trades=120, books=60, instrument=AAA):
    """Return quotes, trades and depth of one instrument: a random walk with bursts, equal times and one long gap."""
    random = np.random.default_rng(seed)

    def moments(count):
        seconds = np.sort(np.round(random.uniform(5, span_s, count), random.integers(0, 7)))
        return seconds[(seconds < span_s * 0.5) | (seconds > span_s * 0.5 + 90)]

    seconds = moments(quotes)
    bid = 1000 + np.cumsum(random.integers(-3, 4, seconds.size))
    ask = bid + random.integers(0, 4, seconds.size)
    best = [random.integers(1, 50, seconds.size) for _ in range(2)]
    prints = moments(trades)
    snaps = moments(books)
    sides = [[_side(random, sign) for _ in snaps] for sign in (-1, 1)]
    return (
        quotes_at(seconds, bid, ask, bid_lots=best[0], ask_lots=best[1], instrument=instrument),
        trades_at(
            prints, random.integers(1, 30, prints.size), random.integers(-1, 2, prints.size), instrument=instrument
        ),
        books_at(snaps, *sides, instrument=instrument),
    )


def _side(random, sign):
    levels = random.integers(0, 7)
    ticks = 1000 + sign * np.cumsum(random.integers(1, 30, levels))
    return list(zip(ticks.tolist(), random.integers(1, 40, levels).tolist(), strict=True))
