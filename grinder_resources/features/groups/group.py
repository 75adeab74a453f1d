"""What a feature group is, and short words to declare its columns."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from grinder_resources.contracts.table import Column, optional, required
from grinder_resources.features.moment import Moment, Row


@dataclass(frozen=True)
class Group:
    """Columns that belong together and the one function that fills them all.

    `needs` names groups whose columns the function reads from `Moment.done`; `reads_snapshots` says that it asks
    `silver/snapshots`, which no other group does.
    """

    name: str
    columns: tuple[Column, ...]
    compute: Callable[[Moment], Row]
    needs: tuple[str, ...] = ()
    reads_snapshots: bool = False


def number(name: str, doc: str, *, at_least: int | None = None, at_most: int | None = None) -> Column:
    """Return an int32 feature that always has a value."""
    return required(name, pl.Int32(), doc, at_least=at_least, at_most=at_most)


def maybe(name: str, doc: str, *, at_least: int | None = None, at_most: int | None = None) -> Column:
    """Return an int32 feature that may be null; `doc` says when."""
    return optional(name, pl.Int32(), doc, at_least=at_least, at_most=at_most)


def pressure(name: str, doc: str) -> Column:
    """Return an int32 feature within +-1000 that may be null."""
    return maybe(name, doc, at_least=-1000, at_most=1000)


def flag(name: str, doc: str) -> Column:
    """Return an int8 feature, 0 or 1, that always has a value."""
    return required(name, pl.Int8(), doc, at_least=0, at_most=1)


def maybe_lots(name: str, doc: str) -> Column:
    """Return an int64 feature in lots that may be null."""
    return optional(name, pl.Int64(), doc)
