"""Exact integers from the source's numbers, and ratios of them rounded half to even."""

import polars as pl

from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.gates import MILLION
from grinder_resources.errors import OutOfRange

LARGEST = 10**9
"""Numbers of a gate are smaller than this; so their millionths are exact in a double."""

_PERCENT = 100 * MILLION
_WIDE = pl.Int128()


def millionths(gates: pl.DataFrame, numbers: dict[str, str]) -> pl.DataFrame:
    """Return Int64 columns, one an entry of `numbers` (new name -> column): number x 10^6, half-even; null stays null.

    A number with at most six decimals keeps every digit: the double nearest to n / 10^6 comes back as n for every |n| <
    10^15. Raises OutOfRange naming a column that holds a number of 10^9 or more.
    """
    for name in numbers.values():
        largest = gates[name].abs().max()
        if largest is not None and largest >= LARGEST:  # type: ignore[operator]
            raise OutOfRange("a number of a gate is too large", where=name, got=str(largest), expected="below 10^9")
    return gates.select(
        (pl.col(name) * MILLION).round(mode="half_to_even").cast(pl.Int64).alias(new) for new, name in numbers.items()
    )


def percent(change: pl.Expr, base: pl.Expr) -> pl.Expr:
    """Return Int64 change / base in percent x 10^6, half-even; null where base is not positive."""
    share: pl.Expr = half_even(change.cast(_WIDE) * _PERCENT, pl.when(base > 0).then(base).cast(_WIDE))
    return share.cast(pl.Int64)
