"""A day of Bronze and what Silver makes of it, apart from the lake: what proofs trim, cut, scramble and build again.

The builders called here are those of the assets. Nothing is written anywhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, NamedTuple

import polars as pl

from grinder_resources.contracts.bronze import DEPTH, INSTRUMENTS, QUOTES, TRADES
from grinder_resources.contracts.instruments import Instrument, instruments_of
from grinder_resources.contracts.silver import BARS
from grinder_resources.features.build import build_features
from grinder_resources.features.version import FeatureManifest
from grinder_resources.lake import Lake
from grinder_resources.market.bars import build_bars
from grinder_resources.market.events import quotes_from_depth
from grinder_resources.market.level_events import EventConfig, level_events
from grinder_resources.market.minutes import LOOK_BACK_DAYS, Minutes, is_of, session_minutes
from grinder_resources.market.slices import Key
from grinder_resources.market.snapshots import build_snapshots


@dataclass(frozen=True)
class MarketDay:
    """Everything that Silver of one UTC day is built from.

    quotes, trades, depth
        Bronze rows of the day, in stored order.
    bars_before
        `silver/bars` of the look-back.
    """

    day: date
    instruments: Mapping[Key, Instrument]
    quotes: pl.DataFrame
    trades: pl.DataFrame
    depth: pl.DataFrame
    bars_before: pl.DataFrame

    @staticmethod
    def read(lake: Lake, day: date) -> "MarketDay":
        """Return the day as it lies in a lake; every table's hash is checked. Raises what `Lake.read` raises."""
        quotes, trades, depth = (lake.read(table, day, day) for table in (QUOTES, TRADES, DEPTH))
        before = lake.read_or_empty(BARS, day - timedelta(days=LOOK_BACK_DAYS), day - timedelta(days=1))
        return MarketDay(day, instruments_of(lake.read(INSTRUMENTS, day, day)), quotes, trades, depth, before)

    def of(self, key: Key) -> "MarketDay":
        """Return the rows of one instrument."""
        instrument = self.instruments[key]
        mine = self.each(lambda rows: rows.filter(is_of(instrument)))
        return replace(mine, instruments={key: instrument}, bars_before=self.bars_before.filter(is_of(instrument)))

    def each(self, change: Callable[[pl.DataFrame], pl.DataFrame]) -> "MarketDay":
        """Return the day with `change` applied to quotes, trades and depth."""
        return replace(self, quotes=change(self.quotes), trades=change(self.trades), depth=change(self.depth))

    @property
    def streams(self) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """Quotes, trades and depth."""
        return self.quotes, self.trades, self.depth

    def until(self, time_ns: int) -> "MarketDay":
        """Return the day as far as its records with ts <= `time_ns`."""
        return self.each(lambda rows: rows.filter(pl.col("ts_ns") <= time_ns))

    @property
    def instrument(self) -> Instrument:
        """The only instrument of a day made by `of`."""
        (instrument,) = self.instruments.values()
        return instrument

    @property
    def best_quotes(self) -> pl.DataFrame:
        """One instrument's quotes, or the best levels of its books where it has none: what snapshots are made of."""
        return self.quotes if self.quotes.height else quotes_from_depth(self.depth)

    @property
    def bars(self) -> pl.DataFrame:
        """The day's `silver/bars`, built."""
        return build_bars(self.quotes, self.trades)

    @property
    def minutes(self) -> Minutes:
        """One instrument's minutes of the day and its look-back."""
        return session_minutes(self.bars, self.bars_before, self.instrument, self.day)

    @property
    def look_back(self) -> Minutes:
        """The same without the day itself."""
        return session_minutes(BARS.empty(), self.bars_before, self.instrument, self.day)

    def events(self, config: EventConfig) -> pl.DataFrame:
        """Return the day's `silver/level_events`, built."""
        return level_events(
            self.quotes, self.bars, self.bars_before, self.instruments.values(), self.day, config=config
        )[0]

    def features(self, manifest: FeatureManifest, events: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of one feature version for some events of the day, built."""
        return build_features(
            manifest,
            events,
            quotes=self.quotes,
            trades=self.trades,
            depth=self.depth,
            bars_today=self.bars,
            bars_before=self.bars_before,
            instruments=self.instruments.values(),
            day=self.day,
            snapshots=self.snapshots() if manifest.reads_snapshots else None,
        )

    def snapshots(self) -> pl.DataFrame:
        """Return the day's `silver/snapshots`, built."""
        return build_snapshots(self.quotes, self.trades, self.depth, self.instruments, self.day)


class Difference(NamedTuple):
    """The first cell in which two tables differ; `key` is that of its row, `column` empty where the row is missing."""

    key: tuple[Any, ...]
    column: str
    expected: str
    got: str


def first_difference(expected: pl.DataFrame, got: pl.DataFrame, key: Sequence[str]) -> Difference | None:
    """Return the first difference between two frames of one schema, in order of `key`, or None; null equals null."""
    for present, absent, words in ((expected, got, ("a row", "no row")), (got, expected, ("no row", "a row"))):
        lonely = present.join(absent, on=key, how="anti").sort(key)
        if lonely.height:
            return Difference(lonely.select(key).row(0), "", *words)
    left, right = (rows.sort(key) for rows in (expected, got))
    unequal = pl.DataFrame([left[name].ne_missing(right[name]) for name in left.columns])
    rows = unequal.select(pl.any_horizontal(pl.all()).arg_true()).to_series()
    if rows.is_empty():
        return None
    row = rows[0]
    column = next(name for name in left.columns if unequal[row, name])
    return Difference(left.select(key).row(row), column, str(left[row, column]), str(right[row, column]))
