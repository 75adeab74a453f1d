"""The best quotes of a day: those that were sent, and the best level of books where nothing else was.

Snapshots take the same for an instrument whose source sends books but no quotes (`market.snapshots`).
"""

from collections.abc import Callable

import polars as pl

from grinder_resources.market.events import quotes_from_depth

_INSTRUMENT = ["venue", "symbol"]


def best_quotes(quotes: pl.DataFrame, snapshots: pl.DataFrame, read_depth: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """Return `bronze/quotes` of a day, and quotes from books for every instrument that has snapshots but no quotes.

    read_depth
        Returns the day of `bronze/depth`, which is large: it is called only where such an instrument exists.
    """
    quoted = quotes.select(_INSTRUMENT).unique()
    booked = snapshots.select(_INSTRUMENT).unique().join(quoted, on=_INSTRUMENT, how="anti")
    if booked.is_empty():
        return quotes
    books = read_depth().join(booked, on=_INSTRUMENT, how="semi", maintain_order="left")
    return pl.concat([quotes, quotes_from_depth(books)])
