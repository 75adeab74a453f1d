"""A day's level events: levels, touches and labels put together into rows of `silver/level_events`.

Every touch is accounted for: it becomes an event or is counted under the reason why not.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from grinder_resources.contracts.events import LEVEL_EVENTS, LEVEL_KINDS
from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.instruments import NS_PER_SECOND, Instrument
from grinder_resources.errors import UnknownName
from grinder_resources.market.labels import Ints, LabelConfig, MidPath, label_path, longest_silence_ns, path_after
from grinder_resources.market.levels import LevelConfig, level_series
from grinder_resources.market.minutes import Minutes, atr_sum, is_of, session_minutes, values_at
from grinder_resources.market.touches import TouchConfig, find_touches

COUNTS = ("touches", "events", "no_atr", "past_session_end", "quote_gap", "in_cooldown")
"""touches = events + no_atr + past_session_end + quote_gap; in_cooldown counts entries that were no touch."""


@dataclass(frozen=True)
class EventConfig:
    """Everything that decides which events there are and what their labels say."""

    levels: LevelConfig = field(default_factory=LevelConfig)
    touches: TouchConfig = field(default_factory=TouchConfig)
    labels: LabelConfig = field(default_factory=LabelConfig)


DEFAULT = EventConfig()


def level_events(
    quotes: pl.DataFrame,
    bars_today: pl.DataFrame,
    bars_before: pl.DataFrame,
    instruments: Iterable[Instrument],
    day: date,
    *,
    config: EventConfig = DEFAULT,
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return one day's rows of `silver/level_events` for all instruments, and counts (see COUNTS).

    quotes
        `bronze/quotes` of the day.
    bars_today, bars_before
        `silver/bars` of the day and of up to seven calendar days before it.

    Raises UnknownName if `quotes` holds an instrument that is not among `instruments`.
    """
    known = {(instrument.venue, instrument.symbol): instrument for instrument in instruments}
    counts: Counter[str] = Counter(dict.fromkeys(COUNTS, 0))
    frames = [LEVEL_EVENTS.empty()]
    for key in quotes.select("venue", "symbol").unique().sort("venue", "symbol").iter_rows():
        if key not in known:
            raise UnknownName("quotes of an instrument that is not declared", where="level_events", got=":".join(key))
        minutes = session_minutes(bars_today, bars_before, known[key], day)
        events, found = _events_of(quotes.filter(is_of(known[key])), minutes, day, config)
        frames.append(events)
        counts.update(found)
    return LEVEL_EVENTS.conform(pl.concat(frames)), dict(counts)


def session_mids(quotes: pl.DataFrame, minutes: Minutes) -> pl.DataFrame:
    """Return `ts_ns` and `mid_half_ticks` of one instrument's quotes inside the session, in order of arrival."""
    inside = pl.col("ts_ns").is_between(minutes.open_ns, minutes.close_ns, closed="left")
    mids = quotes.filter(inside).sort("ts_ns", "seq")
    return mids.select("ts_ns", mid_half_ticks=pl.col("bid_ticks") + pl.col("ask_ticks"))


def _events_of(
    quotes: pl.DataFrame, minutes: Minutes, day: date, config: EventConfig
) -> tuple[pl.DataFrame, dict[str, int]]:
    mids = session_mids(quotes, minutes)
    atr = atr_sum(minutes)
    found, in_cooldown = find_touches(mids, level_series(minutes, config.levels), atr, config.touches)
    counts = Counter({"touches": found.height, "in_cooldown": in_cooldown})
    ts_ns, mid = mids["ts_ns"].to_numpy(), mids["mid_half_ticks"].to_numpy()
    rows = []
    for touch in _confirmed(found, atr, config.labels).iter_rows(named=True):
        fate = _fate(touch, ts_ns, minutes.close_ns, config.labels)
        counts[fate] += 1
        if fate == "events":
            rows.append(_row(touch, path_after(touch, ts_ns, mid), minutes.instrument, day, config.labels))
    return pl.DataFrame(rows, schema=LEVEL_EVENTS.schema), dict(counts)


def _confirmed(touches: pl.DataFrame, atr: pl.DataFrame, config: LabelConfig) -> pl.DataFrame:
    """Return the touches with the times that follow from the settings, and the ATR at the touch and at t1."""
    confirm_ns, forward_ns = config.confirm_s * NS_PER_SECOND, config.lookforward_s * NS_PER_SECOND
    t1 = touches["ts_ns"] + confirm_ns
    return touches.with_columns(
        confirm_ts_ns=t1,
        label_end_ns=t1 + forward_ns,
        attempt_confirm_ts_ns=pl.col("attempt_ts_ns") + confirm_ns,
        atr_at_touch=values_at({"atr": atr}, touches["ts_ns"])["atr"],
        atr_sum_half_ticks=values_at({"atr": atr}, t1)["atr"],
    )


def _fate(touch: dict[str, Any], ts_ns: Ints, close_ns: int, config: LabelConfig) -> str:
    """Return the name in COUNTS under which a touch is counted."""
    if not touch["atr_at_touch"] or not touch["atr_sum_half_ticks"]:
        return "no_atr"
    if touch["label_end_ns"] > close_ns:
        return "past_session_end"
    if longest_silence_ns(ts_ns, touch["confirm_ts_ns"], touch["label_end_ns"]) > config.max_gap_s * NS_PER_SECOND:
        return "quote_gap"
    return "events"


def _row(
    touch: dict[str, Any], path: MidPath, instrument: Instrument, day: date, config: LabelConfig
) -> dict[str, Any]:
    level, sign, atr = touch["level_price_half_ticks"], touch["direction_sign"], touch["atr_sum_half_ticks"]
    spot = level + sign * int(path.beyond[0])
    direction = "UP" if sign > 0 else "DOWN"
    name = (instrument.symbol, day, touch["level_kind_name"], half_even(level, 2), touch["ts_ns"], direction)
    known = {
        "date": day,
        "venue": instrument.venue,
        "symbol": instrument.symbol,
        "event_id": "_".join(map(str, name)),
        "level_kind": LEVEL_KINDS[touch["level_kind_name"]],
        "direction": direction,
        "spot_half_ticks": spot,
        "distance_half_ticks": abs(level - spot),
    }
    row = {**touch, **known, **label_path(path, config.thresholds(atr), atr)}
    return {name: row[name] for name in LEVEL_EVENTS.schema}
