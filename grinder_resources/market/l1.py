"""Best-quote numbers: spread, imbalance and microprice of one quote, in exact integers inside the limits below."""

from decimal import Decimal
from fractions import Fraction

from grinder_resources.market.compiled import compiled
from grinder_resources.market.rounding import divide_half_even, wide, wide_add, wide_mul, wide_scale

EPSILON = Decimal("1e-8")
"""Base units added to a sum of sizes before dividing by it, so that an empty side divides."""

MAX_TICKS = 1 << 50
"""Prices stay below this, so that products with sizes fit the wide arithmetic of `market.rounding`."""

MAX_LOTS = 1 << 46
"""Sizes stay below this."""

MAX_SPREAD_TICKS = 1 << 38
"""Spreads stay below this, so that `spread_bps` equals the bot's float64."""


def epsilon_in_lots(lot_size: Decimal) -> tuple[int, int]:
    """Return 1e-8 base units as an exact fraction (numerator, denominator) of lots."""
    return (Fraction(EPSILON) / Fraction(lot_size)).as_integer_ratio()


@compiled
def spread_bps(bid_ticks: int, ask_ticks: int) -> int:
    """Return (ask - bid) / mid in bps, truncated toward zero; 0 where both are 0.

    The bot truncates a float64. With (ask - bid) x 20000 < 2^53 every quotient that is not a whole number lies at least
    2^-53 of itself below the next one, so float64 cannot round it up, and integer division gives the same number.
    """
    total = bid_ticks + ask_ticks
    if total == 0:
        return 0
    whole = abs(ask_ticks - bid_ticks) * 20_000 // total
    return whole if ask_ticks >= bid_ticks else -whole


@compiled
def imbalance_bps(bid_lots: int, ask_lots: int, epsilon_numerator: int, epsilon_denominator: int) -> int:
    """Return (bid - ask) / (bid + ask + 1e-8) in bps, half-even; sizes below 2^59 lots."""
    dividend = wide_mul(abs(bid_lots - ask_lots), 10_000 * epsilon_denominator)
    divisor = wide_add(wide_mul(bid_lots + ask_lots, epsilon_denominator), wide(epsilon_numerator))
    rounded = divide_half_even(dividend, divisor)
    return rounded if bid_lots >= ask_lots else -rounded


@compiled
def microprice_dev_x1000(bid_ticks: int, bid_lots: int, ask_ticks: int, ask_lots: int) -> int:
    """Return (microprice - mid) / mid in bps x 1000, half-even.

    microprice = (ask x bid_lots + bid x ask_lots) / (bid_lots + ask_lots), so the deviation is
    (ask - bid)(bid_lots - ask_lots) / ((ask + bid)(bid_lots + ask_lots)).
    """
    tilt = wide_mul(ask_ticks - bid_ticks, abs(bid_lots - ask_lots))
    rounded = divide_half_even(wide_scale(tilt, 10_000_000), wide_mul(ask_ticks + bid_ticks, bid_lots + ask_lots))
    return rounded if bid_lots >= ask_lots else -rounded
