"""A replay is made twice, by two runtimes opened afresh, and counts only if both say the same."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import polars as pl

from grinder_resources.errors import NotDeterministic
from grinder_resources.replay.decisions import Decide, Instruments, digest, replay

OpenRuntime = Callable[[], AbstractContextManager[Decide]]
"""Opens a runtime that has seen nothing yet."""


def replay_twice(rows: pl.DataFrame, instruments: Instruments, open_runtime: OpenRuntime) -> pl.DataFrame:
    """Return `reports/shadow_replay/decisions` of one day, found equal in two replays.

    Raises NotDeterministic naming the first decision that differs, and what `replay` raises.
    """
    with open_runtime() as decide:
        first = replay(rows, instruments, decide)
    with open_runtime() as decide:
        second = replay(rows, instruments, decide)
    if digest(first) != digest(second):
        _refuse(first, second)
    return first


def _refuse(first: pl.DataFrame, second: pl.DataFrame) -> None:
    differing = (first["decision_hash"] != second["decision_hash"]).arg_max()
    one, other = first.row(differing or 0, named=True), second.row(differing or 0, named=True)
    raise NotDeterministic(
        "two replays of the same day decided differently",
        where=f"{one['venue']}:{one['symbol']} at {one['ts_ms']}",
        got=_differences(other, one),
        expected=_differences(one, other),
    )


def _differences(row: dict[str, object], other: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items() if value != other[name])
