"""The one door to numba: compile a plain integer function, keep the machine code on disk.

A compiled function stays an ordinary Python function to readers and to the type checker. It takes int64 numbers,
arrays of int64, named tuples and records of them.

Numba throws cached code away when the function's own file changes. That is not enough here, because a caller contains
the code of its callees, wherever they are: the stamp is therefore a digest of every file that compiled code comes
from, and it is part of the cache's file names, so that code of other times is never opened.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import numba
from numba.core.caching import IndexDataCacheFile

Function = TypeVar("Function", bound=Callable[..., object])

COMPILED_FROM = (
    "contracts/bronze.py",
    "contracts/silver.py",
    "contracts/simulation.py",
    "features/rolling_kernel.py",
    "market/bars.py",
    "market/compiled.py",
    "market/flow.py",
    "market/kernel.py",
    "market/l1.py",
    "market/l2.py",
    "market/rounding.py",
    "market/state.py",
    "market/windows.py",
    "simulation/grid_fills.py",
    "simulation/grid_kernel.py",
    "simulation/grid_orders.py",
    "simulation/grid_state.py",
    "simulation/probes_kernel.py",
    "simulation/tape.py",
)
"""Files, relative to the package, whose functions or constants end up in machine code."""

_PACKAGE = Path(__file__).parents[1]
_STAMP = hashlib.sha256(b"".join((_PACKAGE / name).read_bytes() for name in COMPILED_FROM)).hexdigest()


def compiled(function: Function) -> Function:
    """Return `function` compiled on first call and cached on disk; divisors are never 0, so none is checked."""
    dispatcher = numba.njit(cache=True, error_model="numpy")(function)
    cache = dispatcher._cache  # type: ignore[attr-defined]  # noqa: SLF001 - numba has no public way to widen the stamp
    name = f"{cache._impl.filename_base}-{_STAMP[:16]}"  # noqa: SLF001 - the same
    cache._cache_file = IndexDataCacheFile(cache.cache_path, name, _STAMP)  # type: ignore[no-untyped-call]  # noqa: SLF001 - the same
    return cast("Function", dispatcher)


def interpreted(function: Function) -> Function:
    """Return the plain Python body of a compiled function, for numbers numba does not know, such as Decimal."""
    return cast("Function", function.py_func)  # type: ignore[attr-defined]
