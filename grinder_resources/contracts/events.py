"""Level events: touches of price levels, what was known at confirmation, and what came after.

An event is a touch: the mid enters the monitor band of a level from outside at `ts_ns`. It is confirmed at
`confirm_ts_ns` (t1). Identity, context and every feature use rows with ts <= t1 alone; labels use rows in
(t1, label_end_ns] alone. The name t1 of the confirmation time and the `t1_60` of the reach labels (threshold 1 reached
within 60 s) are the field's and have nothing to do with each other.

Prices and distances are in half ticks: a mid is bid_ticks + ask_ticks.
"""

from types import MappingProxyType

import polars as pl

from grinder_resources.contracts.table import DAY, SYMBOL, TS, VENUE, Column, Table, optional, required

LEVEL_KINDS = MappingProxyType(
    {
        "PRIOR_HIGH": 0,
        "PRIOR_LOW": 1,
        "OR_HIGH": 2,
        "OR_LOW": 3,
        "SESSION_HIGH": 4,
        "SESSION_LOW": 5,
        "SMA_200": 6,
        "VWAP": 7,
        "ROUND": 8,
        "SMA_400": 12,
    }
)
"""Level kinds and their codes, for ever. 9 STRIKE, 10 CALL_WALL and 11 PUT_WALL need option data and are absent."""

DIRECTIONS = ("UP", "DOWN")
"""UP: the price came to the level from below; DOWN: from above."""

OUTCOMES = ("BREAK", "BOUNCE", "CHOP")
"""Which side of the level the second threshold was first reached on; CHOP: neither, or both in the same instant."""

BARRIER_STATES = ("VACUUM", "CONSUMED", "WALL", "ABSORPTION", "WEAK", "NEUTRAL")
"""What the resting size that defends a level did; null where the book near the level is unknown."""

CATEGORIES = MappingProxyType(
    {
        "level_kind_name": tuple(LEVEL_KINDS),
        "direction": DIRECTIONS,
        "barrier_state": BARRIER_STATES,
    }
)
"""Every categorical column and all its values, in the order of their codes in a design matrix."""

ATR_BARS = 14
"""One-minute bars in an average true range; ATR = atr_sum_half_ticks / 14."""

THRESHOLDS = (1, 2)
REACH_HORIZONS_S = (60, 120)

_TEXT, _BIT, _COUNT, _LONG = pl.String(), pl.Int8(), pl.Int32(), pl.Int64()

IDENTITY = (
    DAY,
    VENUE,
    SYMBOL,
    TS,
    required("confirm_ts_ns", _LONG, "t1: the touch plus the confirmation window, ns UTC"),
    required("event_id", _TEXT, "{symbol}_{date}_{kind}_{price_ticks}_{ts_ns}_{direction}; unique within a venue"),
)

WATERMARK = required(
    "watermark_ns", _LONG, "event time of the newest row that a feature of the event looked at; bars as of their end"
)
"""In every feature table and never an input: what the features noted while they were computed, held against t1."""

CONTEXT = (
    required("level_kind", _BIT, "code of level_kind_name in LEVEL_KINDS"),
    required("level_kind_name", _TEXT, "one of LEVEL_KINDS"),
    required("direction", _TEXT, "UP: came from below; DOWN: from above"),
    required("direction_sign", _BIT, "+1 UP, -1 DOWN", at_least=-1, at_most=1),
    required("level_price_half_ticks", _LONG, "the level L as it stood at the touch"),
    required("touch_half_ticks", _LONG, "mid at the touch"),
    required("spot_half_ticks", _LONG, "mid at t1"),
    required("distance_half_ticks", _LONG, "|L - spot|", at_least=0),
    required("atr_sum_half_ticks", _LONG, "sum of the last 14 one-minute true ranges complete at t1", at_least=1),
)

HISTORY = (
    required("prior_touches", _COUNT, "earlier touches of this level kind on the day, labelled or not", at_least=0),
    required(
        "attempt_index",
        _COUNT,
        "1, 2, ... within a cluster of attempts from the same side at the same price",
        at_least=1,
    ),
    required("attempt_confirm_ts_ns", _LONG, "t1 of the cluster's first attempt"),
)
"""What the day's earlier touches say; raw material of features, kept in `silver/level_events` only."""


def _times(side: str) -> tuple[Column, ...]:
    return tuple(
        optional(
            f"time_to_{side}_{k}_ms",
            _LONG,
            f"{side} {k}: ms from t1, rounded up; 0 if already there; null if never",
            at_least=0,
        )
        for k in THRESHOLDS
    )


def _reaches(side: str) -> tuple[Column, ...]:
    return tuple(
        required(
            f"t{k}{side}_{horizon}",
            _BIT,
            f"1 if threshold {k}{side.replace('_', ' ')} came within {horizon} s",
            at_least=0,
            at_most=1,
        )
        for k in THRESHOLDS
        for horizon in REACH_HORIZONS_S
    )


LABELS = (
    required("label_end_ns", _LONG, "end of the label window (t1, end]; what a purge needs"),
    required("threshold_1_half_ticks", _LONG, "distance from L that counts as reached: first threshold", at_least=1),
    required("threshold_2_half_ticks", _LONG, "the same: second threshold", at_least=1),
    required("outcome", _TEXT, "BREAK, BOUNCE or CHOP, by the first passage of threshold 2"),
    required("tradeable_1", _BIT, "1 if threshold 1 was reached on one side first", at_least=0, at_most=1),
    required(
        "tradeable_2",
        _BIT,
        "1 if threshold 2 was reached on one side first; exactly when outcome is not CHOP",
        at_least=0,
        at_most=1,
    ),
    required("strength_signed", _COUNT, "(excursion_max - excursion_min) / ATR x1000"),
    required("strength_abs", _COUNT, "max(excursion_max, excursion_min) / ATR x1000", at_least=0),
    required("excursion_max", _LONG, "largest move beyond L in the approach direction, half ticks", at_least=0),
    required("excursion_min", _LONG, "largest move back from L against it, half ticks", at_least=0),
    *_times("break"),
    *_times("bounce"),
    *_times("threshold"),
    *_reaches(""),
    *_reaches("_break"),
    *_reaches("_bounce"),
)

LEVEL_EVENTS = Table(
    name="silver/level_events",
    doc="Touches of price levels with their confirmation time and labels, one row an event.",
    columns=(*IDENTITY, *CONTEXT, *HISTORY, *LABELS),
    sort_by=("venue", "symbol", "ts_ns", "event_id"),
    key=("venue", "event_id"),
)

IDENTITY_NAMES = tuple(column.name for column in IDENTITY)
CONTEXT_NAMES = tuple(column.name for column in CONTEXT)
HISTORY_NAMES = tuple(column.name for column in HISTORY)
LABEL_NAMES = tuple(column.name for column in LABELS)
