"""The composite toxicity score and its inputs as exact integers x1000, each within 0..3.

The bot's documents give the formulas and leave three things open; what is done here:

- Two sets of weights disagree. Taken are those of the constants (VPIN .25, Kyle .20, Amihud .15, spread .20, OFI .20):
  they sum to 1, so that the score has the range of its inputs, while the other set needs liquidations, which no source
  here has.
- The unit of a return is percent: one percent in a minute of usual volume then is about 1, where the bands call a
  market MID. As a fraction neither Kyle nor Amihud could leave 0, in bps both would stand at the clip.
- `volume_ratio_1m` is 1 where it is undefined: until there is an hour of prints.
"""

from fractions import Fraction

from grinder_resources.contracts.exact import half_even

MOST_X1000 = 3_000
"""Every input is clipped to this."""

WEIGHTS = (25, 20, 15, 20, 20)
"""Of VPIN, Kyle, Amihud, spread and OFI, in hundredths."""

_MINUTES = 60
_SPREAD_UNIT_BPS, _OFI_UNIT = 5, 3
_SMALL_TURNOVER = 10_000
"""0.01 millions of quote currency."""

_X1000_BPS_A_PERCENT = 100_000


def kyle_x1000(ret_x1000: int | None, minute_lots: int, hour_lots: int) -> int | None:
    """Return |return, percent| / (60 x minute / hour + 0.1); the return is in bps x 1000, hour_lots is 0 if unknown."""
    if ret_x1000 is None:
        return None
    minute, hour = (minute_lots, hour_lots) if hour_lots else (1, _MINUTES)
    # 1000 |r| / 100000 / (60 m / h + 1 / 10), with both sides multiplied by 10 h
    return _clipped(1_000 * abs(ret_x1000) * 10 * hour, _X1000_BPS_A_PERCENT * (10 * _MINUTES * minute + hour))


def amihud_x1000(ret_x1000: int | None, minute_tick_lots: int, tick_lot: Fraction) -> int | None:
    """Return |return, percent| / (turnover in millions + 0.01); a tick-lot is worth `tick_lot` quote currency."""
    if ret_x1000 is None:
        return None
    turnover = minute_tick_lots * tick_lot.numerator + _SMALL_TURNOVER * tick_lot.denominator
    return _clipped(1_000 * abs(ret_x1000) * 1_000_000 * tick_lot.denominator, _X1000_BPS_A_PERCENT * turnover)


def spread_excess_x1000(spread_bps: int, hour_sum_bps: int, hour_rows: int) -> int:
    """Return max(0, spread - mean) / 5, the mean being a sum over at least one row."""
    excess = max(0, spread_bps * hour_rows - hour_sum_bps)
    return _clipped(1_000 * excess, _SPREAD_UNIT_BPS * hour_rows)


def ofi_strength_x1000(zscore_x1000: int) -> int:
    """Return |z| / 3."""
    return _clipped(abs(zscore_x1000), _OFI_UNIT)


def score_x1000(*inputs: int | None) -> int | None:
    """Return the weighted mean of VPIN, Kyle, Amihud, spread and OFI, in this order; None where one is unknown."""
    known = [value for value in inputs if value is not None]
    if len(known) < len(WEIGHTS):
        return None
    return int(half_even(sum(weight * value for weight, value in zip(WEIGHTS, known, strict=True)), sum(WEIGHTS)))


def _clipped(numerator: int, denominator: int) -> int:
    return min(MOST_X1000, int(half_even(numerator, denominator)))
