"""Bars: open, high, low, close of the mid over fixed intervals, as the bot closes them, and the silver/bars table.

A bar is closed by the first quote of a later interval and is known from that quote on. Gaps make no bars. A quote that
comes late is folded into the open bar.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from grinder_resources.contracts.silver import BARS
from grinder_resources.errors import OutOfRange
from grinder_resources.market.compiled import compiled
from grinder_resources.market.slices import instrument_slices, int64

Ints = npt.NDArray[np.int64]

START, OPEN, HIGH, LOW, CLOSE, QUOTES = range(6)
"""Places in a bar; QUOTES is 0 before the first quote."""

BAR_FIELDS = 6
MINUTE_NS = 60_000_000_000
_MAX_NOTIONAL = 1 << 62


@compiled
def closes_bar(bar: Ints, ts: int, interval: int) -> bool:
    """Return whether a quote at `ts` closes the open bar."""
    return bool(bar[QUOTES] > 0 and ts - ts % interval > bar[START])


@compiled
def fold_mid(bar: Ints, ts: int, mid: int, interval: int) -> None:
    """Fold one mid into the open bar, or open a new bar where `closes_bar` holds; the caller keeps the old one."""
    start = ts - ts % interval
    if bar[QUOTES] == 0 or start > bar[START]:
        bar[START], bar[OPEN], bar[HIGH], bar[LOW], bar[QUOTES] = start, mid, mid, mid, 0
    bar[HIGH] = max(bar[HIGH], mid)
    bar[LOW] = min(bar[LOW], mid)
    bar[CLOSE] = mid
    bar[QUOTES] += 1


@compiled
def store_bar(bar: Ints, bars: Ints, count: int) -> int:
    """Write the bar as column `count` of `bars`; return the next column's number."""
    for place in range(BAR_FIELDS):
        bars[place, count] = bar[place]
    return count + 1


@compiled
def _quote_bars(ts: Ints, bid_ticks: Ints, ask_ticks: Ints, interval: int, bars: Ints) -> int:
    """Write every bar, the last open one too, as columns of `bars`; return how many there are."""
    count = 0
    bar = np.zeros(BAR_FIELDS, np.int64)
    for i in range(ts.size):
        if closes_bar(bar, ts[i], interval):
            count = store_bar(bar, bars, count)
        fold_mid(bar, ts[i], bid_ticks[i] + ask_ticks[i], interval)
    return store_bar(bar, bars, count) if ts.size else count


def build_bars(quotes: pl.DataFrame, trades: pl.DataFrame) -> pl.DataFrame:
    """Return the one-minute bars of all instruments of a day (silver/bars).

    quotes, trades
        bronze/quotes and bronze/trades rows in their stored order, any number of instruments.

    A minute without quotes has null prices; a minute without either has no row. The last bar of the day is included: it
    is complete once the day is over.

    Raises OutOfRange where a minute's notional leaves int64.
    """
    keys = ["date", "venue", "symbol", "ts_ns"]
    prices = _price_bars(quotes)
    tape = _tape_bars(trades)
    counts = ["quote_ticks", "volume_lots", "buy_lots", "sell_lots", "notional_tick_lots", "trades"]
    bars = prices.join(tape, on=keys, how="full", coalesce=True).with_columns(pl.col(counts).fill_null(0))
    return BARS.conform(bars.select(BARS.schema.names()))


def _price_bars(quotes: pl.DataFrame) -> pl.DataFrame:
    names = ["ts_ns", "open_half_ticks", "high_half_ticks", "low_half_ticks", "close_half_ticks", "quote_ticks"]
    frames = [pl.DataFrame(schema={name: BARS.schema[name] for name in ["date", "venue", "symbol", *names]})]
    for (venue, symbol), rows in instrument_slices(quotes).items():
        ts = int64(rows["ts_ns"])
        bars = np.empty((BAR_FIELDS, min(ts.size, (ts[-1] - ts[0]) // MINUTE_NS + 2)), np.int64)
        count = _quote_bars(ts, int64(rows["bid_ticks"]), int64(rows["ask_ticks"]), MINUTE_NS, bars)
        prices = pl.DataFrame({name: bars[place, :count] for place, name in enumerate(names)})
        frames.append(prices.select(_day(), pl.lit(venue).alias("venue"), pl.lit(symbol).alias("symbol"), *names))
    return pl.concat(frames)


def _tape_bars(trades: pl.DataFrame) -> pl.DataFrame:
    size, price = pl.col("size_lots"), pl.col("price_ticks")
    notional = trades.select((price.cast(pl.Int128) * size).abs().sum()).item()
    if notional >= _MAX_NOTIONAL:
        raise OutOfRange(
            "a day's notional leaves int64", where=BARS.name, got=f"{notional} tick lots", expected="< 2^62"
        )
    return (
        trades.with_columns((pl.col("ts_ns") - pl.col("ts_ns") % MINUTE_NS).alias("ts_ns"))
        .group_by("venue", "symbol", "ts_ns")
        .agg(
            size.sum().alias("volume_lots"),
            size.filter(pl.col("aggressor") == 1).sum().alias("buy_lots"),
            size.filter(pl.col("aggressor") == -1).sum().alias("sell_lots"),
            (price * size).sum().alias("notional_tick_lots"),
            pl.len().cast(pl.Int64).alias("trades"),
        )
        .with_columns(_day())
    )


def _day() -> pl.Expr:
    """Return the UTC day of ts_ns."""
    return pl.from_epoch(pl.col("ts_ns"), time_unit="ns").dt.date().alias("date")
