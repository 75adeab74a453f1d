"""An instrument that only sends books still has quotes."""

import polars as pl
import pytest

from grinder_resources.gold.best_quotes import best_quotes
from tests.market_days import OPEN_NS, SECOND, books, quotes


def of(symbol: str, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(symbol=pl.lit(symbol))


def test_books_stand_in_where_no_quote_was_sent() -> None:
    """For that instrument alone; books of one that has quotes are not looked at."""
    sent = of("AAA", quotes([(1, 20_000)]))
    depth = pl.concat([of(symbol, books([(2, {99: 5, 98: 1}, {101: 7})])) for symbol in ("AAA", "BBB")])
    found = best_quotes(sent, pl.DataFrame({"venue": "demo", "symbol": ["AAA", "BBB"]}), lambda: depth)
    assert found.select("symbol", "ts_ns", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots").rows() == [
        ("AAA", OPEN_NS + SECOND, 9_999, 1, 10_001, 1),
        ("BBB", OPEN_NS + 2 * SECOND, 99, 5, 101, 7),
    ]


def test_books_are_not_read_where_quotes_are_there() -> None:
    """They are many times larger."""
    sent = quotes([(1, 20_000)])
    unread = best_quotes(sent, pl.DataFrame({"venue": ["demo"], "symbol": ["AAA"]}), lambda: pytest.fail("depth read"))
    assert unread.equals(sent)
