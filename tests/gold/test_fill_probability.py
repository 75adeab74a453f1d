from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from grinder_resources.contracts.bronze import ORDERS, QUOTES, TRADES
from grinder_resources.contracts.gold_fills import FILL_DATASET, FILL_INPUTS
from grinder_resources.contracts.instruments import Instrument
from grinder_resources.contracts.silver import BARS, SNAPSHOTS
from grinder_resources.contracts.validation import schema_failures
from grinder_resources.gold.fill_probability import MarketDay, fill_rows
from grinder_resources.learning.fills import select_fill_inputs
from grinder_resources.learning.selection import LABEL_PATTERN

DAY = date(2025, 3, 3)
NOON_NS = 1_741_003_200_000_000_000
SECOND = 1_000_000_000
COIN = Instrument("demo", "A", Decimal("0.01"), Decimal("0.1"))
Row = dict[str, Any]


def frame(schema: pl.Schema, rows: list[Row]) -> pl.DataFrame:
    """Return rows of a table; what they do not say is 1, or null where a time may be."""
    fixed: Row = {"date": DAY, "venue": "demo", "symbol": "A", "gap": False, "book_ts_ns": None, "trade_ts_ns": None}
    whole = [{name: row.get(name, fixed.get(name, 1)) for name in schema} for row in rows]
    return pl.DataFrame(whole, schema=schema, orient="row")


def quote(second: float, bid: int, ask: int, bid_lots: int = 300, ask_lots: int = 500) -> Row:
    ts = NOON_NS + round(second * SECOND)
    return {"ts_ns": ts, "bid_ticks": bid, "bid_lots": bid_lots, "ask_ticks": ask, "ask_lots": ask_lots}


def snapshot(minute: int, **facts: Any) -> Row:
    ts = NOON_NS + minute * 60 * SECOND
    signed = {"ofi_zscore_x1000": 700, "depth_imbalance_topN_bps": -40, "ret_60s_x1000": 90, "volume_60s_lots": 250}
    return {"ts_ns": ts, "quote_ts_ns": ts, **signed, **facts}


def steady(until: float) -> list[Row]:
    """Return one quote every 10 s: 9,999 / 10,001."""
    return [quote(second, 9_999, 10_001) for second in range(-10, round(until) + 1, 10)]


def rows_of(
    quotes: list[Row],
    trades: Sequence[Row] = (),
    snapshots: Sequence[Row] = (),
    orders: Sequence[Row] = (),
) -> pl.DataFrame:
    """Return the fill rows of an afternoon without bars before it, with a snapshot at noon unless others are given."""
    market = MarketDay(
        day=DAY,
        snapshots=frame(SNAPSHOTS.schema, list(snapshots) or [snapshot(0)]),
        bars=BARS.empty(),
        quotes=frame(QUOTES.schema, [{**row, "seq": number} for number, row in enumerate(quotes)]),
        trades=frame(TRADES.schema, [{**row, "trade_id": None} for row in trades]),
        orders=frame(ORDERS.schema, [{**row, "seq": number} for number, row in enumerate(orders)]),
        instruments={("demo", "A"): COIN},
    )
    rows = fill_rows(market)
    assert not schema_failures(FILL_DATASET, rows)
    return rows


def one(rows: pl.DataFrame, order: str) -> Row:
    return rows.filter(pl.col("order_id") == order).row(0, named=True)


def test_an_order_knows_its_distance_the_spread_and_who_stands_in_front() -> None:
    """The buy at the mid rests in the middle of 2 ticks, the next one at the best behind 300 lots of 100 each."""
    rows = rows_of(steady(300))
    near, best, deep = one(rows, "B0"), one(rows, "B1"), one(rows, "B5")
    assert [near[name] for name in ("price_ticks", "size_lots", "side", "asked_bps")] == [10_000, 100, 1, 0]
    assert [row["distance_bps_x1000"] for row in (near, best, deep)] == [0, 1_000, 5_000]
    assert [row["queue_in_front_x1000"] for row in (near, best, deep)] == [0, 3_000, None]
    assert {row["spread_bps_x1000"] for row in (near, best, deep)} == {2_000}
    assert near["volume_60s_x1000"] == 2_500
    assert near["natr_14_5m_x1000"] is None


@pytest.mark.parametrize(("minute", "order", "sign"), [(0, "B1", -1), (1, "S1", 1)])
def test_pressure_is_turned_towards_the_orders_side(minute: int, order: str, sign: int) -> None:
    """Buying pressure fills sales: it stands against a buy."""
    row = one(rows_of(steady(400), snapshots=[snapshot(minute)]), order)
    names = ("ofi_zscore_x1000", "depth_imbalance_bps", "ret_60s_x1000")
    assert [row[name] for name in names] == [sign * 700, sign * -40, sign * 90]


def test_labels_say_within_which_horizons_it_was_filled_and_when() -> None:
    """A print through the price after 30 s and a nanosecond: in 60 s, not in 30 s; the time is rounded up."""
    through = {"ts_ns": NOON_NS + 30 * SECOND + 1, "price_ticks": 9_990, "size_lots": 1, "aggressor": -1}
    rows = rows_of(steady(300), [through])
    names = ("filled_10s", "filled_30s", "filled_60s", "filled_300s", "time_to_fill_ms", "label_watched_ms")
    assert [one(rows, "B1")[name] for name in names] == [0, 0, 1, 1, 30_001, 300_000]
    assert [one(rows, "B20")[name] for name in names] == [0, 0, 0, 0, None, 300_000]
    assert one(rows, "B1")["label_end_ns"] - NOON_NS == 300 * SECOND


def test_what_could_not_be_watched_has_no_label_filled_or_not() -> None:
    """Quotes end after 50 s: the fill at 5 s says nothing of 60 s, for an unfilled order would not either."""
    through = {"ts_ns": NOON_NS + 5 * SECOND, "price_ticks": 9_990, "size_lots": 1, "aggressor": -1}
    rows = rows_of(steady(50), [through])
    names = ("filled_10s", "filled_30s", "filled_60s", "filled_300s", "label_cross_60s_x1000", "label_watched_ms")
    assert [one(rows, "B1")[name] for name in names] == [1, 1, None, None, None, 50_000]
    assert [one(rows, "B20")[name] for name in names] == [0, 0, None, None, None, 50_000]
    assert one(rows, "B1")["time_to_fill_ms"] == 5_000
    assert rows_of(steady(9)).is_empty()


def test_giving_up_costs_what_the_market_takes_then() -> None:
    """After 60 s the quote is 10,004 / 10,006: the buyer pays 6 ticks over the mid of 10,000, the seller gets 4."""
    moved = [*steady(50), *(quote(second, 10_004, 10_006) for second in range(60, 400, 10))]
    assert one(rows_of(moved), "B20")["label_cross_60s_x1000"] == 6_000
    later = [*steady(110), *(quote(second, 10_004, 10_006) for second in range(120, 400, 10))]
    assert one(rows_of(later, snapshots=[snapshot(1)]), "S20")["label_cross_60s_x1000"] == -4_000


def test_no_order_is_placed_behind_a_gap_or_between_minutes() -> None:
    """Windows of such a snapshot reach over what nobody saw."""
    rows = rows_of(steady(400), snapshots=[snapshot(0, gap=True), {**snapshot(0), "ts_ns": NOON_NS + SECOND}])
    assert rows.is_empty()


@pytest.mark.parametrize("newest", ["quote_ts_ns", "trade_ts_ns", "book_ts_ns"])
def test_the_watermark_is_the_newest_row_behind_the_inputs(newest: str) -> None:
    """Print, quote or book of the snapshot, three seconds before noon; the quote in force is ten seconds old."""
    quotes = [row for row in steady(300) if row["ts_ns"] != NOON_NS]
    behind = dict.fromkeys(("quote_ts_ns", "trade_ts_ns", "book_ts_ns"), NOON_NS - 9 * SECOND)
    rows = rows_of(quotes, snapshots=[snapshot(0, **behind | {newest: NOON_NS - 3 * SECOND})])
    assert rows["watermark_ns"].unique().to_list() == [NOON_NS - 3 * SECOND]


def event(order: str, second: float, what: str, filled: int = 0, price: int = 9_998) -> Row:
    """Return an event of a buy of 20 lots."""
    ts, terms = NOON_NS + round(second * SECOND), {"order_id": order, "side": 1, "price_ticks": price, "size_lots": 20}
    return {
        "ts_ns": ts,
        "event": what,
        "filled_lots": filled,
        "fill_ticks": price if what == "filled" else None,
        **terms,
    }


def test_a_real_order_is_described_by_the_snapshot_before_it() -> None:
    """Half a second old; its price came first, so no distance was asked for; 300 lots in front are 15 times its own."""
    life = [event("g-1", 0.5, "placed", price=9_999), event("g-1", 40.5, "filled", 20, price=9_999)]
    row = one(rows_of(steady(310), orders=life), "g-1")
    names = ("source", "asked_bps", "side", "distance_bps_x1000", "queue_in_front_x1000", "ofi_zscore_x1000")
    assert [row[name] for name in names] == ["order", None, 1, 1_000, 15_000, -700]
    labels = ("filled_10s", "filled_30s", "filled_60s", "filled_300s", "time_to_fill_ms", "label_cross_60s_x1000")
    assert [row[name] for name in labels] == [0, 0, 1, 1, 40_000, None]


def test_a_real_order_that_was_taken_away_was_watched_until_then() -> None:
    """30 s later nobody knows; one that is still open was watched to the last quote, and part fills are no fills."""
    lives = [event("g-1", 0, "placed"), event("g-1", 35, "cancelled"), event("g-2", 0, "placed")]
    lives += [event("g-3", 0, "placed"), event("g-3", 12, "part", 5), event("g-4", 0, "placed")]
    lives += [event("g-4", 9, "cancelled")]
    rows = rows_of(steady(70), orders=lives)
    labels = ("filled_10s", "filled_30s", "filled_60s", "filled_300s", "label_watched_ms")
    assert [one(rows, "g-1")[name] for name in labels] == [0, 0, None, None, 35_000]
    assert [one(rows, "g-2")[name] for name in labels] == [0, 0, 0, None, 70_000]
    assert [one(rows, "g-3")[name] for name in labels] == [0, 0, 0, None, 70_000]
    assert "g-4" not in rows["order_id"]


def test_a_real_fill_says_nothing_of_what_came_after_the_quotes() -> None:
    """Filled at 40 s, quotes end at 50 s: an order that was still open then would say nothing of 60 s either."""
    lives = [event("g-1", 0, "placed"), event("g-1", 40, "filled", 20)]
    lives += [event("g-2", 0, "placed"), event("g-2", 55, "filled", 20)]
    rows = rows_of(steady(50), orders=lives)
    names = ("filled_30s", "filled_60s", "time_to_fill_ms", "label_watched_ms")
    assert [one(rows, "g-1")[name] for name in names] == [0, None, 40_000, 50_000]
    assert [one(rows, "g-2")[name] for name in names] == [0, None, None, 50_000]


def test_a_real_order_that_takes_or_that_nobody_describes_has_no_row() -> None:
    """A buy at the ask does not rest; two seconds after noon there is no snapshot of the last second."""
    lives = [event("takes", 0, "placed", price=10_001), event("late", 2, "placed"), event("lost", 0, "cancelled")]
    assert set(rows_of(steady(300), orders=lives)["source"]) == {"probe"}


def test_every_column_is_an_input_or_can_be_none() -> None:
    """No label is called like an input, and the model reads nothing but what is known of an order."""
    chosen = select_fill_inputs(FILL_DATASET.schema)
    assert chosen.numeric == tuple(column.name for column in FILL_INPUTS)
    assert not [name for name in chosen.numeric if LABEL_PATTERN.match(name)]
    told = {name for name in FILL_DATASET.schema if name.startswith(("filled_", "label_", "time_to_"))}
    assert {"filled_10s", "time_to_fill_ms", "label_watched_ms", "label_cross_60s_x1000", "label_end_ns"} <= told
    assert all(LABEL_PATTERN.match(name) for name in told)
