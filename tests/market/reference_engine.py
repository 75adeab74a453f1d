"""A slow, obvious twin of the bot's feature engine: Decimals of 28 digits, whole lists, no state beyond the bars."""

from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from itertools import pairwise

from grinder_resources.market.bot_lines import Book, Tick
from grinder_resources.market.volatility import BOT_ARITHMETIC

EPSILON = Decimal("1e-8")
BPS = Decimal(10_000)


def whole(value):
    return int(value.quantize(Decimal(1)))


@dataclass
class ReferenceEngine:
    """Takes ticks of any symbols in order; returns the twelve feature values of each as a tuple."""

    interval_ms: int = 60_000
    atr_period: int = 14
    horizon: int = 14
    max_bars: int = 1000
    open_bars: dict = field(default_factory=dict)
    closed_bars: dict = field(default_factory=dict)

    def process(self, tick: Tick) -> tuple:
        """Take the next tick and return its feature values."""
        with localcontext(BOT_ARITHMETIC):
            mid = (tick.bid_price + tick.ask_price) / 2
            bars = self._update_bars(tick, mid)
            spread = (tick.ask_price - tick.bid_price) / mid * 10000 if mid else Decimal(0)
            imbalance = (tick.bid_qty - tick.ask_qty) / (tick.bid_qty + tick.ask_qty + EPSILON)
            atr = self._atr(bars)
            natr = whole(atr / bars[-1]["close"] * BPS) if atr is not None and bars[-1]["close"] else 0
            return (
                tick.ts,
                tick.symbol,
                mid,
                int(float(spread)),
                whole(imbalance * BPS),
                min(tick.bid_qty, tick.ask_qty),
                natr,
                atr,
                *self._trend(bars),
                len(bars),
            )

    def _update_bars(self, tick, mid):
        bars = self.closed_bars.setdefault(tick.symbol, [])
        start = tick.ts // self.interval_ms * self.interval_ms
        bar = self.open_bars.get(tick.symbol)
        if bar is not None and start > bar["start"]:
            bars.append(bar)
            del bars[: -self.max_bars]
            bar = None
        if bar is None:
            self.open_bars[tick.symbol] = {"start": start, "high": mid, "low": mid, "close": mid}
        else:
            bar["high"] = max(bar["high"], mid)
            bar["low"] = min(bar["low"], mid)
            bar["close"] = mid
        return bars

    def _atr(self, bars):
        if len(bars) < self.atr_period + 1:
            return None
        ranges = [
            max(bar["high"] - bar["low"], abs(bar["high"] - before["close"]), abs(bar["low"] - before["close"]))
            for before, bar in pairwise(bars)
        ]
        return sum(ranges[-self.atr_period :]) / Decimal(self.atr_period)

    def _trend(self, bars):
        if len(bars) < self.horizon + 1:
            return 0, 0, 0
        closes = [bar["close"] for bar in bars[-self.horizon - 1 :]]
        steps = [abs((new - old) / old) for old, new in pairwise(closes) if old > 0]
        sum_abs = whole(sum(steps, Decimal(0)) * BPS)
        net = whole(abs(closes[-1] / closes[0] - 1) * BPS) if closes[0] > 0 else 0
        return sum_abs, net, sum_abs // (net + 1)


def reference_l2(book: Book, qty_ref: Decimal) -> tuple:
    """Return the fourteen values of one book as a tuple."""
    with localcontext(BOT_ARITHMETIC):
        bid_qty = sum((size for _, size in book.bids), Decimal(0))
        ask_qty = sum((size for _, size in book.asks), Decimal(0))
        imbalance = round((bid_qty - ask_qty) / (bid_qty + ask_qty + EPSILON) * BPS)
        buy, sell = impact(book.asks, qty_ref), impact(book.bids, qty_ref)
        return (
            book.ts_ms,
            book.symbol,
            book.venue,
            book.depth,
            bid_qty,
            ask_qty,
            imbalance,
            buy,
            sell,
            int(buy == 500),
            int(sell == 500),
            wall(book.bids),
            wall(book.asks),
            qty_ref,
        )


def impact(levels, qty_ref):
    remaining, cost = qty_ref, Decimal(0)
    for price, size in levels:
        filled = min(remaining, size)
        cost += filled * price
        remaining -= filled
        if remaining <= 0:
            best = levels[0][0]
            return round(abs(cost / qty_ref - best) / best * BPS)
    return 500


def wall(levels):
    sizes = sorted(size for _, size in levels)
    if len(sizes) < 3:
        return 1000
    middle = len(sizes) // 2
    median = sizes[middle] if len(sizes) % 2 else (sizes[middle - 1] + sizes[middle]) / 2
    return round(max(sizes) / median * 1000)
