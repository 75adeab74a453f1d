"""The regime dataset in the bot's own numbers: what a minute's quote and the bars before it say, as the bot counts it.

Windows over minutes are differences of integer prefix sums. A bar counts once it is over: its close is known 60 s after
its start. Nothing is known of the bot's position and grid, so those inputs are 0.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import isqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grinder_resources.contracts.bot import FEATURE_ORDER, NOT_MARKET_DATA
from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.gold_bot import DAY_MINUTES, HOUR_MINUTES, REGIME_BOT_DATASET
from grinder_resources.contracts.instruments import NS_PER_SECOND, Instrument
from grinder_resources.learning.regime import regime_rows

Ints = NDArray[np.int64]

_MINUTE_NS = 60 * NS_PER_SECOND
_X1000_BPS = 10_000 * 1_000
_BPS = 10_000


def regime_bot_rows(
    snapshots: pl.DataFrame,
    quotes: pl.DataFrame,
    bars: pl.DataFrame,
    instruments: Mapping[tuple[str, str], Instrument],
) -> pl.DataFrame:
    """Return rows of `gold/training/regime_bot` for one day.

    snapshots, quotes
        That day of `silver/snapshots` and `bronze/quotes`.
    bars
        `silver/bars` of that day and the day before, as far as there are any; minutes that are not over at a row's time
        are not looked at.
    instruments
        Tick and lot sizes by (venue, symbol).
    """
    kept = regime_rows(snapshots).join(
        snapshots.select("venue", "symbol", "ts_ns", "quote_ts_ns", "mid_half_ticks"), on=["venue", "symbol", "ts_ns"]
    )
    in_force = quotes.unique(["venue", "symbol", "ts_ns"], keep="last", maintain_order=True).select(
        "venue", "symbol", pl.col("ts_ns").alias("quote_ts_ns"), "bid_ticks", "ask_ticks"
    )
    quoted = kept.join(in_force, on=["venue", "symbol", "quote_ts_ns"], maintain_order="left")
    made = [_instrument_rows(rows, bars, instruments[key]) for key, rows in _by_instrument(quoted)]
    return REGIME_BOT_DATASET.conform(pl.concat([REGIME_BOT_DATASET.empty(), *made]))


def _by_instrument(rows: pl.DataFrame) -> Iterator[tuple[tuple[str, str], pl.DataFrame]]:
    for key, part in rows.partition_by("venue", "symbol", as_dict=True).items():
        yield (str(key[0]), str(key[1])), part


def _instrument_rows(rows: pl.DataFrame, bars: pl.DataFrame, instrument: Instrument) -> pl.DataFrame:
    mine = bars.filter(pl.col("venue") == instrument.venue, pl.col("symbol") == instrument.symbol).sort("ts_ns")
    times = rows["ts_ns"].to_numpy()
    numbers = {
        **_prices(rows, Fraction(instrument.tick_size)),
        "spread_bps": rows["spread_bps"],
        **_turnover(mine, times, Fraction(instrument.tick_size) * Fraction(instrument.lot_size)),
        **_moves(mine.filter(pl.col("close_half_ticks").is_not_null()), times),
        **dict.fromkeys(NOT_MARKET_DATA, pl.Series(np.zeros(len(times), dtype=np.int64))),
    }
    schema = REGIME_BOT_DATASET.schema
    series = [pl.Series(name, numbers[name], dtype=schema[name]) for name in FEATURE_ORDER]
    return rows.drop("spread_bps").with_columns(series).select(schema.names())


def _prices(rows: pl.DataFrame, tick: Fraction) -> dict[str, list[float]]:
    return {
        "price_mid": _times(rows["mid_half_ticks"].to_list(), tick / 2),
        "price_bid": _times(rows["bid_ticks"].to_list(), tick),
        "price_ask": _times(rows["ask_ticks"].to_list(), tick),
    }


def _turnover(bars: pl.DataFrame, times: Ints, tick_lot: Fraction) -> dict[str, list[float]]:
    starts, notional = bars["ts_ns"].to_numpy(), _prefix_sums(bars["notional_tick_lots"].to_numpy())
    end = np.searchsorted(starts, times - _MINUTE_NS, side="right")

    def of(minutes: int) -> list[float]:
        begin = np.searchsorted(starts, times - minutes * _MINUTE_NS)
        return _times((notional[end] - notional[begin]).tolist(), tick_lot)

    return {"volume_24h": of(DAY_MINUTES), "volume_1h": of(HOUR_MINUTES)}


def _moves(bars: pl.DataFrame, times: Ints) -> dict[str, list[int] | list[float]]:
    """Return volatility, trend and momentum; `bars` have a close each and are in order of time."""
    known, close = bars["ts_ns"].to_numpy() + _MINUTE_NS, bars["close_half_ticks"].to_numpy()
    change = np.diff(close)
    returns = half_even(change * _X1000_BPS, close[:-1])
    path, squares = _prefix_sums(np.abs(change)), _prefix_sums(returns * returns)
    last = np.searchsorted(known, times, side="right") - 1

    def first(minutes: int) -> Ints:
        return np.minimum(np.searchsorted(known, times - minutes * _MINUTE_NS), last)

    def volatility(begin: Ints) -> list[int]:
        # squares are of bps x 1000, and the root of a whole number rounded down needs no fractions
        return [isqrt(total // 1_000**2) for total in (squares[last] - squares[begin]).tolist()]

    hour = first(HOUR_MINUTES)
    net, walked = close[last] - close[hour], path[last] - path[hour]
    return {
        "volatility_1h_bps": volatility(hour),
        "volatility_24h_bps": volatility(first(DAY_MINUTES)),
        "trend_strength": (net / np.maximum(walked, 1)).tolist(),
        "momentum_1h": half_even(net * _BPS, close[hour]).tolist(),
    }


def _prefix_sums(values: Ints) -> Ints:
    """Return n + 1 sums, the first of nothing."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(values, dtype=np.int64)])


def _times(counts: list[int], unit: Fraction) -> list[float]:
    """Return count x unit as the nearest float64: Python divides whole numbers of any size with one rounding."""
    return [count * unit.numerator / unit.denominator for count in counts]
