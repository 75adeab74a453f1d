"""Rows of `silver/features/<version>`: the version's groups evaluated at every event of a day."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import polars as pl

from grinder_resources.contracts.events import CONTEXT_NAMES, IDENTITY_NAMES, LABEL_NAMES, WATERMARK
from grinder_resources.contracts.instruments import Instrument
from grinder_resources.errors import NoData, UnknownName
from grinder_resources.features.groups.averages import WINDOWS
from grinder_resources.features.groups.rolling import rolled
from grinder_resources.features.groups.tape import signed_tape
from grinder_resources.features.known import Books, Known, Watermark
from grinder_resources.features.moment import Event, Market, Moment, Value
from grinder_resources.features.registry import GROUPS
from grinder_resources.features.version import FeatureManifest
from grinder_resources.market.level_events import session_mids
from grinder_resources.market.levels import LevelConfig, level_series, moving_sum
from grinder_resources.market.minutes import COMPLETE, Minutes, is_of, session_minutes

DEFAULT_LEVELS = LevelConfig()


def build_features(
    manifest: FeatureManifest,
    events: pl.DataFrame,
    *,
    quotes: pl.DataFrame,
    trades: pl.DataFrame,
    depth: pl.DataFrame,
    bars_today: pl.DataFrame,
    bars_before: pl.DataFrame,
    instruments: Iterable[Instrument],
    day: date,
    snapshots: pl.DataFrame | None = None,
    levels: LevelConfig = DEFAULT_LEVELS,
) -> pl.DataFrame:
    """Return one row of `manifest.table` an event: identity, watermark, context, features, labels.

    events
        `silver/level_events` of the day.
    quotes, trades, depth
        Bronze of the day; an instrument without depth has null book features.
    bars_today, bars_before
        `silver/bars` of the day and of up to seven calendar days before it.
    snapshots
        `silver/snapshots` of the day; only a version that `reads_snapshots` needs them.
    levels
        The settings the events were found with.

    A feature depends on rows with ts <= t1 alone. Raises UnknownName if an event's instrument is not declared, NoData
    if the version needs snapshots and gets none.
    """
    if manifest.reads_snapshots and snapshots is None:
        raise NoData("the version reads silver/snapshots", where=manifest.table.name, got="none")
    known = {(instrument.venue, instrument.symbol): instrument for instrument in instruments}
    schema = {column.name: column.dtype for column in (WATERMARK, *manifest.features)}
    kept = events.select(*IDENTITY_NAMES, *CONTEXT_NAMES, *LABEL_NAMES)
    frames = [manifest.table.empty()]
    for key in events.select("venue", "symbol").unique().sort("venue", "symbol").iter_rows():
        if key not in known:
            raise UnknownName("events of an instrument that is not declared", where="build_features", got=":".join(key))
        mine = is_of(known[key])
        minutes = session_minutes(bars_today, bars_before, known[key], day)
        seconds = snapshots.filter(mine) if manifest.reads_snapshots and snapshots is not None else None
        market = market_day(
            quotes.filter(mine), trades.filter(mine), depth.filter(mine), minutes, levels, snapshots=seconds
        )
        rows = [evaluate(manifest, event_of(event), market) for event in events.filter(mine).iter_rows(named=True)]
        features = pl.DataFrame(rows, schema=schema)
        frames.append(pl.concat([kept.filter(mine), features], how="horizontal").select(manifest.table.schema.names()))
    return manifest.table.conform(pl.concat(frames))


def evaluate(manifest: FeatureManifest, event: Event, market: Market) -> dict[str, Value]:
    """Return the version's columns for one event, and the time of the newest row they were taken from.

    The first questions are what the event brings along: its touch, its spot and the last minute of its ATR.
    """
    market.seen.restart(event.touch_ns)
    market.mids.at(event.t1_ns)
    market.closes.at(event.t1_ns)
    row: dict[str, Value] = {}
    for group in manifest.present:
        row.update(GROUPS[group.name].compute(Moment(event, market, manifest.parameters, row)))
    features = {column.name: row[column.name] for column in manifest.features}
    return {WATERMARK.name: market.seen.latest_ns, **features}


def event_of(row: Mapping[str, Any]) -> Event:
    """Return the touch of one row of `silver/level_events`; its labels are left behind."""
    return Event(
        kind=row["level_kind_name"],
        sign=row["direction_sign"],
        level=row["level_price_half_ticks"],
        spot=row["spot_half_ticks"],
        touch_mid=row["touch_half_ticks"],
        atr_sum=row["atr_sum_half_ticks"],
        touch_ns=row["ts_ns"],
        t1_ns=row["confirm_ts_ns"],
        prior_touches=row["prior_touches"],
        attempt_index=row["attempt_index"],
        attempt_t1_ns=row["attempt_confirm_ts_ns"],
    )


def market_day(
    quotes: pl.DataFrame,
    trades: pl.DataFrame,
    depth: pl.DataFrame,
    minutes: Minutes,
    levels: LevelConfig,
    *,
    snapshots: pl.DataFrame | None = None,
) -> Market:
    """Return what one instrument's day and look-back have to say; the frames hold that instrument alone.

    Without `snapshots` there are no rolling numbers, and a version that reads them cannot be evaluated.
    """
    mids, seen = session_mids(quotes, minutes), Watermark()
    return Market(
        seen=seen,
        open_ns=minutes.open_ns,
        mids=Known.of(mids.rename({"ts_ns": "known_ns", "mid_half_ticks": "value"}), seen),
        closes=Known.of(minutes.quoted.select(COMPLETE, value="close_half_ticks"), seen),
        levels={kind: Known.of(series, seen) for kind, series in level_series(minutes, levels).items()},
        sma_sums={window: Known.of(moving_sum(window, minutes), seen) for window in WINDOWS},
        volume_today=_volume(minutes.today, minutes.open_ns, seen),
        volume_before=tuple(
            _volume(bars, minutes.instrument.session_ns(bars["date"][0])[0], seen)
            for bars in minutes.before.partition_by("date", maintain_order=True)
        ),
        tape=signed_tape(trades, mids["ts_ns"].to_numpy(), mids["mid_half_ticks"].to_numpy(), seen),
        books=Books.of(depth, seen),
        snapshots=None if snapshots is None else rolled(snapshots, seen),
    )


def _volume(bars: pl.DataFrame, open_ns: int, seen: Watermark) -> Known:
    """Return lots traded since the open, by ns since the open."""
    volume = bars.select(known_ns=COMPLETE - open_ns, value=pl.col("volume_lots").cum_sum())
    return Known.of(volume, seen, origin_ns=open_ns)
