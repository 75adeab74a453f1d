"""Clean rows to plant leaks in: touches of levels on a random walk, with labels by first passage and honest features.

The rows look like `gold/training/signals_production` where a leak check looks: several days and instruments, label
windows that overlap each other and midnight, rows that are settled at t1, gaps in the features, two levels at one
price, a lagged column, a number that stands all day because it is yesterday's. Every feature is computed from the path
up to t1 and every label from the path after it, so nothing here knows its future.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grinder_resources.contracts.events import (
    ATR_BARS,
    BARRIER_STATES,
    DIRECTIONS,
    LEVEL_KINDS,
    REACH_HORIZONS_S,
    THRESHOLDS,
)
from grinder_resources.contracts.instruments import NS_PER_SECOND

Integers = NDArray[np.int64]

FIRST_DAY = date(2025, 3, 3)
SECONDS_A_DAY = 86_400
CONFIRM_S, FORWARD_S, LOOKBACK_S = 240, 480, 1_000
EARLY_S, LATE_S = (60,), (900, 300)
"""Touches that every session has, seconds after its open and before its close: labels there reach into the next one."""


@dataclass(frozen=True)
class Market:
    """Settings of one clean data set.

    days, symbols, touches
        Size; touches a symbol and day, besides those at its ends.
    hours
        Length of the session from 00:00 UTC; 24 lets labels reach into the next day.
    step_half_ticks, drift_half_ticks_x1000
        Standard deviation of the mid's step a second, and its mean x1000: a trend that no model should learn.
    threshold_atr_x1000
        First threshold of the labels; the second is twice as far. Moves every base rate.
    unknown_bps
        Chance that a feature is null.
    twins_bps
        Chance that a touch is one of two levels at the same price: two honest rows with nearly all numbers equal.
    skipped_day
        Number of a day without any row; None = all days trade.
    """

    seed: int = 1
    days: int = 4
    symbols: int = 2
    touches: int = 150
    hours: float = 24.0
    step_half_ticks: float = 3.0
    drift_half_ticks_x1000: int = 0
    threshold_atr_x1000: int = 1000
    unknown_bps: int = 800
    twins_bps: int = 500
    skipped_day: int | None = None


def market_rows(market: Market) -> pl.DataFrame:
    """Return the market's rows in the stored order of the lake: day, venue, symbol, time, id."""
    rng = np.random.default_rng(market.seed)
    symbols = [_symbol_rows(market, f"SYM{number}", rng) for number in range(market.symbols)]
    return pl.concat(symbols).sort("date", "venue", "symbol", "ts_ns", "event_id")


def _symbol_rows(market: Market, symbol: str, rng: np.random.Generator) -> pl.DataFrame:
    touch = _touch_seconds(market, rng)
    seconds = LOOKBACK_S + market.days * SECONDS_A_DAY + CONFIRM_S + FORWARD_S + 1
    steps = rng.normal(market.drift_half_ticks_x1000 / 1000, market.step_half_ticks, seconds)
    mid = 200_000 + np.rint(np.cumsum(steps)).astype(np.int64)
    events = _events(market, symbol, touch, mid, rng)
    labelled = events.hstack(_labels(market, events, mid))
    return _unknown(labelled.hstack(_features(labelled, mid, rng)), market, rng)


def _touch_seconds(market: Market, rng: np.random.Generator) -> Integers:
    """Return ascending seconds since the first midnight; twins stand there twice."""
    length = int(market.hours * 3600)
    days = [day for day in range(market.days) if day != market.skipped_day]
    ends = (*EARLY_S, *(length - before for before in LATE_S))
    drawn = [
        np.append(rng.integers(0, length - LATE_S[-1], market.touches), ends) + day * SECONDS_A_DAY for day in days
    ]
    touch = np.unique(np.concatenate(drawn))
    twice = rng.integers(0, 10_000, len(touch)) < market.twins_bps
    return np.sort(np.concatenate([touch, touch[twice]]))


def _events(market: Market, symbol: str, touch: Integers, mid: Integers, rng: np.random.Generator) -> pl.DataFrame:
    """Return identity and place of every touch. The path begins LOOKBACK_S before the first midnight."""
    at = touch + LOOKBACK_S
    midnight = (FIRST_DAY - date(1970, 1, 1)).days * SECONDS_A_DAY
    ts = (midnight + touch) * NS_PER_SECOND
    confirm = ts + CONFIRM_S * NS_PER_SECOND
    kinds = list(LEVEL_KINDS)
    kind = (touch * 7 + np.append(0, np.diff(touch) == 0)) % len(kinds)
    sign = np.where(mid[at] >= mid[at - 60], 1, -1)
    level = mid[at] + sign * ((touch * 13) % 4)
    minutes = np.stack([mid[at + CONFIRM_S - 60 * bar] for bar in range(ATR_BARS + 1)], axis=1)
    return pl.DataFrame(
        {
            "date": [FIRST_DAY + timedelta(days=int(second // SECONDS_A_DAY)) for second in touch],
            "venue": "demo",
            "symbol": symbol,
            "ts_ns": ts,
            "confirm_ts_ns": confirm,
            "event_id": [f"{symbol}_{kinds[code]}_{time}" for code, time in zip(kind, ts, strict=True)],
            "watermark_ns": confirm - rng.integers(0, 5 * NS_PER_SECOND, len(touch)),
            "level_kind_name": [kinds[code] for code in kind],
            "direction": [DIRECTIONS[0] if up > 0 else DIRECTIONS[1] for up in sign],
            "direction_sign": sign.astype(np.int8),
            "level_price_half_ticks": level,
            "spot_half_ticks": mid[at + CONFIRM_S],
            "atr_sum_half_ticks": np.abs(np.diff(minutes, axis=1)).sum(axis=1) + 14 * int(market.step_half_ticks + 1),
            "second": touch,
        }
    )


def _labels(market: Market, events: pl.DataFrame, mid: Integers) -> pl.DataFrame:
    """Return every label by first passage on the path after t1, as `market.labels` defines them."""
    at = events["second"].to_numpy() + LOOKBACK_S + CONFIRM_S
    atr_sum, sign = events["atr_sum_half_ticks"].to_numpy(), events["direction_sign"].to_numpy().astype(np.int64)
    path = mid[at[:, None] + np.arange(FORWARD_S + 1)] - events["level_price_half_ticks"].to_numpy()[:, None]
    beyond = path * sign[:, None]
    up, back = np.maximum(beyond.max(axis=1), 0), np.maximum(-beyond.min(axis=1), 0)
    width = {k: np.maximum(1, k * market.threshold_atr_x1000 * atr_sum // (1000 * ATR_BARS)) for k in THRESHOLDS}
    time = {(k, "break"): _first(beyond >= width[k][:, None]) for k in THRESHOLDS}
    time |= {(k, "bounce"): _first(-beyond >= width[k][:, None]) for k in THRESHOLDS}
    time |= {(k, "threshold"): np.minimum(time[k, "break"], time[k, "bounce"]) for k in THRESHOLDS}
    outcome = np.select(
        [time[2, "break"] < time[2, "bounce"], time[2, "bounce"] < time[2, "break"]], ["BREAK", "BOUNCE"], "CHOP"
    )
    labels = {
        "label_end_ns": events["confirm_ts_ns"].to_numpy() + FORWARD_S * NS_PER_SECOND,
        **{f"threshold_{k}_half_ticks": width[k] for k in THRESHOLDS},
        "outcome": outcome,
        "tradeable_2": (outcome != "CHOP").astype(np.int8),
        "strength_signed": 1000 * ATR_BARS * (up - back) // atr_sum,
    }
    clocks = {f"time_to_{side}_{k}_ms": times * 1000 for (k, side), times in time.items()}
    sides = (("", "threshold"), ("_break", "break"), ("_bounce", "bounce"))
    reach = {
        f"t{k}{name}_{horizon}": (time[k, side] <= horizon).astype(np.int8)
        for k, (name, side), horizon in product(THRESHOLDS, sides, REACH_HORIZONS_S)
    }
    never = [pl.when(pl.col(name) <= FORWARD_S * 1000).then(pl.col(name)).alias(name) for name in clocks]
    return pl.DataFrame(labels | clocks | reach).with_columns(never)


def _first(hit: NDArray[np.bool_]) -> Integers:
    """Return the second of the first hit in each row, one past the window where there is none."""
    return np.where(hit.any(axis=1), hit.argmax(axis=1), FORWARD_S + 1)


def _features(events: pl.DataFrame, mid: Integers, rng: np.random.Generator) -> pl.DataFrame:
    """Return features of the path up to t1, and some of a book and a tape that are noise."""
    rows = events.height
    at = events["second"].to_numpy() + LOOKBACK_S + CONFIRM_S
    sign, atr_sum = events["direction_sign"].to_numpy().astype(np.int64), events["atr_sum_half_ticks"].to_numpy()
    level = events["level_price_half_ticks"].to_numpy()
    past = mid[at[:, None] - np.arange(0, 600, 60)]
    atr_x1000 = 1000 * ATR_BARS
    imbalance = np.clip(rng.normal(0, 4000, rows) + 20 * (past[:, 0] - past[:, 1]), -10_000, 10_000).astype(np.int64)
    return pl.DataFrame(
        {
            "distance_atr_x1000": atr_x1000 * np.abs(level - mid[at]) // atr_sum,
            "distance_beyond_atr_x1000": atr_x1000 * sign * (mid[at] - level) // atr_sum,
            "atr_bps_x1000": atr_sum * 10_000_000 // (ATR_BARS * mid[at]),
            "approach_velocity_atr_x1000": atr_x1000 * sign * (mid[at] - mid[at - 600]) // (10 * atr_sum),
            "dist_to_sma_atr_x1000": atr_x1000 * (level - past.sum(axis=1) // 10) // atr_sum,
            "mean_reversion_velocity_x1000": atr_x1000 * (past[:, 0] - past[:, -1]) // atr_sum,
            "bars_since_open": (events["second"].to_numpy() % SECONDS_A_DAY) // 60,
            "is_first_15m": (events["second"].to_numpy() % SECONDS_A_DAY < 900).astype(np.int8),
            "tape_imbalance_bps": imbalance,
            "tape_imbalance_bps_before": np.append(imbalance[:1], imbalance[:-1]),
            "tape_trades": rng.poisson(40, rows),
            "barrier_delta_liq_x1000": rng.normal(0, 2000, rows).astype(np.int64),
            "barrier_state": rng.choice(BARRIER_STATES, rows),
            "wall_ratio_x1000": rng.gamma(2.0, 500.0, rows).astype(np.int64),
            "confluence_count": rng.integers(0, 4, rows),
            "microprice_share": rng.random(rows),
        }
    ).with_columns(_yesterday(events), _running_mean(imbalance))


def _yesterday(events: pl.DataFrame) -> pl.Series:
    """Return a number that stands all day and is honest: the touches of the day before."""
    counts = dict(events["date"].value_counts().iter_rows())
    return pl.Series("prior_day_touches", [counts.get(day - timedelta(days=1)) for day in events["date"]], pl.Int64)


def _running_mean(values: Integers) -> pl.Series:
    """Return the mean of this row and all before it: fitted on the past alone."""
    return pl.Series("tape_imbalance_bps_mean", np.cumsum(values) // np.arange(1, len(values) + 1))


def _unknown(rows: pl.DataFrame, market: Market, rng: np.random.Generator) -> pl.DataFrame:
    """Forget some features at random, and what only the making of the rows needed."""
    lost = [
        "tape_imbalance_bps",
        "barrier_delta_liq_x1000",
        "wall_ratio_x1000",
        "barrier_state",
        "dist_to_sma_atr_x1000",
    ]
    known = {name: rng.integers(0, 10_000, rows.height) >= market.unknown_bps for name in lost}
    kept = [pl.when(pl.Series(flags)).then(pl.col(name)).alias(name) for name, flags in known.items()]
    late = (
        pl.when(pl.col("second") >= 3600).then(pl.col("tape_imbalance_bps_before")).alias("tape_imbalance_bps_before")
    )
    return rows.with_columns(*kept, late).drop("second")
