"""Fresh processes for work that needs them; no heavy library is imported here.

polars and numba fix the size of their thread pools when they are imported, so another number of threads takes another
process, and the number has to be set there before anything else happens.
"""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

POOLS = ("POLARS_MAX_THREADS", "NUMBA_NUM_THREADS")

P = ParamSpec("P")
T = TypeVar("T")


def in_fresh_process(threads: int | None, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return `work(*args, **kwargs)` from a process whose pools hold `threads` threads; None leaves them as they are.

    What `work` raises is raised here.
    """
    with ProcessPoolExecutor(
        1, mp_context=get_context("spawn"), initializer=_fix_pools, initargs=(threads,)
    ) as process:
        return process.submit(work, *args, **kwargs).result()


def _fix_pools(threads: int | None) -> None:
    if threads is not None:
        os.environ.update(dict.fromkeys(POOLS, str(threads)))
