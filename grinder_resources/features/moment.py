"""What a feature is a function of: one confirmed touch, and what its instrument's market had shown until t1.

A feature group receives a `Moment` and asks the market through it. Every question names a time and is answered from
rows at or before it, so a feature cannot see past t1 unless it asks for a time past t1; none does, and the market
notes what it answered from.

Prices are mids in half ticks, sizes lots, times ns.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from grinder_resources.contracts.events import ATR_BARS
from grinder_resources.contracts.exact import clip, half_even
from grinder_resources.features.known import Books, Known, Rows, Tape, Watermark

Value = int | str | None
Row = Mapping[str, Value]

INT32_MOST = 2**31 - 1


@dataclass(frozen=True)
class Settings:
    """Numbers that features use; a version's manifest may set any of them.

    tape_window_s, tape_band_atr_x1000
        Prints of the last seconds before t1, no further from the level than this share of ATR.
    sweep_gap_ms, sweep_prices
        A sweep is a run of prints from one side, no further apart than the gap, over at least so many prices.
    barrier_window_s, barrier_zone_atr_x1000, barrier_zone_least_half_ticks
        Books of the last seconds before t1; levels this near to L belong to the barrier.
    barrier_flow_x1000, r_vacuum_x1000, r_weak_x1000, r_wall_x1000
        Change of depth, as a share of its mean, that counts; wall ratios below which a barrier is a vacuum or weak,
        and above which it is a wall.
    book_max_age_s
        A book older than this says nothing.
    approach_lookback_s
        Minutes before the touch that make the approach.
    confluence_band_atr_x1000
        Other levels this near to L count.
    liquidity_norm_x1000, velocity_norm_x1000, reversion_norm_x1000
        Values at which a pressure reaches half (liquidity, reversion) or all (velocity) of its range.
    """

    tape_window_s: int = 60
    tape_band_atr_x1000: int = 2000
    sweep_gap_ms: int = 100
    sweep_prices: int = 3
    barrier_window_s: int = 240
    barrier_zone_atr_x1000: int = 500
    barrier_zone_least_half_ticks: int = 16
    barrier_flow_x1000: int = 250
    r_vacuum_x1000: int = 300
    r_weak_x1000: int = 500
    r_wall_x1000: int = 1500
    book_max_age_s: int = 60
    approach_lookback_s: int = 600
    confluence_band_atr_x1000: int = 1000
    liquidity_norm_x1000: int = 1000
    velocity_norm_x1000: int = 1000
    reversion_norm_x1000: int = 10_000


@dataclass(frozen=True)
class Event:
    """A confirmed touch; `sign` is +1 for UP, -1 for DOWN, `spot` the mid at t1."""

    kind: str
    sign: int
    level: int
    spot: int
    touch_mid: int
    atr_sum: int
    touch_ns: int
    t1_ns: int
    prior_touches: int
    attempt_index: int
    attempt_t1_ns: int

    def in_atr_x1000(self, half_ticks: int, per: int = 1) -> int:
        """Return half_ticks / per in thousandths of ATR, half-even, within int32; per > 0."""
        return clip(half_even(1000 * ATR_BARS * half_ticks, self.atr_sum * per), INT32_MOST)

    def in_bps_x1000(self, half_ticks: int, per: int = 1) -> int:
        """Return half_ticks / per in thousandths of a basis point of spot, half-even, within int32; per > 0."""
        return clip(half_even(10_000_000 * half_ticks, self.spot * per), INT32_MOST)

    def share_of_atr(self, atr_x1000: int) -> int:
        """Return a share of ATR in half ticks, half-even."""
        return int(half_even(atr_x1000 * self.atr_sum, 1000 * ATR_BARS))


@dataclass(frozen=True)
class Market:
    """One instrument's day and the days before it.

    seen
        What all series below note their answers in; one event is evaluated at a time.
    mids
        Mid of every quote of the session.
    closes
        Mid at the end of every complete minute, the look-back included.
    levels, sma_sums
        Every level kind; sums of the last 200 and 400 two-minute closes.
    volume_today, volume_before
        Lots traded since the open, by ns since the open: today, and on each day before.
    snapshots
        Rolling numbers of every second; None for a version that does not read `silver/snapshots`.
    """

    seen: Watermark
    open_ns: int
    mids: Known
    closes: Known
    levels: Mapping[str, Known]
    sma_sums: Mapping[int, Known]
    volume_today: Known
    volume_before: tuple[Known, ...]
    tape: Tape
    books: Books
    snapshots: Rows | None = None


@dataclass(frozen=True)
class Moment:
    """A touch in its market; `done` holds the columns of the groups that this one depends on."""

    event: Event
    market: Market
    settings: Settings
    done: Row

    def number(self, column: str) -> int | None:
        """Return a finished numeric column."""
        value = self.done[column]
        assert not isinstance(value, str)
        return value
