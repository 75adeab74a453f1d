"""The bot's 15 numbers from a quote and the bars before it: literal values, and nothing of what comes later."""

from decimal import Decimal

import polars as pl

from grinder_resources.contracts.bot import FEATURE_ORDER, FEATURE_ORDER_HASH, NOT_MARKET_DATA
from grinder_resources.contracts.bronze import QUOTES
from grinder_resources.contracts.gold import REGIME_LABEL
from grinder_resources.contracts.gold_bot import REGIME_BOT_DATASET
from grinder_resources.contracts.instruments import Instrument
from grinder_resources.contracts.silver import BARS, SNAPSHOTS
from grinder_resources.learning.regime import regime_rows
from grinder_resources.learning.regime_bot import regime_bot_rows
from tests.learning.test_regime import NOON_NS, SECOND_NS, snapshots

MINUTE_NS = 60 * SECOND_NS
INSTRUMENTS = {("demo", name): Instrument("demo", name, Decimal("0.1"), Decimal("0.001")) for name in ("A", "B")}

BARS_BY_START = {
    -25 * 60: (7_000, 1_000),
    -62: (10_000, 2_000),
    -61: (20_000, 3_000),
    -31: (20_200, 4_000),
    -20: (None, 500),
    -1: (20_100, 5_000),
    0: (30_000, 6_000),
}
"""Close in half ticks and notional in tick lots by the minute a bar starts, counted from noon."""


def filled(table: pl.Schema, rows: list[dict[str, object]]) -> pl.DataFrame:
    """Return rows of a table; what is not said is 1."""
    stated = [{name: row.get(name, 1) for name in table} for row in rows]
    return pl.DataFrame(stated, schema_overrides={"close_half_ticks": pl.Int64()}).select(
        pl.col(name).cast(dtype) for name, dtype in table.items()
    )


def bars(symbol: str = "A", by_start: dict[int, tuple[int | None, int]] = BARS_BY_START) -> pl.DataFrame:
    """Return bars of an instrument."""
    rows = [
        {
            "date": 20_150,
            "venue": "demo",
            "symbol": symbol,
            "ts_ns": NOON_NS + start * MINUTE_NS,
            "close_half_ticks": close,
            "notional_tick_lots": notional,
        }
        for start, (close, notional) in by_start.items()
    ]
    return filled(BARS.schema, rows)


def quotes(symbol: str = "A") -> pl.DataFrame:
    """Return two quotes at the time that every made-up snapshot names; the second is in force."""
    each = {"date": 20_150, "venue": "demo", "symbol": symbol, "ts_ns": 1}
    return filled(
        QUOTES.schema,
        [{**each, "bid_ticks": 1, "ask_ticks": 2}, {**each, "seq": 2, "bid_ticks": 9_990, "ask_ticks": 10_010}],
    )


def made(bar_rows: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return the rows at noon and a minute later, of a mid of 20,000 half ticks."""
    known = bars() if bar_rows is None else bar_rows
    return regime_bot_rows(snapshots([20_000] * 121), quotes(), known, INSTRUMENTS)


def test_the_order_of_the_bot_has_the_hash_its_data_sets_name() -> None:
    """15 names, hashed as the bot's tools do."""
    assert len(FEATURE_ORDER) == 15
    assert FEATURE_ORDER_HASH == "cc836e0d5383abd9"
    assert REGIME_BOT_DATASET.schema.names()[5:20] == list(FEATURE_ORDER)


def test_every_number_of_a_row() -> None:
    """At noon the closes of the hour are 20000, 20200, 20100; those of the day begin with 10000."""
    assert made().row(0, named=True) | {"date": None} == {
        "date": None,
        "venue": "demo",
        "symbol": "A",
        "ts_ns": NOON_NS,
        "watermark_ns": 1,
        "price_mid": 1000.0,
        "price_bid": 999.0,
        "price_ask": 1001.0,
        "spread_bps": 1,
        "volume_24h": 1.45,  # (2000 + 3000 + 4000 + 500 + 5000) tick lots of 0.0001
        "volume_1h": 0.95,
        "volatility_1h_bps": 111,  # returns of 100 and -49.505 bps
        "volatility_24h_bps": 10_000,  # and one of 10,000 bps
        "position_size": 0,
        "position_notional": 0,
        "position_pnl_bps": 0,
        "grid_levels_active": 0,
        "grid_utilization_pct": 0,
        "trend_strength": 1 / 3,
        "momentum_1h": 50,
        "range_60s_x1000": 1,
        "range_60s_forward_x1000": 0,
        "label_end_ns": NOON_NS + MINUTE_NS,
    }


def test_a_minute_later_the_windows_have_moved_on() -> None:
    """The close of noon's bar is known, the one of 10:59 has left the hour."""
    later = made().row(1, named=True)
    assert [later[name] for name in ("volume_1h", "trend_strength", "momentum_1h")] == [1.55, 0.98, 4851]
    assert later["volatility_1h_bps"] == 4925  # returns of -49.505 and 4925.373 bps


def test_a_bar_that_is_not_over_changes_nothing() -> None:
    """Whatever a later bar will say, the row at noon is the same."""
    others = BARS_BY_START | {0: (1, 9), 1: (2, 9)}
    assert made(bars(by_start=others)).row(0) == made().row(0)
    assert made(bars(by_start=others)).row(1) != made().row(1)


def test_without_the_day_before_a_window_holds_what_there_is() -> None:
    """One close has no return; before the first one everything that moves is 0."""
    first = made(bars(by_start={-1: (20_100, 5_000), 0: (20_301, 0)}))
    moving = ["volatility_1h_bps", "volatility_24h_bps", "trend_strength", "momentum_1h", "volume_24h"]
    assert first.select(moving).rows() == [(0, 0, 0.0, 0, 0.5), (100, 100, 1.0, 100, 0.5)]
    assert made(bars(by_start={0: (20_100, 5_000)})).select(moving).row(0) == (0, 0, 0.0, 0, 0.0)


def test_a_close_that_left_the_window_is_not_looked_at() -> None:
    """After an hour of silence the hour knows one close, the day two."""
    row = made(bars(by_start={-90: (20_000, 1), -70: (20_200, 1)})).row(0, named=True)
    hour = [row[name] for name in ("volatility_1h_bps", "trend_strength", "momentum_1h", "volume_1h")]
    assert hour == [0, 0.0, 0, 0.0]
    assert row["volatility_24h_bps"] == 100


def test_a_falling_price_has_a_negative_trend() -> None:
    """A straight fall is -1."""
    row = made(bars(by_start={-3: (20_000, 1), -2: (19_900, 1), -1: (19_800, 1)})).row(0, named=True)
    assert (row["trend_strength"], row["momentum_1h"]) == (-1.0, -100)


def test_instruments_do_not_mix() -> None:
    """Rows of two instruments are those of each alone, in any order of the bars."""
    both = regime_bot_rows(
        pl.concat([snapshots([20_000] * 121), snapshots([20_000] * 121, symbol="B")]),
        pl.concat([quotes(), quotes("B")]),
        pl.concat([bars("B", {-1: (5, 5)}), bars()]).sample(fraction=1.0, shuffle=True, seed=1),
        INSTRUMENTS,
    )
    assert both.filter(pl.col("symbol") == "A").equals(made())
    assert both.filter(pl.col("symbol") == "B")["volume_1h"].to_list() == [0.0005, 0.0005]


def test_rows_and_labels_are_those_of_the_regime_dataset() -> None:
    """The same minutes, asked the same question; what only a running bot knows is 0."""
    market = snapshots([20_000 + second % 7 for second in range(400)])
    rows = regime_bot_rows(market, quotes(), bars(), INSTRUMENTS)
    shared = ["date", "venue", "symbol", "ts_ns", "watermark_ns", "spread_bps", "range_60s_x1000", REGIME_LABEL]
    assert rows.select(shared).equals(regime_rows(market).select(shared))
    assert rows.select(sorted(NOT_MARKET_DATA)).sum().row(0) == (0, 0, 0, 0, 0)


def test_no_snapshots_give_no_rows() -> None:
    """In the table's columns."""
    nothing = regime_bot_rows(SNAPSHOTS.empty(), QUOTES.empty(), BARS.empty(), {})
    assert nothing.equals(REGIME_BOT_DATASET.empty())
