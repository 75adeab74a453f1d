"""Small made-up market days in Bronze's own units: written out by hand, or drawn from a seed."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl

from grinder_resources.contracts.bronze import DEPTH, QUOTES, TRADES
from grinder_resources.contracts.instruments import Instrument
from grinder_resources.contracts.silver import BARS
from grinder_resources.market.bars import build_bars
from grinder_resources.market.snapshots import build_snapshots

DAY = date(2025, 3, 4)
DAY_BEFORE = date(2025, 3, 3)
SECOND = 1_000_000_000
INSTRUMENT = Instrument("demo", "AAA", Decimal("0.01"), Decimal(1))
OPEN_NS = INSTRUMENT.session_ns(DAY)[0]
BEFORE_NS = INSTRUMENT.session_ns(DAY_BEFORE)[0]


def quotes(points: list[tuple[float, int]], start_ns: int = OPEN_NS) -> pl.DataFrame:
    """Return bronze/quotes from (seconds since the open, mid in half ticks), in order of arrival."""
    seconds, mids = (np.array(part) for part in zip(*points, strict=True))
    return quotes_of((start_ns + seconds * SECOND).astype(np.int64), mids.astype(np.int64))


def quotes_of(ts_ns: np.ndarray, mids: np.ndarray) -> pl.DataFrame:
    """Return bronze/quotes from times and mids in half ticks."""
    half = 1 - mids % 2
    frame = {"ts_ns": ts_ns, "bid_ticks": mids // 2 - half, "ask_ticks": mids - mids // 2 + half}
    return _bronze(frame, QUOTES.schema, bid_lots=1, ask_lots=1)


def trades(points: list[tuple[float, int, int, int]]) -> pl.DataFrame:
    """Return bronze/trades from (seconds since the open, price in ticks, lots, aggressor)."""
    seconds, price, lots, side = (np.array(part) for part in zip(*points, strict=True))
    ts_ns = (OPEN_NS + seconds * SECOND).astype(np.int64)
    return _bronze({"ts_ns": ts_ns, "price_ticks": price, "size_lots": lots, "aggressor": side}, TRADES.schema)


def books(points: list[tuple[float, dict[int, int], dict[int, int]]]) -> pl.DataFrame:
    """Return bronze/depth from (seconds since the open, bids, asks); a side maps price in ticks to lots, best first."""
    columns = {
        "ts_ns": [int(OPEN_NS + seconds * SECOND) for seconds, _, _ in points],
        "bid_ticks": [list(bids) for _, bids, _ in points],
        "bid_lots": [list(bids.values()) for _, bids, _ in points],
        "ask_ticks": [list(asks) for _, _, asks in points],
        "ask_lots": [list(asks.values()) for _, _, asks in points],
    }
    return _bronze(columns, DEPTH.schema, is_snapshot=True)


def _bronze(columns: dict, schema: pl.Schema, **constants: object) -> pl.DataFrame:
    frame = pl.DataFrame(columns).with_columns(
        date=pl.from_epoch("ts_ns", time_unit="ns").dt.date(),
        venue=pl.lit(INSTRUMENT.venue),
        symbol=pl.lit(INSTRUMENT.symbol),
        seq=pl.int_range(pl.len()),
        **{name: pl.lit(value) for name, value in constants.items()},
    )
    missing = [pl.lit(None).alias(name) for name in schema if name not in frame.columns]
    return frame.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def bars_before(highs: list[int], lows: list[int], day: date = DAY_BEFORE) -> pl.DataFrame:
    """Return silver/bars of an earlier day, one a minute from 00:00, closing halfway."""
    start_ns = INSTRUMENT.session_ns(day)[0]
    count = len(highs)
    middles = [(high + low) // 2 for high, low in zip(highs, lows, strict=True)]
    columns = {
        "date": [day] * count,
        "venue": [INSTRUMENT.venue] * count,
        "symbol": [INSTRUMENT.symbol] * count,
        "ts_ns": [start_ns + minute * 60 * SECOND for minute in range(count)],
        "open_half_ticks": middles,
        "high_half_ticks": highs,
        "low_half_ticks": lows,
        "close_half_ticks": middles,
        **{name: [1] * count for name in BARS.schema.names()[8:]},
    }
    return pl.DataFrame(columns, schema=BARS.schema)


@dataclass(frozen=True)
class MarketDay:
    """Everything the level and feature builders read for one day."""

    quotes: pl.DataFrame
    trades: pl.DataFrame
    depth: pl.DataFrame
    bars_before: pl.DataFrame

    @property
    def snapshots(self) -> pl.DataFrame:
        """The day's silver/snapshots, built from all of it."""
        key = (INSTRUMENT.venue, INSTRUMENT.symbol)
        return build_snapshots(self.quotes, self.trades, self.depth, {key: INSTRUMENT}, DAY)

    @property
    def bars_today(self) -> pl.DataFrame:
        """The day's silver/bars, built from its quotes and trades."""
        return build_bars(self.quotes, self.trades)

    def until(self, time_ns: int) -> "MarketDay":
        """Return the day as it was known at `time_ns`."""
        known = pl.col("ts_ns") <= time_ns
        return replace(
            self, quotes=self.quotes.filter(known), trades=self.trades.filter(known), depth=self.depth.filter(known)
        )

    def changed_after(self, time_ns: int, shift_ticks: int) -> "MarketDay":
        """Return the day with every price moved and every size changed from just after `time_ns` on."""
        late = pl.col("ts_ns") > time_ns

        def moved(*names: str) -> list[pl.Expr]:
            return [pl.when(late).then(pl.col(name) + shift_ticks).otherwise(pl.col(name)) for name in names]

        def grown(*names: str) -> list[pl.Expr]:
            return [pl.when(late).then(pl.col(name) * 3 + 1).otherwise(pl.col(name)) for name in names]

        sides = ("bid", "ask")
        return replace(
            self,
            quotes=self.quotes.with_columns(moved("bid_ticks", "ask_ticks")),
            trades=self.trades.with_columns(moved("price_ticks") + grown("size_lots")),
            depth=self.depth.with_columns(
                moved(*(f"{side}_ticks" for side in sides)) + grown(*(f"{side}_lots" for side in sides))
            ),
        )


def random_day(seed: int, minutes: int = 150) -> MarketDay:
    """Return a random walk of the mid with prints and five-level books, and a day of bars before it."""
    rng = np.random.default_rng(seed)
    seconds = np.sort(rng.choice(minutes * 60_000, minutes * 30, replace=False)) / 1000
    mids = 20_000 + np.cumsum(rng.integers(-3, 4, len(seconds)))
    ts_ns = (OPEN_NS + seconds * SECOND).astype(np.int64)
    sizes = np.random.default_rng(seed + 1).integers(1, 50, (2, len(mids)))
    return MarketDay(
        quotes=quotes_of(ts_ns, mids).with_columns(bid_lots=pl.Series(sizes[0]), ask_lots=pl.Series(sizes[1])),
        trades=_random_trades(rng, ts_ns, mids),
        depth=_random_books(rng, ts_ns[::5], mids[::5]),
        bars_before=_random_bars(rng),
    )


def _random_trades(rng: np.random.Generator, ts_ns: np.ndarray, mids: np.ndarray) -> pl.DataFrame:
    """Return prints after half of the quotes; a few are runs of one side over three prices, 80 ms apart."""
    first = np.flatnonzero(rng.random(len(mids)) < 0.5)
    side = rng.choice([-1, 0, 1], len(first))
    prints = pl.DataFrame(
        {
            "ts_ns": ts_ns[first] + rng.integers(1, 50_000_000, len(first)),
            "price_ticks": mids[first] // 2 + rng.integers(-1, 2, len(first)),
            "size_lots": rng.integers(1, 50, len(first)),
            "aggressor": side,
            "run": np.where(rng.random(len(first)) < 0.02, 3, 1),
        }
    )
    repeated = prints.select(pl.all().repeat_by("run").explode())
    step = pl.int_range(pl.len()).over("ts_ns")
    swept = repeated.with_columns(ts_ns=pl.col("ts_ns") + step * 80_000_000, price_ticks=pl.col("price_ticks") + step)
    return _bronze(swept.drop("run").sort("ts_ns").to_dict(), TRADES.schema)


def _random_books(rng: np.random.Generator, ts_ns: np.ndarray, mids: np.ndarray) -> pl.DataFrame:
    steps = 4 * np.arange(1, 6)
    lots = rng.integers(1, 100, (2, len(ts_ns), 5))
    columns = {
        "ts_ns": ts_ns,
        "bid_ticks": list(mids[:, None] // 2 - steps),
        "bid_lots": list(lots[0]),
        "ask_ticks": list(mids[:, None] // 2 + steps),
        "ask_lots": list(lots[1]),
    }
    return _bronze(columns, DEPTH.schema, is_snapshot=True)


def _random_bars(rng: np.random.Generator) -> pl.DataFrame:
    middle = 20_000 + np.cumsum(rng.integers(-12, 13, 1440))[::-1]
    middle = middle - middle[-1] + 20_000
    bars = bars_before((middle + rng.integers(1, 20, 1440)).tolist(), (middle - rng.integers(1, 20, 1440)).tolist())
    return bars.with_columns(volume_lots=pl.Series(rng.integers(1, 400, 1440)))
