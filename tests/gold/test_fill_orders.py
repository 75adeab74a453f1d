from decimal import Decimal

import polars as pl

from grinder_resources.contracts.instruments import Instrument
from grinder_resources.gold.fill_orders import distance_x1000, orders_at
from grinder_resources.gold.natr import natr_14_5m
from grinder_resources.gold.price_steps import with_price_steps

MINUTE_NS = 60_000_000_000
PENNY = Instrument("demo", "A", Decimal("0.01"), Decimal("0.1"))


def moments(*rows: tuple[int, int, int], step: int = 1) -> pl.DataFrame:
    """Return ts_ns, bid_ticks, ask_ticks of (minute, bid, ask)."""
    frame = pl.DataFrame(rows, schema=["ts_ns", "bid_ticks", "ask_ticks"], orient="row")
    return frame.with_columns(pl.col("ts_ns") * MINUTE_NS, step_ticks=pl.lit(step, pl.Int64))


def prices(bid: int, ask: int, minute: int = 0, step: int = 1) -> dict[int, int]:
    """Return the prices by distance asked for."""
    orders = orders_at(moments((minute, bid, ask), step=step), PENNY)
    return dict(orders.select("asked_bps", "price_ticks").iter_rows())


def test_prices_are_rounded_away_from_the_mid() -> None:
    """Mid 10001: 1 bps is 1.0001 ticks, 20 bps are 20.002; buys go down in even minutes, sales up in odd ones."""
    assert prices(10_000, 10_002) == {0: 10001, 1: 9999, 2: 9998, 3: 9997, 5: 9995, 8: 9992, 12: 9988, 20: 9980}
    assert prices(10_000, 10_002, minute=1) == {
        0: 10001, 1: 10003, 2: 10004, 3: 10005, 5: 10007, 8: 10010, 12: 10014, 20: 10022
    }  # fmt: skip


def test_distances_that_share_a_price_are_one_order() -> None:
    """Mid 1000.5: from 0 to 3 bps all round to 1000, from 5 to 12 bps to 999; the nearest stands for the others."""
    assert prices(1_000, 1_001) == {0: 1000, 5: 999, 20: 998}


def test_prices_stand_on_the_venues_step() -> None:
    """Quotes in cents and ticks of a hundredth of one: an order between two cents would overtake everybody."""
    quotes = pl.DataFrame({"bid_ticks": [141_800, 141_900], "ask_ticks": [142_000, 142_000]})
    assert with_price_steps(quotes)["step_ticks"].to_list() == [200, 100]
    assert with_price_steps(quotes.clear()).is_empty()
    assert prices(141_800, 141_900, step=100) == {0: 141_800, 5: 141_700, 12: 141_600, 20: 141_500}
    assert prices(141_800, 141_900, minute=1, step=100) == {0: 141_900, 5: 142_000, 12: 142_100, 20: 142_200}


def test_no_order_crosses_a_locked_market() -> None:
    """Bid and ask at 1000: the buy at the mid stays a tick below, the sale a tick above."""
    assert prices(1_000, 1_000)[0] == 999
    assert prices(1_000, 1_000, minute=1)[0] == 1_001


def test_an_order_is_worth_a_thousand_at_the_mid() -> None:
    """1,000 / (100.01 x 0.1) = 99.99 lots; where one lot is worth more, it is one."""
    sizes = orders_at(moments((0, 10_000, 10_002), (1, 20_000_000, 20_000_002)), PENNY)
    assert sizes.group_by("ts_ns", maintain_order=True).agg(pl.col("size_lots").unique())["size_lots"].to_list() == [
        [100],
        [1],
    ]


def test_distance_is_what_the_price_came_to_on_its_own_side() -> None:
    """9,999 against a mid of 10,001 is 2 bps for a buy; a buy beyond the mid is at no distance."""
    frame = pl.DataFrame({"side": [1, -1, 1, -1], "price": [9_999, 10_003, 10_002, 9_999]})
    found = frame.select(distance_x1000(pl.col("side"), pl.col("price"), pl.lit(20_002))).to_series()
    assert found.to_list() == [2_000, 2_000, 0, 0]


def bars(closes: list[int | None], start: int = 0) -> pl.DataFrame:
    """Return one-minute bars of one close each, in half ticks; high and low lie one beyond."""
    return pl.DataFrame(
        {
            "ts_ns": [(start + minute) * MINUTE_NS for minute in range(len(closes))],
            "high_half_ticks": [None if close is None else close + 1 for close in closes],
            "low_half_ticks": [None if close is None else close - 1 for close in closes],
            "close_half_ticks": closes,
        },
        schema=dict.fromkeys(("ts_ns", "high_half_ticks", "low_half_ticks", "close_half_ticks"), pl.Int64),
    )


def test_natr_needs_fifteen_bars_and_is_known_when_the_last_is_over() -> None:
    """Bars of range 2 at a close of 10,000: 2 bps; after 75 minutes, not after 74."""
    assert natr_14_5m(bars([10_000] * 75)).rows() == [(75 * MINUTE_NS, 2_000)]
    assert natr_14_5m(bars([10_000] * 70)).is_empty()


def test_natr_is_the_mean_true_range_over_the_last_close() -> None:
    """The last bar jumps by 100: (13 x 2 + 101) / 14 / 10,100, rounded half-even."""
    found = natr_14_5m(bars([10_000] * 70 + [10_100] * 5))
    assert found["natr_14_5m_x1000"].to_list() == [round((13 * 2 + 101) * 10**7 / (14 * 10_100))]


def test_natr_goes_on_over_a_gap_and_leaves_minutes_without_quotes_out() -> None:
    """The bar before the gap is the previous one; five minutes without a quote are no bar."""
    late = pl.concat([bars([10_000] * 70), bars([None] * 5, start=70), bars([10_000], start=500)])
    assert natr_14_5m(late).rows() == [(505 * MINUTE_NS, 2_000)]
