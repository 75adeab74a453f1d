"""silver/snapshots: one row an instrument and grid second, for all instruments of a day."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from grinder_resources.contracts.instruments import Instrument
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.errors import UnknownName
from grinder_resources.market.engine import SnapshotEngine
from grinder_resources.market.events import quotes_from_depth
from grinder_resources.market.settings import SnapshotConfig
from grinder_resources.market.slices import Key, instrument_slices

__all__ = ["SnapshotConfig", "build_snapshots", "quotes_from_depth"]


def build_snapshots(
    quotes: pl.DataFrame,
    trades: pl.DataFrame,
    depth: pl.DataFrame,
    instruments: Mapping[Key, Instrument],
    day: date,
    *,
    config: SnapshotConfig | None = None,
) -> pl.DataFrame:
    """Return the snapshots of every instrument that has quotes or books on the day (silver/snapshots).

    quotes, trades, depth
        The day's bronze/quotes, bronze/trades and bronze/depth; stored order is read in place, any other is sorted
        first.
    instruments
        Units and sessions by (venue, symbol).
    day
        UTC day of all rows.
    config
        Parameters; the bot's by default.

    An instrument without quotes takes the best levels of its books. Each instrument starts cold at its first quote,
    so a day depends on no other day. A row is written for every grid time inside the session whose last quote is at
    most `max_gap_s` old, so rows also follow the last quote for that long: whether a row exists must not depend on
    what comes later.

    Raises UnknownName for an instrument without units, OutOfRange for rows of another day or beyond the exact range.
    """
    quoted, traded, booked = instrument_slices(quotes), instrument_slices(trades), instrument_slices(depth)
    frames = [SNAPSHOTS.empty()]
    for key in sorted(quoted.keys() | booked.keys()):
        if key not in instruments:
            raise UnknownName(
                "an instrument without tick and lot size", where=":".join(key), hint="Declare it in bronze/instruments."
            )
        best = quoted[key] if key in quoted else quotes_from_depth(booked[key])
        frames.append(SnapshotEngine(instruments[key], day, config).feed(best, traded.get(key), booked.get(key)))
    return SNAPSHOTS.conform(pl.concat(frames))
