"""A lake of one small day of two instruments, built from Bronze to Gold by the project's own builders."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from grinder_resources.contracts.bronze import DEPTH, INSTRUMENTS, QUOTES, TRADES
from grinder_resources.contracts.events import LEVEL_EVENTS
from grinder_resources.contracts.gold import REGIME_DATASET
from grinder_resources.contracts.instruments import Instrument
from grinder_resources.contracts.silver import BARS, SNAPSHOTS
from grinder_resources.features.manifest import load_manifest
from grinder_resources.lake import Lake
from grinder_resources.learning.regime import regime_rows
from grinder_resources.market.level_events import EventConfig
from grinder_resources.proofs.rebuild import MarketDay
from tests.market_days import DAY, DAY_BEFORE, INSTRUMENT, random_day

PART_TIME = replace(INSTRUMENT, symbol="BBB", session="00:05-00:55 UTC")
"""Quoted and traded before its session opens and after it has closed."""

PRODUCTION = "v2.0_full_ensemble"
LATENCY_NS = 20_000_000


def small_day(seed: int = 5, minutes: int = 60) -> MarketDay:
    """Return a day of AAA, open all day, and of BBB; every record arrives 20 ms after it was made."""
    days = [(instrument, random_day(seed + place, minutes)) for place, instrument in enumerate((INSTRUMENT, PART_TIME))]
    streams = (
        pl.concat([_of(instrument, getattr(market, name)) for instrument, market in days]).with_columns(
            recv_ns=pl.col("ts_ns") + LATENCY_NS
        )
        for name in ("quotes", "trades", "depth")
    )
    before = pl.concat([_of(instrument, market.bars_before) for instrument, market in days])
    return MarketDay(DAY, {(i.venue, i.symbol): i for i, _ in days}, *streams, before)


def _of(instrument: Instrument, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(symbol=pl.lit(instrument.symbol))


def fill(lake: Lake, day: MarketDay, features: Sequence[str] = (PRODUCTION,)) -> None:
    """Commit a day of Bronze and everything that is made of it, with these feature versions."""
    for table, rows in ((QUOTES, day.quotes), (TRADES, day.trades), (DEPTH, day.depth)):
        lake.commit(table, rows, day=DAY, code_version="1")
    lake.commit(INSTRUMENTS, _instruments(day), day=DAY, code_version="1")
    lake.commit(BARS, day.bars_before, day=DAY_BEFORE, code_version="1")
    lake.commit(BARS, day.bars, day=DAY, code_version="1")
    fill_silver(lake, day, features)


def fill_silver(lake: Lake, day: MarketDay, features: Sequence[str] = (PRODUCTION,)) -> None:
    """Commit the tables that proofs look at."""
    events, snapshots = day.events(EventConfig()), day.snapshots()
    lake.commit(LEVEL_EVENTS, events, day=DAY, code_version="1")
    lake.commit(SNAPSHOTS, snapshots, day=DAY, code_version="1")
    lake.commit(REGIME_DATASET, regime_rows(snapshots), day=DAY, code_version="1")
    for manifest in map(load_manifest, features):
        lake.commit(manifest.table, day.features(manifest, events), day=DAY, code_version="1")


def _instruments(day: MarketDay) -> pl.DataFrame:
    rows = [(DAY, i.venue, i.symbol, str(i.tick_size), str(i.lot_size), i.session) for i in day.instruments.values()]
    return pl.DataFrame(rows, schema=INSTRUMENTS.schema, orient="row")


def small_lake(root: Path, features: Sequence[str] = (PRODUCTION,)) -> Lake:
    """Return a filled lake under `root`."""
    lake = Lake(str(root))
    fill(lake, small_day(), features)
    return lake
