"""One instrument's market built record by record: what a live process knows, in the words features ask in.

An independent second writing of `features.build.market_day`: minutes are folded from single records, levels and
averages are carried forward by one addition a minute, and nothing is looked up in a frame of the day. Records come in
order of time; within one instant prints come before quotes, because a print's side is held against the quote before.
"""

from collections import deque
from collections.abc import Sequence

from grinder_resources.contracts.events import ATR_BARS, LEVEL_KINDS
from grinder_resources.contracts.exact import half_even
from grinder_resources.features.groups.averages import WINDOWS
from grinder_resources.features.known import Known, Watermark
from grinder_resources.features.moment import Market
from grinder_resources.market.levels import LevelConfig, round_step_ticks
from grinder_resources.market.minutes import NS_PER_MINUTE, Minutes
from grinder_resources.proofs.features_growing import Bar, GrowingBooks, GrowingSeries, GrowingTape, Mids, Side

_PAIR_NS = 2 * NS_PER_MINUTE
_DAY_NS = 1440 * NS_PER_MINUTE


class Closes:
    """Minute closes, the sum of the last 14 true ranges, and sums of the last 200 and 400 two-minute closes."""

    def __init__(self, seen: Watermark) -> None:
        self.closes, self.atr = GrowingSeries(seen), GrowingSeries(seen)
        self.sums = {window: GrowingSeries(seen) for window in WINDOWS}
        self.means = {window: GrowingSeries(seen) for window in WINDOWS}
        self._held = {window: deque[int](maxlen=window) for window in WINDOWS}
        self._totals = dict.fromkeys(WINDOWS, 0)
        self._ranges = deque[int](maxlen=ATR_BARS)
        self._last = self._last_ns = self._pair_end_ns = 0

    def fold(self, end_ns: int, mids: Mids) -> None:
        """Take the mids of the next complete minute that has a quote."""
        start_ns = end_ns - NS_PER_MINUTE
        self.settle(start_ns)
        same_day = self._last_ns // _DAY_NS == start_ns // _DAY_NS
        top, bottom = (max(mids.high, self._last), min(mids.low, self._last)) if same_day else (mids.high, mids.low)
        self._ranges.append(top - bottom)
        if len(self._ranges) == ATR_BARS:
            self.atr.append(end_ns, sum(self._ranges))
        self.closes.append(end_ns, mids.close)
        self._last, self._last_ns = mids.close, start_ns
        self._pair_end_ns = (start_ns // _PAIR_NS + 1) * _PAIR_NS
        self.settle(end_ns)

    def settle(self, now_ns: int) -> None:
        """Count the two-minute close under way if its two minutes are over."""
        if not 0 < self._pair_end_ns <= now_ns:
            return
        for window, held in self._held.items():
            self._totals[window] += self._last - (held[0] if len(held) == window else 0)
            held.append(self._last)
            if len(held) == window:
                self.sums[window].append(self._pair_end_ns, self._totals[window])
                self.means[window].append(self._pair_end_ns, half_even(self._totals[window], window))
        self._pair_end_ns = 0


class DayLevels:
    """The levels that begin anew every day."""

    def __init__(self, minutes: Minutes, config: LevelConfig, seen: Watermark) -> None:
        self.series = {kind: GrowingSeries(seen) for kind in LEVEL_KINDS if not kind.startswith("SMA_")}
        self._open_ns = minutes.open_ns
        self._range_end_ns = minutes.open_ns + config.opening_range_minutes * NS_PER_MINUTE
        self._step_bps, self._step = config.round_step_bps, 0
        self._high = self._low = self._volume = self._notional = 0
        self._range: tuple[int, int] | None = None

    def prior(self, minutes: Sequence[Mids]) -> None:
        """Take the extremes of a session before, in place of those of an earlier one."""
        self.series["PRIOR_HIGH"].append(self._open_ns, max(mids.high for mids in minutes))
        self.series["PRIOR_LOW"].append(self._open_ns, min(mids.low for mids in minutes))

    def fold(self, bar: Bar) -> None:
        """Take the next complete minute of the day."""
        self._volume += bar.volume
        self._notional += bar.notional
        if bar.volume:
            self.series["VWAP"].append(bar.end_ns, half_even(2 * self._notional, self._volume))
        if bar.mids is not None:
            self._quoted(bar.end_ns, bar.mids)

    def _quoted(self, end_ns: int, mids: Mids) -> None:
        self.settle(end_ns - NS_PER_MINUTE)
        if not self._step:
            self._step, self._high, self._low = 2 * round_step_ticks(mids.close, self._step_bps), mids.high, mids.low
        self._high, self._low = max(self._high, mids.high), min(self._low, mids.low)
        if end_ns <= self._range_end_ns:
            self._range = self._high, self._low
        self.series["SESSION_HIGH"].append(end_ns, self._high)
        self.series["SESSION_LOW"].append(end_ns, self._low)
        self.series["ROUND"].append(end_ns, half_even(mids.close, self._step) * self._step)

    def settle(self, now_ns: int) -> None:
        """Make the opening range known once it is over."""
        if self._range is not None and self._range_end_ns <= now_ns:
            self.series["OR_HIGH"].append(self._range_end_ns, self._range[0])
            self.series["OR_LOW"].append(self._range_end_ns, self._range[1])
            self._range = None


class OnlineMarket:
    """What one instrument has shown so far.

    minutes
        The session, and the bars of the look-back in `before`; `today` is not read.
    config
        Settings of the opening range and of round numbers.
    """

    def __init__(self, minutes: Minutes, config: LevelConfig) -> None:
        self._seen = seen = Watermark()
        self._open_ns, self._close_ns = minutes.open_ns, minutes.close_ns
        self._closes, self._levels = Closes(seen), DayLevels(minutes, config, seen)
        self._mids, self._volume = GrowingSeries(seen), GrowingSeries(seen, minutes.open_ns)
        self._tape, self._books = GrowingTape(seen), GrowingBooks(seen)
        self._bar: Bar | None = None
        self._mid: int | None = None
        self._traded = 0
        self._volume_before: list[Known] = []
        for rows in minutes.before.partition_by("date", maintain_order=True):
            opened_ns = minutes.instrument.session_ns(rows["date"][0])[0]
            self._look_back([Bar.of(row) for row in rows.iter_rows(named=True)], opened_ns)

    def _look_back(self, bars: Sequence[Bar], open_ns: int) -> None:
        """Live through a day before, oldest first; its extremes stand until a later day has some."""
        volume, traded = GrowingSeries(self._seen, open_ns), 0
        for bar in bars:
            traded += bar.volume
            volume.append(bar.end_ns, traded)
            if bar.mids is not None:
                self._closes.fold(bar.end_ns, bar.mids)
        self._volume_before.append(volume.known)
        quoted = [bar.mids for bar in bars if bar.mids is not None]
        if quoted:
            self._levels.prior(quoted)

    def quote(self, ts_ns: int, mid: int) -> None:
        """Take a quote's mid; one outside the session says nothing."""
        if self._open_ns <= ts_ns < self._close_ns:
            self._bar_of(ts_ns).quote(mid)
            self._mids.append(ts_ns, mid)
            self._mid = mid

    def trade(self, ts_ns: int, price_ticks: int, lots: int, aggressor: int) -> None:
        """Take a print; where the source names no aggressor, the side is that of its price against the mid."""
        price, mid = 2 * price_ticks, self._mid
        tested = 0 if mid is None else (price > mid) - (price < mid)
        self._tape.append(ts_ns, price, lots, aggressor or tested)
        if self._open_ns <= ts_ns < self._close_ns:
            self._bar_of(ts_ns).trade(price_ticks, lots)

    def book(self, ts_ns: int, bids: Side, asks: Side) -> None:
        """Take a book; a side is its prices in ticks and its sizes in lots, best first."""
        self._books.append(ts_ns, bids, asks)

    def at(self, now_ns: int) -> tuple[Market, Known]:
        """Return the market at a time to which every record has been taken, and the ATR as a sum of true ranges."""
        self._settle(now_ns)
        levels = {
            **self._levels.series,
            **{f"SMA_{window}": mean for window, mean in self._closes.means.items()},
        }
        market = Market(
            seen=self._seen,
            open_ns=self._open_ns,
            mids=self._mids.known,
            closes=self._closes.closes.known,
            levels={kind: levels[kind].known for kind in LEVEL_KINDS},
            sma_sums={window: total.known for window, total in self._closes.sums.items()},
            volume_today=self._volume.known,
            volume_before=tuple(self._volume_before),
            tape=self._tape.tape,
            books=self._books.books,
        )
        return market, self._closes.atr.known

    def _bar_of(self, ts_ns: int) -> Bar:
        """Return the bar of the minute, after the one before it has been completed."""
        if self._bar is None or ts_ns >= self._bar.end_ns:
            self._settle(ts_ns)
            self._bar = Bar(ts_ns - ts_ns % NS_PER_MINUTE)
        return self._bar

    def _settle(self, now_ns: int) -> None:
        """Complete what is over by now: the minute under way, its pair, the opening range."""
        bar = self._bar
        if bar is not None and bar.end_ns <= now_ns:
            self._bar = None
            self._traded += bar.volume
            self._volume.append(bar.end_ns, self._traded)
            self._levels.fold(bar)
            if bar.mids is not None:
                self._closes.fold(bar.end_ns, bar.mids)
        self._closes.settle(now_ns)
        self._levels.settle(now_ns)
