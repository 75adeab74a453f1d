"""Exact half-even rounding of ratios whose products do not fit in 64 bits.

A `Wide` is a pair (high, low) for high x 2^60 + low with 0 <= low < 2^60: enough for the product of two 60-bit numbers.
A quotient is guessed in float64 and then corrected by its exact remainder, so the guess never shows in the result.

The bot rounds Decimals of 28 digits. Both agree wherever the divisor is below 10^23: a value that is no tie then lies
further from every tie than 28 digits can move it, and an exact tie is a short decimal that 28 digits hold exactly.
"""

from grinder_resources.market.compiled import compiled

Wide = tuple[int, int]

LIMB_BITS = 60
_LOW_30 = (1 << 30) - 1
_LOW_60 = (1 << 60) - 1
_LIMB = float(1 << 60)


@compiled
def wide(value: int) -> Wide:
    """Return a number in [0, 2^63) as a Wide."""
    return value >> LIMB_BITS, value & _LOW_60


@compiled
def wide_mul(left: int, right: int) -> Wide:
    """Return left x right; both in [0, 2^60)."""
    left_high, left_low = left >> 30, left & _LOW_30
    right_high, right_low = right >> 30, right & _LOW_30
    middle = left_high * right_low + left_low * right_high
    low = left_low * right_low + ((middle & _LOW_30) << 30)
    return left_high * right_high + (middle >> 30) + (low >> LIMB_BITS), low & _LOW_60


@compiled
def wide_add(left: Wide, right: Wide) -> Wide:
    """Return left + right."""
    low = left[1] + right[1]
    return left[0] + right[0] + (low >> LIMB_BITS), low & _LOW_60


@compiled
def wide_sub(left: Wide, right: Wide) -> Wide:
    """Return left - right; a negative result has a negative high part."""
    low = left[1] - right[1]
    return left[0] - right[0] + (low >> LIMB_BITS), low & _LOW_60


@compiled
def wide_scale(left: Wide, factor: int) -> Wide:
    """Return left x factor; factor in [0, 2^60), the product below 2^122."""
    high, low = wide_mul(left[1], factor)
    return left[0] * factor + high, low


@compiled
def wide_float(value: Wide) -> float:
    """Return the nearest floats' sum; relative error below 2^-51."""
    return float(value[0]) * _LIMB + float(value[1])


@compiled
def divide_half_even(dividend: Wide, divisor: Wide) -> int:
    """Return dividend / divisor rounded half-even; dividend >= 0, divisor > 0, the quotient below 2^50."""
    quotient = int(wide_float(dividend) / wide_float(divisor))
    remainder = wide_sub(dividend, wide_scale(divisor, quotient))
    while remainder[0] < 0:
        quotient -= 1
        remainder = wide_add(remainder, divisor)
    above_half = wide_sub(wide_add(remainder, remainder), divisor)
    while above_half[0] > 0 or (above_half[0] == 0 and above_half[1] > 0):
        quotient += 1
        remainder = wide_sub(remainder, divisor)
        above_half = wide_sub(wide_add(remainder, remainder), divisor)
    is_tie = above_half[0] == 0 and above_half[1] == 0
    return quotient + (quotient & 1) if is_tie else quotient


@compiled
def ratio_half_even(numerator: int, factor: int, denominator: int) -> int:
    """Return numerator x factor / denominator rounded half-even.

    |numerator|, factor and denominator in [0, 2^60), denominator > 0, the result within +-2^50.
    """
    rounded = divide_half_even(wide_mul(abs(numerator), factor), wide(denominator))
    return -rounded if numerator < 0 else rounded
