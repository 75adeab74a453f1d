"""Computing the points of one instrument's day again: the Silver way, and from nothing but what each may reach.

The feature functions are the same everywhere; what differs is where the numbers come from, and in which order.
`features_stream` adds the ways in which records come one by one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from grinder_resources.contracts.events import WATERMARK
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.features.build import DEFAULT_LEVELS, evaluate, event_of, market_day
from grinder_resources.features.groups.averages import WINDOWS
from grinder_resources.features.groups.rolling import WINDOW, rolled
from grinder_resources.features.known import Known, Watermark
from grinder_resources.features.moment import Market, Settings, Value
from grinder_resources.features.version import FeatureManifest
from grinder_resources.hashing import sha256_facts, sha256_rows
from grinder_resources.market.engine import SnapshotEngine
from grinder_resources.market.events import events
from grinder_resources.market.minutes import NS_PER_MINUTE, Minutes, atr_sum
from grinder_resources.proofs.features_points import POINT, SNAPSHOT_KEY, Points
from grinder_resources.proofs.rebuild import MarketDay

CONTEXT = ("spot_half_ticks", "atr_sum_half_ticks")
"""What of an event the market at t1 says; it is asked again in every mode."""

_LOOK_BACK_MINUTES = 2 * (max(WINDOWS) + 15)
"""Quoted minutes that averages, their slopes over 10 bars and their change over 10 minutes reach back."""

Question = Mapping[str, Any]


@dataclass(frozen=True)
class Answers:
    """What one mode says to the points: one row a moment (see `schema`), one row of `silver/snapshots` a snapshot."""

    moments: pl.DataFrame
    snapshots: pl.DataFrame

    @property
    def sha256(self) -> str:
        """One hash over both."""
        return sha256_facts([sha256_rows(self.moments), sha256_rows(self.snapshots)])

    @property
    def size(self) -> int:
        """How many points are answered."""
        return self.moments.height + self.snapshots.height

    @staticmethod
    def of(parts: Iterable["Answers"]) -> "Answers":
        """Return several days' and instruments' answers as one, in the order of the points."""
        every = list(parts)
        return Answers(
            pl.concat([part.moments for part in every]).sort(POINT),
            pl.concat([part.snapshots for part in every]).sort("date", *SNAPSHOTS.sort_by),
        )


Rebuild = Callable[[FeatureManifest, MarketDay, Points], Answers]
"""One instrument's day and its points to their answers."""

View = Callable[[Question], tuple[Market, Known]]
"""The market as one point sees it, and the ATR as a sum of true ranges."""


def schema(manifest: FeatureManifest) -> pl.Schema:
    """Return the columns of `Answers.moments`: point, context, watermark and the version's features."""
    asked = [column for column in manifest.table.columns if column.name in CONTEXT]
    columns = (*asked, WATERMARK, *manifest.features)
    return pl.Schema({POINT: pl.UInt32(), **{column.name: column.dtype for column in columns}})


def answers_at(manifest: FeatureManifest, moments: pl.DataFrame, view: View) -> pl.DataFrame:
    """Return the answers to moments; where the market has not moved for 14 minutes there is no scale, so nulls."""
    rows = [_answer(manifest, question, *view(question)) for question in moments.iter_rows(named=True)]
    return pl.DataFrame(rows, schema=schema(manifest))


def _answer(manifest: FeatureManifest, question: Question, market: Market, atr: Known) -> dict[str, Value]:
    t1_ns = question["confirm_ts_ns"]
    context = dict(zip(CONTEXT, (market.mids.at(t1_ns), atr.at(t1_ns)), strict=True))
    row: dict[str, Value] = dict.fromkeys(schema(manifest)) | {POINT: question[POINT]} | context
    return row | evaluate(manifest, event_of({**question, **context}), market) if all(context.values()) else row


def full_history(manifest: FeatureManifest, day: MarketDay, points: Points) -> Answers:
    """Answer as the Silver build does: from series over the whole day, what comes after the point included."""
    needed = points.snapshots.height or manifest.reads_snapshots
    snapshots = day.snapshots() if needed else SNAPSHOTS.empty()
    if points.moments.is_empty():
        return Answers(schema(manifest).to_frame(), asked(snapshots, points))
    minutes = day.minutes
    seconds = snapshots if manifest.reads_snapshots else None
    market = market_day(day.quotes, day.trades, day.depth, minutes, DEFAULT_LEVELS, snapshots=seconds)
    view = market, _atr(minutes)
    return Answers(answers_at(manifest, points.moments, lambda _: view), asked(snapshots, points))


def trailing_window(manifest: FeatureManifest, day: MarketDay, points: Points) -> Answers:
    """Answer every moment from series made anew of the rows that it may reach, every snapshot from the rows until it.

    Minutes: those of the day complete at t1, and of the look-back what a feature can need. Quotes, prints and books:
    from the longest window before the first attempt's t1 on, and the last one before it, which is in force there.
    Rolling snapshots: the last eleven, made before any later record was handed over.
    """
    minutes = day.minutes
    snapshots = _snapshots_in_turn(day, times_of(manifest, points))

    def view(question: Question) -> tuple[Market, Known]:
        t1_ns = question["confirm_ts_ns"]
        since_ns = min(t1_ns, question["attempt_confirm_ts_ns"]) - _window_ns(manifest.parameters)
        rows = day.each(lambda stream: _reachable(stream, since_ns, t1_ns))
        known = _complete_at(minutes, t1_ns)
        market = market_day(rows.quotes, rows.trades, rows.depth, known, DEFAULT_LEVELS)
        return with_snapshots(manifest, market, snapshots, t1_ns), _atr(known)

    return Answers(answers_at(manifest, points.moments, view), asked(snapshots, points))


def times_of(manifest: FeatureManifest, points: Points) -> list[int]:
    """Return the times up to which snapshots are needed, ascending: their own, and t1 of moments that read them."""
    moments = points.moments["confirm_ts_ns"].to_list() if manifest.reads_snapshots else []
    return sorted({*points.snapshots["ts_ns"].to_list(), *moments})


def asked(snapshots: pl.DataFrame, points: Points) -> pl.DataFrame:
    """Return the snapshots that are points, of those of one instrument's day."""
    return SNAPSHOTS.conform(snapshots.join(points.snapshots, on=list(SNAPSHOT_KEY), how="semi"))


def with_snapshots(manifest: FeatureManifest, market: Market, snapshots: pl.DataFrame, time_ns: int) -> Market:
    """Return the market with rolling numbers of the last snapshots up to a time, if the version reads them."""
    if not manifest.reads_snapshots:
        return market
    last = snapshots["ts_ns"].search_sorted(time_ns, "right")
    first = max(0, last - WINDOW - 1)
    return replace(market, snapshots=rolled(snapshots.slice(first, last - first), market.seen))


def _atr(minutes: Minutes) -> Known:
    return Known.of(atr_sum(minutes), Watermark())


def _window_ns(settings: Settings) -> int:
    return max(settings.tape_window_s, settings.barrier_window_s) * NS_PER_SECOND


def _reachable(rows: pl.DataFrame, since_ns: int, until_ns: int) -> pl.DataFrame:
    """Return the rows of [since, until] and the last one before; `rows` are one instrument's, in order of time."""
    first = rows["ts_ns"].search_sorted(since_ns, "left")
    last = rows["ts_ns"].search_sorted(until_ns, "right")
    start = max(0, first - 1)
    return rows.slice(start, last - start)


def _complete_at(minutes: Minutes, time_ns: int) -> Minutes:
    """Return the minutes complete at a time; of earlier days only what a feature at that time can need.

    Needed are the last session's extremes, volumes up to this time of each day, and the averages' own minutes. A day
    keeps its first row in any case: the mean volume is over all days that have bars.
    """
    before = minutes.before
    today = minutes.today.filter(pl.col("ts_ns") + NS_PER_MINUTE <= time_ns)
    opened = {day: minutes.instrument.session_ns(day)[0] for day in before["date"].unique()}
    opened_ns = pl.col("date").replace_strict(opened, return_dtype=pl.Int64) if opened else pl.lit(0)
    quoted = pl.col("close_half_ticks").is_not_null()
    left = max(0, _LOOK_BACK_MINUTES - today.select(quoted.sum()).item())
    needed = before.filter(
        (pl.col("date") == pl.col("date").filter(quoted).max())
        | (pl.col("ts_ns") + NS_PER_MINUTE - opened_ns <= time_ns - minutes.open_ns)
        | (quoted.cum_sum(reverse=True) <= left)
        | pl.col("date").is_first_distinct()
    )
    return Minutes(minutes.instrument, minutes.open_ns, minutes.close_ns, today, needed)


def _snapshots_in_turn(day: MarketDay, times: Sequence[int]) -> pl.DataFrame:
    """Return the snapshots up to the last of the times, those up to each made before any later row was handed over."""
    engine, fed_ns = SnapshotEngine(day.instrument, day.day), -1
    streams = (day.best_quotes, day.trades, day.depth)
    for time_ns in times:
        fresh = [rows.filter(pl.col("ts_ns").is_between(fed_ns + 1, time_ns)) for rows in streams]
        engine.fold(events(*fresh), until_ns=time_ns)
        fed_ns = time_ns
    return engine.rows()
