"""The one door to numba: compile a plain integer function, keep the machine code on disk.

A compiled function stays an ordinary Python function to readers and to the type checker. It takes int64 numbers,
arrays of int64, named tuples and records of them.

Numba throws cached code away when the function's own file changes. That is not enough here, because a caller contains
the code of its callees, wherever they are: the stamp is therefore a digest of every file that compiled code comes
from.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])

COMPILED_FROM = (
    "contracts/bronze.py",
    "contracts/silver.py",
    "market/bars.py",
    "market/compiled.py",
    "market/flow.py",
    "market/kernel.py",
    "market/l1.py",
    "market/l2.py",
    "market/rounding.py",
    "market/state.py",
    "market/windows.py",
)
"""Files, relative to the package, whose functions or constants end up in machine code."""

_PACKAGE = Path(__file__).parents[1]
_STAMP = hashlib.sha256(b"".join((_PACKAGE / name).read_bytes() for name in COMPILED_FROM)).hexdigest()


def compiled(function: Function) -> Function:
    """Return `function` compiled on first call and cached on disk; divisors are never 0, so none is checked."""
    dispatcher = numba.njit(cache=True, error_model="numpy")(function)
    dispatcher._cache._cache_file._source_stamp = _STAMP  # type: ignore[attr-defined]  # noqa: SLF001 - numba has no public way to widen the stamp
    return cast("Function", dispatcher)


def interpreted(function: Function) -> Function:
    """Return the plain Python body of a compiled function, for numbers numba does not know, such as Decimal."""
    return cast("Function", function.py_func)  # type: ignore[attr-defined]
