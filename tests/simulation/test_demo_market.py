"""The demo market writes files that look like a real source's, and hides a state that can be found."""

from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from grinder_resources.errors import OutOfRange, UnknownName
from grinder_resources.simulation.demo_config import REGIMES, DemoConfig, demo_instrument
from grinder_resources.simulation.demo_day import DemoDay
from grinder_resources.simulation.demo_market import demo_days, write_demo_landing

DAY = date(2025, 1, 6)
MIDNIGHT_US = 1_736_121_600_000_000
ONE_HOUR = DemoConfig(hours=1.0)
SIDES = ("asks", "bids")
BOOK_COLUMNS = [f"{side}[{level}].{what}" for level in range(25) for side in SIDES for what in ("price", "amount")]


@cache
def whole_day(symbol: str = "DEMOUSDT") -> DemoDay:
    """One full day with seed 7."""
    return next(demo_days(symbol, 1, 7, DAY, DemoConfig()))


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`, hidden ones included."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def ticks(frame: pl.DataFrame, column: str, decimals: int) -> npt.NDArray[np.int64]:
    """Return a decimal column as whole ticks; refuse a number that is off the grid."""
    scaled = frame[column].to_numpy() * 10**decimals
    whole: npt.NDArray[np.int64] = np.rint(scaled).astype(np.int64)
    assert np.abs(scaled - whole).max() < 1e-6
    return whole


def test_the_files_of_a_day_carry_tardis_names_and_the_truth_is_hidden(tmp_path: Path) -> None:
    """Three files a symbol and day, named as the tardis reader expects, and a dot folder beside them."""
    written = write_demo_landing(tmp_path, days=1, symbols=("DEMOUSDT",), config=ONE_HOUR)
    assert [path.name for path in written] == [
        "demo_trades_2025-01-06_DEMOUSDT.csv.gz",
        "demo_quotes_2025-01-06_DEMOUSDT.csv.gz",
        "demo_book_snapshot_25_2025-01-06_DEMOUSDT.csv.gz",
    ]
    assert sorted(bytes_of(tmp_path)) == sorted(
        [path.name for path in written] + [".truth/demo_regime_2025-01-06_DEMOUSDT.parquet"]
    )


def test_the_columns_are_those_of_tardis(tmp_path: Path) -> None:
    """Header names and order are the ones Tardis documents for trades, quotes and book_snapshot_25."""
    stamps = ["exchange", "symbol", "timestamp", "local_timestamp"]
    trades, quotes, books = (
        pl.read_csv(path) for path in write_demo_landing(tmp_path, days=1, symbols=("GRINDUSDT",), config=ONE_HOUR)
    )
    assert trades.columns == [*stamps, "id", "side", "price", "amount"]
    assert quotes.columns == [*stamps, "ask_amount", "ask_price", "bid_price", "bid_amount"]
    assert books.columns == [*stamps, *BOOK_COLUMNS]
    assert trades.select("exchange", "symbol").unique().rows() == [("demo", "GRINDUSDT")]


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    """Two runs agree on every byte, and a shorter run with fewer symbols agrees on the files it has."""
    for name, days, symbols in (
        ("one", 2, ("DEMOUSDT", "GRINDUSDT")),
        ("two", 2, ("DEMOUSDT", "GRINDUSDT")),
        ("short", 1, ("GRINDUSDT",)),
    ):
        write_demo_landing(tmp_path / name, days=days, symbols=symbols, config=ONE_HOUR)
    one, two, short = (bytes_of(tmp_path / name) for name in ("one", "two", "short"))
    assert one == two
    assert len(one) == 16
    assert short == {name: one[name] for name in short}


def test_another_seed_writes_another_market(tmp_path: Path) -> None:
    """No data file of seed 8 equals its namesake of seed 7."""
    seven, eight = (
        [path.read_bytes() for path in write_demo_landing(tmp_path / str(seed), days=1, seed=seed, config=ONE_HOUR)]
        for seed in (7, 8)
    )
    assert all(left != right for left, right in zip(seven, eight, strict=True))


@pytest.mark.parametrize("symbol", ["DEMOUSDT", "GRINDUSDT"])
def test_a_full_day_has_a_believable_number_of_rows(symbol: str) -> None:
    """30-40 thousand quotes, 10-15 thousand prints, 15-25 thousand books."""
    day = whole_day(symbol)
    assert 30_000 < day.quotes.height < 40_000
    assert 10_000 < day.trades.height < 15_000
    assert 15_000 < day.book_snapshot_25.height < 25_000


@pytest.mark.parametrize("table", ["trades", "quotes", "book_snapshot_25"])
def test_times_ascend_within_the_day_and_are_received_later(table: str) -> None:
    """Microseconds of the UTC day, sorted; only prints of one order share an instant."""
    frame = getattr(whole_day(), table)
    times, received = frame["timestamp"].to_numpy(), frame["local_timestamp"].to_numpy()
    assert times[0] >= MIDNIGHT_US
    assert times[-1] < MIDNIGHT_US + 86_400_000_000
    assert (np.diff(times) >= (0 if table == "trades" else 1)).all()
    assert (np.diff(received) >= 0).all()
    assert (received > times).all()


@pytest.mark.parametrize("symbol", ["DEMOUSDT", "GRINDUSDT"])
def test_quotes_are_on_the_grid_and_never_locked_or_crossed(symbol: str) -> None:
    """Ask exceeds bid by at least a tick; sizes are whole lots, at least one."""
    quotes, instrument = whole_day(symbol).quotes, demo_instrument(symbol)
    bid, ask = (ticks(quotes, f"{side}_price", instrument.price_decimals) for side in ("bid", "ask"))
    assert (ask - bid).min() >= 1
    assert bid.min() > 0
    assert min(ticks(quotes, f"{side}_amount", instrument.lot_decimals).min() for side in ("bid", "ask")) >= 1


def test_books_have_25_ordered_levels_and_start_with_the_quote_of_their_instant() -> None:
    """Prices fall away from the best strictly, sizes are positive, and level 0 is that instant's quote."""
    day = whole_day()
    books = day.book_snapshot_25
    ask, bid = (np.column_stack([ticks(books, f"{side}[{level}].price", 2) for level in range(25)]) for side in SIDES)
    assert (np.diff(ask, axis=1) >= 1).all()
    assert (np.diff(bid, axis=1) <= -1).all()
    assert all(ticks(books, f"{side}[{level}].amount", 3).min() >= 1 for level in range(25) for side in SIDES)
    best = books.select(
        "timestamp", "local_timestamp",
        ask_price="asks[0].price", ask_amount="asks[0].amount", bid_price="bids[0].price", bid_amount="bids[0].amount",
    )  # fmt: skip
    assert best.join(day.quotes, on=best.columns).height == best.height


def test_orders_trade_at_the_best_price_then_a_tick_deeper() -> None:
    """Each order's first print is at the quote before it on the aggressor's side; a second print is one tick worse."""
    day = whole_day()
    before = day.trades.join_asof(day.quotes, on="timestamp", strategy="backward", suffix="_quote")
    buys = pl.col("side") == "buy"
    worse = pl.when(buys).then(pl.col("price") - pl.col("ask_price")).otherwise(pl.col("bid_price") - pl.col("price"))
    steps = before.select(worse=(worse * 100).round().cast(pl.Int64), again=pl.col("timestamp").diff() == 0)
    assert steps.group_by("again").agg(pl.col("worse").unique().sort()).drop_nulls().sort("again").rows() == [
        (False, [0]),
        (True, [1]),
    ]
    assert day.trades["id"].is_unique().all()
    assert 0.45 < day.trades.select(buys.mean()).item() < 0.55


def test_volatility_spread_and_order_flow_differ_by_regime() -> None:
    """From LOW to HIGH toxicity the market moves more, costs more and trades more one-sidedly."""
    by_regime = facts_by_regime(whole_day())
    for fact in ("volatility_bps", "spread_bps", "informed"):
        low, mid, high = by_regime[fact].to_list()
        assert 1.25 * low < mid
        assert 1.25 * mid < high


def facts_by_regime(day: DemoDay) -> pl.DataFrame:
    """Return volatility, spread and informed share, one row a regime, LOW first."""
    mid = (pl.col("ask_price") + pl.col("bid_price")) / 2
    quotes = day.quotes.select(
        ts_ns=pl.col("timestamp") * 1000, mid=mid, spread=(pl.col("ask_price") - pl.col("bid_price")) / mid * 1e4
    )
    seconds = day.truth.join_asof(quotes, on="ts_ns").drop_nulls()
    moves = seconds.with_columns(move=pl.col("mid").log().diff() * 1e4)
    facts = moves.group_by("regime").agg(
        volatility_bps=(pl.col("move") ** 2).mean().sqrt(),
        spread_bps=pl.col("spread").mean(),
        informed=(pl.col("informed") != 0).mean(),
    )
    return pl.DataFrame({"regime": REGIMES}).join(facts, on="regime", maintain_order="left")


def test_the_truth_has_one_row_a_second() -> None:
    """ts_ns on whole seconds from midnight, a named regime, an informed direction of -1, 0 or +1."""
    truth = whole_day().truth
    assert truth.schema == {"ts_ns": pl.Int64(), "regime": pl.String(), "informed": pl.Int8()}
    assert truth["ts_ns"].to_list() == [(MIDNIGHT_US // 1_000_000 + second) * 1_000_000_000 for second in range(86_400)]
    assert set(truth["regime"].unique()) == {"LOW", "MID", "HIGH"}
    assert set(truth["informed"].unique()) == {-1, 0, 1}


def test_walls_stand_at_round_numbers() -> None:
    """Some round prices show far more size than the other prices of the same books."""
    books = whole_day().book_snapshot_25.head(4000)
    levels = pl.concat(
        books.select(price=f"asks[{level}].price", amount=f"asks[{level}].amount") for level in range(8, 25)
    ).with_columns(ticks=(pl.col("price") * 100).round().cast(pl.Int64))
    usual = pl.col("amount").median()
    round_prices = levels.filter(pl.col("ticks") % 50 == 0).group_by("ticks").agg(usual)
    assert round_prices.select(pl.col("amount").max()).item() > 3 * levels.select(usual).item()


def test_a_day_continues_from_the_evening_before() -> None:
    """The first mid of day two is within a few spreads of the last mid of day one."""
    first, second = demo_days("DEMOUSDT", 2, 7, DAY, ONE_HOUR)
    spread = 0.3
    assert abs(first.quotes["bid_price"][-1] - second.quotes["bid_price"][0]) < spread


def test_a_symbol_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    """The error names the symbols that exist."""
    with pytest.raises(UnknownName, match="DEMOUSDT, GRINDUSDT"):
        write_demo_landing(tmp_path, symbols=("NOPE",))


@pytest.mark.parametrize("config", [{"hours": 0.0}, {"hours": 25.0}, {"trade_share": 1.5}])
def test_impossible_settings_are_refused(config: dict[str, float]) -> None:
    """A day has at most 24 hours and not every event can be more than a trade."""
    with pytest.raises(OutOfRange, match="demo market is out of range"):
        DemoConfig(**config)  # type: ignore[arg-type]


def test_less_than_one_day_is_refused(tmp_path: Path) -> None:
    """Zero days would be an empty landing folder."""
    with pytest.raises(OutOfRange, match="at least one day"):
        write_demo_landing(tmp_path, days=0)
