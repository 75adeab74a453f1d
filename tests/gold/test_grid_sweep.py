"""A sweep over a market written out by hand: one dip, one way back, and quiet windows after it."""

from dataclasses import replace

import polars as pl
import pytest

from grinder_resources.contracts.gold_grid import GRID_SWEEP
from grinder_resources.contracts.instruments import Instrument
from grinder_resources.contracts.simulation import Costs
from grinder_resources.gold.grid_sweep import sweep_rows
from grinder_resources.gold.lattice import LATTICE
from grinder_resources.market.snapshots import build_snapshots
from tests.market_days import DAY, INSTRUMENT, OPEN_NS, SECOND, books, quotes, trades

OTHER = Instrument(INSTRUMENT.venue, "BBB", INSTRUMENT.tick_size, INSTRUMENT.lot_size)
INSTRUMENTS = {(one.venue, one.symbol): one for one in (INSTRUMENT, OTHER)}


def mid(second: int) -> int:
    """100.00, 25 bps lower for the minute from 1:40 on, 5 bps higher for ten seconds after that."""
    return 19_950 if 100 <= second < 160 else 20_010 if 160 <= second < 170 else 20_000


@pytest.fixture(scope="module")
def market() -> tuple[pl.DataFrame, ...]:
    """Return snapshots, quotes and prints of two instruments, alike in everything, over twenty minutes."""
    one, prints, book = (
        quotes([(second, mid(second)) for second in range(1_202)]),
        trades([(1, 10_000, 1, 1)]),
        books([]),
    )
    both = [pl.concat([rows, rows.with_columns(symbol=pl.lit("BBB"))]) for rows in (one, prints)]
    return build_snapshots(*both, book, INSTRUMENTS, DAY), *both


@pytest.fixture(scope="module")
def swept(market: tuple[pl.DataFrame, ...]) -> pl.DataFrame:
    return sweep_rows(*market, INSTRUMENTS)


def test_every_window_has_every_grid_of_every_instrument(swept: pl.DataFrame) -> None:
    """Windows start at 0:00, 0:05 and 0:10 and last ten minutes; later ones would reach past the quotes."""
    assert swept.schema == GRID_SWEEP.schema
    assert swept.group_by("symbol", "ts_ns", maintain_order=True).len().rows() == [
        (symbol, OPEN_NS + minute * 60 * SECOND, 36) for symbol in ("AAA", "BBB") for minute in (0, 5, 10)
    ]
    assert (swept["window_end_ns"] - swept["ts_ns"]).unique().to_list() == [600 * SECOND]
    assert set(swept["grid"]) == {*LATTICE, "rules"}


def test_a_round_trip_by_hand(swept: pl.DataFrame) -> None:
    """20 lots bought at 99.80 and sold at 100.00 earn 400 tick-lots less fees of 79.92, out of 160 lots at 100.

    Between the samples its money moves by -139.92 and +460 tick-lots: -874 and 2875 in bps x 1000 of 1,600,000.
    """
    row = swept.filter(pl.col("grid") == "s20_l4_u2").row(0, named=True)
    assert {name: row[name] for name in GRID_SWEEP.schema.names()[6:]} == {
        "spacing_x1000": 20_000,
        "levels": 4,
        "size_units": 2,
        "size_lots": 20,
        "price_step_ticks": 1,
        "pnl_x1000": 2_000,
        "fees_x1000": 500,
        "max_drawdown_x1000": 874,
        "squares": 874**2 + 2_875**2,
        "round_trip_x1000": 2_000,
        "round_trips": 1,
        "maker_fills": 2,
        "orders": 10,
        "orders_filled": 2,
    }


def test_what_trading_costs_is_what_it_is_told(swept: pl.DataFrame, market: tuple[pl.DataFrame, ...]) -> None:
    """Without fees the round trip by hand earns 400 tick-lots, 2,500 in bps x 1000; no line stands anywhere else."""
    free = sweep_rows(*market, INSTRUMENTS, Costs(maker_fee_ppm=0, taker_fee_ppm=0))
    assert free.filter(pl.col("grid") == "s20_l4_u2").select("pnl_x1000", "fees_x1000").row(0) == (2_500, 0)
    assert free["maker_fills"].equals(swept["maker_fills"])


def test_the_rules_grid_is_simulated_like_any_other(swept: pl.DataFrame) -> None:
    """Before there is an ATR the rules ask for 5 bps and 4 lines: what that grid of the lattice earns."""
    numbers = swept.columns[6:]
    rules, same = (swept.filter(pl.col("grid") == name).select(numbers) for name in ("rules", "s5_l4_u1"))
    assert rules.equals(same)


def test_orders_stand_on_the_steps_of_the_venue(market: tuple[pl.DataFrame, ...], swept: pl.DataFrame) -> None:
    """The same market in ticks a hundred times finer earns the same, for nobody can stand between its cents."""
    snapshots, quoted, printed = market
    fine = (
        snapshots.with_columns(pl.col("mid_half_ticks") * 100),
        quoted.with_columns(pl.col("bid_ticks") * 100, pl.col("ask_ticks") * 100),
        printed.with_columns(pl.col("price_ticks") * 100),
    )
    units = {key: replace(one, tick_size=one.tick_size / 100) for key, one in INSTRUMENTS.items()}
    rows = sweep_rows(*fine, units)
    assert rows["price_step_ticks"].unique().to_list() == [100]
    assert rows.drop("price_step_ticks").equals(swept.drop("price_step_ticks"))


def test_nothing_moves_in_a_quiet_window(swept: pl.DataFrame) -> None:
    """Without a print or a move nobody is filled, whatever the grid."""
    quiet = swept.filter(pl.col("ts_ns") > OPEN_NS)
    assert quiet.select("pnl_x1000", "fees_x1000", "squares", "maker_fills").unique().rows() == [(0, 0, 0, 0)]


def test_instruments_do_not_see_each_other(swept: pl.DataFrame, market: tuple[pl.DataFrame, ...]) -> None:
    """Alike in everything they earn the same, and one alone earns what it does beside the other."""
    one, other = (swept.filter(pl.col("symbol") == symbol).drop("symbol") for symbol in ("AAA", "BBB"))
    assert one.equals(other)
    alone = [rows.filter(pl.col("symbol") == "BBB") for rows in market]
    assert sweep_rows(*alone, INSTRUMENTS).drop("symbol").equals(other)


def test_no_snapshots_give_no_rows(market: tuple[pl.DataFrame, ...]) -> None:
    """In the table's columns."""
    snapshots, *rest = market
    assert sweep_rows(snapshots.clear(), *rest, INSTRUMENTS).equals(GRID_SWEEP.empty())


def test_an_instrument_without_quotes_has_no_rows(swept: pl.DataFrame, market: tuple[pl.DataFrame, ...]) -> None:
    """Snapshots come from books as well, which nothing is simulated on; the other instrument is swept as ever."""
    snapshots, quoted, printed = market
    rows = sweep_rows(snapshots, quoted.filter(pl.col("symbol") == "BBB"), printed, INSTRUMENTS)
    assert rows.equals(swept.filter(pl.col("symbol") == "BBB"))
