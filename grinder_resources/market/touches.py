"""Touches: the mid enters the monitor band of a level from outside.

A touch is a movement of the price, not of the level: the quote before it, held against the same level, lies outside
the band. A jump over the band is no touch, because the price never was at the level. The side it came from is the
direction.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from grinder_resources.contracts.events import ATR_BARS, LEVEL_KINDS
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.errors import OutOfRange
from grinder_resources.market.levels import LevelSeries
from grinder_resources.market.minutes import values_at

TOUCHES = pl.Schema(
    {
        "level_kind_name": pl.String(),
        "ts_ns": pl.Int64(),
        "level_price_half_ticks": pl.Int64(),
        "touch_half_ticks": pl.Int64(),
        "direction_sign": pl.Int8(),
        "prior_touches": pl.Int32(),
        "attempt_index": pl.Int32(),
        "attempt_ts_ns": pl.Int64(),
    }
)
"""What `find_touches` returns; `attempt_ts_ns` is the touch that began the cluster of attempts."""


Ints = np.ndarray[tuple[int], np.dtype[np.int64]]
Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]
Row = tuple[str | int, ...]


class Move(NamedTuple):
    """One touch: when, of which price, at which mid, from which side, and the half-width of the band."""

    ts_ns: int
    level: int
    mid: int
    sign: int
    band: int


@dataclass(frozen=True)
class TouchConfig:
    """What counts as a touch.

    band_atr_x1000, band_least_half_ticks
        Half-width of the monitor band: this share of ATR(14, 1 min) known at the touch, and at least so much.
    cooldown_s
        Seconds after a touch in which the same level kind of the instrument is not touched again.
    attempt_gap_s
        A touch later than this after the previous one from the same side, or further from its level than the band,
        starts a new cluster of attempts.
    """

    band_atr_x1000: int = 250
    band_least_half_ticks: int = 2
    cooldown_s: int = 300
    attempt_gap_s: int = 900

    def __post_init__(self) -> None:
        if min(self.band_atr_x1000, self.band_least_half_ticks, self.cooldown_s, self.attempt_gap_s) < 0:
            raise OutOfRange("touch settings are not negative", where="TouchConfig", got=str(self))


def find_touches(
    mids: pl.DataFrame, levels: LevelSeries, atr: pl.DataFrame, config: TouchConfig
) -> tuple[pl.DataFrame, int]:
    """Return the touches of one instrument and day, and how many further entries fell into a cooldown.

    mids
        `ts_ns` (sorted) and `mid_half_ticks` of the session.
    levels, atr
        Known series of the levels and of the sum of 14 true ranges, in half ticks. Without an ATR yet the band has its
        least width.
    """
    known = values_at({**levels, "atr": atr}, mids["ts_ns"])
    width = known["atr"].fill_null(0).to_numpy() * config.band_atr_x1000 // (1000 * ATR_BARS)
    band = np.maximum(width, config.band_least_half_ticks)
    ts_ns, mid = mids["ts_ns"].to_numpy(), mids["mid_half_ticks"].to_numpy()
    rows: list[Row] = []
    cooled = 0
    for kind in levels:
        level = known[kind].fill_null(0).to_numpy()
        exists = known[kind].is_not_null().to_numpy()
        entries = np.flatnonzero(_enters(mid, level, band) & exists[1:]) + 1
        kept = _outside_cooldown(entries, ts_ns[entries], config.cooldown_s * NS_PER_SECOND)
        cooled += len(entries) - len(kept)
        moves = [_move(at, ts_ns, mid, level, band) for at in kept]
        past = _history(moves, config.attempt_gap_s)
        rows += [(kind, *move[:4], *before) for move, before in zip(moves, past, strict=True)]
    touches = pl.DataFrame(rows, schema=TOUCHES, orient="row")
    code = pl.col("level_kind_name").replace_strict(dict(LEVEL_KINDS), return_dtype=pl.Int8())
    return touches.sort("ts_ns", code), cooled


def _enters(mid: Ints, level: Ints, band: Ints) -> Bools:
    """Return, for every quote but the first, whether it lies in the band and the one before it did not."""
    inside: Bools = np.abs(mid[1:] - level[1:]) <= band[1:]
    outside: Bools = np.abs(mid[:-1] - level[1:]) > band[1:]
    return inside & outside


def _move(at: int, ts_ns: Ints, mid: Ints, level: Ints, band: Ints) -> Move:
    sign = 1 if mid[at - 1] < level[at] else -1
    return Move(int(ts_ns[at]), int(level[at]), int(mid[at]), sign, int(band[at]))


def _outside_cooldown(entries: Ints, times: Ints, cooldown_ns: int) -> list[int]:
    kept: list[int] = []
    ready_ns = -1
    for entry, time in zip(entries.tolist(), times.tolist(), strict=True):
        if time >= ready_ns:
            kept.append(entry)
            ready_ns = time + max(cooldown_ns, 1)  # the instant is part of an event's name
    return kept


def _history(moves: list[Move], gap_s: int) -> list[tuple[int, int, int]]:
    """Return prior_touches, attempt_index and attempt_ts_ns of one level kind's touches, in order of time."""
    past: list[tuple[int, int, int]] = []
    last: dict[int, tuple[Move, int, int]] = {}
    for prior, move in enumerate(moves):
        index, began_ns = 1, move.ts_ns
        if move.sign in last:
            before, before_index, before_began_ns = last[move.sign]
            in_time = move.ts_ns - before.ts_ns <= gap_s * NS_PER_SECOND
            if in_time and abs(move.level - before.level) <= move.band:
                index, began_ns = before_index + 1, before_began_ns
        last[move.sign] = (move, index, began_ns)
        past.append((prior, index, began_ns))
    return past
