"""Exact integer arithmetic on Python integers; `half_even` serves integer arrays and polars expressions as well."""

from typing import Any

BPS_X1000 = 10_000_000
"""Bps x 1000 in the whole: what a share is multiplied by."""


def half_even(numerator: Any, denominator: Any) -> Any:
    """Return numerator / denominator rounded to the nearest integer, ties to even; denominator > 0.

    Works on `int`, integer numpy arrays and integer polars expressions, because it only needs floor division. The
    caller keeps 2 x denominator inside the type.
    """
    quotient = numerator // denominator
    remainder = numerator - quotient * denominator
    return quotient + (2 * remainder + quotient % 2 > denominator)


def clip(value: int, limit: int) -> int:
    """Return value within [-limit, limit]."""
    return max(-limit, min(limit, value))


def squash_x1000(value: int, norm: int) -> int:
    """Return 1000 x value / (|value| + norm), half-even: odd, rising, within +-1000, 500 at `norm`; norm > 0.

    The rational stand-in for tanh: the same shape, and exact in integers.
    """
    return int(half_even(1000 * value, abs(value) + norm))
