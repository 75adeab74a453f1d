"""Which decisions the feature proof asks about: drawn from what lies in Silver, the same ones for the same seed.

Half of the points are moments of the level features, half are rows of `silver/snapshots`. Moments are events of the
feature table; where there are too few, *probes* fill up: the level, side and history of a drawn event, asked again at a
random time of its session. An event is asked where the market has just moved to a level; a probe is asked anywhere.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from grinder_resources.contracts.bronze import INSTRUMENTS
from grinder_resources.contracts.events import HISTORY_NAMES, LEVEL_EVENTS
from grinder_resources.contracts.instruments import instruments_of
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.errors import NoData, OutOfRange
from grinder_resources.features.version import FeatureManifest
from grinder_resources.lake import Lake
from grinder_resources.market.slices import Key

POINT = "point"
"""Number of a point among those of its kind, in order of (date, venue, symbol, time)."""

PROBE = "probe"
SNAPSHOT_KEY = ("date", "venue", "symbol", "ts_ns")
_TIMES = ("ts_ns", "confirm_ts_ns", "attempt_confirm_ts_ns")
_SHARES = 1 << 16


@dataclass(frozen=True)
class Points:
    """What is asked.

    moments
        Columns of `silver/level_events`, `point`, and `probe`: false for an event as it stands in the table.
    snapshots
        `point`, date, venue, symbol and ts_ns of rows of `silver/snapshots`.
    """

    moments: pl.DataFrame
    snapshots: pl.DataFrame

    @property
    def summary(self) -> str:
        """How many points of which kind."""
        probes = int(self.moments[PROBE].sum())
        return f"{self.moments.height - probes:,} events, {probes:,} probes, {self.snapshots.height:,} snapshots"

    @property
    def stored(self) -> "Points":
        """The points that are rows of Silver."""
        return Points(self.moments.filter(~pl.col(PROBE)), self.snapshots)

    @property
    def places(self) -> list[tuple[date, Key]]:
        """Days and instruments with points, in order."""
        names = ["date", "venue", "symbol"]
        every = pl.concat([self.moments.select(names), self.snapshots.select(names)]).unique().sort(names)
        return [(day, (venue, symbol)) for day, venue, symbol in every.iter_rows()]

    def at(self, day: date, key: Key) -> "Points":
        """Return the points of one day and instrument."""
        here = (pl.col("date") == day) & (pl.col("venue") == key[0]) & (pl.col("symbol") == key[1])
        return Points(self.moments.filter(here), self.snapshots.filter(here))


def draw_points(
    lake: Lake, manifest: FeatureManifest, count: int, seed: int, days: tuple[date | None, date | None] = (None, None)
) -> Points:
    """Return `count` points of the days from the first to the last; None is open.

    Raises OutOfRange for a count below 2 and NoData if there is nothing to draw from.
    """
    if count < 2:
        raise OutOfRange("a proof needs points of both kinds", where="--points", got=str(count), expected=">= 2")
    rng = np.random.default_rng(seed)
    snapshots = _drawn(lake.read(SNAPSHOTS, *days, SNAPSHOT_KEY), count // 2, rng)
    drawn = _drawn(_events(lake, manifest, days), count - snapshots.height, rng)
    if snapshots.is_empty() or drawn.is_empty():
        raise NoData("no rows to draw points from", where=f"{manifest.table.name}, {SNAPSHOTS.name}")
    probes = _probes(lake, drawn, count - snapshots.height - drawn.height, rng)
    moments = pl.concat([drawn.with_columns(pl.lit(False).alias(PROBE)), *probes])
    return Points(_numbered(moments, (*SNAPSHOT_KEY, "event_id", "confirm_ts_ns")), _numbered(snapshots, SNAPSHOT_KEY))


def _events(lake: Lake, manifest: FeatureManifest, days: tuple[date | None, date | None]) -> pl.DataFrame:
    """Return the events of the feature table with the history that only `silver/level_events` holds."""
    rows = lake.read(manifest.table, *days)
    history = lake.read(LEVEL_EVENTS, *days, ["venue", "event_id", *HISTORY_NAMES])
    return rows.join(history, on=["venue", "event_id"], how="inner").select(LEVEL_EVENTS.schema.names())


def _drawn(rows: pl.DataFrame, count: int, rng: np.random.Generator) -> pl.DataFrame:
    return rows[np.sort(rng.choice(rows.height, min(count, rows.height), replace=False))]


def _numbered(rows: pl.DataFrame, order: tuple[str, ...]) -> pl.DataFrame:
    return rows.sort(order, maintain_order=True).with_row_index(POINT)


def _probes(lake: Lake, events: pl.DataFrame, count: int, rng: np.random.Generator) -> list[pl.DataFrame]:
    """Return `count` drawn events moved to times between their day's first drawn confirmation and the close."""
    chosen = events[np.sort(rng.integers(0, events.height, count))]
    probes = []
    for (day,), rows in chosen.group_by("date", maintain_order=True):
        instruments = instruments_of(lake.read(INSTRUMENTS, day, day))
        close_ns = [instruments[key].session_ns(day)[1] for key in rows.select("venue", "symbol").iter_rows()]
        first_ns = pl.col("confirm_ts_ns").min().over("venue", "symbol")
        share = pl.Series(rng.integers(0, _SHARES, rows.height))
        shift = (pl.Series(close_ns, dtype=pl.Int64) - first_ns) * share // _SHARES + first_ns - pl.col("confirm_ts_ns")
        probes.append(
            rows.with_columns(pl.col(name) + shift for name in _TIMES).with_columns(pl.lit(True).alias(PROBE))
        )
    return probes
