"""silver/bars: the bot's bars beside the tape's totals."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from grinder_resources.contracts.bronze import QUOTES, TRADES
from grinder_resources.contracts.silver import BARS
from grinder_resources.errors import OutOfRange
from grinder_resources.market.bars import build_bars
from tests.market.days import MIDNIGHT, SECOND, quotes_at, random_day, trades_at


def test_golden_bars():
    """Two minutes of quotes, one of trades alone, one empty."""
    quotes = quotes_at([1, 20, 59, 60, 61], [1000, 1004, 998, 1001, 1002], [1001, 1006, 999, 1002, 1003])
    trades = trades_at([30, 130, 140], [5, 2, 3], [1, -1, 0], price=[1000, 1002, 999])
    columns = [name for name in BARS.schema.names() if name not in ("date", "venue", "symbol")]
    rows = build_bars(quotes, trades).select(columns).rows()
    assert [(row[0] - MIDNIGHT) // (60 * SECOND) for row in rows] == [0, 1, 2]
    assert [row[1:] for row in rows] == [
        (2001, 2010, 1997, 1997, 3, 5, 5, 0, 5000, 1),
        (2003, 2005, 2003, 2005, 2, 0, 0, 0, 0, 0),
        (None, None, None, None, 0, 5, 0, 2, 5001, 2),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_price_bars_equal_a_plain_group_by(seed):
    """On a day in time order the fold gives what grouping by minute gives."""
    quotes, _, _ = random_day(seed)
    mid = pl.col("bid_ticks") + pl.col("ask_ticks")
    expected = (
        quotes.group_by(pl.col("ts_ns") - pl.col("ts_ns") % (60 * SECOND))
        .agg(
            mid.first().alias("open_half_ticks"),
            mid.max().alias("high_half_ticks"),
            mid.min().alias("low_half_ticks"),
            mid.last().alias("close_half_ticks"),
            pl.len().cast(pl.Int64).alias("quote_ticks"),
        )
        .sort("ts_ns")
    )
    assert_frame_equal(build_bars(quotes, TRADES.empty()).select(expected.columns), expected)


def test_nothing_gives_nothing():
    """No events, no bars."""
    assert build_bars(QUOTES.empty(), TRADES.empty()).equals(BARS.empty())


def test_a_notional_beyond_int64_is_refused():
    """A sum that would wrap is refused."""
    with pytest.raises(OutOfRange, match="notional"):
        build_bars(QUOTES.empty(), trades_at([1], [1 << 40], [1], price=[1 << 40]))
