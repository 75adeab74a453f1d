"""Per-bar numbers: ATR, NATR, sum of returns, net return, range score; exactly as the bot computes them.

They change only when a bar closes, so they are plain Decimal arithmetic of 28 digits, rounded half-even. Prices may
be in any unit, half ticks or quote currency: every ratio is the same number, and a ratio's 28 digits do not depend on
the unit.
"""

from collections import deque
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

BOT_ARITHMETIC = Context(prec=28, rounding=ROUND_HALF_EVEN)
"""Python's default Decimal context, which the bot computes in."""

_BPS = Decimal(10_000)
_ONE = Decimal(1)


@dataclass(frozen=True)
class BarFeatures:
    """What the closed bars say; zeros and None in warm-up.

    true_range_sum, atr
        Sum and simple mean of the last `atr_period` true ranges, in the bars' own unit.
    natr_bps
        atr / last close, bps, half-even.
    sum_abs_returns_bps, net_return_bps
        Sum of absolute close-to-close returns and absolute return over `range_horizon` bars, bps, half-even.
    range_score
        sum_abs_returns_bps // (net_return_bps + 1).
    warmup_bars
        Closed bars held, at most `max_bars`.
    """

    natr_bps: int = 0
    true_range_sum: Decimal | None = None
    atr: Decimal | None = None
    sum_abs_returns_bps: int = 0
    net_return_bps: int = 0
    range_score: int = 0
    warmup_bars: int = 0


@dataclass
class BarHistory:
    """The closed bars of one instrument, as far back as the features reach.

    atr_period, range_horizon
        Bars in the averages; each needs one bar more.
    max_bars
        Bars the bot holds; features that need more stay in warm-up for ever.
    """

    atr_period: int
    range_horizon: int
    max_bars: int
    features: BarFeatures = field(default_factory=BarFeatures, init=False)
    _true_ranges: deque[Decimal] = field(init=False)
    _returns: deque[Decimal] = field(init=False)
    _closes: deque[Decimal] = field(init=False)

    def __post_init__(self) -> None:
        self._true_ranges = deque(maxlen=self.atr_period)
        self._returns = deque(maxlen=self.range_horizon)
        self._closes = deque(maxlen=self.range_horizon + 1)

    def close(self, high: Decimal, low: Decimal, close: Decimal) -> BarFeatures:
        """Add a closed bar and return the features it makes known."""
        with localcontext(BOT_ARITHMETIC):
            if self._closes:
                previous = self._closes[-1]
                self._true_ranges.append(max(high - low, abs(high - previous), abs(low - previous)))
                self._returns.append(abs((close - previous) / previous) if previous > 0 else Decimal(0))
            self._closes.append(close)
            held = min(self.features.warmup_bars + 1, self.max_bars)
            natr_bps, total, atr = self._volatility(close) if held > self.atr_period else (0, None, None)
            sum_abs_bps, net_bps, score = self._trend(close) if held > self.range_horizon else (0, 0, 0)
            self.features = BarFeatures(natr_bps, total, atr, sum_abs_bps, net_bps, score, held)
        return self.features

    def _volatility(self, close: Decimal) -> tuple[int, Decimal, Decimal]:
        """Return NATR, sum of true ranges and ATR."""
        total = Decimal(sum(self._true_ranges))
        atr = total / self.atr_period
        return _whole(atr / close * _BPS) if close else 0, total, atr

    def _trend(self, close: Decimal) -> tuple[int, int, int]:
        """Return sum of absolute returns, net return and range score."""
        first = self._closes[0]
        sum_abs_bps = _whole(sum(self._returns, Decimal(0)) * _BPS)
        net_bps = _whole(abs(close / first - 1) * _BPS) if first > 0 else 0
        return sum_abs_bps, net_bps, sum_abs_bps // (net_bps + 1)


def _whole(value: Decimal) -> int:
    return int(value.quantize(_ONE))
